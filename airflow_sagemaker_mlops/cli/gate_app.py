"""``sagemaker-mlops gate …``: words and options; :mod:`.gate` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .records_options import with_place

gate_app = typer.Typer(help="The champion gate: is a candidate better than the champion, and how sure is that?")


@gate_app.command()
def evaluate(
    predictions: Annotated[
        Path,
        typer.Argument(
            help="CSV or Parquet file, or directory of parts: columns id, label, candidate, champion, and those of "
            "slices and units.",
            show_default=False,
        ),
    ],
    rules: Annotated[Path, typer.Option("--rules", help="YAML or JSON file with the list of rules.")],
    champion_predictions: Annotated[
        Path | None,
        typer.Option("--champion-predictions", help="The champion's predictions, if they are in a file of their own."),
    ] = None,
    no_champion: Annotated[
        str | None,
        typer.Option("--no-champion", help="There is no champion yet: promote, reject, or leave to approval."),
    ] = None,
    value: Annotated[
        list[str] | None,
        typer.Option(
            "--value",
            help="NAME=CANDIDATE,CHAMPION of a metric that is measured elsewhere: latency_p95_ms=118,125; repeatable.",
            show_default=False,
        ),
    ] = None,
    recorded: Annotated[
        Path | None,
        typer.Option(
            "--recorded",
            help="The champion's report, for Compare: recorded and slices that must not vanish.",
        ),
    ] = None,
    noun: Annotated[str, typer.Option("--noun", help="What a record is, in the plural: flights.")] = "records",
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the report to this file as JSON too.")
    ] = None,
) -> None:
    """Judge a candidate on the same records as the champion.

    Exit code: 0 promote, 3 reject, 4 inconclusive (the champion stays), 2 input that cannot be judged.
    """
    from .gate import Asked, evaluate_files

    asked = Asked(predictions, rules, champion_predictions, no_champion, tuple(value or ()), recorded, noun)
    raise typer.Exit(evaluate_files(asked, output=output, out=out))


@gate_app.command("replay")
@with_place
def replay_(
    place: Any,
    group: Annotated[str, typer.Argument(help="Model package group, as its gates name it.", show_default=False)],
    rules: Annotated[Path, typer.Option("--rules", help="YAML or JSON file with the other rules.")],
    dag: Annotated[str | None, typer.Option("--dag", help="Only runs of this DAG or pipeline.")] = None,
    most: Annotated[int, typer.Option("--limit", min=0, help="At most this many, the newest; 0: all.")] = 0,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> int:
    """Judge the recorded candidates of a model package group by other rules.

    Reads the predictions of each candidate again, from where its record says they lie.
    """
    from .gate_replay import replay_group

    return replay_group(place, place, group, rules, dag=dag, most=most, output=output)
