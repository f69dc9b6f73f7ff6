"""Changes of a group's champion, requested and completed, and the baseline of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .champion import Client, Log, Version, short_name, version_of
from .errors import Abandoned, ChampionChanged, RegistryError
from .history import Entry, History
from .settle import is_abandoned, settle


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
            raise RegistryError(
                f'"{text}" is not a baseline. Take it from the step that compared: Steps.<name>.Baseline.'
            )
        return cls(int(digits), arn)


@dataclass(frozen=True, slots=True)
class Change:
    """A requested change: make ``model_package`` the champion instead of the one in ``baseline``.

    ident   unique to one step of one run, and the same in all its attempts
    """

    model_package: str
    baseline: Baseline
    ident: str
    by: Mapping[str, str]
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


def baseline_of(champion: Version | None, history: History | None) -> Baseline:
    """The current baseline of a comparison: the champion, and the number of changes so far."""
    numbers = history.numbers() if history is not None else []
    known = champion.promotion_number if champion is not None else 0
    return Baseline(max([known, *numbers[-1:]]), champion.arn if champion is not None else "")


def decided(history: History, number: int, change: Change, champion: Version | None) -> Entry:
    """Write ``change`` as entry ``number``; this write decides.

    :raises ChampionChanged: if somebody else has written an entry of this number
    """
    entry = _entry(history, number, change, champion)
    if history.create(entry):
        return entry
    there = history.read(number)
    if there is None or (there.ident, there.model_package) != (change.ident, change.model_package):
        raise changed_since(history, change, there, None)
    return there  # the response to our write was lost, and boto3 sent it again


def completed(client: Client, history: History, entry: Entry, log: Log, last: Entry | None = None) -> Changed:
    """Apply ``entry`` and all later ones to the registry.

    :raises Abandoned: if the version was rejected in the registry before it became the champion, or since
    """
    later = settle(client, history, log, last or entry) or entry
    version = version_of(client, entry.model_package)
    if later.number <= entry.number and is_abandoned(version, entry):
        raise Abandoned(_abandoned(version, entry))
    return Changed(entry, version, later if later.number > entry.number else None)


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


def changed_since(history: History, change: Change, last: Entry | None, champion: Version | None) -> ChampionChanged:
    """The error for a change that came too late: says what has changed since the comparison."""
    compared = f"version {change.baseline.arn.rpartition('/')[2]}" if change.baseline.arn else "no champion"
    head = f'The champion of "{history.group}" changed since the comparison with {compared}'
    if last is not None and last.number > change.baseline.number:
        version = last.model_package.rpartition("/")[2]
        verb = "rolled back to" if last.is_rollback else "promoted"
        now = f"{last.author} {verb} version {version} at {last.at} ({last.uri})"
        if champion is not None and champion.promotion_number < last.number:
            now += f", and version {champion.number} is the champion by a decision in the registry"
    elif champion is not None:
        now = f"version {champion.number} is the champion now, by a change in the registry itself"
    else:
        now = "the group no longer has an approved version"
    return ChampionChanged(f"{head}: {now}. Nothing was promoted. Compare with the current champion.")


def _abandoned(version: Version, entry: Entry) -> str:
    why = version.described.get("ApprovalDescription")
    rejected = f"rejected in the registry{f' ({why})' if why else ''}"
    if version.promotion == entry.uri:
        return f"{version.arn} was made the champion ({entry.uri}), and has been {rejected} since."
    what = "rollback" if entry.is_rollback else "promotion"
    replaced = entry.replaced.rpartition("/")[2]
    stays = f"version {replaced} stays the champion" if replaced else "there is no champion"
    left = f"its {what} ({entry.uri}) was abandoned: {stays}."
    return f"{version.arn} was {rejected} before it became the champion, so {left}"
