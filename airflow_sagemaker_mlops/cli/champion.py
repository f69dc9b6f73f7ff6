"""``champion show`` and ``champion history``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from ..registry.champion import Client, Version, champion_of
from ..registry.errors import RegistryError
from ..registry.history import Entry, History, history_of
from ..registry.settle import is_open, rejected_since, settle
from ..runs.clients import client_of, connect
from ..runs.errors import NoAws
from .option_names import in_options
from .output.terminal import say, say_json, say_table

Words = ParamSpec("Words")


@dataclass(frozen=True, slots=True)
class Account:
    """The account of the registry: the embedded AWS, an Airflow connection, or boto3's default credentials."""

    conn: str | None = None
    region: str | None = None
    state_dir: Path | None = None
    boto3: bool = False

    def clients(self) -> Client:
        """{service: client}.  Raises :class:`NoAws`."""
        if not self.boto3:
            found: Client = connect(self.conn, self.region, self.state_dir).client
            return found
        if self.conn is not None:
            raise ValueError("--aws and --conn both name an account. Leave one out.")
        return functools.cache(lambda service: client_of(service, None, self.region))


def printing_errors(
    work: Callable[Concatenate[Client, Words], int],
) -> Callable[Concatenate[Account, Words], int]:
    """Wrap ``work``: connect, and print errors to standard error.  Errors exit with 1, bad options with 2."""

    def run(account: Account, /, *args: Words.args, **kwargs: Words.kwargs) -> int:
        if kwargs.get("output") not in ("text", "json"):
            say(f'--format is "{kwargs.get("output")}"; use text or json.', err=True)
            return 2
        try:
            client = account.clients()
        except (NoAws, ValueError) as error:
            say(in_options(error), err=True)
            return 2
        try:
            return work(client, *args, **kwargs)
        except RegistryError as error:
            say(error, err=True)
        except Exception as error:
            if not type(error).__module__.startswith("botocore"):
                raise
            say(f"{type(error).__name__}: {error}", err=True)
        return 1

    return run


@printing_errors
def show_champion(client: Client, group: str, location: str | None, *, repair: bool, output: str) -> int:
    """Print the champion; exits with 1 if there is none."""
    champion = champion_of(client, group)
    history = _history(client, champion, location, group)
    if repair:
        if history is None:
            say("--repair needs the history: add --history s3://bucket/prefix.", err=True)
            return 2
        settle(client, history, lambda line: say(line, err=True))
        champion = champion_of(client, group)
    if champion is None:
        if output == "json":
            say_json({"model_package_group": group, "champion": None})
        else:
            say(f"{group} has no champion: none of its versions is approved")
        return 1
    entry = history.read(champion.promotion_number) if history is not None and champion.promotion else None
    if output == "json":
        say_json(champion_as_json(champion, entry))
    else:
        _say_champion(champion, entry)
        _say_difference(client, champion, history.last() if history is not None else None)
    return 0


def _say_champion(champion: Version, entry: Entry | None) -> None:
    since = ""
    if entry is not None:
        verb = "given back" if entry.is_rollback else "promoted"
        since = f", {verb} by {entry.author} at {entry.at}"
    say(f"{champion.group}: version {champion.number}, {champion.stage or 'approved, without a stage'}{since}")
    why = entry.sentence if entry is not None else str(champion.described.get("ApprovalDescription") or "")
    rows = (("why", why), ("model", champion.model_data), ("package", champion.arn), ("history", champion.promotion))
    for name, value in rows:
        if value:
            say(f"  {name:<8} {value}")


def _say_difference(client: Client, champion: Version, last: Entry | None) -> None:
    """Say why the last change in the history is not what the registry says, if it is not."""
    if last is None:
        return
    if (rejected := rejected_since(client, last)) is not None:
        say(
            f"  version {rejected.number}, which was promoted last, was rejected in the registry: see champion rollback"
        )
    elif last.number > champion.promotion_number:
        open_ = is_open(client, last)
        why = "a promotion was interrupted; --repair finishes it" if open_ else "somebody rejected or moved its version"
        say(f"  {last.uri} is not followed by the registry: {why}")


@printing_errors
def list_history(
    client: Client, group: str, location: str | None, *, limit: int, output: str, html: Path | None = None
) -> int:
    """Print the entries, newest first, or write a report of them; exits with 1 if no history is known."""
    champion = champion_of(client, group)
    history = _history(client, champion, location, group)
    if history is None:
        say(f"{group} has no known history: its champion was not promoted by a pipeline. Add --history.", err=True)
        return 1
    numbers = history.numbers()
    entries = list(history.entries(numbers[-limit:] if limit else numbers))
    if html is not None:
        from .html_reports import write_history

        return write_history(group, f"version {champion.number}" if champion is not None else "", entries, out=html)
    if output == "json":
        say_json([entry.as_json() for entry in entries])
        return 0
    heads = ("No", "What", "Version", "Instead of", "When", "By", "Why")
    say_table(heads, [[(cell, "") for cell in _cells(entry)] for entry in entries])
    return 0


def _history(client: Client, champion: Version | None, location: str | None, group: str) -> History | None:
    """The history at ``location``, or the one named in the champion's metadata."""
    if location is not None:
        return History(client("s3"), location, group)
    return history_of(client("s3"), champion.promotion, group) if champion is not None else None


def champion_as_json(version: Version, entry: Entry | None) -> dict[str, Any]:
    """The champion as printed."""
    return {
        "model_package_group": version.group,
        "model_package": version.arn,
        "version": version.number,
        "stage": version.stage or None,
        "approval_status": version.approval,
        "model_data": version.model_data or None,
        "change": entry.as_json() if entry is not None else None,
    }


def _cells(entry: Entry) -> tuple[str, ...]:
    version, replaced = (arn.rpartition("/")[2] for arn in (entry.model_package, entry.replaced))
    return (str(entry.number), entry.kind, version, replaced or "none", entry.at, entry.author, entry.sentence)
