"""Airflow's ``StartTriggerArgs`` by its shape: importing the original costs a DAG file dozens of modules (3.3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .task import StepTask

TRIGGER = "airflow_sagemaker_mlops.StepTrigger"


@dataclass(frozen=True, slots=True)
class StartInTriggerer:
    """Start a step in the triggerer, without any worker.

    The arguments are written out when Airflow asks for them, which it does where a DAG is serialized and not in the
    workers, which parse the file for every task they start.
    """

    task: StepTask
    finish_in_worker: bool

    trigger_cls = TRIGGER
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
