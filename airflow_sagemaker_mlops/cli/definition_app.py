"""The commands about a definition: what it says, and what it becomes elsewhere; :mod:`.definition` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    DEFINITION,
    HERE,
    THIS_PYTHON,
    Arguments,
    Config,
    Connection,
    Definition,
    Project,
    Python,
    Region,
    Stage,
    source,
    stage_choice,
)


def check(
    files: Annotated[list[str], typer.Argument(help=f"Definitions: {DEFINITION}", show_default=False)],
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
    stage: Stage = None,
    config: Config = None,
    project: Project = HERE,
) -> None:
    """Report every problem of the definitions; exit 1 if there is an error, 0 if there are at most warnings.

    Requests of steps are checked against botocore's model of the API. Uses no network.
    With --stage, the values of the stage are checked, too.
    """
    from .check import run_check

    sources = [source(file, python, arguments) for file in files]
    raise typer.Exit(run_check(sources, output=output, strict=strict, stage=stage_choice(stage, config, project)))


def plan(
    file: Definition,
    output: Annotated[str, typer.Option("--format", help="text, json or mermaid.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    as_mermaid: Annotated[bool, typer.Option("--mermaid", help="Short for --format mermaid.")] = False,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
    stage: Stage = None,
    config: Config = None,
    project: Project = HERE,
) -> None:
    """Show the tasks, edges and branches that a definition becomes."""
    from .definition import show_plan

    form = "json" if as_json else "mermaid" if as_mermaid else output
    raise typer.Exit(show_plan(source(file, python, arguments), form, stage_choice(stage, config, project)))


def to_json(
    file: Definition,
    out: Annotated[Path | None, typer.Option("--output", "-o", help="Output file; default: standard output.")] = None,
    for_service: Annotated[
        bool,
        typer.Option(
            "--for-service",
            help="Replace champion gates and drift checks by standard steps, which the service can run.",
        ),
    ] = False,
    s3_uri: Annotated[
        str,
        typer.Option(
            "--s3-uri",
            help="With --for-service: S3 folder of the files of gates and checks. Default: beside what they judge.",
        ),
    ] = "",
    upload: Annotated[bool, typer.Option("--upload", help="With --for-service: write those files to S3.")] = False,
    conn: Annotated[str | None, typer.Option(help="With --upload: Airflow connection. Default: boto3's own.")] = None,
    region: Annotated[str | None, typer.Option(help="With --upload: region.")] = None,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
) -> None:
    """Print the definition as SageMaker Pipelines accepts it: JSON without ``x-airflow``.

    With ``--for-service``, champion gates and drift checks become Processing and Condition steps.  Their jobs read two
    files from S3: ``--upload`` writes them there, otherwise they are written to a folder next to the output file.
    """
    if for_service:
        from .for_service import print_for_service

        code = print_for_service(source(file, python, arguments), out, s3_uri, upload=upload, conn=conn, region=region)
        raise typer.Exit(code)
    from .definition import print_json

    raise typer.Exit(print_json(source(file, python, arguments), out))


def compile_(
    target: Annotated[str, typer.Argument(help="module:object, or path/to/file.py:object.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--output", "-o", help="Output file; default: standard output.")] = None,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
    conn: Annotated[
        str | None, typer.Option(help="Airflow connection for the code's AWS calls, such as uploads of scripts.")
    ] = None,
) -> None:
    """Convert a SageMaker SDK pipeline to its JSON definition, in a separate process.

    ``object`` is a pipeline or a function that returns one.  If boto3 finds credentials, the code's AWS calls go to
    your account; otherwise they go to the embedded AWS, so no account is needed.
    """
    from .compiling import CompileOptions
    from .definition import compile_object
    from .sources import Source

    options = CompileOptions(python, arguments or (), calls="own", conn=conn, show_output=True)
    raise typer.Exit(compile_object(Source(target, options), out))


def diff(
    old: Definition,
    new: Definition,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    stage: Stage = None,
    config: Config = None,
    project: Project = HERE,
) -> None:
    """Show semantic changes: parameters, steps, arguments, edges; exit 1 if there are any.

    With --stage, parameters have the values of the stage on both sides.
    """
    from .definition import show_differences

    raise typer.Exit(show_differences(source(old), source(new), output, stage_choice(stage, config, project)))


def render(
    file: Definition,
    dag_id: Annotated[str | None, typer.Option(help="DAG id; default: the file's name.")] = None,
    out: Annotated[Path | None, typer.Option("--output", "-o", help="Output file; default: standard output.")] = None,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
) -> None:
    """Convert a definition to an Airflow Python file with the same DAG, for you to edit.

    Definitions with expressions in x-airflow steps are refused: only a DAG that keeps the definition resolves those.
    """
    from .definition import print_rendered

    raise typer.Exit(print_rendered(source(file, python, arguments), dag_id, out))


def iam(
    file: Definition,
    account: Annotated[str, typer.Option(help="AWS account; default: any.")] = "*",
    region: Annotated[str, typer.Option(help="AWS region; default: any.")] = "*",
    parameters: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="Name=value, to narrow the policy; repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--output", "-o", help="Output file; default: standard output.")] = None,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
    stage: Stage = None,
    config: Config = None,
    project: Project = HERE,
    resource_policies: Annotated[
        bool,
        typer.Option("--resource-policies", help="Print the policies that other accounts must attach to their groups."),
    ] = False,
) -> None:
    """Print the minimal IAM policy that the Airflow connection's identity needs to run the definition.

    It leaves out what no definition states: records, model cards, lineage, roles to assume, KMS keys, other packages'
    operators, and what an Athena query writes besides its result.  Standard error lists statements that could not be
    narrowed.
    With --stage, account, region and parameter values are those of the stage.
    """
    from .iam import print_policy

    code = print_policy(
        source(file, python, arguments),
        account,
        region,
        out,
        parameters or [],
        stage=stage_choice(stage, config, project),
        resource_policies=resource_policies,
    )
    raise typer.Exit(code)


def schema(
    out: Annotated[Path | None, typer.Option("--output", "-o", help="Output file; default: standard output.")] = None,
) -> None:
    """Print the JSON Schema of definitions, with which editors complete and check JSON and YAML.

    It accepts whatever ``check`` accepts; ``check`` finds more.
    """
    from .definition import print_schema

    raise typer.Exit(print_schema(out))


def pull(
    name: Annotated[str, typer.Argument(help="Pipeline name or ARN, or ARN of an execution.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--output", "-o", help="Output file; default: standard output.")] = None,
    conn: Connection = None,
    region: Region = None,
) -> None:
    """Fetch a definition from SageMaker Pipelines: a pipeline's current one, or the one that an execution ran."""
    from .service import pull as pull_

    raise typer.Exit(pull_(name, out, conn=conn, region=region))


def push(
    file: Definition,
    name: Annotated[str, typer.Option(help="Pipeline name.")],
    role: Annotated[str, typer.Option(help="ARN of the pipeline's role.")],
    conn: Connection = None,
    region: Region = None,
    parallel: Annotated[int | None, typer.Option(min=1, help="MaxParallelExecutionSteps.")] = None,
) -> None:
    """Upload a definition to SageMaker Pipelines: create or update the pipeline."""
    from .service import push as push_

    raise typer.Exit(push_(source(file, calls="own"), name, role=role, conn=conn, region=region, parallel=parallel))
