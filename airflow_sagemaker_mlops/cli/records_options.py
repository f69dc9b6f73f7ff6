"""Options that the commands about records share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from .options import StateDir

Location = Annotated[
    str | None,
    typer.Option(
        "--location",
        envvar="SAGEMAKER_MLOPS_RECORDS",
        help="s3://bucket/prefix or a folder; default: the records of the embedded AWS.",
    ),
]
Connection = Annotated[
    str | None, typer.Option("--conn", help="Airflow connection to S3; default: boto3's credential chain.")
]
Region = Annotated[str | None, typer.Option("--region", help="AWS region.")]
PLACE = {"location": Location, "conn": Connection, "region": Region, "state_dir": StateDir}


def with_place(command: Callable[..., int]) -> Callable[..., None]:
    """A command with the four options for the location of records, passed as its first argument; it exits.

    typer reads options from a signature, so the signature is assembled here.
    """

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        from ..runs.records_location import RecordsLocation

        place = RecordsLocation(*(options.pop(name) for name in PLACE))
        raise typer.Exit(command(place, *args, **options))

    # The location's class is imported by commands only, so its name is unknown here; typer never sees it.
    signature = inspect.signature(command, eval_str=True, locals={"RecordsLocation": object})
    given = list(signature.parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [inspect.Parameter(name, keyword, default=None, annotation=kind) for name, kind in PLACE.items()]
    own = [parameter.replace(kind=keyword) for parameter in given]
    run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *shared)}
    return run
