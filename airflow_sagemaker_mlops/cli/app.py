"""The commands by name; each lives in a module of its own and is imported when it is called."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .examples import EXAMPLES
from .records_app import logs, records_app, why_not_cached

EPILOG = (
    "Exit codes: 0 done and good; 1 the definition, the run or AWS says no (diff: there are differences; status: it "
    "does not run); 2 words on the command line that cannot be used; 129, 130, 143 a run that a hang-up, Ctrl-C or "
    "SIGTERM stopped."
)
app = typer.Typer(
    name="sagemaker-mlops",
    help="Amazon SageMaker Pipelines as native Apache Airflow DAGs.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
local_app = typer.Typer(help="The embedded AWS: runs SageMaker jobs on this machine, without an account.")
app.add_typer(local_app, name="local")
app.add_typer(records_app, name="records", no_args_is_help=True)
app.command("why-not-cached")(why_not_cached)
app.command("logs")(logs)

DEFINITION = "JSON or YAML file, - for standard input, or SDK code as file.py:object or module:object."
Definition = Annotated[str, typer.Argument(help=f"Definition: {DEFINITION}", show_default=False)]
Arguments = Annotated[
    list[str] | None, typer.Option("--arg", help="name=value for the function that returns the pipeline; repeatable.")
]
Python = Annotated[
    Path,
    typer.Option(
        envvar="SAGEMAKER_MLOPS_PYTHON",
        help="Interpreter that has the SageMaker SDK; this one if left out.",
        show_default=False,
    ),
]
THIS_PYTHON = Path(os.environ.get("SAGEMAKER_MLOPS_PYTHON") or sys.executable)
Prices = Annotated[
    Path | None,
    typer.Option(
        "--prices", envvar="SAGEMAKER_MLOPS_PRICES", help="YAML with prices of instances; the record has the cost then."
    ),
]
StateDir = Annotated[Path | None, typer.Option("--state-dir", help="Folder of the embedded AWS's state.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"airflow-sagemaker-mlops {version('airflow-sagemaker-mlops')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Amazon SageMaker Pipelines as native Apache Airflow DAGs."""


def source(file: str, python: Path = THIS_PYTHON, arguments: list[str] | None = None, **how: Any) -> Any:
    """A definition as it was named on the command line."""
    from .compiling import Compiling
    from .sources import Source

    return Source(file, Compiling(python, arguments or (), **how))


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(help=f"Definitions: {DEFINITION}", show_default=False)],
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
) -> None:
    """Report every problem of the definitions; exit 1 when one is an error, 0 when there are none or only warnings.

    Steps' requests are compared with botocore's model of their API calls; no network is used.
    """
    from .check import run_check

    raise typer.Exit(run_check([source(file, python, arguments) for file in files], output=output, strict=strict))


