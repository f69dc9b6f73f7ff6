"""The resolved request of a step before it is sent, for its cache key and its record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...definition.expressions import parse_value
from ...execution.aws.threads import in_thread
from ...execution.engine import runner_of
from ...execution.request import fitted, name_of, resolved_arguments
from ...execution.scope import resolve
from ...execution.step_run import StepRun


async def resolved_request(run: StepRun) -> dict[str, Any] | None:
    """The resolved request, without name and tags; ``None`` for steps that call no AWS operation.

    Raises :class:`StepFailed`, as the step itself will.
    """
    entry = run.entry
    request_from = runner_of(entry).request_from
    if not request_from:
        return None
    own = {entry.name_key: name_of(run, 0)} if entry.name_key.endswith("JobName") else {}
    arguments = await resolved_arguments(run, **own)
    if request_from == "call":
        return await fitted(replace(run, log=_silent), entry.prepare(arguments))
    if request_from == "arguments":
        return arguments
    given = {key: run.spec.settings[key] for key in entry.settings if key in run.spec.settings}

    def values() -> dict[str, Any]:
        return {key: resolve(parse_value(value, key), run.scope, key) for key, value in given.items()}

    settings = await in_thread(run.aws.key, values)
    return {**settings, "Arguments": arguments}


def _silent(*_words: object) -> None:
    """The step itself logs which members it drops."""
