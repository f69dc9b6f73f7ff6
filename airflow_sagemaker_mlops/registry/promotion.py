"""Makes a version the champion: exactly once, only if the champion has not changed, and safely across crashes.

A promotion is decided when its numbered history entry is written; the registry is updated afterwards.  If a process is
killed in between, the next caller finishes the update first.
``docs/decisions/0011-champions-change-by-compare-and-set.md`` has the protocol and its proof.
"""

from __future__ import annotations

from .champion import REJECTED, Client, Log, Version, champion_of, require_version_of, version_of
from .change import Baseline, Change, Changed, changed_since, completed, decided
from .errors import RegistryError
from .history import Entry, History
from .settle import change_line, settle


def promote(client: Client, history: History, change: Change, log: Log) -> Changed:
    """Make ``change`` exactly once.  Safe to call again after any interruption.

    :raises ChampionChanged: if the champion has changed since the comparison; nothing was changed
    :raises Abandoned: if somebody rejected the version meanwhile
    :raises RegistryError: if the version cannot be the champion
    """
    last = history.last()
    own = _own(history, change, last)
    if own is None:
        candidate = version_of(client, change.model_package)
        _require_candidate(candidate, history, change)
        last = settle(client, history, log, last) or last
        compared = change.baseline.arn  # equal if the latest approved version only gets a stage now
        champion = champion_of(client, history.group, candidate=candidate.arn if candidate.arn != compared else "")
        require_same_history(champion, history)
        known = max(last.number if last is not None else 0, champion.promotion_number if champion is not None else 0)
        if Baseline(known, champion.arn if champion is not None else "") != change.baseline:
            raise changed_since(history, change, last, champion)
        own = decided(history, known + 1, change, champion)
        log(change_line(own))
    else:
        log(f"{own.uri} has been written by an earlier attempt of this step")
    return completed(client, history, own, log)


def _own(history: History, change: Change, last: Entry | None) -> Entry | None:
    """The entry written by an earlier attempt."""
    for number in range(last.number if last is not None else 0, change.baseline.number, -1):
        entry = history.read(number)
        if entry is not None and (entry.ident, entry.model_package) == (change.ident, change.model_package):
            return entry
    return None


def _require_candidate(candidate: Version, history: History, change: Change) -> None:
    require_version_of(candidate.arn, candidate.group, history.group)
    status = candidate.described.get("ModelPackageStatus", "Completed")
    if status != "Completed":
        raise RegistryError(f"{candidate.arn} is {status}, and only a version that is Completed can be the champion.")
    if candidate.approval == REJECTED:
        why = candidate.described.get("ApprovalDescription")
        raise RegistryError(
            f"{candidate.arn} was rejected{f' ({why})' if why else ''}, so it is not promoted. Approve it first."
        )


def require_same_history(champion: Version | None, history: History) -> None:
    """Raise :class:`RegistryError` if ``champion`` was promoted in another history."""
    if champion is not None and champion.promotion and not champion.promotion.startswith(history.folder):
        raise RegistryError(
            f'The history of "{history.group}" lies elsewhere: version {champion.number} was promoted by '
            f"{champion.promotion}. Two histories would not exclude each other. Use its prefix instead of "
            f"{history.base}."
        )
