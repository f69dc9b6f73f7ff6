"""Makes the previous champion the champion again, by the protocol of :mod:`.promotion`."""

from __future__ import annotations

from collections.abc import Mapping

from .champion import REJECTED, Client, Log, Version, champion_of, require_model_data, version_of
from .change import Baseline, Change, Changed, completed, decided
from .errors import Abandoned, RegistryError
from .history import Entry, History, history_of
from .promotion import require_same_history
from .settle import change_line, is_open, rejected_since, settle

LATEST = 50  # number of entries in which a retry looks for its own rollback


def history_for(client: Client, group: str, location: str) -> History:
    """The history at ``location``; if that is empty, the one that the champion names.

    :raises RegistryError: if none is known
    """
    if location:
        return History(client("s3"), location, group)
    champion = champion_of(client, group)
    found = history_of(client("s3"), champion.promotion, group) if champion is not None else None
    if found is None:
        raise RegistryError(
            f'It is not known what was before the champion of "{group}": no pipeline has promoted it. Name the '
            f"history, or change the stages in the registry."
        )
    return found


def rollback(
    client: Client,
    history: History,
    *,
    ident: str,
    by: Mapping[str, str],
    reason: str,
    log: Log,
    expected: int | None = None,
) -> Changed:
    """Restore the previous champion and reject the current one with ``reason``.

    If an earlier rollback was interrupted before the registry update, it is finished instead of starting another.  A
    champion that a rollback has restored is rolled back only if ``expected`` names it, so that repeating a
    rollback does not go back further.

    :param expected: version that must be the current champion
    :raises RegistryError: if there is no earlier champion, or another version is the champion
    :raises Abandoned: if somebody rejected the earlier champion meanwhile
    :raises ChampionChanged: if the champion changes at the same time
    """
    last = history.last()
    begun = _begun(client, history, ident, last, log)
    if begun is not None:
        _require_expected(begun, expected)
        try:
            return completed(client, history, begun, log, last)
        except Abandoned:
            if begun.ident == ident:
                raise
    champion = _present(client, history, settle(client, history, log), expected)
    target = _before(client, history, champion)
    if expected is None:
        _require_promoted(history, champion)
    require_model_data(client, target)
    known = max([champion.promotion_number, *history.numbers()[-1:]])
    change = Change(target.arn, Baseline(known, champion.arn), ident, by, reason, "rollback")
    entry = decided(history, known + 1, change, champion)
    log(change_line(entry))
    return completed(client, history, entry, log)


def rollback_by(client: Client, history: History, ident: str) -> Changed | None:
    """The rollback with this ``ident``, if the registry has the champion that it restored; else ``None``."""
    entry = _with_ident(history, ident)
    if entry is None or is_open(client, entry):
        return None
    version = version_of(client, entry.model_package)
    return Changed(entry, version) if version.promotion == entry.uri else None


def _present(client: Client, history: History, last: Entry | None, expected: int | None) -> Version:
    """The champion, or the version of the last entry if somebody has rejected it.  Raises :class:`RegistryError`."""
    champion = rejected_since(client, last) or champion_of(client, history.group)
    if champion is None:
        raise RegistryError(f'"{history.group}" has no champion, so there is nothing to roll back.')
    if expected is not None and champion.number != expected:
        raise RegistryError(f'Version {champion.number} of "{history.group}" is the champion, and not {expected}.')
    require_same_history(champion, history)
    return champion


def _with_ident(history: History, ident: str) -> Entry | None:
    newest = history.entries(history.numbers()[-LATEST:])
    return next((entry for entry in newest if entry.ident == ident), None)


def _begun(client: Client, history: History, ident: str, last: Entry | None, log: Log) -> Entry | None:
    """The rollback to finish: the one with this ``ident``, or another one that was interrupted."""
    if (mine := _with_ident(history, ident)) is not None:
        return mine
    if last is None or not last.is_rollback or not is_open(client, last):
        return None
    log(f"{last.uri}: this rollback was interrupted, and is finished now instead of another one")
    return last


def _require_expected(begun: Entry, expected: int | None) -> None:
    """Raise :class:`RegistryError` if ``begun`` rolls back another version than the ``expected`` one."""
    replaced = begun.replaced.rpartition("/")[2]
    if expected is not None and replaced != str(expected):
        version = begun.model_package.rpartition("/")[2]
        raise RegistryError(
            f"{begun.author} began to roll back version {replaced} to version {version} ({begun.uri}), so version "
            f"{expected} is not the one to roll back. Nothing was changed. Finish that rollback first: champion show "
            f"--repair."
        )


def _require_promoted(history: History, champion: Version) -> None:
    """Raise :class:`RegistryError` if a rollback made ``champion`` the champion, and it is still approved."""
    made = history.read(champion.promotion_number) if champion.promotion else None
    if made is None or not made.is_rollback or champion.approval == REJECTED:
        return
    replaced = made.replaced.rpartition("/")[2]
    raise RegistryError(
        f'Version {champion.number} of "{history.group}" is the champion because {made.author} rolled back version '
        f"{replaced} at {made.at} ({made.uri}). Nothing was changed. To go back further, name version "
        f"{champion.number} as the one to roll back: --of {champion.number}, or of={champion.number}."
    )


def _before(client: Client, history: History, champion: Version) -> Version:
    """The champion before ``champion``; skips versions that have since been deleted or rejected."""
    wanted, passed = champion.arn, []
    for entry in history.entries():
        if entry.is_rollback or entry.model_package != wanted:
            continue
        if not entry.replaced:
            break
        wanted = entry.replaced
        try:
            found = version_of(client, wanted)
        except RegistryError:
            passed.append(f"{wanted} was deleted")
            continue
        if found.approval != REJECTED:
            return found
        passed.append(f"version {found.number} was rejected")
    why = f" ({'; '.join(passed)})" if passed else ""
    raise RegistryError(
        f'The history of "{history.group}" ({history.folder}) has no champion before version {champion.number}{why}, '
        f"so there is nothing to go back to."
    )