@app.command()
def plan(
    file: Definition,
    output: Annotated[str, typer.Option("--format", help="text, json or mermaid.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    as_mermaid: Annotated[bool, typer.Option("--mermaid", help="Short for --format mermaid.")] = False,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
) -> None:
    """Show the tasks, edges and branches a definition becomes."""
    from .definition import show_plan

    raise typer.Exit(
        show_plan(source(file, python, arguments), "json" if as_json else "mermaid" if as_mermaid else output)
    )


@app.command("to-json")
def to_json(
    file: Definition,
    out: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; standard output if none.")] = None,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
) -> None:
    """Print the definition as SageMaker Pipelines takes it: JSON without ``x-airflow``."""
    from .definition import print_json

    raise typer.Exit(print_json(source(file, python, arguments), out))


@app.command("compile")
def compile_(
    target: Annotated[str, typer.Argument(help="module:object, or path/to/file.py:object.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; standard output if none.")] = None,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
    conn: Annotated[
        str | None, typer.Option(help="Airflow connection for the code's AWS calls, such as uploads of scripts.")
    ] = None,
) -> None:
    """Turn a pipeline of the SageMaker SDK into its JSON definition, in a process of its own.

    ``object`` is a pipeline, or a function that returns one.  AWS calls of the code go to your account where boto3
    finds credentials; else to the embedded AWS, so that no account is needed.
    """
    from .compiling import Compiling
    from .definition import compile_object
    from .sources import Source

    how = Compiling(python, arguments or (), calls="own", conn=conn, told=True)
    raise typer.Exit(compile_object(Source(target, how), out))


@app.command()
def run(
    file: Definition,
    parameters: Annotated[list[str] | None, typer.Option("-p", "--parameter", help="Name=value; repeatable.")] = None,
    conn: Annotated[
        str | None, typer.Option(help="Airflow connection to run on, i.e. real AWS; the embedded AWS if left out.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region, where the connection names none.")] = None,
    name: Annotated[str | None, typer.Option(help="Pipeline name; the file's name if left out.")] = None,
    summary: Annotated[Path | None, typer.Option(help="Write what happened as JSON to this file.")] = None,
    state_dir: StateDir = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the tables at the end.")] = False,
    stubs: Annotated[
        str | None,
        typer.Option(help="File with declared results of steps that cannot run here; or auto: made up for all."),
    ] = None,
    branch: Annotated[
        list[str] | None,
        typer.Option(
            help="With --stubs: NAME=if or NAME=else of a Condition; else what builds most. Repeatable.",
            show_default=False,
        ),
    ] = None,
    all_branches: Annotated[
        bool, typer.Option("--all-branches", help="With --stubs: once for every branch, one run after the other.")
    ] = False,
    parallel: Annotated[int, typer.Option(min=0, help="So many steps at a time; any number if 0.")] = 0,
    records: Annotated[
        str | None,
        typer.Option(
            help="Where its record goes: s3://bucket/prefix, a folder, or off.  If left out: the embedded AWS's "
            "bucket, or with --conn a folder of this machine."
        ),
    ] = None,
    prices: Prices = None,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Follow CacheConfig, or run every step.")] = True,
    select: Annotated[
        list[str] | None,
        typer.Option(
            help="Run only these: a name or glob; +Name: all upstream too, Name+: all downstream; repeatable."
        ),
    ] = None,
    source_run: Annotated[
        str | None, typer.Option(help="With --select: run whose results the steps before take; the latest if left out.")
    ] = None,
    resume: Annotated[
        str, typer.Option(help="Run (or latest) to go on with: what did not succeed in it, and all behind that.")
    ] = "",
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
    output: Annotated[
        str, typer.Option("--format", help="text, or json: the summary on standard output, progress on standard error.")
    ] = "text",
    publishes: Annotated[
        bool,
        typer.Option("--publish/--no-publish", help="Run publish.py beside the definition first, on the embedded AWS."),
    ] = True,
) -> None:
    """Run the pipeline in this process, with live progress; exit 1 when it fails.

    Steps whose CacheConfig is enabled are taken from an earlier run where nothing they depend on has changed.
    With --select or --resume a part of it runs, on results of an earlier run.  See docs/selective.md.
    """
    from ..records.reuse.selective_run import SelectiveRequest
    from ..runs.clients import Target
    from ..runs.stubs import StubOptions
    from .compiling import Compiling
    from .run import branches_of, misfit, run_definition
    from .sources import Source

    selective = SelectiveRequest(select or (), source_run, resume)
    try:
        options = StubOptions(stubs, branches_of(branch or ()), all_branches)
        wrong = misfit(selective, options, has_summary=summary is not None)
    except ValueError as error:
        wrong = str(error)
    if wrong:
        typer.echo(wrong, err=True)
        raise typer.Exit(2)
    raise typer.Exit(
        run_definition(
            Source(file, Compiling(python, arguments or (), conn=conn, region=region, state_dir=state_dir, keeps=True)),
            parameters or [],
            target=Target(conn, region, state_dir=state_dir),
            name=name,
            summary=summary,
            quiet=quiet,
            stubs=options,
            max_parallel_steps=parallel,
            records=records,
            cache=cache,
            selective=selective,
            prices=prices,
            publishes=publishes,
            output=output,
        )
    )


@app.command()
def conf(
    file: Definition,
    dag: Annotated[str, typer.Option(help="Id of the DAG that runs it.")],
    group: Annotated[str, typer.Option(help="Id of its task group, where it is one.")] = "",
    select: Annotated[list[str] | None, typer.Option(help="Steps to run, as for run; repeatable.")] = None,
    source_run: Annotated[
        str | None, typer.Option(help="With --select: run whose results the steps before take; the latest if left out.")
    ] = None,
    resume: Annotated[str, typer.Option(help="Run (or latest) to go on with.")] = "",
    parameters: Annotated[list[str] | None, typer.Option("-p", "--parameter", help="Name=value; repeatable.")] = None,
    location: Annotated[
        str | None,
        typer.Option(envvar="SAGEMAKER_MLOPS_RECORDS", help="Its records: s3://bucket/prefix, or a folder."),
    ] = None,
    conn: Annotated[str | None, typer.Option(help="Airflow connection that reads the records.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region.")] = None,
    state_dir: StateDir = None,
) -> None:
    """Check a part of a pipeline against its records, and print the conf to trigger the DAG with.

    airflow dags trigger DAG --conf "$(sagemaker-mlops conf FILE --dag DAG --resume latest)".  See docs/selective.md.

    Parameters are printed by their plain names, as the DAG file is not read.
    Where a group of the DAG has its own, write <group id>.<name> yourself.
    """
    from ..records.reuse.selective_run import SelectiveRequest
    from ..runs.request import NO_STUBS
    from .conf import print_conf
    from .records import Place
    from .run import misfit

    selective = SelectiveRequest(select or (), source_run, resume)
    wrong = misfit(selective, NO_STUBS) or ("" if not selective.is_all else "say what to run: --select, or --resume.")
    if wrong:
        typer.echo(wrong, err=True)
        raise typer.Exit(2)
    place = Place(location, conn, region, state_dir)
    raise typer.Exit(print_conf(source(file), dag, selective, place, parameters or [], group))


@app.command()
def reproduce(
    source: Annotated[str, typer.Argument(metavar="RUN", help="Run id or its beginning, latest, latest~1.")],
    file: Annotated[Path | None, typer.Argument(help="Its definition as it is now; with --pin none.")] = None,
    pin: Annotated[
        bool, typer.Option("--pin", help="All as recorded: definition, parameters, object versions, images, answers.")
    ] = False,
    copies: Annotated[
        str, typer.Option(help="With --pin: where recorded versions are copied to; reproductions/ in their own bucket.")
    ] = "",
    level: Annotated[
        str, typer.Option(help="verified: start only if nothing has changed; parameters: run it with the same ones.")
    ] = "verified",
    tolerance: Annotated[float, typer.Option(help="Relative difference up to which metrics count as equal.")] = 1e-9,
    parameters: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="Name=value, for secrets; repeatable.")
    ] = None,
    conn: Annotated[
        str | None, typer.Option(help="Airflow connection to run on; the embedded AWS if left out.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region, where the connection names none.")] = None,
    name: Annotated[str | None, typer.Option(help="Pipeline name; the file's name if left out.")] = None,
    records: Annotated[str | None, typer.Option(help="Where the records are; the embedded AWS's bucket.")] = None,
    prices: Prices = None,
    state_dir: StateDir = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the tables at the end.")] = False,
) -> None:
    """Run a recorded run once more with its parameters, and say whether the same came out; exit 1 when it did not.

    Before anything is started, definition, code and inputs are compared with the record.
    """
    from ..records.model.prices import read_prices
    from ..runs.clients import Target
    from ..runs.definition_source import GivenDefinition
    from ..runs.reproduce import ReproductionRequest
    from .parameters import texts_of
    from .reproduce import run_reproduction

    if pin == (file is not None):
        typer.echo("give the definition's file, or --pin for the stored one; not both.", err=True)
        raise typer.Exit(2)
    try:
        request = ReproductionRequest(
            run=source,
            source=GivenDefinition(file) if file is not None else None,
            name=name,
            level=level,
            parameters=texts_of(parameters or ()),
            tolerance=tolerance,
            copies=copies,
            target=Target(conn, region, state_dir=state_dir),
            records=records,
            prices=read_prices(prices) if prices is not None else None,
            trigger="cli",
        )
    except ValueError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(run_reproduction(request, quiet=quiet))


