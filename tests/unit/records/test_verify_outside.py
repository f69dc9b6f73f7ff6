"""Evidence against a history that was forged from its first record: noted hashes and signatures."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from record_examples import forge, record
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.records.model.canonical_json import canonical_json
from airflow_sagemaker_mlops.records.seal.amendments import amend
from airflow_sagemaker_mlops.records.seal.seal import Sealed, seal
from airflow_sagemaker_mlops.records.seal.signing import (
    FileSigner,
    NoSigningKey,
    Verifier,
    open_signer,
    open_verifier,
)
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.sealed import seal_document
from airflow_sagemaker_mlops.records.verify.chain import verify
from airflow_sagemaker_mlops.records.verify.outside import Evidence

PRIVATE = ed25519.Ed25519PrivateKey.generate()
SIGNER, VERIFIER = FileSigner(PRIVATE), Verifier(PRIVATE.public_key())
MODEL = "arn:aws:sagemaker:us-east-1:123456789012:model-package/daily/1"


def no_kms() -> Any:
    raise AssertionError("KMS is not asked")


def found(store: FolderStore, evidence: Evidence) -> dict[str, str]:
    return {f.run_id: f.what for f in verify(store, "daily", evidence).findings if not f.harmless}


@pytest.fixture
def two(folder: FolderStore) -> tuple[Sealed, Sealed]:
    return tuple(seal(folder, record(run_id), signer=SIGNER) for run_id in ("r1", "r2"))  # type: ignore[return-value]


def test_a_history_forged_from_its_beginning_is_shown_by_a_hash_that_was_noted(
    folder: FolderStore, two: tuple[Sealed, Sealed]
) -> None:
    noted = Evidence({"r2": two[1].sha256[:12].upper()})
    assert found(folder, noted) == {}
    forge(folder)
    assert found(folder, Evidence()) == {}
    assert "is not the expected one" in found(folder, noted)["r2"]


def test_a_history_that_was_taken_away_is_shown_by_a_hash_that_was_noted(
    folder: FolderStore, two: tuple[Sealed, Sealed]
) -> None:
    for key in [key for key in folder.keys("daily/") if "r2" in key or "heads" in key]:
        folder.delete(key)
    assert found(folder, Evidence()) == {}
    assert found(folder, Evidence({"r2": two[1].sha256})) == {"r2": "its record is missing: its hash was expected."}


def test_forged_and_added_records_have_no_signature(folder: FolderStore, two: tuple[Sealed, Sealed]) -> None:
    signed = Evidence(verifier=VERIFIER)
    assert verify(folder, "daily", signed).findings == ()
    forge(folder)
    seal(folder, record("r3"))
    assert {run_id: what.partition(":")[0] for run_id, what in found(folder, signed).items()} == dict.fromkeys(
        ("r1", "r2", "r3"), "it is not signed"
    )


def test_a_record_that_was_there_before_its_sealing_is_not_signed(folder: FolderStore) -> None:
    folder.write("daily/records/r1.json", canonical_json(seal_document(record("r1", rounds=999), [])))
    assert seal(folder, record("r1"), signer=SIGNER).already
    assert "it is not signed" in found(folder, Evidence(verifier=VERIFIER))["r1"]


@pytest.mark.parametrize("other", ["key", "record", "bytes"])
def test_a_signature_of_another_key_or_of_something_else_does_not_count(
    folder: FolderStore, two: tuple[Sealed, Sealed], other: str
) -> None:
    (first,) = folder.keys("daily/signatures/r1/")
    (second,) = folder.keys("daily/signatures/r2/")
    match other:
        case "key":
            verifier = Verifier(ed25519.Ed25519PrivateKey.generate().public_key())
            assert "another key" in found(folder, Evidence(verifier=verifier))["r1"]
        case "record":
            folder.write(first, folder.read(second).data)  # type: ignore[union-attr]
            assert found(folder, Evidence(verifier=VERIFIER)) == {"r1": "its signature belongs to another document."}
        case _:
            folder.write(first, b'{"payload": 1}')
            assert "is damaged" in found(folder, Evidence(verifier=VERIFIER))["r1"]


def test_amendments_have_to_be_signed_too(folder: FolderStore, two: tuple[Sealed, Sealed]) -> None:
    approval = {"model": MODEL, "decision": "Approved", "user": "ada"}
    amend(folder, two[0].record, approval, signer=SIGNER)
    assert found(folder, Evidence(verifier=VERIFIER)) == {}
    amend(folder, two[0].record, {**approval, "user": "mallory"})
    assert found(folder, Evidence(verifier=VERIFIER))["r1"].startswith("amendment 2: it is not signed")


def test_a_signature_is_an_in_toto_statement_about_the_stored_bytes(
    folder: FolderStore, two: tuple[Sealed, Sealed]
) -> None:
    (key,) = folder.keys("daily/signatures/r1/")
    envelope = json.loads(folder.read(key).data)  # type: ignore[union-attr]
    payload = base64.b64decode(envelope["payload"])
    # DSSE: PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload
    PRIVATE.public_key().verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(folder.read("daily/records/r1.json").data)  # type: ignore[union-attr]
    assert json.loads(payload)["subject"] == [{"name": "daily/r1", "digest": {"sha256": digest.finalize().hex()}}]


@pytest.mark.parametrize(
    "private",
    [
        PRIVATE,
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["ed25519", "p256", "p384", "rsa"],
)
def test_keys_of_all_kinds_are_read_from_files(tmp_path: Path, private: Any) -> None:
    file, public = tmp_path / "key.pem", tmp_path / "public.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file.write_bytes(private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public.write_bytes(private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    signer, verifier = open_signer(str(file), no_kms), open_verifier(str(public), no_kms)
    assert verifier.is_good(b"data", signer.sign(b"data"))
    assert not verifier.is_good(b"other", signer.sign(b"data"))
    assert signer.key_id == verifier.key_id == open_verifier(str(file), no_kms).key_id


def test_a_key_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no key")
    with pytest.raises(NoSigningKey, match=r"no\.pem holds no PEM private key"):
        open_signer(str(tmp_path / "no.pem"), no_kms)
    with pytest.raises(NoSigningKey, match=r"missing\.pem cannot be read: No such file"):
        open_verifier(str(tmp_path / "missing.pem"), no_kms)


def test_nothing_is_written_when_the_key_cannot_sign(folder: FolderStore) -> None:
    class Denied:
        key_id = "x"

        def sign(self, data: bytes) -> bytes:
            raise NoSigningKey("access denied")

    with pytest.raises(NoSigningKey):
        seal(folder, record("r1"), signer=Denied())
    assert list(folder.keys("daily/records/")) == []


def command(folder: FolderStore, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["records", "verify", "--location", folder.base, *words])
    return done.exit_code, done.output


def test_the_command_takes_the_hash_that_the_sealing_printed(folder: FolderStore, two: tuple[Sealed, Sealed]) -> None:
    assert command(folder, "--expect", f"r1={two[0].sha256}", "--expect", f"daily/r2={two[1].sha256[:12]}")[0] == 0
    assert command(folder, "--expect", f"r1={two[1].sha256}")[0] == 1
    both = ("--expect", f"r1={two[1].sha256}", "--expect", f"r1={two[0].sha256}")
    assert "two hashes" in command(folder, *both)[1]
    code, said = command(folder, "--expect", "r1=12")
    assert code != 0
    assert "write RUN=HASH" in said


def test_building_the_index_again_does_not_hide_an_added_record(
    folder: FolderStore, two: tuple[Sealed, Sealed]
) -> None:
    folder.write("daily/records/invented.json", canonical_json(seal_document(record("invented"), [])))
    code, said = command(folder, "--rebuild-index")
    assert code == 1
    assert "run invented: its record exists, but nothing refers to it" in said
    assert command(folder)[0] == 0
