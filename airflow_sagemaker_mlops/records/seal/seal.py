"""Writes step records during a run, and the sealed record once, at its end.

S3 calls of a sealing: read and write the heads, write definition, record and index entry; list and read the step
records, unless the caller has them.  Writing a step record is one call.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ...execution.secret_masking import mask
from ...json_types import JsonObject
from ..model.canonical_json import canonical_json, compact_json, plain
from ..model.documents import RecordDocument, StepDocument
from ..model.errors import BrokenRecord
from ..model.record import DefinitionCopy
from ..model.step_record import StepRecord
from ..store.index import READERS, add_to_index, merge, summary_of
from ..store.keys import content_key, record_key, step_record_key, step_records_prefix
from ..store.protocol import Store, address
from ..store.sealed import (
    Link,
    belongs_to,
    hash_of,
    parse_record,
    previous_of,
    record_name,
    seal_document,
    sealed_bytes,
)
from ..store.stored_json import read_stored
from .hash_chain import Heads, advance, read_heads
from .signatures import sign
from .signing import Signer

MERGE_EVERY = 8  # one sealing in eight checks whether the index can be merged, which takes a listing
MAX_INLINE = 32_768  # bytes of a request in the record; larger ones are stored separately


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed record and its address; ``already`` if an earlier attempt had written it."""

    uri: str
    sha256: str
    record: RecordDocument = field(repr=False, compare=False)
    already: bool = False


def write_step_record(
    store: Store, dag_id: str, run_id: str, step_record: StepRecord, secrets: Iterable[str] = ()
) -> StepRecord:
    """Write a step record, masked, over that of an earlier attempt; returns the masked one.

    secrets   additional secrets to mask
    """
    masked = step_record.masked(*secrets)
    store.write(step_record_key(dag_id, run_id, step_record.step), compact_json(masked.as_json()))
    return masked


def read_step_records(store: Store, dag_id: str, run_id: str) -> list[StepRecord]:
    """The step records written so far, also during the run.  Raises :class:`BrokenRecord` naming a damaged one."""
    keys = list(store.keys(step_records_prefix(dag_id, run_id)))
    with ThreadPoolExecutor(max_workers=READERS) as readers:
        found = [
            step_record for step_record in readers.map(lambda key: _read_step_record(store, key), keys) if step_record
        ]
    return sorted(found, key=lambda step_record: (step_record.started, step_record.step))


def _read_step_record(store: Store, key: str) -> StepRecord | None:
    found = store.read(key)
    if found is None:
        return None
    try:
        return StepRecord.from_json(read_stored(found.data))
    except ValueError as error:
        why = str(error) if isinstance(error, BrokenRecord) else "it is not JSON."
        raise BrokenRecord(f"{address(store, key)} is damaged: {why}") from None


def store_definition(store: Store, dag_id: str, document: JsonObject, secrets: Iterable[str] = ()) -> DefinitionCopy:
    """Store the definition under its hash, once for all runs that use it; ``secrets`` are those of the run.

    The bytes are those that ``plan.build.definition_hash`` hashes, so the copy is named by the definition's hash.  A
    definition with secrets is masked, has another hash, and cannot be run again.
    """
    given = {key: value for key, value in document.items() if not (value is None or (key == "Metadata" and not value))}
    kept = plain(given)
    masked = mask(kept, {*secrets})
    data = compact_json(masked)  # as in ``definition_hash``; anybody can hash the stored bytes
    digest = hashlib.sha256(data).hexdigest()
    key = content_key(dag_id, "definitions", digest)
    store.create(key, data)
    return DefinitionCopy(address(store, key), digest, masked != kept)


def seal(store: Store, document: RecordDocument, heads: Heads | None = None, signer: Signer | None = None) -> Sealed:
    """Write the record and add it to the chain and the index.  Idempotent: it can be repeated after any failure.

    heads    the heads of the chain, if they were read just now
    signer   signs the record before it is written; an existing record is never signed

    Raises :class:`StoreUnavailable` if the record cannot be written, :class:`BrokenRecord` if its key holds something
    else.
    """
    dag_id, run_id = document["run"]["dag_id"], record_name(document["run"])
    key = record_key(dag_id, run_id)
    uri = address(store, key)
    heads = heads or read_heads(store, dag_id)
    record = seal_document(_requests_apart(store, dag_id, document), heads.links)
    if signer is not None:
        sign(store, signer, record, dag_id, run_id)
    already = not store.create(key, sealed_bytes(record))
    if already:
        found = store.read(key)
        record = parse_record(found.data if found else b"", uri)
        belongs_to(record, dag_id, run_id, uri)
    own = Link(run_id, hash_of(record))
    with ThreadPoolExecutor(max_workers=2) as writers:
        indexed = writers.submit(add_to_index, store, dag_id, summary_of(record))
        writers.submit(advance, store, dag_id, heads, previous_of(record), own).result()
        indexed.result()
    if zlib.crc32(run_id.encode()) % MERGE_EVERY == 0:
        merge(store, dag_id)
    return Sealed(uri, hash_of(record), record, already)


def _requests_apart(store: Store, dag_id: str, document: RecordDocument) -> RecordDocument:
    """``document`` without its largest requests, which are stored under their hashes."""
    steps: list[StepDocument] = []
    for step in document["steps"]:
        data = canonical_json(step["request"]) if "request" in step else b""
        if len(data) > MAX_INLINE:
            key = content_key(dag_id, "requests", step["request_sha256"])
            store.create(key, data)
            apart: StepDocument = {**step, "request_uri": address(store, key)}
            del apart["request"]
            steps.append(apart)
        else:
            steps.append(step)
    return {**document, "steps": steps}
