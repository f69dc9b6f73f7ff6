"""Reports a run whose record was sealed to other systems.  Errors do not affect how the run ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import settings
from ..records.model.errors import RecordError
from ..records.seal.seal import Sealed
from ..records.store.keys import record_key
from ..records.store.protocol import Store
from ..records.store.reader import read_record
from ..records.store.sealed import record_name
from ..runtime.recorder import open_records
from ..runtime.step_task import PipelineSource
from ..settings import location_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ..json_types import AwsShape
    from ..records.model.documents import RecordDocument, RunDocument


def publish_run(context: Context, source: PipelineSource, sealed: Sealed, log: Callable[..., None]) -> None:
    """Report the run to Airflow's assets, OpenLineage and SageMaker Lineage, as far as they are enabled."""
    for name, work in _WAYS.items():
        try:
            work(context, source, sealed, log)
        except Exception as error:
            log("the run could not be reported to %s: %s: %s", name, type(error).__name__, error)


def _assets(context: Context, source: PipelineSource, sealed: Sealed, _log: Callable[..., None]) -> None:
    operator = context["task"]
    if not operator.outlets:
        return
    from .emit_asset_events import emit_for_run

    published = list(_earlier(open_records(location_of(source.records)), sealed.record["run"]))
    emit_for_run(operator, context, sealed, published, partial(_package, source))


def _openlineage(context: Context, source: PipelineSource, sealed: Sealed, log: Callable[..., None]) -> None:
    from .openlineage import emit_for_steps

    emit_for_steps(context, sealed.record, source.group, log)


def _lineage(_context: Context, source: PipelineSource, sealed: Sealed, log: Callable[..., None]) -> None:
    if settings.lineage():
        from .write_sagemaker_lineage import write_lineage

        write_lineage(_sagemaker(source), sealed.record, sealed.uri, log)


def _anchors(_context: Context, source: PipelineSource, sealed: Sealed, log: Callable[..., None]) -> None:
    if settings.anchor_models():
        from ..records.seal.anchors import anchor

        anchor(_sagemaker(source), sealed, log)


def _cards(_context: Context, source: PipelineSource, sealed: Sealed, log: Callable[..., None]) -> None:
    from ..records.export.model_card import is_about_champions

    if is_about_champions(sealed.record) and settings.model_cards():
        from ..records.export.model_cards import write_cards

        write_cards(_sagemaker(source), sealed, log)


_WAYS = {
    "its models": _anchors,
    "its model cards": _cards,
    "its assets": _assets,
    "OpenLineage": _openlineage,
    "SageMaker Lineage": _lineage,
}


def _sagemaker(source: PipelineSource) -> Any:
    from ..hooks.aws import aws_for

    return aws_for(source.connection).client("sagemaker")


def _package(source: PipelineSource, arn: str) -> AwsShape:
    from ..execution.aws.calls import as_json

    return dict(as_json(_sagemaker(source).describe_model_package(ModelPackageName=arn)))


def _earlier(store: Store, run: RunDocument) -> Iterator[RecordDocument]:
    """The records of the run from before it was cleared; unreadable ones are skipped."""
    for cleared in range(int(run.get("clear_number") or 0)):
        earlier: RunDocument = {**run, "clear_number": cleared}
        name = record_name(earlier)
        try:
            if store.read(record_key(run["dag_id"], name)) is not None:
                yield read_record(store, run["dag_id"], name)
        except RecordError:
            continue
