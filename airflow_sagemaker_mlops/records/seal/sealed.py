"""A sealed record: its bytes, its hash, and the way back from bytes to a document that can be trusted."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from .. import model
from ..model.canonical_json import canonical_json, sha256_of
from ..model.errors import BrokenRecord, ForeignRecord, OlderSchema
from ..store.stored_json import misfit, read_stored

KIND = "sagemaker-mlops/run-record"
SCHEMA = "1.1"
CANONICAL = "sorted-keys-no-space-utf8"


@dataclass(frozen=True, slots=True)
class Link:
    """A record as another one names it."""

    run_id: str
    sha256: str

    def as_json(self) -> dict[str, str]:
        """Plain data."""
        return {"run_id": self.run_id, "sha256": self.sha256}


def seal_document(document: Mapping[str, Any], previous: Sequence[Link]) -> dict[str, Any]:
    """``document`` with its hash and the hashes of the records before it."""
    links = [link.as_json() for link in sorted(previous, key=lambda link: link.run_id)]
    integrity = {"canonical": CANONICAL, "previous": links}
    unsealed = {**document, "integrity": integrity}
    return {**unsealed, "integrity": {**integrity, "sha256": sha256_of(unsealed)}}


def parse_record(data: bytes, where: str) -> dict[str, Any]:
    """The document in ``data``; ``where`` names it in messages.

    Raises :class:`BrokenRecord` for one that is cut off or altered by as much as a space, and :class:`OlderSchema` for
    one of another version.
    """
    document = _read(data, where)
    check_hash(document, data, where)
    wrong = misfit(document, read_schema(), complete=document.get("schema") == SCHEMA)
    if wrong:
        raise BrokenRecord(
            f"{where} has the hash that it names, and is not of the shape of a record: {wrong}. "
            "It was not written by this package; move it away."
        )
    return document


def check_hash(document: Mapping[str, Any], data: bytes, where: str) -> None:
    """Raise :class:`BrokenRecord` when ``data`` is not the sealed ``document`` to the byte."""
    integrity = document.get("integrity")
    if not isinstance(integrity, dict) or not isinstance(integrity.get("sha256"), str):
        raise BrokenRecord(f"{where} has no hash: it was never sealed, or was edited by hand.")
    unsealed = {**document, "integrity": {key: value for key, value in integrity.items() if key != "sha256"}}
    try:
        right = sha256_of(unsealed) == integrity["sha256"] and canonical_json(document) == data
    except ValueError:
        right = False
    if not right:
        raise BrokenRecord(f"{where} was altered after it was sealed: its content does not have the hash it names.")


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
        raise BrokenRecord(f"{where} is cut off or was altered: it is no JSON ({error}).") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise BrokenRecord(f'{where} is not a run record: its "kind" is not "{KIND}".')
    version = str(document.get("schema", ""))
    if version.partition(".")[0] != SCHEMA.partition(".")[0]:
        raise OlderSchema(
            f'{where} has schema "{version}", this version reads {SCHEMA.partition(".")[0]}.x. '
            "Read it with the version of the package that wrote it, named under versions."
        )
    if not isinstance(document.get("run"), dict) or not isinstance(document.get("steps"), list):
        raise BrokenRecord(f"{where} has no run or no steps: it was edited by hand.")
    return document


def record_name(run: Mapping[str, Any]) -> str:
    """What the record of ``run`` is called: the run id; ``<run id>#2`` when it was cleared twice since it began."""
    cleared = run.get("clear_number")
    return f"{run.get('run_id')}#{cleared}" if cleared else str(run.get("run_id"))


def hash_of(document: Mapping[str, Any]) -> str:
    """The hash a sealed document names."""
    return str(document["integrity"]["sha256"])


def previous_of(document: Mapping[str, Any]) -> tuple[Link, ...]:
    """The records before it."""
    return tuple(Link(link["run_id"], link["sha256"]) for link in document["integrity"].get("previous", ()))


def belongs_to(document: Mapping[str, Any], dag_id: str, run_id: str, where: str) -> None:
    """Raise :class:`ForeignRecord` when the document is about another DAG or run than its place says."""
    run = document["run"]
    if (run.get("dag_id"), record_name(run)) != (dag_id, run_id):
        raise ForeignRecord(
            f'{where} is the record of run "{record_name(run)}" of DAG "{run.get("dag_id")}": it was copied there.'
        )
