"""Creates the recorder of a run's steps, in a worker and in the triggerer.  Blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import settings
from ..hooks.connection import AwsConnection
from ..record_ids import record_id

if TYPE_CHECKING:
    from ..execution.aws.clients import Aws
    from ..execution.identity import StepIdentity
    from ..records.capture.recorder import Recorder
    from ..records.store.protocol import Store
    from .step_task import StepTask


def recorder_of(task: StepTask, identity: StepIdentity, aws: Aws, *, caching: bool = True) -> Recorder | None:
    """The recorder of a step; ``None`` if nothing is recorded.

    caching   whether an earlier run's result may be used
    """
    location = settings.location_of(task.records)
    if not location:
        return None
    from ..records.capture.recorder import Recorder, RecordOptions

    options = RecordOptions(
        caching=caching,
        input_contents=settings.cache_input_contents(),
        fail_on_error=settings.fail_on_record_error(),
    )
    group = identity.task_id.removesuffix(identity.step).rstrip(".")
    return Recorder(
        open_records(location),
        record_id(identity.dag_id, group),
        identity.run_name,
        aws.client("s3"),
        options,
        threads=f"records {aws.key}",  # an unresponsive S3 must not block anything else in a triggerer
    )


def open_records(location: str) -> Store:
    """The store at ``location``, with the default connection, whatever account the steps use."""
    from ..hooks.aws import aws_for
    from ..records.store.open import open_store

    connection = AwsConnection(settings.aws_conn_id(), settings.region_name())
    return open_store(location, lambda: aws_for(connection).client("s3"))
