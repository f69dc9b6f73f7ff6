"""A champion gate in a DAG without a definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..definition.expressions import is_expression
from ..definition.gate_job import FOLDER, JOB_KEYS, job_arguments
from ..definition.problems import did_you_mean
from ..definition.step_types import CHAMPION_GATE
from .base import StepOperator

NEEDED = ("ImageUri", "RoleArn")


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
        predictions: Any = None,
        rules: Sequence[Mapping[str, Any]] = (),
        job: Mapping[str, Any] | None = None,
        model_package_group: Any = None,
        group_may_be_missing: bool = False,
        no_champion: str | None = None,
        **kwargs: Any,
    ) -> None:
        if "step" not in kwargs and "arguments" not in kwargs:
            job = job or {}
            _check(str(kwargs.get("task_id", "")), predictions, rules, job)
            champion = {"ModelPackageGroup": model_package_group, "GroupMayBeMissing": group_may_be_missing}
            settings = {
                "Champion": champion if model_package_group else None,
                "Rules": [dict(rule) for rule in rules],
                "NoChampion": no_champion,
                "Job": {FOLDER: job[FOLDER]} if FOLDER in job else None,
            }
            kwargs["arguments"] = job_arguments({}, job, predictions)
            kwargs["settings"] = {key: value for key, value in settings.items() if value is not None}
        super().__init__(**kwargs)


def _check(task_id: str, predictions: Any, rules: Any, job: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` with everything that no run can mend."""
    from ..gate import rule_problems

    wrong = [f"rules{one.place}: {one.what} {one.fix}".rstrip() for one in rule_problems(list(rules), _is_open)]
    known = (*JOB_KEYS, FOLDER)
    wrong += [f'job has no key "{key}". {did_you_mean(str(key), known)}' for key in job if key not in known]
    wrong += [f"job has no {key}." for key in NEEDED if not job.get(key)]
    if not predictions:
        wrong.append("predictions= is the S3 URI of the predictions of both models.")
    if wrong:
        raise ValueError(f'Task "{task_id}": ' + " ".join(wrong))


def _is_open(value: Any) -> bool:
    """Whether a run gives the value: an expression, a template, or the result of a task."""
    from ..templates import is_result, is_template

    return is_expression(value) or is_template(value) or is_result(value)
