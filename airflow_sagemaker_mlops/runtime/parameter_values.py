"""The values of a pipeline's parameters in a run, from Airflow's params and the values rendered by the first task.

For each parameter the first of these applies: the run's conf, the value of a resumed run, the value rendered by
``pipeline.parameters``, the default in the DAG file, the default in the definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..execution.exceptions import StepFailed
from ..plan.model import PARAMETERS_TASK_ID
from .step_task import StepTask
from .task_states import reason_in, xcom_of

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import RuntimeTaskInstanceProtocol


def param_name(name: str, group: str, params: Mapping[str, object]) -> str:
    """The key in ``params`` of the parameter ``name`` of the pipeline in ``group``, the group's own if there is one."""
    own = f"{group}.{name}"
    return own if group and own in params else name


def value_of(name: str, group: str, params: Mapping[str, object]) -> Any:
    """The value of a parameter in Airflow's ``params``, or ``None``."""
    return params.get(param_name(name, group, params))


def values_of(
    names: Iterable[str],
    group: str,
    params: Mapping[str, object],
    rendered: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Values by parameter name, for parameters with a value in Airflow.

    group      id of the pipeline's task group, empty for a DAG
    params     of Airflow, with the run's conf
    rendered   values rendered by the pipeline's first task
    """
    found: dict[str, Any] = {}
    for name in names:
        value = value_of(name, group, params)
        if value is None:
            value = (rendered or {}).get(name)
        if value is not None:
            found[name] = value
    return found


def rendered_task(group: str) -> str:
    """Task id of the pipeline's first task, if it has one."""
    return f"{group}.{PARAMETERS_TASK_ID}" if group else PARAMETERS_TASK_ID


def rendered_here(ti: RuntimeTaskInstanceProtocol, group: str) -> Mapping[str, Any] | None:
    """The values rendered by the first task of the pipeline in ``group`` in the run of ``ti``.

    Empty if there is no such task, ``None`` if it has stored nothing, e.g. because it was refused.
    """
    task_id = rendered_task(group)
    first = ti.task.dag.task_dict.get(task_id)
    if first is None or first.task_type != "PipelineParametersOperator":  # a user's task may have that id
        return {}
    pushed = xcom_of(ti, task_id, "return_value")
    return pushed if isinstance(pushed, Mapping) and not reason_in(pushed) else None


def all_here(names: Iterable[str], group: str, context: Context) -> dict[str, Any]:
    """The values of the parameters ``names`` of the pipeline in ``group``, as far as the run has them."""
    return values_of(names, group, context["params"], rendered_here(context["ti"], group))


def group_of(step: StepTask, task_id: str) -> str:
    """The task group of the pipeline whose ``step`` the task ``task_id`` runs; empty for a DAG."""
    return task_id.removesuffix(step.step or task_id).rstrip(".")


def needed_by(step: StepTask, group: str, params: Mapping[str, object], rendered: Mapping[str, object] | None) -> Any:
    """The values of the parameters that ``step`` references.

    Raises :class:`StepFailed` if the pipeline's first task has stored no values: a default would be wrong.
    """
    names = step.spec.parameters
    if names and rendered is None:
        raise StepFailed(f"{rendered_task(group)} has stored no values of the pipeline's parameters: clear it first.")
    return values_of(names, group, params, rendered)
