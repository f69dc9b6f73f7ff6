"""The operators of steps whose job gives a verdict, in DAGs without a definition: champion gate and drift check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..definition.expressions import is_expression
from ..definition.problems import did_you_mean
from ..definition.step_types import CHAMPION_GATE, DRIFT_CHECK
from ..definition.verdict_job import FOLDER, JOB_KEYS, job_arguments
from .base import StepOperator

_NEEDED = ("ImageUri", "RoleArn")


class ChampionGateOperator(StepOperator):
    """Compares a candidate with the champion in a processing job, as an ``x-champion-gate`` step does.

    Its XCom is the step's result; ``["Properties"]`` has ``Verdict`` (``promote``, ``reject`` or ``inconclusive``),
    ``Sentence`` and ``Report``.  A ``ConditionStepOperator`` on ``{"Get": "Steps.<task id>.Verdict"}``, or a
    ``@task.branch`` that reads its XCom, decides what runs then.

    :param predictions: S3 URI of the predictions of both models, or an expression, or the result of a task
    :param rules: as ``Rules`` of the step
    :param job: as ``Job`` of the step; ``ImageUri`` and ``RoleArn`` are needed
    :param model_package_group: group whose champion is compared; without it, the predictions say whether there is one
    :param group_may_be_missing: whether a group that does not exist counts as one without a champion
    :param no_champion: the verdict without a champion: "promote", "reject" or "approve" (the default)

    Other parameters are those of every step operator.
    """

    step_type = CHAMPION_GATE

    def __init__(
        self,
        *,
        predictions: object = None,
        rules: Sequence[Mapping[str, Any]] = (),
        job: Mapping[str, object] | None = None,
        model_package_group: object = None,
        group_may_be_missing: bool = False,
        no_champion: str | None = None,
        **kwargs: Any,
    ) -> None:
        if "step" not in kwargs and "arguments" not in kwargs:
            from ..definition.champion_gate import INPUT

            job = job or {}
            _refuse(kwargs.get("task_id", ""), _gate_problems(predictions, rules, job))
            champion = {"ModelPackageGroup": model_package_group, "GroupMayBeMissing": group_may_be_missing}
            settings = {
                "Champion": champion if model_package_group is not None else None,
                "Rules": [dict(rule) for rule in rules],
                "NoChampion": no_champion,
            }
            kwargs |= _step_keywords(job, {INPUT: predictions}, settings)
        super().__init__(**kwargs)


def _gate_problems(predictions: object, rules: Iterable[Mapping[str, Any]], job: Mapping[str, object]) -> list[str]:
    """Sentences about everything that no run can mend."""
    from ..gate import rule_problems

    found = [f"rules{one.place}: {one.what} {one.fix}".rstrip() for one in rule_problems(list(rules), _is_open)]
    found += _job_problems(job)
    if not predictions:
        found.append("predictions= is the S3 URI of the predictions of both models.")
    return found


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
            _refuse(kwargs.get("task_id", ""), [*_drift_problems(data, baseline, settings), *_job_problems(job)])
            inputs = {"data": data, "baseline": baseline, "next-baseline": next_baseline}
            kwargs |= _step_keywords(job, inputs, settings)
        super().__init__(**kwargs)


def _drift_problems(data: object, baseline: object, settings: Mapping[str, object]) -> Iterator[str]:
    """Sentences about everything that no run can mend."""
    from ..definition.drift_check import NO_BASELINE, place_below, settings_problems

    for key, one in settings_problems(settings, _is_open):
        place = place_below(key, one.place)
        yield f"{place[0].lower()}{place[1:]}: {one.what} {one.fix}".rstrip()
    chosen = settings["NoBaseline"]
    if chosen is not None and not _is_open(chosen) and chosen not in NO_BASELINE:
        yield f"no_baseline={chosen!r} is not a verdict. {did_you_mean(str(chosen), NO_BASELINE)}"
    if not data:
        yield "data= is the S3 URI of today's data."
    if not baseline:
        yield "baseline= is the S3 URI of a profile or of the data to compare with."


def _step_keywords(
    job: Mapping[str, object], inputs: Mapping[str, object], settings: Mapping[str, object]
) -> dict[str, Any]:
    """``arguments`` and ``settings`` of the step operator; without those inputs and settings that are not given."""
    settings = {**settings, "Job": {FOLDER: job[FOLDER]} if FOLDER in job else None}
    return {
        "arguments": job_arguments({}, job, {name: uri for name, uri in inputs.items() if uri}),
        "settings": {key: value for key, value in settings.items() if value is not None},
    }


def _job_problems(job: Mapping[str, object]) -> Iterator[str]:
    """Sentences about ``job``, which no run can mend."""
    known = (*JOB_KEYS, FOLDER)
    yield from (f'job has no key "{key}". {did_you_mean(str(key), known)}' for key in job if key not in known)
    yield from (f"job has no {key}." for key in _NEEDED if not job.get(key))


def _refuse(task_id: object, problems: list[str]) -> None:
    """Raise ``ValueError`` with all ``problems``, if there are any."""
    if problems:
        raise ValueError(f'Task "{task_id}": ' + " ".join(problems))


def _is_open(value: object) -> bool:
    """Whether a run gives the value: an expression, a template, or the result of a task."""
    from ..templates import is_result, is_template

    return is_expression(value) or is_template(value) or is_result(value)
