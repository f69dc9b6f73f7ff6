"""``sagemaker-mlops drift …``: words and options; :mod:`.drift` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

drift_app = typer.Typer(help="Drift: is today's data still like the data that the champion was trained on?")


@drift_app.callback()
def _drift() -> None:
    """Keep ``check`` a word of its own while it is the only command."""


@drift_app.command()
def check(
    data: Annotated[
        Path,
        typer.Argument(help="Today's data: CSV or Parquet file, or directory of parts.", show_default=False),
    ],
    baseline: Annotated[
        Path,
        typer.Option("--baseline", help="What to compare with: data, or the profile that an earlier check wrote."),
    ],
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help="YAML or JSON file with Rules and Columns; without it the default rules hold."),
    ] = None,
    noun: Annotated[str, typer.Option("--noun", help="What a record is, in the plural: flights.")] = "records",
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    profile: Annotated[
        Path | None,
        typer.Option("--profile", help="Write the profile of the data to this file: a baseline for later checks."),
    ] = None,
) -> None:
    """Compare today's data with a baseline, column by column.

    Exit code: 0 stable, 3 drift, 4 inconclusive (too few records), 2 input that cannot be judged.
    """
    from .drift import check_files

    raise typer.Exit(check_files(data, baseline, rules, noun=noun, output=output, profile=profile))