Connection = Annotated[str | None, typer.Option("--conn", help="Airflow connection; boto3's own look-up if left out.")]
Region = Annotated[str | None, typer.Option("--region", help="AWS region.")]


@app.command()
def diff(
    old: Definition,
    new: Definition,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Show what changed in meaning: parameters, steps, arguments, edges; exit 1 when something did."""
    from .definition import show_differences

    raise typer.Exit(show_differences(source(old), source(new), output))


@app.command()
def render(
    file: Definition,
    dag_id: Annotated[str | None, typer.Option(help="Id of the DAG; the file's name if left out.")] = None,
    out: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; standard output if none.")] = None,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
) -> None:
    """Turn a definition into an Airflow Python file of the same DAG, to be edited by hand from then on.

    Not one whose x-airflow steps hold expressions: only a DAG made of the definition resolves those.
    """
    from .definition import print_rendered

    raise typer.Exit(print_rendered(source(file, python, arguments), dag_id, out))


@app.command()
def iam(
    file: Definition,
    account: Annotated[str, typer.Option(help="AWS account; any if left out.")] = "*",
    region: Annotated[str, typer.Option(help="AWS region; any if left out.")] = "*",
    parameters: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="Name=value, to narrow it; repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; standard output if none.")] = None,
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
) -> None:
    """Print the least IAM policy that the Airflow connection's identity needs to run the definition.

    Not in it, because no definition says it: records, lineage, roles to assume, keys of KMS, operators of other
    packages, what a query of Athena writes beside its result.  What could not be narrowed is said on standard error.
    """
    from .definition import print_policy

    raise typer.Exit(print_policy(source(file, python, arguments), account, region, out, parameters or []))


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="Pipeline name or ARN, or ARN of an execution.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; standard output if none.")] = None,
    conn: Connection = None,
    region: Region = None,
) -> None:
    """Bring a definition from SageMaker Pipelines; of an execution, the text that it ran."""
    from .service import pull as pull_

    raise typer.Exit(pull_(name, out, conn=conn, region=region))


@app.command()
def push(
    file: Definition,
    name: Annotated[str, typer.Option(help="Pipeline name.")],
    role: Annotated[str, typer.Option(help="ARN of the pipeline's role.")],
    conn: Connection = None,
    region: Region = None,
    parallel: Annotated[int | None, typer.Option(min=1, help="MaxParallelExecutionSteps.")] = None,
) -> None:
    """Take a definition back to SageMaker Pipelines: create the pipeline, or update it."""
    from .service import push as push_

    raise typer.Exit(push_(source(file, calls="own"), name, role=role, conn=conn, region=region, parallel=parallel))


@app.command()
def callback(
    token: Annotated[str, typer.Argument(help="Token of the message that the step sent.", show_default=False)],
    outputs: Annotated[list[str] | None, typer.Option("-o", "--output", help="Name=value; repeatable.")] = None,
    failure: Annotated[str | None, typer.Option(help="Answer that it failed, and why.")] = None,
    url: Annotated[str | None, typer.Option(help="Airflow's API server; its configured base URL if left out.")] = None,
) -> None:
    """Answer a Callback step of a DAG run that waits."""
    from .callback import answer

    raise typer.Exit(answer(token, outputs or [], failure=failure, url=url))


@app.command()
def ui(
    dags: Annotated[Path, typer.Option(help="Folder of DAG files.")] = Path("dags"),
    port: Annotated[int, typer.Option(help="Port of the Airflow UI on 127.0.0.1.")] = 8080,
    home: Annotated[Path, typer.Option(help="AIRFLOW_HOME to use.")] = Path(".airflow"),
    state_dir: StateDir = None,
) -> None:
    """Airflow with the example loaded and the embedded AWS behind it; Ctrl-C ends both."""
    from .ui import run_ui

    raise typer.Exit(run_ui(dags, port=port, home=home, state_dir=state_dir))


@local_app.callback(invoke_without_command=True)
def local(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; a free one if 0.")] = 0,
    reset: Annotated[bool, typer.Option("--reset", help="Forget all state first.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Serve in the background and return.")] = False,
    sandbox: Annotated[str, typer.Option(help="How jobs see /opt/ml: auto, namespace or rewrite.")] = "auto",
    faults: Annotated[
        Path | None, typer.Option(help="JSON file with faults to inject, see docs/embedded-aws.md.")
    ] = None,
    state_dir: StateDir = None,
) -> None:
    """Serve the embedded AWS on 127.0.0.1 and print the Airflow connection to it.

    Not as on AWS: no images are pulled (your interpreter runs the scripts), one host a job, no IAM, no quotas; instance
    types, VPC, KMS and spot settings are recorded and not enforced; durations mean nothing.
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
    """Say whether the embedded AWS runs, and where; exit 1 when it does not."""
    from .local_aws import show_status

    raise typer.Exit(show_status(state_dir or given_above(context), output))


@local_app.command("env")
def env(
    context: typer.Context,
    state_dir: StateDir = None,
    form: Annotated[str, typer.Option("--format", help="sh, json or dotenv.")] = "sh",
) -> None:
    """Print the environment by which boto3, the AWS CLI and other clients find the embedded AWS."""
    from .local_aws import show_environment

    raise typer.Exit(show_environment(state_dir or given_above(context), form))


@local_app.command("cp")
def cp(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SRC", help="File, folder or s3://bucket/key.", show_default=False)],
    target: Annotated[str, typer.Argument(metavar="DST", help="The other kind.", show_default=False)],
    state_dir: StateDir = None,
) -> None:
    """Copy files to the S3 of the embedded AWS, or back; a folder or prefix with all that is in it."""
    from .copying import copy

    raise typer.Exit(copy(source, target, state_dir or given_above(context)))


@local_app.command()
def stop(context: typer.Context, state_dir: StateDir = None) -> None:
    """Stop the embedded AWS and everything it started."""
    from .local_aws import stop_local

    raise typer.Exit(stop_local(state_dir or given_above(context)))


for prefix, group in (("", app), ("local ", local_app), ("records ", records_app)):
    for command in group.registered_commands:
        named = command.name or (command.callback.__name__ if command.callback else "")
        example = EXAMPLES.get(prefix + named.replace("_", "-"), "")
        command.epilog = f"Example: {example if example.startswith('eval') else f'sagemaker-mlops {example}'}"
