"""Reports a run whose record was sealed to other systems.  Errors do not affect how the run ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

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
    operator = context["task"]

    def assets() -> None:
        if not operator.outlets:
            return
        from .emit_asset_events import emit_for_run

        told = list(_earlier(open_records(location_of(source.records)), sealed.record["run"]))
        emit_for_run(operator, context, sealed, told, partial(_package, source))

    def openlineage() -> None:
        from .openlineage import emit_for_steps

        emit_for_steps(context, sealed.record, source.group, log)

    def lineage() -> None:
        if not settings.lineage():
            return
        from ..hooks.aws import aws_for
        from .write_sagemaker_lineage import write_lineage

        write_lineage(aws_for(source.connection).client("sagemaker"), sealed.record, sealed.uri, log)

    def anchors() -> None:
        if not settings.anchor_models():
            return
        from ..hooks.aws import aws_for
        from ..records.seal.anchors import anchor

        anchor(aws_for(source.connection).client("sagemaker"), sealed, log)

    def cards() -> None:
        from ..records.export.model_card import is_about_champions

        if not is_about_champions(sealed.record) or not settings.model_cards():
            return
        from ..hooks.aws import aws_for
        from ..records.export.model_cards import write_cards

        write_cards(aws_for(source.connection).client("sagemaker"), sealed, log)

    for name, work in (
        ("its models", anchors),
        ("its model cards", cards),
        ("its assets", assets),
        ("OpenLineage", openlineage),
        ("SageMaker Lineage", lineage),
    ):
        try:
            work()
        except Exception as error:
            log("the run could not be reported to %s: %s: %s", name, type(error).__name__, error)


def _package(source: PipelineSource, arn: str) -> AwsShape:
    from ..execution.aws.clients import as_json
    from ..hooks.aws import aws_for

    client = aws_for(source.connection).client("sagemaker")
    return dict(as_json(client.describe_model_package(ModelPackageName=arn)))


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
