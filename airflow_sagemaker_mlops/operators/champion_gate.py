"""A champion gate in a DAG without a definition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..definition.champion_gate import INPUT
from ..definition.step_types import CHAMPION_GATE
from .base import StepOperator
from .verdict import is_open, job_problems, refuse, step_keywords


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
            job = job or {}
            refuse(kwargs.get("task_id", ""), _problems(predictions, rules, job))
            champion = {"ModelPackageGroup": model_package_group, "GroupMayBeMissing": group_may_be_missing}
            settings = {
                "Champion": champion if model_package_group is not None else None,
                "Rules": [dict(rule) for rule in rules],
                "NoChampion": no_champion,
            }
            kwargs |= step_keywords(job, {INPUT: predictions}, settings)
        super().__init__(**kwargs)


def _problems(predictions: object, rules: Iterable[Mapping[str, Any]], job: Mapping[str, object]) -> list[str]:
    """Sentences about everything that no run can mend."""
    from ..gate import rule_problems

    found = [f"rules{one.place}: {one.what} {one.fix}".rstrip() for one in rule_problems(list(rules), is_open)]
    found += job_problems(job)
    if not predictions:
        found.append("predictions= is the S3 URI of the predictions of both models.")
    return found
