"""The command names and options; each command's own module is imported only when the command is called."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .champion_app import champion_app
from .drift_app import drift_app
from .examples import EXAMPLES
from .gate_app import gate_app
from .output.terminal import say
from .records_app import logs, records_app, why_not_cached

EPILOG = (
    "Exit codes: 0 success; 1 the definition has errors, the run failed or AWS refused (diff: differences were found; "
    "status: not running); 2 unusable arguments; 3 gate rejected, drift found, rolled back without the endpoint; 4 not "
    "decided; "
    "129, 130, 143 the run was stopped by a hang-up, Ctrl-C or SIGTERM."
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
app.add_typer(gate_app, name="gate", no_args_is_help=True)
app.add_typer(champion_app, name="champion", no_args_is_help=True)
app.add_typer(drift_app, name="drift", no_args_is_help=True)
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
        help="Interpreter that has the SageMaker SDK; default: the current one.",
        show_default=False,
    ),
]
THIS_PYTHON = Path(os.environ.get("SAGEMAKER_MLOPS_PYTHON") or sys.executable)
Prices = Annotated[
    Path | None,
    typer.Option(
        "--prices", envvar="SAGEMAKER_MLOPS_PRICES", help="YAML file with instance prices; adds the cost to the record."
    ),
]
StateDir = Annotated[Path | None, typer.Option("--state-dir", help="State folder of the embedded AWS.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"airflow-sagemaker-mlops {version('airflow-sagemaker-mlops')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Amazon SageMaker Pipelines as native Apache Airflow DAGs."""


def source(file: str, python: Path = THIS_PYTHON, arguments: list[str] | None = None, **how: Any) -> Any:
    """The definition named on the command line."""
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
    """Report every problem of the definitions; exit 1 if there is an error, 0 if there are at most warnings.

    Requests of steps are checked against botocore's model of the API. Uses no network.
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
    """Show the tasks, edges and branches that a definition becomes."""
    from .definition import show_plan

    raise typer.Exit(
        show_plan(source(file, python, arguments), "json" if as_json else "mermaid" if as_mermaid else output)
    )


@app.command("to-json")
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


@app.command("compile")
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
        str | None, typer.Option(help="Airflow connection, to run on real AWS; default: the embedded AWS.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region, if the connection names none.")] = None,
    name: Annotated[str | None, typer.Option(help="Pipeline name; default: the file's name.")] = None,
    summary: Annotated[Path | None, typer.Option(help="Write a JSON summary of the run to this file.")] = None,
    state_dir: StateDir = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the tables at the end.")] = False,
    stubs: Annotated[
        str | None,
        typer.Option(help="File with stub results of steps that cannot run here; auto generates results for all."),
    ] = None,
    branch: Annotated[
        list[str] | None,
        typer.Option(
            help="With --stubs: NAME=if or NAME=else for a Condition; default: what builds most. Repeatable.",
            show_default=False,
        ),
    ] = None,
    all_branches: Annotated[
        bool, typer.Option("--all-branches", help="With --stubs: run every branch once, one after another.")
    ] = False,
    parallel: Annotated[int, typer.Option(min=0, help="Maximum number of steps that run at once; 0 for no limit.")] = 0,
    records: Annotated[
        str | None,
        typer.Option(
            help="Location of the record: s3://bucket/prefix, a folder, or off.  Default: the embedded AWS's bucket, "
            "or with --conn a local folder."
        ),
    ] = None,
    prices: Prices = None,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Use CacheConfig, or run every step.")] = True,
    select: Annotated[
        list[str] | None,
        typer.Option(
            help="Run only these steps: a name or glob; +Name adds all upstream, Name+ all downstream; repeatable."
        ),
    ] = None,
    source_run: Annotated[
        str | None, typer.Option(help="With --select: run that provides the upstream results; default: the latest.")
    ] = None,
    resume: Annotated[
        str, typer.Option(help="Run (or latest) to resume: runs what did not succeed in it, and everything downstream.")
    ] = "",
    arguments: Arguments = None,
    python: Python = THIS_PYTHON,
    output: Annotated[
        str,
        typer.Option("--format", help="text or json; json prints the summary to stdout and progress to stderr."),
    ] = "text",
    publishes: Annotated[
        bool,
        typer.Option("--publish/--no-publish", help="First run the definition's publish.py, on the embedded AWS."),
    ] = True,
    compare_again: Annotated[
        int,
        typer.Option(
            min=0, help="If another run promotes a champion meanwhile, compare with that one; at most so many times."
        ),
    ] = 3,
    approve: Annotated[
        list[str] | None, typer.Option("--approve", help="x-approval step that you approve now; repeatable.")
    ] = None,
    reject: Annotated[
        list[str] | None, typer.Option("--reject", help="x-approval step that you reject now; repeatable.")
    ] = None,
) -> None:
    """Run the pipeline in this process and show live progress; exit 1 if it fails.

    A step with an enabled CacheConfig takes its result from an earlier run if nothing it depends on has changed.
    --select and --resume run part of the pipeline on results of an earlier run.  See docs/selective.md.
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
        say(wrong, err=True)
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
            compare_again=compare_again,
            answers={**dict.fromkeys(approve or (), "Approved"), **dict.fromkeys(reject or (), "Rejected")},
            output=output,
        )
    )


