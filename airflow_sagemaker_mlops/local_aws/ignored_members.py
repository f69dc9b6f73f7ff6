"""Members of read requests that nobody looks at: refused, for the answer would be wrong and look right.

``ignored_members.json`` lists what moto ignores, as ``tests/local_aws/measure_unread.py`` measured it; our own
operations list what they ignore themselves.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import AwsError
from .operation import Called

Members = Mapping[str, Any]


@functools.cache
def _measured() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = json.loads(Path(__file__).with_name("ignored_members.json").read_text())
    return table


def refuse_unread_by_moto(call: Called, request: Callable[[], Members]) -> None:
    """Raise :class:`AwsError` for a member that moto ignores.

    request   gives the members of the request; called only for operations that have such members
    """
    unread = _measured().get(call.service, {}).get(call.operation)
    if unread:
        refuse_unread(call.service, call.operation, unread, request())


def refuse_unread(service: str, operation: str, unread: Iterable[str], request: Members) -> None:
    """Raise :class:`AwsError` for a member of ``unread`` that the request gives; ``false`` asks for nothing."""
    asked = [name for name in unread if request.get(name) not in (None, "", False, "false", [], {})]
    if asked:
        what = f"{service}: {operation} does not take {' and '.join(asked)} into account in the embedded AWS"
        way_out = "Leave it out, and choose among the answers in your own code."
        raise AwsError("NotImplementedException", f"{what}, so that its answer would be wrong. {way_out}", 501)
