"""The commands and options of ``sagemaker-mlops local``; :mod:`.local_aws` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import StateDir

local_app = typer.Typer(help="The embedded AWS: runs SageMaker jobs on this machine, without an account.")


@local_app.callback(invoke_without_command=True)
def local(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for a free port.")] = 0,
    reset: Annotated[bool, typer.Option("--reset", help="Delete all state first.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Serve in the background and return.")] = False,
    sandbox: Annotated[str, typer.Option(help="How to provide /opt/ml to jobs: auto, namespace or rewrite.")] = "auto",
    faults: Annotated[
        Path | None, typer.Option(help="JSON file with faults to inject; see docs/embedded-aws.md.")
    ] = None,
    state_dir: StateDir = None,
) -> None:
    """Serve the embedded AWS on 127.0.0.1 and print the Airflow connection to it.

    Differences from AWS: no images are pulled (your interpreter runs the scripts), one host per job, no IAM, no quotas;
    instance types, VPC, KMS and spot settings are recorded but not enforced; durations are not realistic.
    """
    if context.invoked_subcommand is None:
        from .local_aws import serve_local

        raise typer.Exit(
            serve_local(port=port, reset=reset, detach=detach, sandbox=sandbox, state_dir=state_dir, faults=faults)
        )


def given_above(context: typer.Context) -> Path | None:
    """The --state-dir of ``local --state-dir X COMMAND``."""
    found = (context.parent.params if context.parent else {}).get("state_dir")
    return found if isinstance(found, Path) else None


@local_app.command()
def status(
    context: typer.Context,
    state_dir: StateDir = None,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Show whether and where the embedded AWS is running; exit 1 if it is not."""
    from .local_aws import show_status

    raise typer.Exit(show_status(state_dir or given_above(context), output))


@local_app.command("env")
def env(
    context: typer.Context,
    state_dir: StateDir = None,
    form: Annotated[str, typer.Option("--format", help="sh, json or dotenv.")] = "sh",
) -> None:
    """Print environment variables that point boto3, the AWS CLI and other clients to the embedded AWS.

    Start it first: sagemaker-mlops local --detach. Exits with 1 if it is not running; eval of the output fails, too.
    """
    from .local_aws import show_environment

    raise typer.Exit(show_environment(state_dir or given_above(context), form))


@local_app.command("cp")
def cp(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SRC", help="File, folder or s3://bucket/key.", show_default=False)],
    target: Annotated[
        str, typer.Argument(metavar="DST", help="s3://bucket/key, or file or folder.", show_default=False)
    ],
    state_dir: StateDir = None,
) -> None:
    """Copy files to or from the S3 of the embedded AWS; folders and prefixes are copied recursively."""
    from .copying import copy

    raise typer.Exit(copy(source, target, state_dir or given_above(context)))


@local_app.command()
def stop(context: typer.Context, state_dir: StateDir = None) -> None:
    """Stop the embedded AWS and everything it started."""
    from .local_aws import stop_local

    raise typer.Exit(stop_local(state_dir or given_above(context)))
