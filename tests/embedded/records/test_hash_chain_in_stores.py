"""The chain of records and their index in both kinds of store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from record_examples import TRAIN, reads_of, record

from airflow_sagemaker_mlops.records.seal.hash_chain import read_heads
from airflow_sagemaker_mlops.records.seal.seal import read_step_records, seal, write_step_record
from airflow_sagemaker_mlops.records.store import index
from airflow_sagemaker_mlops.records.store.index import FAN, add_to_index, merge, read_index
from airflow_sagemaker_mlops.records.store.protocol import Store
from airflow_sagemaker_mlops.records.store.reader import read_record, run_named
from airflow_sagemaker_mlops.records.store.sealed import hash_of, previous_of, seal_document
from airflow_sagemaker_mlops.records.verify.chain import verify


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


def test_a_missing_record_is_named(store: Store) -> None:
    seal_all(store, "r1", "r2", "r3")
    store.delete("daily/records/r2.json")
    assert "r2" in findings(store)
    assert "missing" in findings(store)["r2"]


def test_index_objects_are_merged_and_lose_nothing(store: Store) -> None:
    runs = [f"r{n:03}" for n in range(FAN)]
    for run_id in runs:
        add_to_index(store, "daily", {"run_id": run_id, "sha256": "x"})
    assert merge(store, "daily") == 1
    assert sorted(read_index(store, "daily").summaries) == runs
    assert len(list(store.keys("daily/index/"))) == 1


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


def test_step_records_are_readable_while_the_run_is_on(store: Store) -> None:
    write_step_record(store, "daily", "r1", TRAIN)
    assert read_step_records(store, "daily", "r1") == [TRAIN.masked()]
    assert read_step_records(store, "daily", "r2") == []
