"""How the ends of steps affect other steps and the run: two pure functions.

Rules: docs/language/control-flow.md#run-conditions and #failure-and-final-status.
Ends are Succeeded, Failed, Stopped and NotRun.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

End = Literal["Succeeded", "Failed", "Stopped", "NotRun"]
Status = Literal["Succeeded", "Failed", "CompletedWithFailures"]

_MET: dict[str, frozenset[str]] = {
    "Completed": frozenset({"Succeeded"}),
    "Failed": frozenset({"Failed"}),
    "Stopped": frozenset({"Stopped"}),
    "Any": frozenset({"Succeeded", "Failed", "Stopped"}),
}


def unmet(triggers: Mapping[str, str], ends: Mapping[str, str]) -> dict[str, str]:
    """The upstream steps whose ``ends`` do not meet their ``triggers``: {step: its end}.  Empty: the step runs."""
    return {step: ends[step] for step, trigger in triggers.items() if ends[step] not in _MET[trigger]}


def run_status(ends: Mapping[str, str], handlers: Mapping[str, Mapping[str, str]]) -> Status:
    """The final status of the run, as SageMaker Pipelines would report it.

    handlers   {step: {other step: trigger}} for triggers that fire on a failure or stop
    """
    bad = [step for step, end in ends.items() if end in ("Failed", "Stopped")]
    if not bad:
        return "Succeeded"
    handled = all(
        any(
            ends[step] in _MET[trigger] and ends[other] != "NotRun" for other, trigger in handlers.get(step, {}).items()
        )
        for step in bad
    )
    return "CompletedWithFailures" if handled else "Failed"
