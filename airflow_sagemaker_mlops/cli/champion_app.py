"""``sagemaker-mlops champion …``: words and options; :mod:`.champion` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

champion_app = typer.Typer(help="The champion of a model package group: who it is, what it was, and the way back.")

Group = Annotated[str, typer.Argument(help="Name or ARN of the model package group.", show_default=False)]
History = Annotated[
    str | None,
    typer.Option("--history", help="HistoryS3Uri of the pipeline; default: what the champion's metadata names."),
]
Connection = Annotated[str | None, typer.Option("--conn", help="Airflow connection of the account.")]
Boto3 = Annotated[bool, typer.Option("--aws", help="The account that boto3's own credential chain leads to.")]
Region = Annotated[str | None, typer.Option("--region", help="AWS region.")]
StateDir = Annotated[
    Path | None, typer.Option("--state-dir", help="State folder of the embedded AWS, which is used by default.")
]
Format = Annotated[str, typer.Option("--format", help="text or json.")]


@champion_app.command()
def show(
    group: Group,
    history: History = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="First finish an interrupted change, and write champion.json again.")
    ] = False,
    conn: Connection = None,
    aws: Boto3 = False,
    region: Region = None,
    state_dir: StateDir = None,
    output: Format = "text",
) -> None:
    """Show the champion of GROUP: version, model, since when, and by which run; exit 1 if there is none."""
    from .champion import Account, show_champion

    account = Account(conn, region, state_dir, boto3=aws)
    raise typer.Exit(show_champion(account, group, history, repair=repair, output=output))


@champion_app.command()
def history(
    group: Group,
    history: History = None,
    most: Annotated[int, typer.Option("--limit", "-n", min=0, help="So many of the newest; all if 0.")] = 20,
    conn: Connection = None,
    aws: Boto3 = False,
    region: Region = None,
    state_dir: StateDir = None,
    output: Format = "text",
) -> None:
    """List the changes of the champion of GROUP, newest first: which version, when, by whom, and why."""
    from .champion import Account, list_history

    account = Account(conn, region, state_dir, boto3=aws)
    raise typer.Exit(list_history(account, group, history, most=most, output=output))


@champion_app.command()
def rollback(
    group: Group,
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes into the registry and the history.")],
    of: Annotated[
        int | None, typer.Option("--of", metavar="VERSION", help="Refuse unless this version is the champion.")
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", help="Also update this endpoint to the newest configuration of that version."),
    ] = None,
    history: History = None,
    conn: Connection = None,
    aws: Boto3 = False,
    region: Region = None,
    state_dir: StateDir = None,
    output: Format = "text",
) -> None:
    """Make the champion before the present one the champion again, and reject the present one.

    Endpoints go on serving what they serve, unless --endpoint names one; the command that updates it is printed.
    Exit codes: 0 done; 1 the registry or AWS says no, nothing or only the registry was changed; 2 unusable options.
    """
    from .champion import Account, roll_back

    account = Account(conn, region, state_dir, boto3=aws)
    raise typer.Exit(roll_back(account, group, history, reason=reason, of=of, endpoint=endpoint, output=output))
