"""Sealed documents: their bytes, their hash, and parsing bytes into a checked document."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar, cast

from .. import model
from ..model.canonical_json import canonical_json, compact_json, doubles, exact, sha256_of
from ..model.documents import AmendmentDocument, LinkDocument, RecordDocument, RunDocument, SealedDocument
from ..model.errors import BrokenRecord, ForeignRecord, OlderSchema
from ..model.record import KIND, SCHEMA
from .stored_json import misfit, read_stored

READABLE = ("1", "2")  # major versions
CANONICAL = "RFC 8785"
_CANONICAL_1 = "sorted-keys-no-space-utf8"  # of schema 1
Document = TypeVar("Document", RecordDocument, AmendmentDocument)


@dataclass(frozen=True, slots=True)
class Link:
    """A reference to another record."""

    run_id: str
    sha256: str

    def as_json(self) -> LinkDocument:
        """Plain data."""
        return {"run_id": self.run_id, "sha256": self.sha256}


def seal_document(document: Document, previous: Sequence[Link]) -> Document:
    """``document`` with its hash and references to the previous records; integers beyond 2**53 - 1 become text."""
    links = [link.as_json() for link in sorted(previous, key=lambda link: link.run_id)]
    sealed: Document = exact(document)
    unsealed = {**sealed, "integrity": {"canonical": CANONICAL, "previous": links}}
    sealed["integrity"] = {"canonical": CANONICAL, "previous": links, "sha256": sha256_of(unsealed)}
    return sealed


def parse_record(data: bytes, where: str) -> RecordDocument:
    """The document in ``data``; ``where`` is its address, for messages.

    Raises :class:`BrokenRecord` for a document that is truncated or altered, even by a space, and :class:`OlderSchema`
    for one of an unsupported version.
    """
    document = _read(data, where)
    check_hash(document, data, where)
    wrong = misfit(document, read_schema(), complete=document.get("schema") == SCHEMA)
    if wrong:
        raise BrokenRecord(
            f"{where} has the right hash but not the shape of a record: {wrong}. "
            "It was not written by this package; move it away."
        )
    return cast("RecordDocument", document)


def check_hash(document: Mapping[str, object], data: bytes, where: str) -> None:
    """Raise :class:`BrokenRecord` if ``data`` is not exactly the sealed ``document``."""
    integrity = document.get("integrity")
    if not isinstance(integrity, dict) or not isinstance(integrity.get("sha256"), str):
        raise BrokenRecord(f"{where} has no hash: it was never sealed, or was edited by hand.")
    unsealed = {**document, "integrity": {key: value for key, value in integrity.items() if key != "sha256"}}
    try:
        right = sealed_bytes(document) == data
        right = right and hashlib.sha256(sealed_bytes(unsealed)).hexdigest() == integrity["sha256"]
    except (ValueError, OverflowError):
        right = False
    if not right:
        raise BrokenRecord(f"{where} was altered after it was sealed: its content does not match its hash.")


def sealed_bytes(document: Mapping[str, object]) -> bytes:
    """The bytes of a sealed document, in the form that its member ``canonical`` names.  Raises ``ValueError``."""
    integrity = document["integrity"]
    if isinstance(integrity, Mapping) and integrity.get("canonical") == _CANONICAL_1:
        return compact_json(document)
    try:
        return canonical_json(document)
    except ValueError:  # a document that was read holds large doubles as integers
        return canonical_json(doubles(document))


def is_readable(document: Mapping[str, object]) -> bool:
    """Whether ``document`` has a schema that this version reads."""
    return str(document.get("schema", "")).partition(".")[0] in READABLE


@functools.cache
def read_schema() -> dict[str, Any]:
    """The JSON Schema of a record, draft 2020-12."""
    return dict(json.loads(files(model).joinpath("schema.json").read_text()))


def _read(data: bytes, where: str) -> dict[str, Any]:
    if not data:
        raise BrokenRecord(f"{where} is empty.")
    try:
        document = read_stored(data)
    except ValueError as error:
        raise BrokenRecord(f"{where} is cut off or was altered: it is not JSON ({error}).") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise BrokenRecord(f'{where} is not a run record: its "kind" is not "{KIND}".')
    if not is_readable(document):
        versions = " and ".join(f"{major}.x" for major in READABLE)
        raise OlderSchema(
            f'{where} has schema "{document.get("schema", "")}", this version reads {versions}. '
            "Read it with the version of the package that wrote it, named under versions."
        )
    if not isinstance(document.get("run"), dict) or not isinstance(document.get("steps"), list):
        raise BrokenRecord(f"{where} has no run or no steps: it was edited by hand.")
    return document


def record_name(run: RunDocument) -> str:
    """The name of a run's record: the run id; ``<run id>#2`` for a run that was cleared twice."""
    cleared = run.get("clear_number")
    return f"{run.get('run_id')}#{cleared}" if cleared else str(run.get("run_id"))


def hash_of(document: SealedDocument) -> str:
    """The hash in a sealed document."""
    return str(document["integrity"]["sha256"])


def previous_of(document: SealedDocument) -> tuple[Link, ...]:
    """The previous records that a sealed document refers to."""
    return tuple(Link(link["run_id"], link["sha256"]) for link in document["integrity"].get("previous", ()))


def belongs_to(document: RecordDocument, dag_id: str, run_id: str, where: str) -> None:
    """Raise :class:`ForeignRecord` if the document describes a DAG or run other than its key names."""
    run = document["run"]
    if (run.get("dag_id"), record_name(run)) != (dag_id, run_id):
        raise ForeignRecord(
            f'{where} is the record of run "{record_name(run)}" of DAG "{run.get("dag_id")}": it was copied there.'
        )
