"""Checks the separately stored contents of records: definitions, requests and listings, each named by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from ..model.documents import RecordDocument
from ..store.index import READERS
from ..store.keys import content_key, content_prefix
from ..store.protocol import Store, address
from .finding import Finding

ENDINGS = {"definitions": "json", "requests": "json", "listings": "tsv"}
WORDS = {"definitions": "definition", "requests": "request", "listings": "listing of an input"}
Content = tuple[str, str]  # kind and hash


def contents(store: Store, dag_id: str, records: Mapping[str, RecordDocument]) -> Iterator[Finding]:
    """Contents that were altered, and contents that ``records`` refer to as stored but that are missing."""
    users: dict[Content, list[str]] = {}
    wanted: dict[Content, str] = {}
    for run_id, document in records.items():
        for content, is_sure in _used(document):
            users.setdefault(content, []).append(run_id)
            if is_sure:
                wanted.setdefault(content, run_id)
    there: set[Content] = set()
    for kind, ending in ENDINGS.items():
        prefix = content_prefix(dag_id, kind)
        names = [key.removeprefix(prefix).removesuffix(f".{ending}") for key in store.keys(prefix)]
        there |= {(kind, name) for name in names}
        for name in _altered(store, dag_id, kind, names):
            yield _finding(store, dag_id, (kind, name), users.get((kind, name), []), "was altered")
    for content in wanted:
        if content not in there:
            yield _finding(store, dag_id, content, users[content], "is missing")


def _used(document: RecordDocument) -> Iterator[tuple[Content, bool]]:
    """Contents that a record refers to, each with whether it was stored for certain."""
    copy = document.get("definition", {}).get("copy")
    if copy:
        yield ("definitions", copy["sha256"]), True
    for step in document["steps"]:
        if "request_uri" in step:
            yield ("requests", step["request_sha256"]), True
        for artifact in step.get("inputs", ()):
            known = artifact.get("listing") or artifact.get("sha256")
            if known:
                yield ("listings", known), "listing" in artifact


def _altered(store: Store, dag_id: str, kind: str, names: list[str]) -> Iterator[str]:
    def is_whole(name: str) -> bool:
        found = store.read(content_key(dag_id, kind, name, ENDINGS[kind]))
        return found is None or hashlib.sha256(found.data).hexdigest() == name

    with ThreadPoolExecutor(max_workers=READERS) as readers:
        for name, whole in zip(names, readers.map(is_whole, names), strict=True):
            if not whole:
                yield name


def _finding(store: Store, dag_id: str, content: Content, users: list[str], what: str) -> Finding:
    kind, name = content
    where = address(store, content_key(dag_id, kind, name, ENDINGS[kind]))
    others = f"; {len(users) - 1} other runs have the same" if len(users) > 1 else ""
    return Finding(users[0] if users else "", f"its {WORDS[kind]} {where} {what}{others}.")
