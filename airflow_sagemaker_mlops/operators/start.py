"""Airflow's ``StartTriggerArgs`` by its shape: importing the original costs a DAG file dozens of modules (3.3.2).

Arguments are written out when Airflow asks for them, which it does where a DAG is serialized and not in the workers,
which parse the file for every task they start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..document.step_types import AIRFLOW

if TYPE_CHECKING:
    from .task import StepTask


@dataclass(frozen=True, slots=True)
class StartInTriggerer:
    """Start a step in the triggerer, without any worker."""

    task: StepTask
    finish_in_worker: bool

    trigger_cls = "airflow_sagemaker_mlops.StepTrigger"
    next_method = "resume"
    next_kwargs = None
    timeout = None

    @property
    def trigger_kwargs(self) -> dict[str, Any]:
        """Arguments of the trigger."""
        arguments: dict[str, Any] = {"task": self.task.to_json()}
        if self.finish_in_worker:
            arguments["finish_in"] = "worker"
        return arguments


@dataclass(frozen=True, slots=True)
class StartVerdictInTriggerer:
    """Conclude a run in the triggerer, which finds the steps upstream of the verdict: the DAG stores them once."""

    steps: Mapping[str, str]
    handlers: Mapping[str, Mapping[str, str]]
    stands_in_for: str

    trigger_cls = "airflow_sagemaker_mlops.VerdictTrigger"
    next_method = "resume"
    next_kwargs = None
    timeout = None

    @property
    def trigger_kwargs(self) -> dict[str, Any]:
        """Arguments of the trigger; of the steps those whose operators are not ours."""
        foreign = " ".join(name for name, step_type in self.steps.items() if step_type == AIRFLOW)
        more = {"foreign": foreign, "handlers": self.handlers, "stands_in_for": self.stands_in_for}
        return {name: value for name, value in more.items() if value}
