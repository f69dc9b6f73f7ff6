"""The history of a group's champions: one S3 object per change, written once and never overwritten.

``<prefix>/champions/<group>/000007.json``     the seventh change of the champion
``<prefix>/champions/<group>/champion.json``   a copy of the last change for other tools: a cache
``<prefix>/champions/<group>/no-champion.json``  read by an evaluation while the group has no champion
``<prefix>/champions/<group>/no-baseline.json``  read by a drift check if the champion has no baseline

Concurrent promotions compete for the number: with ``If-None-Match: *``, S3 creates an object only once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..s3 import NEW, S3Client, is_absent, pages, put, split_uri
from .champion import number_in, short_name
from .errors import RegistryError
from .wording import is_metadata

LONGEST_ENTRY = 1_000_000  # bytes; an entry has about 2,000
_ENTRY = re.compile(r"\d{6,9}\.json")
_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
POINTER, MARKER, NO_BASELINE_MARKER = "champion.json", "no-champion.json", "no-baseline.json"
NO_CHAMPION = {"champion": None, "why": "The model package group has no approved version yet."}


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of the champion.

    kind             promotion or rollback
    model_package    ARN of the new champion
    replaced         ARN of the previous champion; "" if there was none
    ident            identifies the promotion; the same in all attempts of a step
    baseline         the baseline of the comparison, as passed to the step
    by               the author: {"dag_id", "run_id", "step"} for a run, {"user"} for a person
    """

    number: int
    uri: str
    kind: str
    group: str
    model_package: str
    replaced: str
    ident: str
    at: str
    baseline: str
    by: Mapping[str, str]
    sentence: str = ""

    @property
    def is_rollback(self) -> bool:
        """Whether the change restored an earlier champion because the later one was bad."""
        return self.kind == "rollback"

    @property
    def author(self) -> str:
        """The author, for a sentence: ``run manual__1 of churn`` or ``ann``."""
        by = self.by
        user = str(by.get("user") or "")
        if not by.get("run_id"):
            return user or "somebody"
        run = f"run {by['run_id']} of {by.get('dag_id')}"
        return f"{user} in {run}" if user else run

    def as_json(self) -> dict[str, Any]:
        """The entry as stored and printed."""
        return {
            "number": self.number,
            "uri": self.uri,
            "kind": self.kind,
            "model_package_group": self.group,
            "model_package": self.model_package,
            "replaced": self.replaced,
            "sentence": self.sentence,
            "at": self.at,
            "by": dict(self.by),
            "baseline": self.baseline,
            "id": self.ident,
        }


