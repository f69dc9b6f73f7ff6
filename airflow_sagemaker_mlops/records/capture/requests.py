"""The request of a step before it is made: what its cache key and its record are about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...definition.expressions import parse_value
from ...execution.aws.threads import in_thread
from ...execution.request import fitted, name_of, resolved_arguments
from ...execution.scope import resolve
from ...execution.step_run import StepRun

ONE_CALL = frozenset({"job", "resource", "package", "endpoint"})  # the arguments are the request of one operation
AS_WRITTEN = frozenset({"started", "emr", "serverless"})
WITH_SETTINGS = frozenset({"check", "function", "callback"})
WITH_REQUEST = ONE_CALL | AS_WRITTEN | WITH_SETTINGS


async def resolved_request(run: StepRun) -> dict[str, Any] | None:
    """The resolved request, without name and tags; ``None`` for steps that ask AWS for nothing.

    Raises :class:`StepFailed` as the step itself will.
    """
    entry = run.entry
    if entry.how not in WITH_REQUEST:
        return None
    own = {entry.name_key: name_of(run, 0)} if entry.name_key.endswith("JobName") else {}
    arguments = await resolved_arguments(run, **own)
    if entry.how in ONE_CALL:
        return await fitted(replace(run, tell=_silent), entry.prepare(arguments))
    if entry.how in AS_WRITTEN:
        return arguments
    given = {key: run.spec[key] for key in entry.settings if key in run.spec}

    def values() -> dict[str, Any]:
        return {key: resolve(parse_value(value, key), run.scope, key) for key, value in given.items()}

    settings = await in_thread(run.aws.key, values)
    return {**settings, "Arguments": arguments}


def _silent(*_words: Any) -> None:
    """The step itself tells what it leaves out."""
