"""``records approvals``: the approvals and rejections of a run's models since the run was recorded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from ..aws_errors import NOT_FOUND, error_code
from ..records.seal.amendments import amend, news, read_amendments
from ..records.seal.signing import Signer
from ..records.store.protocol import Store
from ..records.store.sealed import record_name
from ..runs.recording import user_name
from .output.records_text import approved
from .output.terminal import say, say_json

if TYPE_CHECKING:
    from ..json_types import AwsShape
    from ..records.model.documents import RecordDocument
    from ..registry.clients import SageMakerRegistry


def note_approvals(
    store: Store,
    record: RecordDocument,
    sagemaker: Callable[[], SageMakerRegistry],
    signer: Signer | None = None,
    *,
    output: str = "text",
) -> int:
    """Look up the models of ``record`` in the registry and append new decisions; exit code."""
    run_id, models = record_name(record["run"]), [str(model["arn"]) for model in record["models"] if model.get("arn")]
    registry = cache(sagemaker)
    packages = {arn: package for arn in models if (package := _package(registry(), arn)) is not None}
    new = list(news(record, read_amendments(store, record), packages))
    for approval in new:
        amend(store, record, approval, noted_by=user_name(), signer=signer)
        if output != "json":
            say(f"noted: {approved(approval)}")
    if output == "json":
        say_json({"run": record["run"], "noted": new, "gone": [arn for arn in models if arn not in packages]})
    elif not models:
        say(f"run {run_id} registered no model")
    elif not new:
        say(f"run {run_id}: its models have no new decisions")
    return 0


def _package(client: SageMakerRegistry, arn: str) -> AwsShape | None:
    try:
        return dict(client.describe_model_package(ModelPackageName=arn))
    except Exception as error:
        if error_code(error) not in NOT_FOUND:
            raise
        say(f"{arn} is no longer in the registry", err=True)
        return None