@app.command()
def conf(
    file: Definition,
    dag: Annotated[str, typer.Option(help="Id of the DAG that runs the pipeline.")],
    group: Annotated[str, typer.Option(help="Id of the task group, if the pipeline is one.")] = "",
    select: Annotated[list[str] | None, typer.Option(help="Steps to run, as in the command run; repeatable.")] = None,
    source_run: Annotated[
        str | None, typer.Option(help="With --select: run that provides the upstream results; default: the latest.")
    ] = None,
    resume: Annotated[str, typer.Option(help="Run (or latest) to resume.")] = "",
    parameters: Annotated[list[str] | None, typer.Option("-p", "--parameter", help="Name=value; repeatable.")] = None,
    location: Annotated[
        str | None,
        typer.Option(envvar="SAGEMAKER_MLOPS_RECORDS", help="Its records: s3://bucket/prefix or a folder."),
    ] = None,
    conn: Annotated[str | None, typer.Option(help="Airflow connection for reading the records.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region.")] = None,
    state_dir: StateDir = None,
) -> None:
    """Check a selective run against the records, and print the conf to trigger the DAG with.

    airflow dags trigger DAG --conf "$(sagemaker-mlops conf FILE --dag DAG --resume latest)".  See docs/selective.md.

    Parameters are printed by their plain names, because the DAG file is not read.
    If a task group of the DAG has its own parameter, write <group id>.<name> yourself.
    """
    from ..records.reuse.selective_run import SelectiveRequest
    from ..runs.records_location import RecordsLocation
    from ..runs.request import NO_STUBS
    from .conf import print_conf
    from .run import misfit

    selective = SelectiveRequest(select or (), source_run, resume)
    wrong = misfit(selective, NO_STUBS) or ("" if not selective.is_all else "give --select or --resume.")
    if wrong:
        say(wrong, err=True)
        raise typer.Exit(2)
    place = RecordsLocation(location, conn, region, state_dir)
    raise typer.Exit(print_conf(source(file), dag, selective, place, parameters or [], group))


