"""``pull`` and ``push``: transfer definitions from and to the SageMaker Pipelines service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..definition import to_json
from ..definition.problems import PipelineError
from ..definition.step_types import VERDICT_BRANCHES, is_extension
from ..runs.clients import client_of
from ..runs.errors import NoAws
from .compiling import NotCompiled
from .option_names import in_options, refusal_of
from .output.terminal import say, say_error, write_out
from .sources import Source

if TYPE_CHECKING:
    from ..json_types import AwsShape

MAX_INLINE = 1_048_576  # characters; the service takes longer definitions only from S3


def pull(name: str, out: Path | None, *, conn: str | None, region: str | None) -> int:
    """Write the definition of a pipeline, or of one execution of it.

    Exit code: 0, 1 if AWS refuses, 2 for unusable options.
    """
    try:
        answer = _described(name, conn, region)
    except NoAws as error:
        say(in_options(error), err=True)
        return 2
    except Exception as error:
        return _refused(error)
    text = _indented(answer)
    code = write_out(text, out)
    if out is not None and code == 0:
        say(f"{out}: {name}, last changed {answer.get('LastModifiedTime', answer.get('CreationTime'))}")
    return code


def definition_of(name: str, conn: str | None, region: str | None) -> str:
    """The definition that :func:`pull` writes.  Raises :class:`NotCompiled` if there is none to be had."""
    try:
        return _indented(_described(name, conn, region))
    except NoAws as error:
        raise NotCompiled(in_options(error)) from None
    except Exception as error:
        raise NotCompiled(f"The pipeline {name} cannot be pulled: {type(error).__name__}: {error}", 1) from None


def region_of(conn: str | None) -> str:
    """The region of the connection ``conn``, or of boto3's configuration.  Raises :class:`NotCompiled` without one."""
    try:
        return str(client_of("sagemaker", conn, None).meta.region_name)
    except NoAws as error:
        raise NotCompiled(in_options(error)) from None


def _described(name: str, conn: str | None, region: str | None) -> dict[str, Any]:
    client = client_of("sagemaker", conn, region)
    if "/execution/" in name:
        return dict(client.describe_pipeline_definition_for_execution(PipelineExecutionArn=name))
    return dict(client.describe_pipeline(PipelineName=name))


def _indented(answer: AwsShape) -> str:
    return json.dumps(json.loads(answer["PipelineDefinition"]), indent=2, ensure_ascii=False) + "\n"


def push(file: Source, name: str, *, role: str, conn: str | None, region: str | None, parallel: int | None) -> int:
    """Create or update the pipeline ``name``.  Exit code: 0, 1 if AWS refuses, 2 for a file that it would refuse."""
    try:
        pipeline = file.load()
    except (PipelineError, NotCompiled) as error:
        say_error(error, "nothing was sent")
        return 2
    ours = [step.name for step in pipeline.steps if is_extension(step.type)]
    text = to_json(pipeline)
    if ours or len(text) > MAX_INLINE:
        why = f"steps that only Airflow can run: {', '.join(ours)}" if ours else f"more than {MAX_INLINE} characters"
        say(f"{file} cannot be pushed to the service: it has {why}.", err=True)
        replaced = sorted({step.type for step in pipeline.steps} & VERDICT_BRANCHES.keys())
        if replaced:
            what = f"to-json --for-service replaces {' and '.join(replaced)} by steps of the service"
            say(f"{what}; push what it writes.", err=True)
        return 2
    try:
        client = client_of("sagemaker", conn, region)
    except NoAws as error:
        say(in_options(error), err=True)
        return 2
    members: dict[str, Any] = {"PipelineName": name, "PipelineDefinition": text, "RoleArn": role}
    if parallel is not None:
        members["ParallelismConfiguration"] = {"MaxParallelExecutionSteps": parallel}
    try:
        try:
            client.describe_pipeline(PipelineName=name)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
                raise
            # boto3 generates a new ClientRequestToken per call, so a deleted pipeline can be created again.
            arn, done = client.create_pipeline(**members)["PipelineArn"], "created"
        else:
            arn, done = client.update_pipeline(**members)["PipelineArn"], "updated"
    except Exception as error:
        return _refused(error)
    say(f"{done} {arn}")
    return 0


def _refused(error: Exception) -> int:
    say(refusal_of(error), err=True)
    return 1
