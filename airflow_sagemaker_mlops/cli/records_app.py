"""``sagemaker-mlops records …``: words and options; :mod:`.records` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

records_app = typer.Typer(help="Records of runs: what they were made of, what changed, whether they are intact.")

Location = Annotated[
    str | None,
    typer.Option(
        "--location",
        envvar="SAGEMAKER_MLOPS_RECORDS",
        help="s3://bucket/prefix or a folder; the records of the embedded AWS if left out.",
    ),
]
Connection = Annotated[
    str | None, typer.Option("--conn", help="Airflow connection to S3; boto3's own look-up if left out.")
]
Region = Annotated[str | None, typer.Option("--region", help="AWS region.")]
StateDir = Annotated[Path | None, typer.Option("--state-dir", help="Folder of the embedded AWS's state.")]
Format = Annotated[str, typer.Option("--format", help="text or json.")]
DagOption = Annotated[str | None, typer.Option("--dag", help="DAG id; may be left out when there is one DAG.")]
Run = Annotated[str, typer.Argument(help="Run id or its beginning, latest, latest~1; or dag/run.", show_default=False)]
Out = Annotated[Path | None, typer.Option("--output", "-o", help="File to write; standard output if none.")]


@records_app.command("list")
def list_(
    dag: Annotated[str | None, typer.Argument(help="DAG id; every DAG if left out.", show_default=False)] = None,
    most: Annotated[int, typer.Option("--limit", "-n", help="So many of the newest; all if 0.")] = 20,
    output: Format = "text",
    location: Location = None,
    conn: Connection = None,
    region: Region = None,
    state_dir: StateDir = None,
) -> None:
    """List the newest records."""
    from .records import Place, list_records

    raise typer.Exit(list_records(Place(location, conn, region, state_dir), dag, most=most, output=output))


@records_app.command()
def show(
    run: Run = "latest",
    step: Annotated[str | None, typer.Option("--step", help="All about one step.")] = None,
    dag: DagOption = None,
    output: Format = "text",
    location: Location = None,
    conn: Connection = None,
    region: Region = None,
    state_dir: StateDir = None,
) -> None:
    """Show a record: parameters, data, code, images, steps, decisions, models; also of a run that is still on."""
    from .records import Place, show_record

    raise typer.Exit(show_record(Place(location, conn, region, state_dir), dag, run, step=step, output=output))


@records_app.command()
def diff(
    old: Run,
    new: Run = "latest",
    dag: DagOption = None,
    output: Format = "text",
    location: Location = None,
    conn: Connection = None,
    region: Region = None,
    state_dir: StateDir = None,
) -> None:
    """Say what changed from one run to another."""
    from .records import Place, show_changes

    raise typer.Exit(show_changes(Place(location, conn, region, state_dir), dag, old, new, output=output))


@records_app.command()
def verify(
    dag: Annotated[str | None, typer.Argument(help="DAG id; every DAG if left out.", show_default=False)] = None,
    rebuild_index: Annotated[bool, typer.Option("--rebuild-index", help="Make the index anew first.")] = False,
    output: Format = "text",
    location: Location = None,
    conn: Connection = None,
    region: Region = None,
    state_dir: StateDir = None,
) -> None:
    """Check hashes and chain of all records; exit 1 and name them when one was altered or is missing."""
    from .records import Place, verify_records

    place = Place(location, conn, region, state_dir)
    raise typer.Exit(verify_records(place, dag, rebuild=rebuild_index, output=output))


@records_app.command()
def export(
    runs: Annotated[list[str] | None, typer.Argument(help="Runs, as for show; latest if none.")] = None,
    form: Annotated[str, typer.Option("--format", help="slsa, openlineage or csv.")] = "slsa",
    dag: DagOption = None,
    out: Out = None,
    location: Location = None,
    conn: Connection = None,
    region: Region = None,
    state_dir: StateDir = None,
) -> None:
    """Write records for other tools: in-toto statements with SLSA provenance, OpenLineage events, or a table."""
    from .records import Place, export_records

    place = Place(location, conn, region, state_dir)
    raise typer.Exit(export_records(place, dag, runs or ["latest"], form=form, out=out))


@records_app.command()
def lineage(
    run: Run = "latest",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the calls, one a line, and make none.")] = False,
    dag: DagOption = None,
    location: Location = None,
    conn: Connection = None,
    region: Region = None,
    state_dir: StateDir = None,
) -> None:
    """Write a run into SageMaker Lineage: its data, jobs, models and decisions; again makes nothing twice."""
    from .lineage import write_to_lineage
    from .records import Place

    raise typer.Exit(write_to_lineage(Place(location, conn, region, state_dir), dag, run, dry=dry_run))


def why_not_cached(
    dag: Annotated[str, typer.Argument(help="DAG id.", show_default=False)],
    step: Annotated[str, typer.Argument(help="Step name.", show_default=False)],
    run: Annotated[str, typer.Option("--run", help="The run to explain.")] = "latest",
    against: Annotated[
        str | None, typer.Option("--against", help="Run to compare with; the last success before it if left out.")
    ] = None,
    output: Format = "text",
    location: Location = None,
    conn: Connection = None,
    region: Region = None,
    state_dir: StateDir = None,
) -> None:
    """Say which attribute changed, so that a step was not taken from the cache."""
    from .records import Place, explain_cache

    place = Place(location, conn, region, state_dir)
    raise typer.Exit(explain_cache(place, dag, step, run=run, against=against, output=output))
