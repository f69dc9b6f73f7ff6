"""What the outside knows of records, and nobody who can write the records can change: the other half of ``verify``.

Hashes and the chain show what was altered by somebody who did not do the whole chain again.  Whoever may write
everything can do that.  Three things stay out of reach: a hash that was written down when the record was sealed, the
signature of a key, and the hash that stands on a model in the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..model.errors import RecordError
from ..seal.amendments import read_amendments
from ..seal.anchors import anchored_hash
from ..seal.sealed import hash_of
from ..seal.signatures import why_unsigned
from ..seal.signing import Verifier
from ..store.index import READERS
from ..store.protocol import Store
from .finding import Finding

SHORTEST = 12  # digits of an expected hash: as many as messages print


@dataclass(frozen=True, slots=True)
class Evidence:
    """What records are held against.

    expected   {run id: hash, or its beginning of at least :data:`SHORTEST` digits}, noted when they were sealed
    verifier   the key that every record and amendment must be signed with
    package    what DescribeModelPackage answers for an ARN, ``None`` for one that is gone
    """

    expected: Mapping[str, str] = field(default_factory=dict)
    verifier: Verifier | None = None
    package: Callable[[str], Mapping[str, Any] | None] | None = None


def against(
    store: Store, dag_id: str, records: Mapping[str, Mapping[str, Any]], bad: set[str], evidence: Evidence
) -> Iterator[Finding]:
    """What ``evidence`` says against ``records``, {run id: record}; ``bad`` runs have findings already."""
    for run_id, sha256 in evidence.expected.items():
        if run_id not in records:
            yield Finding(run_id, "its record is missing: its hash was expected.")
        elif not hash_of(records[run_id]).startswith(sha256.lower()):
            yield Finding(
                run_id, f"its record is not the one that was expected: its hash is {hash_of(records[run_id])}."
            )
    if evidence.verifier is not None:
        yield from _unsigned(store, dag_id, records, evidence.verifier)
    if evidence.package is not None:
        yield from _anchors(records, evidence.package)


def _unsigned(
    store: Store, dag_id: str, records: Mapping[str, Mapping[str, Any]], verifier: Verifier
) -> Iterator[Finding]:
    def wrong(run_id: str) -> list[Finding]:
        found = [why_unsigned(store, verifier, records[run_id], dag_id, run_id)]
        try:
            amendments = read_amendments(store, records[run_id])
        except RecordError:
            amendments = []  # a finding of its own
        for number, amendment in enumerate(amendments, 1):
            why = why_unsigned(store, verifier, amendment, dag_id, run_id)
            found.append(f"of its amendment {number}: {why}" if why else None)
        return [Finding(run_id, why) for why in found if why]

    with ThreadPoolExecutor(max_workers=READERS) as readers:
        for findings in readers.map(wrong, records):
            yield from findings


def _anchors(
    records: Mapping[str, Mapping[str, Any]], package: Callable[[str], Mapping[str, Any] | None]
) -> Iterator[Finding]:
    for run_id, document in records.items():
        for model in document["models"]:
            arn = str(model.get("arn") or "")
            described = package(arn) if arn else None
            if described is None:
                continue  # deleted in the registry, which is no fault of the record
            anchored = anchored_hash(described)
            if anchored is None:
                yield Finding(run_id, f"no hash of a record stands on its model {arn}.", harmless=True)
            elif anchored != hash_of(document):
                yield Finding(run_id, f"another record made its model {arn}: the hash {anchored[:12]}… stands on it.")
