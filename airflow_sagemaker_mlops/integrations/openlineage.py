"""OpenLineage, if its provider is installed: answers the provider's listener, and sends the events that it misses.

The provider's listener works in the process of a task that runs in a worker.  It calls the operator, which answers from
the run's record.  A step that ended in the triggerer was in no worker, and Airflow does not notify listeners of it
(3.3.2, ``models/trigger.py``), so those events are sent when the record is sealed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..record_ids import record_id
from ..records.export.openlineage import JobRun, datasets_of, step_event
from ..records.export.openlineage_facets import job_facets, run_facets, step_facets
from ..records.model.step_record import StepRecord
from ..records.store.keys import step_record_key
from ..runtime.recorder import open_records
from ..runtime.task_states import run_name_of, xcom_of
from ..settings import location_of
from ..xcom_keys import JOURNAL_KEY

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context
    from airflow.sdk.definitions.mappedoperator import MappedOperator
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from ..records.model.documents import RecordDocument, StepDocument
    from ..records.seal.seal import Sealed

PROVIDER = "airflow.providers.openlineage"


def lineage_of_step(operator: Any, ti: RuntimeTaskInstanceProtocol) -> Any:
    """Facets and datasets of a finished step, from its record; empty if there is none."""
    from .openlineage_types import lineage

    location = location_of(operator.step.records)
    step = operator.step.step or operator.task_id
    found = None
    if location:
        group = operator.task_id.removesuffix(step).rstrip(".")
        run = run_name_of(ti, mapped=operator.step.mapped)
        found = open_records(location).read(step_record_key(record_id(ti.dag_id, group), run, step))
    if found is None:
        return lineage({}, {}, {})
    document = StepRecord.from_json(json.loads(found.data)).as_json()
    return lineage(datasets_of(document), step_facets(document), job_facets([document], "TASK"))


def lineage_of_run(sealed: Sealed | None) -> Any:
    """Facets of a whole run, for the task that sealed its record."""
    from .openlineage_types import lineage

    return lineage({}, run_facets(sealed.record, sealed.uri) if sealed else {}, job_facets([], "TASK"))


def emit_for_steps(context: Context, record: RecordDocument, group: str, log: Callable[..., None]) -> None:
    """Send the events of steps that succeeded in the triggerer; does nothing if OpenLineage is not configured."""
    adapter = _adapter()
    if adapter is None:
        return
    ti, run = context["ti"], context["dag_run"]
    prefix = f"{group}." if group else ""
    steps = list(_ended_in_triggerer(ti.task.dag.task_dict, record["steps"], prefix))
    if not steps:
        return
    from airflow.providers.openlineage import conf

    from .openlineage_types import as_run_event

    moment = run.logical_date or run.run_after
    namespace = conf.namespace()
    parent = JobRun(
        namespace,
        ti.dag_id,
        adapter.build_dag_run_id(
            dag_id=ti.dag_id, logical_date=moment, clear_number=getattr(run, "clear_number", 0) or 0
        ),
    )
    for task_id, step in steps:
        run_id = adapter.build_task_instance_run_id(
            dag_id=ti.dag_id, task_id=task_id, try_number=_try_of(ti, task_id), logical_date=moment, map_index=-1
        )
        own = JobRun(namespace, f"{ti.dag_id}.{task_id}", run_id)
        for when in ("start", "end"):
            adapter.emit(as_run_event(step_event(step, own, parent, when)))
    log("%d steps that ended in the triggerer were reported to OpenLineage", len(steps))


def _adapter() -> Any:
    """The provider's adapter; ``None`` if it is not installed or not configured."""
    if find_spec(PROVIDER) is None:
        return None
    from airflow.providers.openlineage import conf
    from airflow.providers.openlineage.plugins.listener import get_openlineage_listener

    listener = None if conf.is_disabled() else get_openlineage_listener()
    return None if listener is None else listener.adapter


def _ended_in_triggerer(
    tasks: Mapping[str, BaseOperator | MappedOperator], steps: Iterable[StepDocument], prefix: str
) -> Iterable[tuple[str, StepDocument]]:
    for step in steps:
        task_id = prefix + step["step"]
        task = tasks.get(task_id)
        if task is None or step["status"] != "Succeeded" or not task.start_from_trigger or task.outlets:
            continue
        if _may_be_published(task):
            yield task_id, step


def _may_be_published(task: BaseOperator | MappedOperator) -> bool:
    """Whether the options of ``[openlineage]`` include this task."""
    from airflow.providers.openlineage.utils.utils import is_operator_disabled, is_selective_lineage_enabled

    try:
        from airflow.providers.openlineage.utils.emission_policy import resolve_task_emission_policy
    except ImportError:  # older providers
        return not is_operator_disabled(task) and is_selective_lineage_enabled(task)
    return bool(resolve_task_emission_policy(operator=task, dag_id=task.dag_id, task_id=task.task_id).emit)


def _try_of(ti: RuntimeTaskInstanceProtocol, task_id: str) -> int:
    """The number of the attempt that succeeded, from its journal; 1 for a result taken from another run."""
    from ..execution.journal import entry_from_json

    entry = entry_from_json(xcom_of(ti, task_id, JOURNAL_KEY))
    return entry.try_number if entry is not None else 1
