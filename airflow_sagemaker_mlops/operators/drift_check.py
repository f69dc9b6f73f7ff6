"""A drift check in a DAG without a definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..definition.drift_check import NO_BASELINE, place_below, settings_problems
from ..definition.problems import did_you_mean
from ..definition.step_types import DRIFT_CHECK
from .base import StepOperator
from .verdict import is_open, job_problems, refuse, step_keywords


class DriftCheckOperator(StepOperator):
    """Compares data with a baseline in a processing job, as an ``x-drift-check`` step does.

    Its XCom is the step's result; ``["Properties"]`` has ``Verdict`` (``drift``, ``stable`` or ``inconclusive``),
    ``Sentence``, ``Report`` and ``Profile``.

    :param data: S3 URI of today's data, or an expression, or the result of a task
    :param baseline: S3 URI of a profile or of data, or an expression, or the result of a task
    :param job: as ``Job`` of the step; ``ImageUri`` and ``RoleArn`` are needed
    :param rules: as ``Rules`` of the step; the default rules if left out
    :param columns: as ``Columns`` of the step
    :param next_baseline: S3 URI of the data whose profile is written; today's data if left out
    :param no_baseline: the verdict without a baseline: "stable" (the default), "drift" or "inconclusive"
    :param fail_on_drift: whether a verdict of drift fails the task

    Other parameters are those of every step operator.
    """

    step_type = DRIFT_CHECK

    def __init__(
        self,
        *,
        data: object = None,
        baseline: object = None,
        job: Mapping[str, object] | None = None,
        rules: Sequence[Mapping[str, Any]] | None = None,
        columns: Mapping[str, object] | None = None,
        next_baseline: object = None,
        no_baseline: str | None = None,
        fail_on_drift: bool = True,
        **kwargs: Any,
    ) -> None:
        if "step" not in kwargs and "arguments" not in kwargs:
            settings: dict[str, Any] = {
                "Rules": list(rules) if isinstance(rules, tuple) else rules,
                "Columns": columns,
                "NoBaseline": no_baseline,
                "FailOnDrift": fail_on_drift,
            }
            job = job or {}
            refuse(kwargs.get("task_id", ""), [*_problems(data, baseline, settings), *job_problems(job)])
            kwargs |= step_keywords(job, {"data": data, "baseline": baseline, "next-baseline": next_baseline}, settings)
        super().__init__(**kwargs)


def _problems(data: object, baseline: object, settings: Mapping[str, object]) -> Iterator[str]:
    """Sentences about everything that no run can mend."""
    for key, one in settings_problems(settings, is_open):
        place = place_below(key, one.place)
        yield f"{place[0].lower()}{place[1:]}: {one.what} {one.fix}".rstrip()
    chosen = settings["NoBaseline"]
    if chosen is not None and not is_open(chosen) and chosen not in NO_BASELINE:
        yield f"no_baseline={chosen!r} is not a verdict. {did_you_mean(str(chosen), NO_BASELINE)}"
    if not data:
        yield "data= is the S3 URI of today's data."
    if not baseline:
        yield "baseline= is the S3 URI of a profile or of the data to compare with."
