"""Refuses members of read requests that no code reads, because the answer would look right and be wrong.

``ignored_members.json`` lists the members that moto ignores, as
``tests/embedded/local_aws/measure_ignored_members.py`` measured them. Our own operations list the members that they
ignore.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from .api_call import ApiCall
from .errors import AwsError

Members = Mapping[str, Any]


@functools.cache
def _measured() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = json.loads(Path(__file__).with_name("ignored_members.json").read_text())
    return table


def refuse_ignored_by_moto(call: ApiCall, request: Callable[[], Members]) -> None:
    """Raise :class:`AwsError` for a member that moto ignores.

    :param request: returns the members of the request; called only for operations that have such members.
    """
    ignored = _measured().get(call.service, {}).get(call.operation)
    if ignored:
        refuse_ignored(call.service, call.operation, ignored, request())


def refuse_ignored(service: str, operation: str, ignored: Iterable[str], request: Members) -> None:
    """Raise :class:`AwsError` if the request sets a member of ``ignored``; empty values and ``false`` do not count."""
    used = [name for name in ignored if request.get(name) not in (None, "", False, "false", [], {})]
    if used:
        message = f"{service}: {operation} does not take {' and '.join(used)} into account in the embedded AWS"
        way_out = "Omit it, and filter the answers in your own code."
        raise AwsError("NotImplementedException", f"{message}, so its answer would be wrong. {way_out}", 501)
