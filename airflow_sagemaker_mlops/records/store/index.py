"""The index that ``list`` reads: summaries of records, many per object, so that thousands take a few dozen reads.

``<dag>/index/0/<run>.json`` holds one summary and is written with its record.  :data:`FAN` objects of a level are
merged into one object of the next level, named by its hash, and then deleted.  No object is changed in place:

* concurrent writers write different objects, or the same summary twice, which counts once;
* an interrupted merge leaves the small objects and the merged one; their summaries count once as well;
* a page that is truncated or altered does not match the hash in its name, and is ignored; :func:`rebuild` reads the
  records instead;
* without permission to delete, lists become slower but stay correct.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ..model.canonical_json import compact_json
from ..model.documents import RecordDocument, SummaryDocument
from ..model.record import SCHEMA
from ..model.timestamps import moment
from .facts import facts_of
from .keys import index_prefix, segment
from .protocol import Store
from .sealed import hash_of, previous_of, record_name
from .stored_json import read_stored

FAN = 32
READERS = 16
TRIES = 5
Summary = SummaryDocument


@dataclass(frozen=True, slots=True)
class Index:
    """Summaries by run id, and the keys of unusable objects."""

    summaries: Mapping[str, Summary] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()

    def newest(self, limit: int | None = None) -> list[Summary]:
        """Summaries, latest start first."""
        ordered = sorted(self.summaries.values(), key=lambda s: (moment(s.get("started")), s["run_id"]), reverse=True)
        return ordered[:limit]


def summary_of(document: RecordDocument) -> Summary:
    """The index entry of a sealed record."""
    run, totals = document["run"], document["totals"]
    summary: Summary = {
        "run_id": record_name(run),
        "sha256": hash_of(document),
        "previous": [link.as_json() for link in previous_of(document)],
    }
    for key in ("status", "started", "ended", "trigger", "user"):
        if key in run:
            summary[key] = run[key]
    for counted in ("steps", "failed", "cached", "jobs_started", "seconds", "billable_seconds"):
        if counted in totals:
            summary[counted] = totals[counted]
    return {**summary, **facts_of(document)}


def add_to_index(store: Store, dag_id: str, summary: Summary) -> None:
    """Add one summary.  Idempotent."""
    store.write(f"{index_prefix(dag_id)}0/{segment(summary['run_id'])}.json", _page([summary]))


def read_index(store: Store, dag_id: str) -> Index:
    """Every summary of a DAG."""
    for _ in range(TRIES):
        keys = list(store.keys(index_prefix(dag_id)))
        pages = _read_pages(store, keys)
        if all(page is not None for page in pages.values()):
            break  # otherwise another process merged between listing and reading
    summaries: dict[str, Summary] = {}
    for page in pages.values():
        summaries.update({summary["run_id"]: summary for summary in page or ()})
    damaged = tuple(key for key, page in pages.items() if page is not None and not page)
    return Index(summaries, damaged)


def merge(store: Store, dag_id: str) -> int:
    """Merge levels that are full; returns the number of new objects.  Safe with concurrent readers and merges."""
    made = 0
    prefix = index_prefix(dag_id)
    levels: dict[int, list[str]] = {}
    for key in store.keys(prefix):
        folder = key.removeprefix(prefix).partition("/")[0]
        if folder.isdigit():
            levels.setdefault(int(folder), []).append(key)
    level = 0
    while len(levels.get(level, ())) >= FAN:
        pages = {key: page for key, page in _read_pages(store, levels[level]).items() if page}
        if len(pages) < 2:
            break  # the rest is damaged
        merged = {summary["run_id"]: summary for page in pages.values() for summary in page or ()}
        new = _write_page(store, dag_id, level + 1, list(merged.values()))
        for key in pages:
            store.delete(key)
        levels.setdefault(level + 1, []).append(new)
        made += 1
        level += 1
    return made


def rebuild(store: Store, dag_id: str, summaries: Iterable[Summary]) -> int:
    """Rebuild the index from the ``summaries`` of all records; returns their number."""
    old = list(store.keys(index_prefix(dag_id)))
    every = sorted(summaries, key=lambda summary: str(summary["run_id"]))
    size = FAN * FAN
    new = {_write_page(store, dag_id, 2, every[at : at + size]) for at in range(0, len(every), size)}
    for key in old:
        if key not in new:
            store.delete(key)
    return len(every)


def _page(summaries: Sequence[Summary]) -> bytes:
    return compact_json({"schema": SCHEMA, "records": list(summaries)})


def _write_page(store: Store, dag_id: str, level: int, summaries: Sequence[Summary]) -> str:
    data = _page(sorted(summaries, key=lambda summary: str(summary["run_id"])))
    key = f"{index_prefix(dag_id)}{level}/{hashlib.sha256(data).hexdigest()}.json"
    store.write(key, data)
    return key


def _read_pages(store: Store, keys: Sequence[str]) -> dict[str, list[Summary] | None]:
    """Summaries by key; ``None`` for a deleted key, an empty list for a damaged object."""
    with ThreadPoolExecutor(max_workers=READERS) as readers:
        return dict(zip(keys, readers.map(lambda key: _read_page(store, key), keys), strict=True))


def _read_page(store: Store, key: str) -> list[Summary] | None:
    found = store.read(key)
    if found is None:
        return None
    level, _, name = key.rpartition("/index/")[2].partition("/")
    if level != "0" and hashlib.sha256(found.data).hexdigest() != name.removesuffix(".json"):
        return []
    try:
        records = read_stored(found.data)["records"]
        return [record for record in records if isinstance(record["run_id"], str) and isinstance(record["sha256"], str)]
    except (ValueError, KeyError, TypeError):
        return []
