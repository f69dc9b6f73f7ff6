"""Emits asset events for the outlets of a task, with an extra that describes what it created."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from ..airflow_versions import NESTED_ALIAS_EXTRAS
from ..assets import model_asset
from ..record_ids import record_id
from ..records.store.keys import record_key
from ..records.store.sealed import record_name
from ..runtime.step_task import StepTask
from ..runtime.task_states import run_name_of
from ..settings import location_of
from .asset_events import (
    ENDED_WELL,
    approved_since,
    model_in_result,
    outputs_under,
    run_extra,
    step_extra,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ..json_types import AwsShape
    from ..records.model.documents import RecordDocument, RunDocument
    from ..records.seal.seal import Sealed

NOTHING_READ: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def emit_for_step(
    step: StepTask,
    outlets: Iterable[Any],
    context: Context,
    result: object,
    *,
    upstream: Mapping[str, Mapping[str, Any]] = NOTHING_READ,
) -> None:
    """Add the events of a step's outlets: models go to the alias, and every asset gets the step's extra.

    upstream   results of the steps that it read, by name

    Airflow sends an event of an asset whenever the task succeeds, so an event for another run's result has "reused".
    """
    if not isinstance(result, Mapping):
        return
    extra = step_extra(
        result,
        dag_id=context["ti"].dag_id,
        run_id=context["ti"].run_id,
        record=_record_uri(step, context),
        upstream=upstream,
    )
    model = model_in_result(result)
    for outlet in outlets:
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(extra)
        elif isinstance(outlet, AssetAlias) and model is not None:
            for event in model.events:
                add_event(context["outlet_events"][outlet], model_asset(model.group, event), extra)


def emit_for_run(
    operator: Any,
    context: Context,
    sealed: Sealed,
    published: Sequence[RecordDocument],
    describe: Callable[[str], AwsShape],
) -> None:
    """Emit the events of a successful run: what its steps wrote to its outlets, and models approved in it.

    operator  the status task; its source has the outlets
    published  earlier records of the run
    describe  returns a model package by its ARN
    """
    record = sealed.record
    aliases = [outlet for outlet in operator.outlets if isinstance(outlet, AssetAlias)]
    if not aliases or record["run"].get("status") not in ENDED_WELL:
        return
    published = [earlier for earlier in published if earlier["run"].get("status") in ENDED_WELL]
    events, extra = context["outlet_events"][aliases[0]], run_extra(record, sealed.uri)
    for name, location in operator.source.outlets:
        outputs = outputs_under(location, record, published)
        if outputs:
            asset = Asset(uri=location) if name == location else Asset(name=name, uri=location)
            add_event(events, asset, {**extra, "outputs": outputs})
    for step, model in approved_since(record, published, describe):
        add_event(events, model_asset(model.group), {**extra, **model.as_json(), "step": step})


def add_event(events: Any, asset: Asset, extra: Mapping[str, object]) -> None:
    """Add an event of ``asset`` to ``events``, those of an alias among the task's outlets."""
    if not NESTED_ALIAS_EXTRAS:
        extra = {
            name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
            for name, value in extra.items()
        }
    events.add(asset, extra=dict(extra))


def _record_uri(step: StepTask, context: Context) -> str:
    """The future location of the run's record; empty if nothing is recorded."""
    location = location_of(step.records)
    if not location:
        return ""
    ti, run = context["ti"], context["dag_run"]
    group = ti.task_id.removesuffix(step.step or ti.task_id).rstrip(".")
    run_id = run_name_of(ti, mapped=step.mapped)
    named: RunDocument = {"dag_id": ti.dag_id, "run_id": run_id, "clear_number": getattr(run, "clear_number", 0)}
    return f"{location.rstrip('/')}/{record_key(record_id(ti.dag_id, group), record_name(named))}"
