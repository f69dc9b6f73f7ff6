"""Sealing, the chain of records, the index, and what ``verify`` finds."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from record_examples import TRAIN, record

from airflow_sagemaker_mlops.records.model.canonical_json import canonical_json
from airflow_sagemaker_mlops.records.model.errors import BrokenRecord, NoSuchRecord
from airflow_sagemaker_mlops.records.seal.hash_chain import read_heads
from airflow_sagemaker_mlops.records.seal.seal import read_step_records, seal, write_step_record
from airflow_sagemaker_mlops.records.store import index
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.index import FAN, add_to_index, merge, read_index
from airflow_sagemaker_mlops.records.store.protocol import Store
from airflow_sagemaker_mlops.records.store.reader import read_record, run_named
from airflow_sagemaker_mlops.records.store.sealed import previous_of, seal_document
from airflow_sagemaker_mlops.records.verify.chain import rebuild_index, verify


def seal_all(store: Store, *run_ids: str) -> None:
    for number, run_id in enumerate(run_ids):
        seal(store, record(run_id, started=f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"))


def findings(store: Store) -> dict[str, str]:
    return {finding.run_id: finding.what for finding in verify(store, "daily").findings if not finding.harmless}


def test_records_of_both_schemas_form_one_chain(folder: FolderStore) -> None:
    older = (Path(__file__).parents[2] / "helpers" / "record_1_1.json").read_bytes()
    folder.write("daily/records/manual__1.json", older)
    rebuild_index(folder, "daily")
    sealed = seal(folder, record("manual__2", started="2026-01-02T00:00:00Z"))
    assert (sealed.record["schema"], json.loads(older)["schema"]) == ("2.0", "1.1")
    assert [link.run_id for link in previous_of(sealed.record)] == ["manual__1"]
    assert verify(folder, "daily").findings == ()


def test_a_sealing_that_broke_off_after_its_record_is_finished_by_the_next_try(folder: FolderStore) -> None:
    seal_all(folder, "r1")
    heads = read_heads(folder, "daily").links
    folder.create("daily/records/r2.json", canonical_json(seal_document(record("r2"), heads)))
    assert "nothing refers to it" in findings(folder)["r2"]
    seal(folder, record("r2"))
    assert verify(folder, "daily").findings == ()


def test_something_else_in_the_place_of_a_record_is_not_overwritten(folder: FolderStore) -> None:
    folder.write("daily/records/r1.json", b'{"half": ')
    with pytest.raises(BrokenRecord, match=r"records/r1\.json is cut off"):
        seal(folder, record("r1"))
    assert folder.read("daily/records/r1.json").data == b'{"half": '  # type: ignore[union-attr]


def test_every_byte_of_a_record_counts(folder: FolderStore) -> None:
    seal_all(folder, "r1", "r2")
    data = folder.read("daily/records/r2.json").data  # type: ignore[union-attr]
    missed = []
    for position in range(0, len(data), 97):
        altered = bytearray(data)
        altered[position] ^= 0x01
        folder.write("daily/records/r2.json", bytes(altered))
        if list(findings(folder)) != ["r2"]:
            missed.append(position)
    assert missed == []


def test_a_missing_latest_record_is_named_by_the_index(folder: FolderStore) -> None:
    seal_all(folder, "r1", "r2")
    folder.delete("daily/records/r2.json")
    assert findings(folder) == {"r2": "its record is missing, but the index lists it."}


def test_a_record_replaced_by_another_valid_one_breaks_the_chain(folder: FolderStore) -> None:
    seal_all(folder, "r1", "r2")
    forged = seal_document(record("r1", rounds=999), [])
    folder.write("daily/records/r1.json", canonical_json(forged))
    rebuild_index(folder, "daily")  # the forger repaired the index, too
    assert 'run "r2" refers to hash' in findings(folder)["r1"]


def test_a_record_of_another_dag_is_named(folder: FolderStore) -> None:
    seal_all(folder, "r1")
    foreign = seal_document(record("r9", dag_id="other"), [])
    folder.write("daily/records/r9.json", canonical_json(foreign))
    assert 'of DAG "other": it was copied there' in findings(folder)["r9"]


def test_a_record_under_the_name_of_another_run_is_named(folder: FolderStore) -> None:
    seal_all(folder, "r1", "r2")
    folder.write("daily/records/r2.json", folder.read("daily/records/r1.json").data)  # type: ignore[union-attr]
    assert "it was copied there" in findings(folder)["r2"]


def test_a_record_that_was_added_is_named(folder: FolderStore) -> None:
    seal_all(folder, "r1", "r2")
    invented = seal_document(record("invented"), previous_of(read_record(folder, "daily", "r2")))
    folder.write("daily/records/invented.json", canonical_json(invented))
    assert "nothing refers to it" in findings(folder)["invented"]


@pytest.mark.parametrize(
    "name",
    ["records/.r9.json", "records/r9.txt", "records/.new-abcdefgh", "definitions/.x", "definitions/x.json", ".x", "x",
     "index/0/.x.json", ".lock", ".x/y.json", "amendments/r1/.x", "fragments/r1/.A.json", "more/a.json"],
)  # fmt: skip
def test_a_file_that_was_added_is_named_whatever_its_name(folder: FolderStore, name: str) -> None:
    seal_all(folder, "r1")
    write_step_record(folder, "daily", "r1", TRAIN)
    assert findings(folder) == {}
    folder.write(f"daily/{name}", b"{}")
    said = [finding.what for finding in verify(folder, "daily").findings]
    assert any(f"daily/{name} does not belong to the records" in what for what in said)


def test_an_added_name_that_is_no_text_and_an_added_link_are_named(folder: FolderStore) -> None:
    seal_all(folder, "r1")
    (folder.root / "daily" / "records" / os.fsdecode(b"r\xff.json")).write_bytes(b"{}")
    (folder.root / "daily" / "linked").symlink_to("/", target_is_directory=True)
    named = [finding.what for finding in verify(folder, "daily").findings]
    assert sum("does not belong to the records" in what for what in named) == 2


def test_an_amendment_without_a_record_is_named(folder: FolderStore) -> None:
    seal_all(folder, "r1")
    folder.write("daily/amendments/r9/000001.json", b"{}")
    assert findings(folder) == {"r9": "there is an amendment to its record, but no record."}


def test_verifying_a_dag_that_has_nothing_says_so(folder: FolderStore) -> None:
    with pytest.raises(NoSuchRecord, match='there are no records of DAG "daily"'):
        verify(folder, "daily")


def test_sealing_many_runs_keeps_the_index_merged(folder: FolderStore) -> None:
    runs = [f"r{n:03}" for n in range(3 * FAN)]
    seal_all(folder, *runs)
    assert sorted(read_index(folder, "daily").summaries) == runs
    assert len(list(folder.keys("daily/index/"))) < 2 * FAN


def test_merging_at_the_same_time_loses_nothing(folder: FolderStore) -> None:
    for number in range(3 * FAN):
        add_to_index(folder, "daily", {"run_id": f"r{number}", "sha256": "x", "started": str(number)})
    with ThreadPoolExecutor(4) as mergers:
        list(mergers.map(lambda _: merge(folder, "daily"), range(4)))
    assert len(read_index(folder, "daily").summaries) == 3 * FAN


def test_a_list_during_a_merge_is_whole(folder: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(FAN):
        add_to_index(folder, "daily", {"run_id": f"r{number}", "sha256": "x"})
    read_pages = index._read_pages
    first: list[int] = []

    def with_a_merge_before(store: Store, keys: Any) -> Any:
        if not first:
            first.append(1)
            merge(folder, "daily")
        return read_pages(store, keys)

    monkeypatch.setattr(index, "_read_pages", with_a_merge_before)
    assert len(read_index(folder, "daily").summaries) == FAN


@pytest.mark.parametrize("damage", [b"", b'{"records": [', b"[]", b'{"records": [{"run_id": 1}]}'])
def test_a_half_written_index_page_is_reported_and_can_be_built_again(
    folder: FolderStore, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    monkeypatch.setattr(index, "FAN", 3)  # records of a page: three show it as well as 32
    seal_all(folder, "r1", "r2", "r3")
    rebuild_index(folder, "daily")
    (page,) = folder.keys("daily/index/")
    folder.write(page, damage)
    assert read_index(folder, "daily").damaged == (page,)
    assert findings(folder) == {}
    assert rebuild_index(folder, "daily") == 3
    assert len(read_index(folder, "daily").summaries) == 3
    assert verify(folder, "daily").findings == ()


def test_lost_heads_are_found_again_in_the_index(folder: FolderStore) -> None:
    seal_all(folder, "r1", "r2")
    folder.write("daily/heads.json", b"{")
    seal_all(folder, "r3")
    assert [link.run_id for link in previous_of(read_record(folder, "daily", "r3"))] == ["r2"]
    assert verify(folder, "daily").findings == ()


def test_runs_are_named_by_id_by_age_or_by_their_beginning(folder: FolderStore) -> None:
    seal_all(folder, "manual__1", "manual__2", "scheduled__3")
    assert [run_named(folder, "daily", name) for name in ("manual__1", "latest", "latest~2", "sched")] == [
        "manual__1",
        "scheduled__3",
        "manual__1",
        "scheduled__3",
    ]


@pytest.mark.parametrize(
    ("dag_id", "name", "why"),
    [
        ("daily", "manual__3", r'no record of run "manual__3" of DAG "daily"\. Did you mean "manual__2"\?'),
        ("daily", "latest~9", r'DAG "daily" has 2 records at .*, so there is no "latest~9"'),
        ("dayly", "manual__1", r'there are no records of DAG "dayly" at .*\. Did you mean "daily"\?'),
    ],
)
def test_a_run_that_is_not_recorded_says_what_is(folder: FolderStore, dag_id: str, name: str, why: str) -> None:
    seal_all(folder, "manual__1", "manual__2")
    with pytest.raises(NoSuchRecord, match=why):
        run_named(folder, dag_id, name)


def test_a_damaged_step_record_is_named(folder: FolderStore) -> None:
    folder.write("daily/fragments/r1/TrainModel.json", b'{"step": ')
    with pytest.raises(BrokenRecord, match=r"fragments/r1/TrainModel\.json is damaged: it is not JSON\."):
        read_step_records(folder, "daily", "r1")


def test_a_step_record_is_stored_without_its_secrets(folder: FolderStore) -> None:
    write_step_record(folder, "d", "r", replace(TRAIN, request={"Environment": {"API_KEY": "hunter2"}}))
    assert b"hunter2" not in folder.read("d/fragments/r/TrainModel.json").data  # type: ignore[union-attr]
    assert json.loads(folder.read("d/fragments/r/TrainModel.json").data)["request"]  # type: ignore[union-attr]
