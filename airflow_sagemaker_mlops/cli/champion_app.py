"""The commands and options of ``sagemaker-mlops champion``; :mod:`.champion` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import folder_named

champion_app = typer.Typer(help="Show the champion of a model package group, list its history, or roll it back.")

Group = Annotated[str, typer.Argument(help="Name or ARN of the model package group.", show_default=False)]
History = Annotated[
    str | None,
    typer.Option("--history", help="HistoryS3Uri of the pipeline; default: from the champion's metadata."),
]
Connection = Annotated[str | None, typer.Option("--conn", help="Use the account of this Airflow connection.")]
Boto3 = Annotated[bool, typer.Option("--aws", help="Use the account of boto3's default credentials.")]
Region = Annotated[str | None, typer.Option("--region", help="AWS region.")]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        parser=folder_named,
        metavar="PATH",
        help="State folder of the embedded AWS, the default account.",
    ),
]
Format = Annotated[str, typer.Option("--format", help="text or json.")]


@champion_app.command()
def show(
    group: Group,
    history: History = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="First finish an interrupted change and rewrite champion.json.")
    ] = False,
    conn: Connection = None,
    aws: Boto3 = False,
    region: Region = None,
    state_dir: StateDir = None,
    output: Format = "text",
) -> None:
    """Show the champion of GROUP: its version, its model, and when and by which run it was promoted.

    Exits with 1 if there is no champion.
    """
    from .champion import Account, show_champion

    account = Account(conn, region, state_dir, boto3=aws)
    raise typer.Exit(show_champion(account, group, history, repair=repair, output=output))


@champion_app.command()
def history(
    group: Group,
    history: History = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="Only this many of the newest changes; 0 for all.")
    ] = 20,
    conn: Connection = None,
    aws: Boto3 = False,
    region: Region = None,
    state_dir: StateDir = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a self-contained HTML report to this file.")
    ] = None,
    output: Format = "text",
) -> None:
    """List the champion changes of GROUP, newest first: version, time, author and reason."""
    from .champion import Account, list_history

    account = Account(conn, region, state_dir, boto3=aws)
    raise typer.Exit(list_history(account, group, history, limit=limit, output=output, html=html))


@champion_app.command()
def rollback(
    group: Group,
    reason: Annotated[str, typer.Option("--reason", help="The reason, stored in the registry and the history.")],
    of: Annotated[
        int | None, typer.Option("--of", metavar="VERSION", help="Fail unless this version is the champion.")
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
    """Restore the previous champion and reject the current one.

    Endpoints do not change; the command that updates one is printed. With --endpoint, that endpoint is updated.
    A champion that a rollback restored is rolled back only if --of names it, so repeating the command changes nothing.
    Exit codes: 0 done; 1 refused, nothing changed; 2 invalid options; 3 done, but the endpoint was not updated.
    """
    from .champion import Account
    from .champion_rollback import roll_back

    account = Account(conn, region, state_dir, boto3=aws)
    raise typer.Exit(roll_back(account, group, history, reason=reason, of=of, endpoint=endpoint, output=output))
