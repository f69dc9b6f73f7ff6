"""Airflow's task instance -> the :class:`StepRun` of ``execution``; the same in a worker and in the triggerer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ..document.values import parse_parameter
from ..execution.aws import SessionAws
from ..execution.failures import StepFailed
from ..execution.identity import StepIdentity
from ..execution.scope import Scope
from .task import StepTask


def identity_of(task: StepTask, ti: Any, dag_run: Any, generation: str) -> StepIdentity:
    """Who this attempt is."""
    started = getattr(dag_run, "start_date", None) or getattr(dag_run, "run_after", None)
    return StepIdentity(
        pipeline=task.pipeline,
        step=task.step,
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        map_index=-1 if ti.map_index is None else ti.map_index,
        try_number=ti.try_number,
        generation=generation,
        run_started=_iso(started),
    )


def _iso(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def parameters_of(task: StepTask, params: Mapping[str, Any]) -> dict[str, Any]:
    """Typed values of the parameters the step references, out of the DAG run's ``params``.

    Raises :class:`StepFailed` for a value that is not of the declared type.
    """
    values: dict[str, Any] = {}
    for name, declared in (task.spec.get("Parameters") or {}).items():
        value = params.get(name, declared.get("DefaultValue"))
        if value is None:
            continue
        try:
            values[name] = parse_parameter(value, declared.get("Type") or "String", (), name)
        except ValueError as error:
            raise StepFailed(f'Step "{task.step}": {error}') from None
    return values


def execution_variables(identity: StepIdentity, aws: SessionAws) -> dict[str, str]:
    """``Execution.*`` for this run.  ARNs have the service's form; no such resource exists there."""
    partition = "aws-cn" if aws.region.startswith("cn-") else "aws-us-gov" if "-gov-" in aws.region else "aws"
    pipeline = f"arn:{partition}:sagemaker:{aws.region}:000000000000:pipeline/{identity.pipeline.lower()}"
    return {
        "PipelineName": identity.pipeline,
        "PipelineArn": pipeline,
        "PipelineExecutionId": identity.execution_id,
        "PipelineExecutionArn": f"{pipeline}/execution/{identity.execution_id}",
        "StartDateTime": identity.run_started,
    }


def scope_of(
    task: StepTask,
    identity: StepIdentity,
    aws: SessionAws,
    params: Mapping[str, Any],
    steps: Mapping[str, Mapping[str, Any]],
) -> Scope:
    """Values for the step's expressions."""
    return Scope(
        step=task.step,
        parameters=parameters_of(task, params),
        execution=execution_variables(identity, aws),
        steps=steps,
        files=task.spec.get("Files") or {},
        read_s3=s3_reader(aws),
    )


def s3_reader(aws: SessionAws) -> Callable[[str], bytes]:
    """A function that reads an S3 URI, with sentences for errors."""

    def read(uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if not uri.startswith("s3://") or not bucket or not key:
            raise OSError(f'"{uri}" is not the S3 URI of an object')
        try:
            return bytes(aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        except Exception as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
            known = {"NoSuchKey": "there is no such object", "NoSuchBucket": "there is no such bucket"}
            raise OSError(f"received an error while reading {uri}: {known.get(code, str(error))} ({code})") from error

    return read