@app.command()
def reproduce(
    source: Annotated[str, typer.Argument(metavar="RUN", help="Run id or its beginning, latest, latest~1.")],
    file: Annotated[Path | None, typer.Argument(help="The current definition; leave it out with --pin.")] = None,
    pin: Annotated[
        bool, typer.Option("--pin", help="Use recorded definition, parameters, object versions, images and answers.")
    ] = False,
    copies: Annotated[
        str, typer.Option(help="With --pin: destination of recorded versions; default: reproductions/ in their bucket.")
    ] = "",
    level: Annotated[
        str, typer.Option(help="verified: start only if nothing has changed; parameters: start in any case.")
    ] = "verified",
    tolerance: Annotated[float, typer.Option(help="Relative tolerance when comparing metrics.")] = 1e-9,
    parameters: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="Name=value, for secrets; repeatable.")
    ] = None,
    conn: Annotated[str | None, typer.Option(help="Airflow connection to run on; default: the embedded AWS.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region, if the connection names none.")] = None,
    name: Annotated[str | None, typer.Option(help="Pipeline name; default: the file's name.")] = None,
    records: Annotated[
        str | None, typer.Option(help="Location of the records; default: the embedded AWS's bucket.")
    ] = None,
    prices: Prices = None,
    state_dir: StateDir = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the tables at the end.")] = False,
) -> None:
    """Run a recorded run again with its parameters and compare the results; exit 1 if they differ.

    Before starting anything, compare definition, code and inputs with the record.
    """
    from ..records.model.prices import read_prices
    from ..runs.clients import Target
    from ..runs.definition_source import GivenDefinition
    from ..runs.reproduce import ReproductionRequest
    from .parameters import texts_of
    from .reproduce import run_reproduction

    if pin == (file is not None):
        say("give the definition's file, or --pin to use the stored definition, but not both.", err=True)
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
        say(error, err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(run_reproduction(request, quiet=quiet))


Connection = Annotated[
    str | None, typer.Option("--conn", help="Airflow connection; default: boto3's credential chain.")
]
Region = Annotated[str | None, typer.Option("--region", help="AWS region.")]


@app.command()
def diff(
    old: Definition,
    new: Definition,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Show semantic changes: parameters, steps, arguments, edges; exit 1 if there are any."""
    from .definition import show_differences

    raise typer.Exit(show_differences(source(old), source(new), output))


@app.command()
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


@app.command()
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
) -> None:
    """Print the minimal IAM policy that the Airflow connection's identity needs to run the definition.

    It leaves out what no definition states: records, lineage, roles to assume, KMS keys, other packages' operators,
    and what an Athena query writes besides its result.  Standard error lists statements that could not be narrowed.
    """
    from .definition import print_policy

    raise typer.Exit(print_policy(source(file, python, arguments), account, region, out, parameters or []))


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="Pipeline name or ARN, or ARN of an execution.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--output", "-o", help="Output file; default: standard output.")] = None,
    conn: Connection = None,
    region: Region = None,
) -> None:
    """Fetch a definition from SageMaker Pipelines: a pipeline's current one, or the one that an execution ran."""
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
    """Upload a definition to SageMaker Pipelines: create or update the pipeline."""
    from .service import push as push_

    raise typer.Exit(push_(source(file, calls="own"), name, role=role, conn=conn, region=region, parallel=parallel))


@app.command()
def callback(
    token: Annotated[str, typer.Argument(help="Token in the message that the step sent.", show_default=False)],
    outputs: Annotated[list[str] | None, typer.Option("-o", "--output", help="Name=value; repeatable.")] = None,
    failure: Annotated[str | None, typer.Option(help="Answer with a failure, for this reason.")] = None,
    url: Annotated[
        str | None, typer.Option(help="URL of Airflow's API server; default: its configured base URL.")
    ] = None,
) -> None:
    """Answer a waiting Callback step of a DAG run."""
    from .callback import answer

    raise typer.Exit(answer(token, outputs or [], failure=failure, url=url))


@app.command()
def ui(
    dags: Annotated[Path, typer.Option(help="Folder of DAG files.")] = Path("dags"),
    port: Annotated[int, typer.Option(help="Port of the Airflow UI on 127.0.0.1.")] = 8080,
    home: Annotated[Path, typer.Option(help="AIRFLOW_HOME to use.")] = Path(".airflow"),
    state_dir: StateDir = None,
) -> None:
    """Run Airflow with a folder of DAGs and the embedded AWS; Ctrl-C stops both."""
    from .ui import run_ui

    raise typer.Exit(run_ui(dags, port=port, home=home, state_dir=state_dir))


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
    """Print environment variables that point boto3, the AWS CLI and other clients to the embedded AWS."""
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


GROUPS = {
    "local ": local_app,
    "records ": records_app,
    "gate ": gate_app,
    "champion ": champion_app,
    "drift ": drift_app,
}
for prefix, group in {"": app, **GROUPS}.items():
    for command in group.registered_commands:
        named = command.name or (command.callback.__name__ if command.callback else "")
        example = EXAMPLES.get(prefix + named.replace("_", "-"), "")
        command.epilog = f"Example: {example if example.startswith('eval') else f'sagemaker-mlops {example}'}"
