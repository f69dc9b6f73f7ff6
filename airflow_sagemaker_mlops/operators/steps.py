"""The step operators, one per step type: generated from the type's name, except those that need to know Airflow.

``steps`` and ``execution`` say what a type does.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from ..airflow_versions import DownstreamTasksSkipped
from ..definition.step_types import operator_name
from .base import StepOperator

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol


class FailStepOperator(StepOperator):
    """Ends the run as failed with ``ErrorMessage``; never retried."""

    step_type = "Fail"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._retry_failed_steps = False
        self.retries = 0


class ConditionStepOperator(StepOperator):
    """Evaluates conditions and runs one of two branches.

    :param branches: {"If": [task ids], "Else": [task ids]} of the direct steps of the branches; passed by the factory
        or the DAG's author.  Downstream tasks in neither list run in any case.
    """

    step_type = "Condition"
    inherits_from_skipmixin = True  # so that a cleared task of the branch not taken stays skipped

    def __init__(self, *, branches: Mapping[str, list[str]] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.branches = branches if branches is not None else dict(self.step.spec.branches)

    def execute(self, context: Context) -> Any:
        """Push the outcome, then skip the branch that is not taken."""
        result = super().execute(context)
        taken = bool(result["Properties"]["Outcome"])
        skipped = list(self.branches.get("Else" if taken else "If") or [])
        if not skipped:
            return result
        ti = context["ti"]
        # Push now: the exception ends the task without a return value, and later steps may reference the outcome.
        ti.xcom_push(key="return_value", value=result)
        ti.xcom_push(key="skipmixin_key", value={"skipped": skipped})
        raise DownstreamTasksSkipped(tasks=[instance_to_skip(ti, task_id) for task_id in skipped])


def instance_to_skip(ti: RuntimeTaskInstanceProtocol, task_id: str) -> str | tuple[str, int]:
    """The task to skip, in Airflow's form: in a mapped task group, one instance of it."""
    from ..runtime.task_states import sibling_index

    index = sibling_index(ti, task_id)
    return task_id if index is None else (task_id, index)


_OWN_CLASSES: dict[str, type[StepOperator]] = {"Fail": FailStepOperator, "Condition": ConditionStepOperator}
# The shorter of their two import paths, because every serialized step contains it.
_HOME = __name__.partition(".")[0]


@functools.cache
def operator_class(step_type: str) -> type[StepOperator]:
    """The operator of ``step_type``, e.g. ``TrainingStepOperator``."""
    if step_type == "x-approval":
        from .approval import ApprovalStepOperator

        _OWN_CLASSES[step_type] = ApprovalStepOperator
    made = _OWN_CLASSES.get(step_type)
    if made is None:
        about = f"A {step_type} step; ``arguments`` as in a pipeline definition.  See docs/step-types.md."
        made = type(operator_name(step_type), (StepOperator,), {"step_type": step_type, "__doc__": about})
    made.__module__ = _HOME
    return made
