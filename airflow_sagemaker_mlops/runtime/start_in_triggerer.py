"""A duck-typed version of Airflow's ``StartTriggerArgs``: importing it costs a DAG file dozens of modules (3.3.2).

Arguments are built when Airflow reads them, which it does when it serializes a DAG, but not in the workers, which parse
the file for every task that they start.
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
    """Whether the user has set something that Airflow only applies if a task goes to a worker (3.3.2).

    The scheduler defers a task that starts in the triggerer at once, regardless of its pool or other limits.  In a
    mapped task group, only a worker knows the values over which the instance is mapped.
    """
    limited = operator.pool != DEFAULT_POOL or operator.pool_slots != 1 or operator.max_active_tis_per_dag is not None
    asked = operator.on_execute_callback or operator._pre_execute_hook
    mapped = next(operator.iter_mapped_task_groups(), None) is not None
    return bool(limited or operator.max_active_tis_per_dagrun is not None or asked or mapped)


def has_secret_defaults(spec: StepSpec) -> bool:
    """Whether a step, or one in the body of a loop, reads a parameter whose default is a secret.

    The serialized DAG contains the arguments of a trigger that starts a task in clear text.  A worker reads the default
    from the file, and Airflow encrypts what the worker passes to the triggerer.
    """
    return any(holds_secret(name, slot.default) for name, slot in spec.all_parameters)


def has_to_end_in_worker(operator: BaseOperator) -> bool:
    """The same for the end of a task: callbacks, and asset events of outlets (Airflow 3.3.2)."""
    return bool(operator.outlets or operator.on_success_callback or operator._post_execute_hook)


@dataclass(frozen=True, slots=True)
class StartInTriggerer:
    """Starts a step in the triggerer, without a worker."""

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
    """Concludes a run in the triggerer."""

    steps: Mapping[str, str]
    handlers: Mapping[str, Mapping[str, str]]
    stands_in_for: str

    trigger_cls = "airflow_sagemaker_mlops.StatusTrigger"
    next_method = "resume"
    next_kwargs = None
    timeout = None

    @property
    def trigger_kwargs(self) -> dict[str, Any]:
        """Arguments of the trigger: the step names by type, because most DAGs have few types."""
        by_type: dict[str, str] = {}
        for name, step_type in self.steps.items():
            by_type[step_type] = f"{by_type[step_type]} {name}" if step_type in by_type else name
        more = {"handlers": self.handlers, "stands_in_for": self.stands_in_for}
        return {"steps": by_type, **{name: value for name, value in more.items() if value}}
