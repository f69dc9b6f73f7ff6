"""Airflow's ``StartTriggerArgs`` by its shape: importing the original costs a DAG file dozens of modules (3.3.2).

Arguments are written out when Airflow asks for them, which it does where a DAG is serialized and not in the workers,
which parse the file for every task they start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..definition.secret_names import holds_secret

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from ..plan.spec import StepSpec
    from .step_task import StepTask

DEFAULT_POOL = "default_pool"


def has_to_begin_in_worker(operator: BaseOperator) -> bool:
    """Whether the user has asked for something that Airflow looks at only where a task goes to a worker (3.3.2).

    The scheduler defers a task that begins in the triggerer at once, whatever its pool or other limits say.  In a
    mapped task group, only a worker knows the values that the instance is mapped over.
    """
    limited = operator.pool != DEFAULT_POOL or operator.pool_slots != 1 or operator.max_active_tis_per_dag is not None
    asked = operator.on_execute_callback or operator._pre_execute_hook
    mapped = next(operator.iter_mapped_task_groups(), None) is not None
    return bool(limited or operator.max_active_tis_per_dagrun is not None or asked or mapped)


def has_secret_defaults(spec: StepSpec) -> bool:
    """Whether a step, or one in the body of a loop, reads a parameter whose default is a secret.

    The arguments of a trigger that starts a task stand in the serialized DAG in clear.  A worker has them from the
    file, and Airflow encrypts what it hands over to the triggerer.
    """
    return any(holds_secret(name, slot.default) for name, slot in spec.all_parameters)


def has_to_end_in_worker(operator: BaseOperator) -> bool:
    """The same for what is done after it: callbacks, and asset events of outlets (Airflow 3.3.2)."""
    return bool(operator.outlets or operator.on_success_callback or operator._post_execute_hook)


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
class StartStatusInTriggerer:
    """Conclude a run in the triggerer."""

    steps: Mapping[str, str]
    handlers: Mapping[str, Mapping[str, str]]
    stands_in_for: str

    trigger_cls = "airflow_sagemaker_mlops.StatusTrigger"
    next_method = "resume"
    next_kwargs = None
    timeout = None

    @property
    def trigger_kwargs(self) -> dict[str, Any]:
        """Arguments of the trigger: the step names by type, for most of a DAG's are of few types."""
        by_type: dict[str, str] = {}
        for name, step_type in self.steps.items():
            by_type[step_type] = f"{by_type[step_type]} {name}" if step_type in by_type else name
        more = {"handlers": self.handlers, "stands_in_for": self.stands_in_for}
        return {"steps": by_type, **{name: value for name, value in more.items() if value}}
