"""The commands and options of ``sagemaker-mlops drift``; :mod:`.drift` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

drift_app = typer.Typer(help="Test whether today's data still looks like the champion's training data.")


@drift_app.callback()
def _drift() -> None:
    """Make Typer keep ``check`` as a subcommand although it is the only one."""


@drift_app.command()
def check(
    data: Annotated[
        Path,
        typer.Argument(help="Today's data: CSV or Parquet file, or directory of parts.", show_default=False),
    ],
    baseline: Annotated[
        Path,
        typer.Option("--baseline", help="The baseline: data, or a profile that an earlier check wrote."),
    ],
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help="YAML or JSON file with Rules and Columns; default: the default rules."),
    ] = None,
    noun: Annotated[str, typer.Option("--noun", help="Plural noun for the records, e.g. flights.")] = "records",
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    profile: Annotated[
        Path | None,
        typer.Option("--profile", help="Write the data's profile, a baseline for later checks, to this file."),
    ] = None,
) -> None:
    """Compare today's data with a baseline, column by column.

    Exit code: 0 stable, 3 drift, 4 inconclusive, 2 invalid input.
    """
    from .drift import check_files

    raise typer.Exit(check_files(data, baseline, rules, noun=noun, output=output, profile=profile))
