"""The command ``new`` and its options; :mod:`.new` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import THIS_PYTHON, Python, beginning, folder_named


def new(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", parser=folder_named, help="Folder of the project; . for the current one.", show_default=False
        ),
    ],
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing: take the defaults.")] = False,
    data: Annotated[list[str] | None, typer.Option("--data", help="KEY=VALUE, an answer; repeatable.")] = None,
    updates: Annotated[
        bool, typer.Option("--update", help="Bring the project in DIR to the template of this version.")
    ] = False,
    conn: Annotated[
        str | None, typer.Option(help="With source=pull: Airflow connection. Default: boto3's own.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="AWS region of the project, and with source=pull of the pipeline.")
    ] = None,
    python: Python = THIS_PYTHON,
) -> None:
    """Make the repository of a project: pipeline, step code, DAGs, tests, stages, infrastructure, CI.

    Its make test and make run need no account.  --update keeps what you changed.
    """
    with beginning():
        from .new import new as new_
        from .new import update

    if updates:
        raise typer.Exit(update(folder, data or [], conn=conn, region=region, python=python))
    raise typer.Exit(new_(folder, data or [], defaults=defaults, conn=conn, region=region, python=python))
