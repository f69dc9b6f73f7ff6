"""``sagemaker-mlops gate …``: words and options; :mod:`.gate` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

gate_app = typer.Typer(help="The champion gate: is a candidate better than the champion, and how sure is that?")


@gate_app.callback()
def _gate() -> None:
    """Keep ``evaluate`` a word of its own while it is the only command."""


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
