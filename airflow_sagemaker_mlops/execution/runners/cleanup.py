"""Cleanup: deletes S3 outputs of earlier steps (docs/language/steps/cleanup.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...aws_errors import error_code, error_message
from ...definition.property_paths import MissingValue, lookup, parse_path
from ...definition.step_types import STEP_SYNTAX
from ...s3 import split_uri
from ..aws.calls import call
from ..exceptions import StepFailed
from ..request import resolved_arguments
from ..step_run import StepResult, StepRun, now
from .base import Runner

if TYPE_CHECKING:
    from ...json_types import JsonObject


class CleanupRunner(Runner):
    """Deletes objects."""

    async def run(self, run: StepRun) -> StepResult:
        """Delete the named objects, or the step's whole output; objects outside the step's output are refused.

        If an object cannot be deleted, the step fails after all others were deleted.
        """
        started = now()
        arguments = await resolved_arguments(run)
        report: dict[str, list[Any]] = {"CleanedSteps": [], "FailedSteps": [], "SkippedSteps": []}
        for resource in (arguments.get("Resources") or {}).get("S3") or []:
            step = str(resource.get("StepName") or "")
            folders = _locations(run.scope.steps.get(step) or {})
            uris = [str(uri) for uri in resource.get("S3Uris") or folders]
            if not uris or not folders:
                report["SkippedSteps"].append(step)
                run.log(f"{step} has no output location to clean up")
                continue
            try:
                for uri in uris:
                    await _delete(run, step, uri, folders)
            except StepFailed:
                raise
            except Exception as error:
                code = "ClientError" if error_code(error) else "InternalFailure"
                report["FailedSteps"].append({"StepName": step, "ErrorCode": code})
                run.log(f"{step}: {error_message(error)}")
            else:
                report["CleanedSteps"].append(step)
        if report["FailedSteps"]:
            names = ", ".join(entry["StepName"] for entry in report["FailedSteps"])
            raise StepFailed(f'Step "{run.identity.step}": the outputs of {names} could not be deleted; see the log.')
        return StepResult(run.identity.step, run.step_type, None, None, {}, started, now(), facts=report)


async def _delete(run: StepRun, step: str, uri: str, folders: list[str]) -> None:
    if not any(uri == folder or uri.startswith(folder.rstrip("/") + "/") for folder in folders):
        inside = " or ".join(folders)
        what = f'{uri} is not in the output of "{step}", which is {inside}.'
        raise StepFailed(f'Step "{run.identity.step}": {what}')
    bucket, key = split_uri(uri)
    if not uri.startswith("s3://") or not bucket or not key:
        raise StepFailed(f'Step "{run.identity.step}": "{uri}" is not the S3 URI of an object.')
    await call(run.aws, "s3", "DeleteObject", Bucket=bucket, Key=key)
    run.log(f"deleted {uri}")


def _locations(result: JsonObject) -> list[str]:
    """The locations of a step's output, from the properties that its task pushed."""
    properties = result.get("Properties") or {}
    found: list[str] = []
    for path in sorted({path for syntax in STEP_SYNTAX.values() for path in syntax.left_in_s3}):
        try:
            left = lookup(properties, parse_path(path))
        except MissingValue:
            continue
        outputs = left if isinstance(left, list) else [{"S3Output": {"S3Uri": left}}]
        found += [str(uri) for output in outputs if (uri := ((output or {}).get("S3Output") or {}).get("S3Uri"))]
    return found