@dataclass(frozen=True, slots=True)
class History:
    """The history of ``group`` under the S3 URI ``base``.

    :raises RegistryError: for a base that is not an S3 URI or that the registry's metadata cannot store
    """

    s3: S3Client
    base: str
    group: str

    def __post_init__(self) -> None:
        if not _URI.fullmatch(self.base):
            raise RegistryError(
                f'"{self.base}" is not an S3 URI for the history of champions. Write s3://bucket/prefix.'
            )
        if not is_metadata(self.uri_of(1)):
            raise RegistryError(
                f'The history of "{self.group}" cannot lie under "{self.base}": the URIs of its entries go into the '
                f"registry's metadata, which takes 256 letters, digits, spaces and _.:/=+-@."
            )

    @property
    def folder(self) -> str:
        """URI of the folder."""
        return f"{self.base.rstrip('/')}/champions/{short_name(self.group)}/"

    def uri_of(self, number: int) -> str:
        """URI of an entry."""
        return f"{self.folder}{number:06d}.json"

    def last(self) -> Entry | None:
        """The last entry; makes one listing call per thousand entries."""
        numbers = self.numbers()
        return self.read(numbers[-1]) if numbers else None

    def numbers(self) -> list[int]:
        """The numbers of all entries."""
        bucket, prefix = split_uri(self.folder)
        listed = pages(self.s3.list_objects_v2, Bucket=bucket, Prefix=prefix)
        names = (item["Key"][len(prefix) :] for page in listed for item in page.get("Contents") or [])
        return sorted(number_in(name) for name in names if _ENTRY.fullmatch(name))

    def entries(self, numbers: list[int] | None = None) -> Iterator[Entry]:
        """The entries, newest first."""
        for number in reversed(self.numbers() if numbers is None else numbers):
            if (entry := self.read(number)) is not None:
                yield entry

    def read(self, number: int) -> Entry | None:
        """An entry; ``None`` if this number is not taken."""
        uri = self.uri_of(number)
        stored = self._read(uri)
        return entry_from(stored[0], uri) if stored is not None else None

    def create(self, entry: Entry) -> bool:
        """Write ``entry``; ``False`` if its number is taken."""
        return self._put(entry.uri, entry.as_json(), NEW)

    def point_to(self, entry: Entry) -> None:
        """Write ``entry`` to ``champion.json``, unless it already holds a later entry."""
        uri = f"{self.folder}{POINTER}"
        for _ in range(10):
            there = self._read(uri)
            known = there[0].get("number") if there is not None else None
            if isinstance(known, int) and known > entry.number:
                return
            if there is not None and there[0] == entry.as_json():
                return
            if self._put(uri, entry.as_json(), {"IfMatch": there[1]} if there is not None else NEW):
                return

    def write_baseline_marker(self, champion: str) -> str:
        """Write ``no-baseline.json``, because the ``champion`` was registered without a baseline; return its URI."""
        uri = f"{self.folder}{NO_BASELINE_MARKER}"
        why = "The champion was registered without DriftCheckBaselines.ModelDataQuality.Statistics."
        self._put(uri, {"model_package_group": self.group, "champion": champion, "baseline": None, "why": why}, {})
        return uri

    def write_marker(self) -> str:
        """Write ``no-champion.json``; return its URI."""
        uri = f"{self.folder}{MARKER}"
        self._put(uri, {"model_package_group": self.group, **NO_CHAMPION}, {})
        return uri

    def _read(self, uri: str) -> tuple[dict[str, Any], str] | None:
        bucket, key = split_uri(uri)
        try:
            answer = self.s3.get_object(Bucket=bucket, Key=key)
        except Exception as error:
            if is_absent(error):
                return None
            raise
        if answer["ContentLength"] > LONGEST_ENTRY:
            raise RegistryError(f"{uri} is not an entry of a history: it has {answer['ContentLength']:,} bytes.")
        try:
            found = json.loads(answer["Body"].read())
        except ValueError:
            raise RegistryError(f"{uri} is not an entry of a history: it is not JSON.") from None
        if not isinstance(found, dict):
            raise RegistryError(f"{uri} is not an entry of a history: it is not a JSON object.")
        return found, str(answer["ETag"])

    def _put(self, uri: str, body: Mapping[str, object], condition: Mapping[str, str]) -> bool:
        data = json.dumps(body, indent=2, ensure_ascii=False).encode()
        return put(self.s3, *split_uri(uri), data, condition, ContentType="application/json")


def entry_from(body: Mapping[str, object], uri: str) -> Entry:
    """The entry stored at ``uri``.  Raises :class:`RegistryError` if it was altered and cannot be used."""
    keys = ("kind", "model_package", "replaced", "id", "at", "baseline", "sentence")
    texts = {key: text for key in keys if isinstance(text := body.get(key, ""), str)}
    by = body.get("by", {})
    if (
        len(texts) < len(keys)
        or not isinstance(by, Mapping)
        or body.get("number") != number_in(uri)
        or texts["kind"] not in ("promotion", "rollback")
    ):
        raise RegistryError(f"{uri} is not an entry of a history of champions, or was altered.")
    return Entry(
        number=number_in(uri),
        uri=uri,
        kind=texts["kind"],
        group=str(body.get("model_package_group") or ""),
        model_package=texts["model_package"],
        replaced=texts["replaced"],
        ident=texts["id"],
        at=texts["at"],
        baseline=texts["baseline"],
        by=by,
        sentence=texts["sentence"],
    )


def history_of(s3: S3Client, entry_uri: str, group: str) -> History | None:
    """The history with the entry at ``entry_uri``; ``None`` if ``entry_uri`` is not the URI of an entry."""
    base, middle, rest = entry_uri.rpartition("/champions/")
    if not middle or rest != f"{short_name(group)}/{number_in(entry_uri):06d}.json":
        return None
    return History(s3, base, group)
