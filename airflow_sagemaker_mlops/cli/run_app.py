"""The commands that run a pipeline here, or prepare and answer a run of a DAG; :mod:`.run` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    HERE,
    THIS_PYTHON,
    Arguments,
    Config,
    Definition,
    Prices,
    Project,
    Python,
    Stage,
    StateDir,
    folder_named,
    source,
    stage_choice,
)
from .output.terminal import say


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
            min=0, help="If another run promotes a champion meanwhile, compare with that one; at most this many times."
        ),
    ] = 3,
    approve: Annotated[
        list[str] | None, typer.Option("--approve", help="x-approval step that you approve now; repeatable.")
    ] = None,
    reject: Annotated[
        list[str] | None, typer.Option("--reject", help="x-approval step that you reject now; repeatable.")
    ] = None,
    stage: Stage = None,
    config: Config = None,
    project: Project = HERE,
) -> None:
    """Run the pipeline in this process and show live progress; exit 1 if it fails.

    A step with an enabled CacheConfig takes its result from an earlier run if nothing it depends on has changed.
    --select and --resume run part of the pipeline on results of an earlier run.  See docs/selective.md.
    """
    from ..records.reuse.selective_run import SelectiveRequest
    from ..runs.clients import Target
    from ..runs.stubs import StubOptions
    from .compiling import CompileOptions
    from .run import branches_of, decisions_of, misfit, run_definition
    from .sources import Source

    selective = SelectiveRequest(select or (), source_run, resume)
    try:
        options = StubOptions(stubs, branches_of(branch or ()), all_branches)
        decisions = decisions_of(approve or (), reject or ())
        wrong = misfit(selective, options, has_summary=summary is not None)
    except ValueError as error:
        wrong = str(error)
    if wrong:
        say(wrong, err=True)
        raise typer.Exit(2)
    raise typer.Exit(
        run_definition(
            Source(
                file, CompileOptions(python, arguments or (), conn=conn, region=region, state_dir=state_dir, keeps=True)
            ),
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
            answers=decisions,
            output=output,
            stage=stage_choice(stage, config, project),
        )
    )


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


def ui(
    dags: Annotated[Path, typer.Option(help="Folder of DAG files.")] = Path("dags"),
    port: Annotated[int, typer.Option(help="Port of the Airflow UI on 127.0.0.1.")] = 8080,
    home: Annotated[Path, typer.Option(parser=folder_named, metavar="PATH", help="AIRFLOW_HOME to use.")] = Path(
        ".airflow"
    ),
    state_dir: StateDir = None,
) -> None:
    """Run Airflow with a folder of DAGs and the embedded AWS; Ctrl-C stops both."""
    from .ui import run_ui

    raise typer.Exit(run_ui(dags, port=port, home=home, state_dir=state_dir))
