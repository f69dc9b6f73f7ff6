"""Arguments and options that several commands have."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer


def folder_named(text: str | Path) -> Path:
    """A folder that is named on the command line, where ``""`` would otherwise be the current one.

    An empty name is that of a variable that is not set, and these folders are filled or deleted.
    """
    if not str(text).strip():
        raise typer.BadParameter("the name is empty. Write . for the current folder.")
    return Path(text)


@contextmanager
def beginning() -> Iterator[None]:
    """Answer Ctrl-C while the modules of a command are imported, which takes a second, as the command itself does."""
    try:
        yield
    except KeyboardInterrupt:
        from .output.terminal import say

        say("Ctrl-C: nothing was done.", err=True)
        raise typer.Exit(130) from None


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
StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", parser=folder_named, metavar="PATH", help="State folder of the embedded AWS."),
]
Connection = Annotated[
    str | None, typer.Option("--conn", help="Airflow connection; default: boto3's credential chain.")
]
Region = Annotated[str | None, typer.Option("--region", help="AWS region.")]

Stage = Annotated[
    str | None, typer.Option("--stage", help="Stage: its configuration is config/STAGE.yaml.", show_default=False)
]
Config = Annotated[
    Path | None, typer.Option("--config", help="File with the configuration, instead of --stage.", show_default=False)
]
Project = Annotated[
    Path,
    typer.Option(
        "--project", parser=folder_named, metavar="PATH", help="Folder of the project, which has the config folder."
    ),
]
HERE = Path()


def stage_choice(stage: str | None, config: Path | None, project: Path) -> Any:
    """The stage named on the command line, possibly none."""
    from .stages import StageChoice

    return StageChoice(stage, config, project)


def source(file: str, python: Path = THIS_PYTHON, arguments: list[str] | None = None, **how: Any) -> Any:
    """The definition named on the command line."""
    from .compiling import CompileOptions
    from .sources import Source

    return Source(file, CompileOptions(python, arguments or (), **how))
