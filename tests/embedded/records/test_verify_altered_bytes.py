"""One altered byte, anywhere in fifty records and what they keep beside them, is named by ``verify``."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from record_examples import TRAIN, record

from airflow_sagemaker_mlops.records.capture.fingerprint import fingerprint
from airflow_sagemaker_mlops.records.model.step_record import Artifact
from airflow_sagemaker_mlops.records.seal.seal import MAX_INLINE, seal, store_definition
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.protocol import Store
from airflow_sagemaker_mlops.records.store.s3 import S3Store
from airflow_sagemaker_mlops.records.verify.chain import verify

FIFTY = [f"r{number}" for number in range(50)]


class Objects:
    """As much of a client as listing takes; every listing has another object, with a version."""

    count = 0

    def list_object_versions(self, **_members: Any) -> dict[str, Any]:
        Objects.count += 1
        about = {"Key": "in/a", "Size": Objects.count, "ETag": '"e"', "VersionId": "v", "IsLatest": True}
        return {"Versions": [about, {**about, "Key": "in/b"}]}


def fill(store: Store) -> None:
    """Fifty records with a definition, a long request and a listing each."""
    for number, run_id in enumerate(FIFTY):
        copy = store_definition(store, "daily", {"Version": "2020-12-01", "Steps": [{"Name": run_id}]})
        read = fingerprint(Objects(), Artifact("s3://b/in/"), versions=True, store=store, dag_id="daily")
        step = replace(TRAIN, request={"HyperParameters": {"x": run_id + "-" * MAX_INLINE}}, inputs=(read,)).masked()
        document = record(run_id, step, rounds=number, started=f"2026-01-01T00:00:{number:02}Z")
        document["definition"]["copy"] = {"uri": copy.uri, "sha256": copy.sha256, "masked": False}
        seal(store, document)
    assert verify(store, "daily").findings == ()


def alter(store: Store, key: str, position: int, bit: int) -> bytes:
    """Turn one bit; what was there before."""
    data = store.read(key).data  # type: ignore[union-attr]
    altered = bytearray(data)
    altered[position] ^= 1 << bit
    store.write(key, bytes(altered))
    return data


def named(store: Store) -> list[str]:
    return sorted({finding.run_id for finding in verify(store, "daily").findings if not finding.harmless})


def one_of(store: Store, key: str, seed: int) -> tuple[int, int]:
    chance = random.Random(f"{key} {seed}")
    return chance.randrange(len(store.read(key).data)), chance.randrange(8)  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    store = FolderStore(tmp_path_factory.mktemp("fifty"))
    fill(store)
    return store


@pytest.mark.parametrize("run_id", FIFTY)
def test_one_altered_byte_in_any_of_fifty_records_names_the_record(fifty: FolderStore, run_id: str) -> None:
    key = f"daily/records/{run_id}.json"
    before = alter(fifty, key, *one_of(fifty, key, 1))
    try:
        assert named(fifty) == [run_id]
    finally:
        fifty.write(key, before)


@pytest.mark.parametrize("kind", ["definitions", "requests", "listings"])
def test_one_altered_byte_in_what_a_record_keeps_beside_it_names_the_record(fifty: FolderStore, kind: str) -> None:
    keys = list(fifty.keys(f"daily/{kind}/"))
    assert len(keys) == 50
    found = []
    for key in keys[::7]:
        before = alter(fifty, key, *one_of(fifty, key, 1))
        found.append(named(fifty))
        fifty.write(key, before)
    assert all(len(names) == 1 and names[0] in FIFTY for names in found)
    assert len({names[0] for names in found}) == len(found)


def test_all_of_fifty_records_altered_in_s3_are_all_named(s3: Any, bucket: str) -> None:
    store = S3Store(s3, bucket, "records")
    fill(store)
    for run_id in FIFTY:
        key = f"daily/records/{run_id}.json"
        alter(store, key, *one_of(store, key, 1))
    assert named(store) == sorted(FIFTY)


@pytest.mark.parametrize("number", [0, 24, 49])
def test_one_altered_byte_in_s3_names_the_record(s3: Any, bucket: str, number: int) -> None:
    store = S3Store(s3, bucket, "records")
    for run_id in FIFTY:
        seal(store, record(run_id))
    key = f"daily/records/r{number}.json"
    alter(store, key, *one_of(store, key, 1))
    assert named(store) == [f"r{number}"]


def test_what_is_missing_beside_a_record_is_named(fifty: FolderStore) -> None:
    for kind in ("definitions", "requests", "listings"):
        key = next(fifty.keys(f"daily/{kind}/"))
        data = fifty.read(key).data  # type: ignore[union-attr]
        fifty.delete(key)
        (finding,) = verify(fifty, "daily").findings
        fifty.write(key, data)
        assert finding.run_id in FIFTY
        assert finding.what.endswith("is missing.")


def test_a_definition_that_many_runs_have_is_named_once(folder: FolderStore) -> None:
    copy = store_definition(folder, "daily", {"Steps": []})
    for run_id in ("r1", "r2", "r3"):
        document = record(run_id)
        document["definition"]["copy"] = {"uri": copy.uri, "sha256": copy.sha256, "masked": False}
        seal(folder, document)
    alter(folder, f"daily/definitions/{copy.sha256}.json", 3, 1)
    (finding,) = verify(folder, "daily").findings
    assert (finding.run_id, "was altered; 2 other runs have the same." in finding.what) == ("r1", True)


def test_an_index_entry_that_contradicts_its_record_is_reported(folder: FolderStore) -> None:
    seal(folder, record("r1", user="ada"))
    (key,) = folder.keys("daily/index/")
    folder.write(key, folder.read(key).data.replace(b'"user":"ada"', b'"user":"bob"'))  # type: ignore[union-attr]
    (finding,) = verify(folder, "daily").findings
    assert (finding.run_id, finding.harmless) == ("r1", True)
