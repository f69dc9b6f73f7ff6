"""The hash chain of a DAG's records: ``heads.json`` lists the records that no other record refers to yet.

A record refers to the heads that it found.  Runs that end at the same time refer to the same heads, and both become
heads; the next record refers to both.  So a later record covers every record but the latest, in any order of writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..model.canonical_json import compact_json
from ..model.errors import StoreUnavailable
from ..model.record import SCHEMA
from ..store.index import Summary, read_index
from ..store.keys import heads_key
from ..store.protocol import Store, address
from ..store.sealed import Link
from ..store.stored_json import read_stored

TRIES = 20


@dataclass(frozen=True, slots=True)
class Heads:
    """The heads of the chain; ``tag`` is that of the stored object, ``None`` if there is none."""

    links: tuple[Link, ...]
    tag: str | None


def read_heads(store: Store, dag_id: str) -> Heads:
    """The heads of the chain; derived from the index if their object is missing or damaged."""
    found = store.read(heads_key(dag_id))
    links = _links(found.data) if found is not None else None
    if links is None:
        links = heads_of(read_index(store, dag_id).summaries.values())
    return Heads(links, found.tag if found is not None else None)


def heads_are_damaged(store: Store, dag_id: str) -> bool:
    """Whether the object with the heads exists but cannot be read."""
    found = store.read(heads_key(dag_id))
    return found is not None and _links(found.data) is None


def _links(data: bytes) -> tuple[Link, ...] | None:
    try:
        return tuple(_link(item) for item in read_stored(data)["heads"])
    except (ValueError, KeyError, TypeError):
        return None


def _link(item: Mapping[str, object]) -> Link:
    """Raises ``TypeError`` or ``KeyError`` for an item that is not a link."""
    run_id, sha256 = item["run_id"], item["sha256"]
    if not isinstance(run_id, str) or not isinstance(sha256, str):
        raise TypeError
    return Link(run_id, sha256)


def heads_of(summaries: Iterable[Summary]) -> tuple[Link, ...]:
    """The records that no other record refers to."""
    every = list(summaries)
    named = {link["sha256"] for summary in every for link in summary.get("previous", ())}
    return tuple(Link(summary["run_id"], summary["sha256"]) for summary in every if summary["sha256"] not in named)


def advance(store: Store, dag_id: str, heads: Heads, previous: Sequence[Link], own: Link) -> None:
    """Replace the ``previous`` heads that ``own`` refers to by ``own``; ``heads`` are the last ones read."""
    for _ in range(TRIES):
        covered = {link.sha256 for link in previous} | {own.sha256}
        links = [link for link in heads.links if link.sha256 not in covered] + [own]
        if store.replace(heads_key(dag_id), _heads(links), heads.tag):
            return
        heads = read_heads(store, dag_id)
    where = address(store, heads_key(dag_id))
    raise StoreUnavailable(f"cannot write {where}: other processes wrote it {TRIES} times meanwhile.")


def rewrite_heads(store: Store, dag_id: str, summaries: Mapping[str, Summary]) -> None:
    """Write the heads again, derived from ``summaries``."""
    store.write(heads_key(dag_id), _heads(heads_of(summaries.values())))


def _heads(links: Iterable[Link]) -> bytes:
    ordered = sorted((link.as_json() for link in links), key=lambda link: link["run_id"])
    return compact_json({"schema": SCHEMA, "heads": ordered})
