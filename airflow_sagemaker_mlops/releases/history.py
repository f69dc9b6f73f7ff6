"""The releases of a stage: one S3 object per change, created once and never overwritten.

``<releases>/<project>/bundles/<sha256>.zip``              a bundle
``<releases>/<project>/code/<sha256>/…``                   the files of one code parameter
``<releases>/<project>/stages/<stage>/000007.json``        the seventh change of the stage
``<releases>/<project>/stages/<stage>/release.json``       the last change that was followed to its end

Two deployments compete for the number: with ``If-None-Match: *``, S3 creates an object only once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..s3 import NEW
from .bundle import MAX_BYTES, Bundle, read_bundle
from .errors import ContentGone, ReleaseError
from .objects import Objects

DEPLOYMENT, ROLLBACK = "deployment", "rollback"
POINTER = "release.json"
LONGEST_ENTRY = 1_000_000
_ENTRY = re.compile(r"\d{6,9}\.json")


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a stage.

    kind         deployment or rollback
    release      number of the deployment that is in effect with this change: its own, or that of an earlier one
    replaced     number of the deployment that was in effect before; 0 if there was none
    bundle       SHA-256 of the bundle
    code         SHA-256 of the code by parameter
    definitions  SHA-256 of the definitions by pipeline
    commit       the commit of the project; empty if it is not in a repository
    ident        identifies the attempt
    champion     ARN of the champion before this change; empty if there was none or no group is configured
    undo         (rollback) ARNs of the champions that it takes back, the current one first
    keeps_champion  (rollback) whether champion and endpoint were to be left alone
    """

    number: int
    kind: str
    project: str
    stage: str
    release: int
    replaced: int
    bundle: str
    ident: str
    at: str
    by: str
    code: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    reason: str = ""
    champion: str = ""
    undo: tuple[str, ...] = ()
    keeps_champion: bool = False

    def as_json(self) -> dict[str, Any]:
        """The entry as it is stored and printed."""
        return {**asdict(self), "undo": list(self.undo)}


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases of one stage of a project, below ``releases`` of its configuration."""

    s3: Any
    base: str
    project: str
    stage: str

    @property
    def objects(self) -> Objects:
        """The objects of the project."""
        return Objects(self.s3, f"{self.base}/{self.project}")

    @property
    def folder(self) -> str:
        """Where the changes of the stage are, in the project."""
        return f"stages/{self.stage}/"

    def numbers(self) -> list[int]:
        """The numbers of all changes."""
        names = (name[len(self.folder) :] for name in self.objects.names(self.folder))
        return sorted(int(name[:-5]) for name in names if _ENTRY.fullmatch(name))

    def last(self) -> Entry | None:
        """The last change."""
        numbers = self.numbers()
        return self.read(numbers[-1]) if numbers else None

    def entries(self) -> Iterator[Entry]:
        """All changes, newest first."""
        for number in reversed(self.numbers()):
            if (entry := self.read(number)) is not None:
                yield entry

    def read(self, number: int) -> Entry | None:
        """A change; ``None`` if this number is not taken."""
        name = f"{self.folder}{number:06d}.json"
        stored = self.objects.read(name, LONGEST_ENTRY)
        return entry_from(stored[0], self.objects.uri(name), number) if stored is not None else None

    def create(self, entry: Entry) -> bool:
        """Write a change; ``False`` if its number is taken."""
        return self.objects.write(f"{self.folder}{entry.number:06d}.json", _text(entry), NEW)

    def followed(self) -> int:
        """The number of the last change that was followed to its end; 0 for none."""
        stored = self._pointer()
        return stored[0] if stored is not None else 0

    def note_followed(self, entry: Entry) -> None:
        """Write ``entry`` to ``release.json``, unless it already holds a later one."""
        for _ in range(10):
            there = self._pointer()
            if there is not None and there[0] >= entry.number:
                return
            condition = {"IfMatch": there[1]} if there is not None else NEW
            if self.objects.write(f"{self.folder}{POINTER}", _text(entry), condition):
                return

    def bundle(self, entry: Entry) -> Bundle:
        """The stored bundle of a change.  Raises :class:`ContentGone`."""
        name = bundle_name(entry.bundle)
        stored = self.objects.read(name, MAX_BYTES * 2)
        if stored is None:
            raise ContentGone(f"{self.objects.uri(name)} is gone, and with it release {entry.release}. {again(entry)}")
        return read_bundle(stored[0], entry.bundle, self.objects.uri(name))

    def _pointer(self) -> tuple[int, str] | None:
        name = f"{self.folder}{POINTER}"
        stored = self.objects.read(name, LONGEST_ENTRY)
        if stored is None:
            return None
        return entry_from(stored[0], self.objects.uri(name)).number, stored[1]


def again(entry: Entry) -> str:
    """How to bring back a release whose content is gone."""
    commit = entry.commit.removesuffix("-dirty")
    if not commit:
        return "Deploy its files again."
    changed = "" if commit == entry.commit else ", with the changes that were not committed"
    return f"Deploy commit {commit} again{changed}."


def bundle_name(digest: str) -> str:
    """The name of a bundle in its project."""
    return f"bundles/{digest}.zip"


def _text(entry: Entry) -> bytes:
    return json.dumps(entry.as_json(), indent=2, ensure_ascii=False).encode()


def entry_from(content: bytes, uri: str, number: int | None = None) -> Entry:
    """The change stored at ``uri``.  Raises :class:`ReleaseError` if it was altered and cannot be used."""
    try:
        body = json.loads(content)
        known = {one.name for one in fields(Entry)}
        entry = Entry(**{key: value for key, value in body.items() if key in known})
        whole = _is_whole(entry) and number in (None, entry.number)
    except (ValueError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise ReleaseError(f"{uri} is not a release of a stage, or was altered.")
    return Entry(**{**asdict(entry), "undo": tuple(entry.undo)})


def _is_whole(entry: Entry) -> bool:
    numbers = (entry.number, entry.release, entry.replaced)
    texts = (entry.kind, entry.project, entry.stage, entry.ident, entry.at, entry.by, entry.commit, entry.reason)
    return (
        all(type(one) is int and one >= 0 for one in numbers)
        and all(isinstance(one, str) for one in (*texts, entry.champion, *entry.undo))
        and entry.kind in (DEPLOYMENT, ROLLBACK)
        and isinstance(entry.keeps_champion, bool)
        and re.fullmatch("[0-9a-f]{64}", entry.bundle) is not None
        and isinstance(entry.code, dict)
        and isinstance(entry.definitions, dict)
    )
