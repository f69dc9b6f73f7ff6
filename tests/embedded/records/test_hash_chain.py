"""Sealing, the chain of records, the index, and what ``verify`` finds."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from record_examples import TRAIN, reads_of, record

from airflow_sagemaker_mlops.records.model.canonical_json import canonical_json
from airflow_sagemaker_mlops.records.model.errors import BrokenRecord, NoSuchRecord
from airflow_sagemaker_mlops.records.seal.hash_chain import read_heads
from airflow_sagemaker_mlops.records.seal.seal import read_step_records, seal, write_step_record
from airflow_sagemaker_mlops.records.store import index
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.index import FAN, add_to_index, merge, read_index
from airflow_sagemaker_mlops.records.store.protocol import Store
from airflow_sagemaker_mlops.records.store.reader import read_record, run_named
from airflow_sagemaker_mlops.records.store.sealed import hash_of, previous_of, seal_document
from airflow_sagemaker_mlops.records.verify.chain import rebuild_index, verify


def seal_all(store: Store, *run_ids: str) -> None:
    for number, run_id in enumerate(run_ids):
        seal(store, record(run_id, started=f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"))


def findings(store: Store) -> dict[str, str]:
    return {finding.run_id: finding.what for finding in verify(store, "daily").findings if not finding.harmless}


def test_each_record_names_the_hash_of_the_one_before(store: Store) -> None:
    seal_all(store, "r1", "r2")
    first, second = (read_record(store, "daily", run_id) for run_id in ("r1", "r2"))
    assert previous_of(first) == ()
    assert [(link.run_id, link.sha256) for link in previous_of(second)] == [("r1", hash_of(first))]
    assert verify(store, "daily").findings == ()


def test_sealing_again_changes_nothing(store: Store) -> None:
    first = seal(store, record("r1"))
    again = seal(store, record("r1", rounds=99))
    assert (first.already, again.already) == (False, True)
    assert first.sha256 == again.sha256
    assert verify(store, "daily").findings == ()


def test_records_of_both_schemas_form_one_chain(folder: FolderStore) -> None:
    older = (Path(__file__).parents[2] / "helpers" / "record_1_1.json").read_bytes()
    folder.write("daily/records/manual__1.json", older)
    rebuild_index(folder, "daily")
    sealed = seal(folder, record("manual__2", started="2026-01-02T00:00:00Z"))
    assert (sealed.record["schema"], json.loads(older)["schema"]) == ("2.0", "1.1")
    assert [link.run_id for link in previous_of(sealed.record)] == ["manual__1"]
    assert verify(folder, "daily").findings == ()


def test_a_run_that_continues_after_it_was_cleared_gets_another_record(store: Store) -> None:
    seal(store, record("r1", status="Failed"))
    seal(store, record("r1", clear_number=1))
    assert [run_named(store, "daily", name) for name in ("latest", "latest~1", "r1")] == ["r1#1", "r1", "r1"]
    first, second = (read_record(store, "daily", name) for name in ("r1", "r1#1"))
    assert (first["run"]["status"], second["run"]["status"]) == ("Failed", "Succeeded")
    assert [link.run_id for link in previous_of(second)] == ["r1"]
    assert verify(store, "daily").findings == ()


def test_runs_that_end_at_the_same_time_are_both_covered_by_the_next(store: Store) -> None:
    seal(store, record("r0"))
    with ThreadPoolExecutor(6) as writers:
        list(writers.map(lambda n: seal(store, record(f"r{n}")), range(1, 7)))
    seal(store, record("last"))
    assert len(verify(store, "daily").findings) == 0
    assert [link.run_id for link in read_heads(store, "daily").links] == ["last"]
    assert set(read_index(store, "daily").summaries) == {"r0", *(f"r{n}" for n in range(1, 7)), "last"}


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


def test_a_missing_record_is_named(store: Store) -> None:
    seal_all(store, "r1", "r2", "r3")
    store.delete("daily/records/r2.json")
    assert "r2" in findings(store)
    assert "missing" in findings(store)["r2"]


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


def test_index_objects_are_merged_and_lose_nothing(store: Store) -> None:
    runs = [f"r{n:03}" for n in range(FAN)]
    for run_id in runs:
        add_to_index(store, "daily", {"run_id": run_id, "sha256": "x"})
    assert merge(store, "daily") == 1
    assert sorted(read_index(store, "daily").summaries) == runs
    assert len(list(store.keys("daily/index/"))) == 1


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
def test_a_half_written_index_page_is_reported_and_can_be_built_again(folder: FolderStore, damage: bytes) -> None:
    seal_all(folder, *(f"r{n}" for n in range(FAN)))
    rebuild_index(folder, "daily")
    (page,) = folder.keys("daily/index/")
    folder.write(page, damage)
    assert read_index(folder, "daily").damaged == (page,)
    assert findings(folder) == {}
    assert rebuild_index(folder, "daily") == FAN
    assert len(read_index(folder, "daily").summaries) == FAN
    assert verify(folder, "daily").findings == ()


def test_lost_heads_are_found_again_in_the_index(folder: FolderStore) -> None:
    seal_all(folder, "r1", "r2")
    folder.write("daily/heads.json", b"{")
    seal_all(folder, "r3")
    assert [link.run_id for link in previous_of(read_record(folder, "daily", "r3"))] == ["r2"]
    assert verify(folder, "daily").findings == ()


def test_five_thousand_records_are_listed_without_reading_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    document = seal_document(record("r"), [])
    every = [
        {**index.summary_of(document), "run_id": f"manual__{n:05}", "started": f"2026-01-01T{n:05}"}
        for n in range(5000)
    ]
    # as sealing one after the other leaves them: 4 pages of 1,024, 28 of 32, 8 of one
    for level, start, end in ((2, 0, 4096), (1, 4096, 4992), (0, 4992, 5000)):
        size = FAN**level
        for at in range(start, end, size):
            index._write_page(store, "daily", level, every[at : at + size])
    assert merge(store, "daily") == 0
    reads = reads_of(type(store), monkeypatch)
    newest = read_index(store, "daily").newest()
    assert len(reads) == 40
    assert all(key.startswith("daily/index/") for key in reads)
    assert [summary["run_id"] for summary in newest[:2]] == ["manual__04999", "manual__04998"]
    assert len(newest) == 5000


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


def test_step_records_are_readable_while_the_run_is_on(store: Store) -> None:
    write_step_record(store, "daily", "r1", TRAIN)
    assert read_step_records(store, "daily", "r1") == [TRAIN.masked()]
    assert read_step_records(store, "daily", "r2") == []


def test_a_damaged_step_record_is_named(folder: FolderStore) -> None:
    folder.write("daily/fragments/r1/TrainModel.json", b'{"step": ')
    with pytest.raises(BrokenRecord, match=r"fragments/r1/TrainModel\.json is damaged: it is not JSON\."):
        read_step_records(folder, "daily", "r1")


def test_a_step_record_is_stored_without_its_secrets(folder: FolderStore) -> None:
    write_step_record(folder, "d", "r", replace(TRAIN, request={"Environment": {"API_KEY": "hunter2"}}))
    assert b"hunter2" not in folder.read("d/fragments/r/TrainModel.json").data  # type: ignore[union-attr]
    assert json.loads(folder.read("d/fragments/r/TrainModel.json").data)["request"]  # type: ignore[union-attr]
