"""A run whose promotion lost against another one compares again: with today's champion, from the step that reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..execution.runners.champion import CHANGED
from .observer import RunObserver
from .request import RunRequest
from .result import RunResult


def compared_again(
    request: RunRequest,
    first: RunResult,
    run: Callable[[RunRequest], RunResult],
    observer: RunObserver,
) -> list[RunResult]:
    """The runs that follow ``first``, each because the champion changed during the one before; mostly none.

    :param run: runs a request to its end
    """
    results: list[RunResult] = []
    last = first
    while (champion := _from(last)) and last.record_uri:
        if len(results) == request.compare_again:
            times = f"after {len(results)} more runs" if results else "and compare_again is 0"
            observer.message(f"the champion changed during the comparison again {times}: given up", warning=True)
            break
        observer.message(f"the champion changed during the comparison: comparing again from {champion}", warning=True)
        selective = replace(request.selective, patterns=[f"{champion}+"], source_run=last.run_id, resume="")
        last = run(replace(request, selective=selective, parameters=last.parameters, publishes=False))
        results.append(last)
    return results


def _from(result: RunResult) -> str:
    """The step that read the champion for a promotion that lost; "" if none has lost."""
    for step in result.failed_steps:
        lost = step.result.facts.get(CHANGED) if step.result is not None else None
        if lost and lost.get("From"):
            return str(lost["From"])
    return ""
