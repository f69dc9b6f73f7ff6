"""Amendments: approvals that people gave after the record of a run was sealed.

A record is written once, and so is each amendment, a numbered document.  An amendment holds the hash of the previous
one; the first holds the hash of the record.  So altering an amendment, or removing one before the last, breaks the
chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from ...execution.secret_masking import mask
from ...execution.step_run import now
from ...json_types import AwsShape
from ..model.canonical_json import plain
from ..model.documents import AmendmentDocument, ApprovalDocument, RecordDocument
from ..model.errors import BrokenRecord, StoreUnavailable
from ..model.record import SCHEMA
from ..store.keys import amendments_prefix
from ..store.protocol import Store, address
from ..store.sealed import (
    Link,
    check_hash,
    hash_of,
    previous_of,
    record_name,
    seal_document,
    sealed_bytes,
)
from ..store.stored_json import read_stored
from .signatures import sign
from .signing import Signer

KIND = "sagemaker-mlops/amendment"
TRIES = 20


def read_amendments(store: Store, record: RecordDocument) -> list[AmendmentDocument]:
    """The amendments of a record, in order.  Raises :class:`BrokenRecord` naming one that breaks the chain."""
    dag_id, run_id = record["run"]["dag_id"], record_name(record["run"])
    found: list[AmendmentDocument] = []
    before = hash_of(record)
    for number, key in enumerate(store.keys(amendments_prefix(dag_id, run_id)), 1):
        data, where = store.read(key), address(store, key)
        amendment = _parse(data.data if data else b"", where)
        links = previous_of(amendment)
        if key != _key(dag_id, run_id, number) or [link.sha256 for link in links] != [before]:
            raise BrokenRecord(f"{where} does not continue the chain: an amendment is missing or was replaced.")
        found.append(amendment)
        before = hash_of(amendment)
    return found


def amend(
    store: Store,
    record: RecordDocument,
    approval: ApprovalDocument,
    noted_by: str = "",
    signer: Signer | None = None,
) -> None:
    """Append an approval, in the form of a record's ``approvals``: {"model", "decision", "user", "at", "comment"}."""
    run = record["run"]
    dag_id, run_id = run["dag_id"], record_name(run)
    document: AmendmentDocument = {
        "kind": KIND,
        "schema": SCHEMA,
        "run": {"dag_id": dag_id, "run_id": run_id},
        "approval": mask(plain(approval)),
        "noted": {"at": now(), "by": noted_by},
    }
    for _ in range(TRIES):
        there = read_amendments(store, record)
        before = hash_of(there[-1] if there else record)
        sealed = seal_document(document, [Link(run_id, before)])
        if signer is not None:
            sign(store, signer, sealed, dag_id, run_id)
        if store.create(_key(dag_id, run_id, len(there) + 1), sealed_bytes(sealed)):
            return
    raise StoreUnavailable(f"cannot amend the record of {run_id}: other processes amended it {TRIES} times meanwhile.")


def news(
    record: RecordDocument, amendments: list[AmendmentDocument], packages: Mapping[str, AwsShape]
) -> Iterator[ApprovalDocument]:
    """Approvals that are neither in the record nor in its amendments.

    packages   {ARN: current answer of DescribeModelPackage}
    """
    known = {str(model.get("arn")): str(model.get("approval_status", "")) for model in record["models"]}
    for approval in [*record["approvals"], *(amendment["approval"] for amendment in amendments)]:
        if "model" in approval:
            known[str(approval["model"])] = str(approval.get("decision", ""))
    for arn, package in packages.items():
        status = str(package.get("ModelApprovalStatus") or "")
        if status and known.get(arn) != status:
            by = package.get("LastModifiedBy") or {}
            found: ApprovalDocument = {"model": arn, "decision": status}
            if user := by.get("UserProfileName") or (by.get("IamIdentity") or {}).get("Arn"):
                found["user"] = str(user)
            if at := plain(package.get("LastModifiedTime")):
                found["at"] = str(at)
            if comment := package.get("ApprovalDescription"):
                found["comment"] = str(comment)
            yield found


def _key(dag_id: str, run_id: str, number: int) -> str:
    return f"{amendments_prefix(dag_id, run_id)}{number:06}.json"


def _parse(data: bytes, where: str) -> AmendmentDocument:
    try:
        document = read_stored(data)
    except ValueError as error:
        raise BrokenRecord(f"{where} is cut off or was altered: it is not JSON ({error}).") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise BrokenRecord(f'{where} is not an amendment: its "kind" is not "{KIND}".')
    check_hash(document, data, where)
    return cast("AmendmentDocument", document)
