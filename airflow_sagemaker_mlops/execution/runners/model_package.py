"""RegisterModel: registers a version in a model package group exactly once, with a client token.

CreateModelPackage accepts no ``ApprovalDescription``, but UpdateModelPackage does, so it needs a second call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...aws_errors import NOT_FOUND, error_code, error_message
from ...definition.values import as_text
from ...registry.wording import MAX_PROPERTIES, metadata_value
from ...registry.wording import fitted as fitted_text
from ..aws.calls import as_json, call
from ..aws.errors import IN_USE
from ..backoff import Backoff, poll_until
from ..exceptions import JobFailed
from ..identity import digest
from ..request import fitted, resolved_arguments
from ..step_run import StepResult, StepRun, now
from ..watch.console_links import facts_about
from .base import Runner
from .job import result_of

if TYPE_CHECKING:
    from ...json_types import AwsShape

PACKAGE_WAIT_S = 300.0
RUN_KEY, PIPELINE_KEY = "sagemaker-mlops:run", "sagemaker-mlops:pipeline"  # in every version's metadata
DESCRIPTION = "ApprovalDescription"


class ModelPackageRunner(Runner):
    """Registers a version of a model package group."""

    request_from = "call"
    is_described = True
    has_default_stub = True  # a version whose model was made up would be compared with real candidates

    async def run(self, run: StepRun) -> StepResult:
        """Register the version; creates its group if it does not exist, as SageMaker Pipelines does."""
        started = now()
        arguments = await resolved_arguments(run)
        request = await fitted(run, run.entry.prepare(arguments))
        request["CustomerMetadataProperties"] = _metadata(run, request.get("CustomerMetadataProperties") or {})
        # The same attempt or its retry sends the same token and gets the same version; after a clear it is another.
        request["ClientToken"] = digest(run.identity.step_digest, run.identity.generation, run.identity.run_started)[
            :36
        ]
        group = str(request.get("ModelPackageGroupName") or "")
        if group and not group.startswith("arn:"):
            await _ensure_group(run, group, arguments.get("Tags") or [])
        answer = await call(run.aws, "sagemaker", run.entry.create, **request)
        arn = str(answer["ModelPackageArn"])
        described = await _settled(run, arn)
        if arguments.get(DESCRIPTION) is not None:
            described = await _with_description(run, described, as_text(arguments[DESCRIPTION]))
        await run.publish(facts_about(run, arn, arn, described))
        run.log(f"registered {arn} ({described.get('ModelApprovalStatus', 'no approval status')})")
        made = result_of(run, arn, described, started=started)
        return replace(made, facts={**made.facts, "ModelPackage": _about(run, described)})


def _about(run: StepRun, described: Mapping[str, object]) -> dict[str, Any]:
    """Facts about a version for people and asset events, whether or not later steps reference them."""
    about = {
        "Group": described.get("ModelPackageGroupName"),
        "Version": described.get("ModelPackageVersion"),
        "ApprovalStatus": described.get("ModelApprovalStatus"),
        "ModelData": run.entry.s3_output(described),
    }
    return {name: value for name, value in about.items() if value}


def _metadata(run: StepRun, given: Mapping[str, str]) -> dict[str, str]:
    """The document's own properties, and as far as there is room which run of which pipeline registered the version."""
    identity = run.identity
    own = {RUN_KEY: metadata_value(identity.run_name), PIPELINE_KEY: metadata_value(identity.pipeline)}
    room = MAX_PROPERTIES - len(given)
    return {**dict([item for item in own.items() if item[1]][: max(room, 0)]), **given}


async def _with_description(run: StepRun, described: AwsShape, text: str) -> dict[str, Any]:
    """Set why the version has its status, unless somebody has said so since an earlier try of this attempt."""
    wanted = fitted_text(text)
    if not wanted or described.get(DESCRIPTION):
        return dict(described)
    members = {DESCRIPTION: wanted}  # without the status, which somebody may have changed by now
    await call(run.aws, "sagemaker", "UpdateModelPackage", ModelPackageArn=described["ModelPackageArn"], **members)
    return {**described, DESCRIPTION: wanted}


async def _ensure_group(run: StepRun, group: str, tags: list[dict[str, str]]) -> None:
    try:
        await call(run.aws, "sagemaker", "DescribeModelPackageGroup", ModelPackageGroupName=group)
        return
    except Exception as error:
        if error_code(error) not in NOT_FOUND:
            raise
    members: dict[str, Any] = {"ModelPackageGroupName": group, **({"Tags": tags} if tags else {})}
    try:
        await call(run.aws, "sagemaker", "CreateModelPackageGroup", **members)
        run.log(f"created the model package group {group}")
    except Exception as error:
        # Another run has created it in the meantime, which is fine.
        if error_code(error) not in IN_USE | NOT_FOUND or "exist" not in error_message(error).lower():
            raise


async def _settled(run: StepRun, arn: str) -> dict[str, Any]:
    entry = run.entry

    async def inspect() -> dict[str, Any]:
        return dict(as_json(await call(run.aws, "sagemaker", entry.describe, ModelPackageName=arn)))

    def status_of(answer: AwsShape) -> str:
        return str(answer.get(entry.status_key, ""))

    ends = entry.succeeded | entry.failed
    answer = await poll_until(inspect, lambda found: status_of(found) in ends, Backoff(0.2, 10.0, 2.0), PACKAGE_WAIT_S)
    if status_of(answer) not in entry.succeeded:
        details = str(answer.get("ModelPackageStatusDetails") or "")
        raise JobFailed(run.identity.step, arn, status_of(answer), details)
    return answer
