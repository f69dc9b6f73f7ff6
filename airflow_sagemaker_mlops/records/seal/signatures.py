"""Signatures of records and amendments, each a separate object: a DSSE envelope around an in-toto statement.

The statement refers to the stored bytes by their SHA-256, so in-toto tools can verify it without this package.  It is
written before the record, so a record without a signature was not written by the holder of the key.
Sources: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md, https://in-toto.io/Statement/v1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from ..model.canonical_json import canonical_json
from ..model.documents import SealedDocument
from ..store.keys import signature_key
from ..store.protocol import Store, address
from ..store.sealed import hash_of, sealed_bytes
from .signing import Signer, Verifier

PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "urn:airflow-sagemaker-mlops:sealed:v1"
MAX_BYTES = 65_536


def sign(store: Store, signer: Signer, document: SealedDocument, dag_id: str, run_id: str) -> None:
    """Store the signature of a sealed ``document``, the record of run ``run_id`` or one of its amendments.

    Raises :class:`NoSigningKey` and :class:`StoreUnavailable`.
    """
    payload = canonical_json(_statement(document, dag_id, run_id))
    signature = signer.sign(_to_be_signed(payload))
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": signer.key_id, "sig": base64.b64encode(signature).decode()}],
    }
    store.write(signature_key(dag_id, run_id, hash_of(document)), canonical_json(envelope))


def why_unsigned(store: Store, verifier: Verifier, document: SealedDocument, dag_id: str, run_id: str) -> str | None:
    """What is wrong with the signature of ``document``, as the end of a sentence; ``None`` if it is valid."""
    key = signature_key(dag_id, run_id, hash_of(document))
    found = store.read(key)
    if found is None:
        return f"it is not signed: there is no {address(store, key)}."
    try:
        if len(found.data) > MAX_BYTES:
            raise ValueError
        envelope = json.loads(found.data)
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [
            base64.b64decode(one["sig"], validate=True)
            for one in envelope["signatures"]
            if one.get("keyid") in ("", None, verifier.key_id)
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        return f"its signature {address(store, key)} is damaged."
    if not signatures:
        return f"it was signed with another key, not with {verifier.key_id[:12]}…."
    signed = any(verifier.is_good(_to_be_signed(payload), signature) for signature in signatures)
    if not signed or envelope.get("payloadType") != PAYLOAD_TYPE:
        return "its signature was not made with this key."
    if payload != canonical_json(_statement(document, dag_id, run_id)):
        return "its signature belongs to another document."
    return None


def _statement(document: SealedDocument, dag_id: str, run_id: str) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": f"{dag_id}/{run_id}", "digest": {"sha256": hashlib.sha256(sealed_bytes(document)).hexdigest()}}
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"kind": document["kind"], "dag_id": dag_id, "run_id": run_id, "sealed": hash_of(document)},
    }


def _to_be_signed(payload: bytes) -> bytes:
    """The pre-authentication encoding of DSSE."""
    return b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
