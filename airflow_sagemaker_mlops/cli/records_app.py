"""``sagemaker-mlops records …``: arguments and options; :mod:`.records` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .records_options import with_place

if TYPE_CHECKING:
    from ..runs.records_location import RecordsLocation

records_app = typer.Typer(help="Records of runs: inspect, compare, verify and export them.")

Format = Annotated[str, typer.Option("--format", help="text or json.")]
DagOption = Annotated[str | None, typer.Option("--dag", help="DAG id; optional if there are records of one DAG only.")]
Dag = Annotated[str | None, typer.Argument(help="DAG id; default: all DAGs.", show_default=False)]
Run = Annotated[str, typer.Argument(help="Run id or its beginning, latest, latest~1; or dag/run.", show_default=False)]
Html = Annotated[Path | None, typer.Option("--html", help="Write a self-contained HTML report to this file.")]
Out = Annotated[Path | None, typer.Option("--output", "-o", help="Output file; default: standard output.")]


@records_app.command("list")
@with_place
def list_(
    place: RecordsLocation,
    dag: Dag = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Number of records; 0 for all.")] = 20,
    output: Format = "text",
) -> int:
    """List the newest records."""
    from .records import list_records

    return list_records(place, dag, limit=limit, output=output)


@records_app.command()
@with_place
def show(
    place: RecordsLocation,
    run: Run = "latest",
    step: Annotated[str | None, typer.Option("--step", help="Show this step in detail.")] = None,
    html: Html = None,
    dag: DagOption = None,
    output: Format = "text",
) -> int:
    """Show a run's record: parameters, data, code, images, steps, decisions, models. Works during the run, too."""
    from .logs import lines_of_step
    from .records import show_record

    return show_record(
        place,
        dag,
        run,
        step=step,
        output=output,
        html=html,
        log_of=lambda step_record: lines_of_step(step_record, place.client),
        console=not place.is_local_aws,
    )


@records_app.command()
@with_place
def diff(
    place: RecordsLocation,
    old: Run,
    new: Run = "latest",
    html: Html = None,
    dag: DagOption = None,
    output: Format = "text",
) -> int:
    """Show what changed from one run to another."""
    from .records import show_changes

    return show_changes(place, dag, old, new, output=output, html=html)


@records_app.command()
@with_place
def find(
    place: RecordsLocation,
    what: Annotated[str, typer.Argument(help="ARN of a model package, GROUP/VERSION, endpoint, or s3:// URI.")],
    dag: DagOption = None,
    output: Format = "text",
) -> int:
    """Find the runs that made or read a model, an endpoint or data in S3."""
    from .finding import find_records

    return find_records(place, what, dag, output=output)


@records_app.command()
@with_place
def verify(
    place: RecordsLocation,
    dag: Dag = None,
    rebuild_index: Annotated[bool, typer.Option("--rebuild-index", help="Rebuild the index afterwards.")] = False,
    expect: Annotated[
        list[str] | None,
        typer.Option("--expect", metavar="RUN=HASH", help="The hash you noted when the run was sealed; repeatable."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", help="Every record must be signed with this key: a PEM file or awskms:<key id, alias or ARN>."
        ),
    ] = None,
    models: Annotated[
        bool, typer.Option("--models", help="Compare with the hashes stored on the runs' models in the registry.")
    ] = False,
    output: Format = "text",
) -> int:
    """Verify the hashes and the chain of all records; exit 1 and name each record that was altered or is missing.

    Someone who can write all records can also change their hashes: use --expect, --key or --models to detect that.
    """
    from .records import verify_records
    from .verifying import VerifyOptions

    return verify_records(
        place, dag, VerifyOptions(tuple(expect or ()), key, models, place.client), rebuild=rebuild_index, output=output
    )


@records_app.command()
@with_place
def approvals(
    place: RecordsLocation,
    run: Run = "latest",
    dag: DagOption = None,
    sign_key: Annotated[
        str | None,
        typer.Option(
            "--sign-key",
            envvar="SAGEMAKER_MLOPS_SIGNING_KEY",
            help="Sign the appended decisions: a PEM file or awskms:<key>.",
        ),
    ] = None,
    output: Format = "text",
) -> int:
    """Look up a run's models in the model registry, and append new approval decisions to its record."""
    from .records import note_approvals

    return note_approvals(place, dag, run, client=place.client, sign_key=sign_key, output=output)


@records_app.command()
@with_place
def export(
    place: RecordsLocation,
    runs: Annotated[list[str] | None, typer.Argument(help="Runs, as in show; default: latest.")] = None,
    form: Annotated[str, typer.Option("--format", help="slsa, openlineage or csv.")] = "slsa",
    dag: DagOption = None,
    out: Out = None,
) -> int:
    """Export records for other tools: in-toto statements with SLSA provenance, OpenLineage events, or a table."""
    from .records import export_records

    return export_records(place, dag, runs or ["latest"], form=form, out=out)


@records_app.command()
@with_place
def lineage(
    place: RecordsLocation,
    run: Run = "latest",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the API calls.")] = False,
    dag: DagOption = None,
    output: Format = "text",
) -> int:
    """Write a run to SageMaker Lineage: its data, jobs, models and decisions. Safe to repeat."""
    from .lineage import write_to_lineage

    return write_to_lineage(place, dag, run, dry=dry_run, output=output)


@with_place
def why_not_cached(
    place: RecordsLocation,
    dag: Annotated[str, typer.Argument(help="DAG id.", show_default=False)],
    step: Annotated[str, typer.Argument(help="Step name.", show_default=False)],
    run: Annotated[str, typer.Option("--run", help="The run to explain.")] = "latest",
    against: Annotated[
        str | None, typer.Option("--against", help="Run to compare with; default: the last success before it.")
    ] = None,
    output: Format = "text",
) -> int:
    """Show which changed attribute kept a step from using the cache."""
    from .records import explain_cache

    return explain_cache(place, dag, step, run=run, against=against, output=output)


@with_place
def logs(
    place: RecordsLocation,
    run: Run,
    step: Annotated[str, typer.Argument(help="Step name.", show_default=False)],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing until the job has ended.")] = False,
    dag: DagOption = None,
) -> int:
    """Print the container logs of a step's job. Works during the run, too."""
    from .logs import show_logs

    return show_logs(place, dag, run, step, follow=follow)
