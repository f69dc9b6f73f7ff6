"""Makes a version the champion: exactly once, only if the champion has not changed, and safely across crashes.

A promotion is decided when its numbered history entry is written; the registry is updated afterwards.  If a process is
killed in between, the next caller finishes the update first.
``docs/decisions/0011-champions-change-by-compare-and-set.md`` has the protocol and its proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .champion import (
    APPROVED,
    ARCHIVED,
    PRODUCTION,
    PROMOTION_KEY,
    Client,
    Version,
    approved_versions,
    champion_of,
    in_production,
    require_model_data,
    short_name,
    version_of,
)
from .errors import ChampionChanged, RegistryError
from .history import Entry, History, history_of
from .wording import fitted, metadata_value

RUN_KEY = "sagemaker-mlops:promoted-by"
ROLLED_BACK = "RolledBack"
RETIRED = "Retired"
LATEST = 50  # number of entries in which a retry looks for its own rollback


@dataclass(frozen=True, slots=True)
class Baseline:
    """The baseline of a comparison: a champion, and the number of champion changes until then.

    Written ``7:arn:aws:sagemaker:…``; ``0:`` if there was no champion.
    """

    number: int
    arn: str = ""

    def __str__(self) -> str:
        return f"{self.number}:{self.arn}"

    @classmethod
    def parse(cls, text: str) -> Baseline:
        """Parse a baseline.  Raises :class:`RegistryError` for any other text."""
        digits, colon, arn = text.partition(":")
        if not colon or not (digits.isascii() and digits.isdigit()) or (arn and not arn.startswith("arn:")):
            raise RegistryError(f'"{text}" is no baseline. Take it from the step that compared: Steps.<name>.Baseline.')
        return cls(int(digits), arn)


@dataclass(frozen=True, slots=True)
class Change:
    """A requested change: make ``model_package`` the champion instead of the one in ``baseline``.

    ident   unique to one step of one run, and the same in all its attempts
    """

    model_package: str
    baseline: Baseline
    ident: str
    by: Mapping[str, Any]
    sentence: str = ""
    kind: str = "promotion"
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


@dataclass(frozen=True, slots=True)
class Changed:
    """A completed change, by this or an earlier attempt.

    superseded   the later change that replaced this one and was kept; ``None`` if this is still the last one
    """

    entry: Entry
    version: Version
    superseded: Entry | None = None


Tell = Callable[[str], None]


def baseline_of(champion: Version | None, history: History | None) -> Baseline:
    """The current baseline of a comparison: the champion, and the number of changes so far."""
    numbers = history.numbers() if history is not None else []
    known = champion.promotion_number if champion is not None else 0
    return Baseline(max([known, *numbers[-1:]]), champion.arn if champion is not None else "")


def promote(client: Client, history: History, change: Change, tell: Tell) -> Changed:
    """Make ``change`` exactly once.  Safe to call again after any interruption.

    :raises ChampionChanged: if the champion has changed since the comparison; nothing was changed
    :raises RegistryError: if the version cannot be the champion
    """
    last = history.last()
    own = _own(history, change, last)
    if own is None:
        candidate = version_of(client, change.model_package)
        _require_candidate(candidate, history, change)
        last = settle(client, history, tell, last) or last
        compared = change.baseline.arn  # equal if the latest approved version only gets a stage now
        champion = champion_of(client, history.group, candidate=candidate.arn if candidate.arn != compared else "")
        _require_same_history(champion, history)
        known = max(last.number if last is not None else 0, champion.promotion_number if champion is not None else 0)
        if Baseline(known, champion.arn if champion is not None else "") != change.baseline:
            raise _changed(history, change, last, champion)
        own = _entry(history, known + 1, change, champion)
        if not history.create(own):
            there = history.read(own.number)
            if there is None or (there.ident, there.model_package) != (change.ident, change.model_package):
                raise _changed(history, change, there, None)
            own = there  # the response to our write was lost, and boto3 sent it again
        tell(_said(own))
    else:
        tell(f"{own.uri} has been written by an earlier attempt of this step")
    later = settle(client, history, tell, own) or own
    superseded = later if later.number > own.number else None
    return Changed(own, version_of(client, own.model_package), superseded)


def settle(client: Client, history: History, tell: Tell, last: Entry | None = None) -> Entry | None:
    """Bring the registry and ``champion.json`` in line with the last entry; return it, or ``None`` if there is none.

    Repeats while somebody writes a later entry, so that a slow caller cannot undo a later change.
    """
    last = last or history.last()
    while last is not None:
        _apply(client, history, last, tell)
        numbers = history.numbers()
        if not numbers or numbers[-1] <= last.number:
            break
        last = history.read(numbers[-1])
    return last


def rollback_of(client: Client, group: str, location: str, **how: Any) -> Changed:
    """:func:`rollback` in the history at ``location``, or, if that is empty, in the history that the champion names.

    :raises RegistryError: also if no history is known
    """
    champion = champion_of(client, group)
    if location:
        return rollback(client, History(client("s3"), location, group), **how)
    found = history_of(client("s3"), champion.promotion, group) if champion is not None else None
    if found is None:
        raise RegistryError(
            f'It is not known what was before the champion of "{group}": no pipeline has promoted it. Name the '
            f"history, or change the stages in the registry."
        )
    return rollback(client, found, **how)


def rollback(
    client: Client,
    history: History,
    *,
    ident: str,
    by: Mapping[str, Any],
    reason: str,
    tell: Tell,
    expected: int | None = None,
) -> Changed:
    """Restore the previous champion and reject the current one with ``reason``.

    If an earlier rollback was interrupted before the registry update, it is finished instead of starting another.

    :param expected: version that must be the current champion
    :raises RegistryError: if there is no earlier champion, or another version is the champion
    :raises ChampionChanged: if the champion changes at the same time
    """
    last = history.last()
    newest = history.entries(history.numbers()[-LATEST:])
    mine = next((entry for entry in newest if entry.ident == ident), None)
    if mine is None and last is not None and last.is_rollback and not _is_followed(client, last):
        tell(f"{last.uri}: this rollback was interrupted, and is finished now instead of another one")
        mine = last
    if mine is not None:
        later = settle(client, history, tell, last) or mine
        return Changed(mine, version_of(client, mine.model_package), later if later.number > mine.number else None)
    last = settle(client, history, tell, last)
    champion = rejected_since(client, last) or champion_of(client, history.group)
    if champion is None:
        raise RegistryError(f'"{history.group}" has no champion, so there is nothing to roll back.')
    if expected is not None and champion.number != expected:
        raise RegistryError(f'Version {champion.number} of "{history.group}" is the champion, and not {expected}.')
    _require_same_history(champion, history)
    target = _before(client, history, champion)
    require_model_data(client, target)
    known = max([champion.promotion_number, *history.numbers()[-1:]])
    change = Change(target.arn, Baseline(known, champion.arn), ident, by, reason, "rollback")
    entry = _entry(history, known + 1, change, champion)
    if not history.create(entry):
        there = history.read(entry.number)
        if there is None or there.ident != ident:
            raise _changed(history, change, there, None)
        entry = there
    tell(_said(entry))
    later = settle(client, history, tell, entry) or entry
    return Changed(entry, version_of(client, target.arn), later if later.number > entry.number else None)


def _is_followed(client: Client, entry: Entry) -> bool:
    """Whether the registry has received its first update for ``entry``."""
    try:
        return version_of(client, entry.model_package).promotion_number >= entry.number
    except RegistryError:
        return True  # a deleted version cannot be updated


def rejected_since(client: Client, last: Entry | None) -> Version | None:
    """The version of the last entry, if somebody has since rejected it in the registry and it has not been replaced."""
    version = _found(client, last.model_package) if last is not None else None
    if version is None or last is None:
        return None
    return version if version.approval == "Rejected" and version.promotion == last.uri else None


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
        if found.approval != "Rejected":
            return found
        passed.append(f"version {found.number} was rejected")
    why = f" ({'; '.join(passed)})" if passed else ""
    raise RegistryError(
        f'The history of "{history.group}" ({history.folder}) has no champion before version {champion.number}{why}, '
        f"so there is nothing to go back to."
    )


def _own(history: History, change: Change, last: Entry | None) -> Entry | None:
    """The entry written by an earlier attempt."""
    for number in range(last.number if last is not None else 0, change.baseline.number, -1):
        entry = history.read(number)
        if entry is not None and (entry.ident, entry.model_package) == (change.ident, change.model_package):
            return entry
    return None


def _require_candidate(candidate: Version, history: History, change: Change) -> None:
    if candidate.group != short_name(history.group):
        raise RegistryError(f'{candidate.arn} is a version of "{candidate.group}", and not of "{history.group}".')
    status = candidate.described.get("ModelPackageStatus", "Completed")
    if status != "Completed":
        raise RegistryError(f"{candidate.arn} is {status}, and only a version that is Completed can be the champion.")
    if candidate.approval == "Rejected" and change.kind == "promotion":
        why = candidate.described.get("ApprovalDescription")
        raise RegistryError(
            f"{candidate.arn} was rejected{f' ({why})' if why else ''}, so it is not promoted. Approve it first."
        )


def _require_same_history(champion: Version | None, history: History) -> None:
    if champion is not None and champion.promotion and not champion.promotion.startswith(history.folder):
        raise RegistryError(
            f'The history of "{history.group}" lies elsewhere: version {champion.number} was promoted by '
            f"{champion.promotion}. Two histories would not exclude each other. Use its prefix instead of "
            f"{history.base}."
        )


def _entry(history: History, number: int, change: Change, champion: Version | None) -> Entry:
    return Entry(
        number=number,
        uri=history.uri_of(number),
        kind=change.kind,
        group=short_name(history.group),
        model_package=change.model_package,
        replaced=champion.arn if champion is not None and champion.arn != change.model_package else "",
        ident=change.ident,
        at=change.at,
        baseline=str(change.baseline),
        by=change.by,
        sentence=" ".join(change.sentence.split()),
    )


def _apply(client: Client, history: History, entry: Entry, tell: Tell) -> None:
    """Update the registry to match ``entry``.  Each call sets complete values, so it may be repeated."""
    sagemaker = client("sagemaker")
    try:
        champion = version_of(client, entry.model_package)
    except RegistryError as error:
        tell(f"{entry.uri} is not followed: {error}")
        return
    if champion.promotion_number > entry.number:
        return  # set by a later entry, which takes precedence
    if champion.promotion != entry.uri:
        sagemaker.update_model_package(
            ModelPackageArn=champion.arn,
            ModelLifeCycle={
                "Stage": PRODUCTION,
                "StageStatus": APPROVED,
                "StageDescription": fitted(f"{_said(entry)}. {entry.sentence}"),
            },
            CustomerMetadataProperties={PROMOTION_KEY: entry.uri, RUN_KEY: metadata_value(entry.author)},
            **_approval(champion, entry),
        )
        tell(f"version {champion.number} of {entry.group} is in Production")
    elif not champion.is_in_production:
        return  # somebody has moved it out of Production since
    for row in list(approved_versions(sagemaker, history.group)):
        if in_production(row) and row["ModelPackageArn"] != champion.arn:
            _archive(client, entry, champion, str(row["ModelPackageArn"]))
    if entry.replaced and (other := _found(client, entry.replaced)) is not None and other.is_in_production:
        _archive(client, entry, champion, other.arn)  # a rejected version is not among the approved ones
    history.point_to(entry)


def _found(client: Client, arn: str) -> Version | None:
    try:
        return version_of(client, arn)
    except RegistryError:
        return None


def _approval(champion: Version, entry: Entry) -> dict[str, Any]:
    """The request members that approve the version; empty if it is approved already with a description."""
    if champion.approval == APPROVED and champion.described.get("ApprovalDescription"):
        return {}
    return {"ModelApprovalStatus": APPROVED, "ApprovalDescription": fitted(entry.sentence or _said(entry))}


def _archive(client: Client, entry: Entry, champion: Version, arn: str) -> None:
    other = version_of(client, arn)
    if other.promotion_number >= entry.number or not (other.promotion or arn == entry.replaced):
        return  # it was promoted later, or moved there by somebody else
    rolled_back = entry.is_rollback and arn == entry.replaced
    why = f"Replaced by version {champion.number}. {_said(entry)}"
    rejected: dict[str, Any] = {
        "ModelApprovalStatus": "Rejected",
        "ApprovalDescription": fitted(f"Rolled back by {entry.author}. {entry.sentence}"),
    }
    client("sagemaker").update_model_package(
        ModelPackageArn=arn,
        ModelLifeCycle={
            "Stage": ARCHIVED,
            "StageStatus": ROLLED_BACK if rolled_back else RETIRED,
            "StageDescription": fitted(why),
        },
        **(rejected if rolled_back and other.approval != "Rejected" else {}),
    )


def _said(entry: Entry) -> str:
    verb = "Made the champion again" if entry.is_rollback else "Promoted"
    return f"{verb} by {entry.author} at {entry.at} ({entry.uri})"


def _changed(history: History, change: Change, last: Entry | None, champion: Version | None) -> ChampionChanged:
    compared = f"version {change.baseline.arn.rpartition('/')[2]}" if change.baseline.arn else "no champion"
    head = f'The champion of "{history.group}" changed since the comparison with {compared}'
    if last is not None and last.number > change.baseline.number:
        version = last.model_package.rpartition("/")[2]
        verb = "rolled back to" if last.is_rollback else "promoted"
        now = f"{last.author} {verb} version {version} at {last.at} ({last.uri})"
    elif champion is not None:
        now = f"version {champion.number} is the champion now, by a change in the registry itself"
    else:
        now = "the group has no approved version any more"
    return ChampionChanged(f"{head}: {now}. Nothing was promoted. Compare with the champion of today.")
