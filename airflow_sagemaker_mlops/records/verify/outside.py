"""Checks records against evidence that nobody with write access to the records can change.

Hashes and the chain reveal alterations by somebody who did not rewrite the whole chain; somebody with write access to
everything can rewrite it.  Three kinds of evidence stay out of reach: a hash that was noted when the record was sealed,
the signature of a key, and the hash on a model in the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ...json_types import AwsShape
from ..model.documents import RecordDocument
from ..model.errors import RecordError
from ..seal.amendments import read_amendments
from ..seal.anchors import anchored_hash
from ..seal.signatures import why_unsigned
from ..seal.signing import Verifier
from ..store.index import READERS
from ..store.protocol import Store
from ..store.sealed import hash_of
from .finding import Finding

SHORTEST = 12  # digits of an expected hash: the number that messages print


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence to check records against.

    expected   {run id: hash, or at least its first :data:`SHORTEST` digits}, noted when the records were sealed
    verifier   the key that must have signed every record and amendment
    package    returns the DescribeModelPackage answer for an ARN, ``None`` for a deleted model
    """

    expected: Mapping[str, str] = field(default_factory=dict)
    verifier: Verifier | None = None
    package: Callable[[str], AwsShape | None] | None = None


def against(
    store: Store, dag_id: str, records: Mapping[str, RecordDocument], bad: set[str], evidence: Evidence
) -> Iterator[Finding]:
    """Findings of ``evidence`` about ``records``, {run id: record}; ``bad`` runs already have findings."""
    for run_id, sha256 in evidence.expected.items():
        if run_id not in records:
            yield Finding(run_id, "its record is missing: its hash was expected.")
        elif not hash_of(records[run_id]).startswith(sha256.lower()):
            yield Finding(run_id, f"its record is not the expected one: its hash is {hash_of(records[run_id])}.")
    if evidence.verifier is not None:
        yield from _unsigned(store, dag_id, records, evidence.verifier)
    if evidence.package is not None:
        yield from _anchors(records, evidence.package)


def _unsigned(
    store: Store, dag_id: str, records: Mapping[str, RecordDocument], verifier: Verifier
) -> Iterator[Finding]:
    def wrong(run_id: str) -> list[Finding]:
        found = [why_unsigned(store, verifier, records[run_id], dag_id, run_id)]
        try:
            amendments = read_amendments(store, records[run_id])
        except RecordError:
            amendments = []  # reported by another finding
        for number, amendment in enumerate(amendments, 1):
            why = why_unsigned(store, verifier, amendment, dag_id, run_id)
            found.append(f"amendment {number}: {why}" if why else None)
        return [Finding(run_id, why) for why in found if why]

    with ThreadPoolExecutor(max_workers=READERS) as readers:
        for findings in readers.map(wrong, records):
            yield from findings


def _anchors(records: Mapping[str, RecordDocument], package: Callable[[str], AwsShape | None]) -> Iterator[Finding]:
    for run_id, document in records.items():
        for model in document["models"]:
            arn = str(model.get("arn") or "")
            described = package(arn) if arn else None
            if described is None:
                continue  # deleted from the registry: not a fault of the record
            anchored = anchored_hash(described)
            if anchored is None:
                yield Finding(run_id, f"its model {arn} has no hash of a record.", harmless=True)
            elif anchored != hash_of(document):
                yield Finding(run_id, f"its model {arn} has the hash of another record: {anchored[:12]}….")
