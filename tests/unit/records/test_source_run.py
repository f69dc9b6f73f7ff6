"""All steps of a selective run take results from one source run, even if other runs end meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from test_earlier_results import DECIDED, MEASURED, PLAN, sealed

from airflow_sagemaker_mlops.plan.selection import InvalidSelection
from airflow_sagemaker_mlops.records.model.step_record import Artifact
from airflow_sagemaker_mlops.records.reuse.selective_run import SelectiveRequest, selective_plan_of_run
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.keys import source_key


def source(store: FolderStore | None, request: SelectiveRequest, run_id: str = "r9") -> str | None:
    selective_plan = selective_plan_of_run(request, PLAN, "p", store, run_id, no_records="Turn them on.")
    return selective_plan.source.run_id if selective_plan.source is not None else None


YES = SelectiveRequest(["Yes"])


def test_latest_is_for_all_steps_what_it_was_for_the_first(folder: FolderStore) -> None:
    sealed(folder, MEASURED, DECIDED)
    assert source(folder, YES) == "r1"
    sealed(folder, MEASURED, DECIDED, run_id="r2")
    assert (source(folder, YES), source(folder, YES, "r10")) == ("r1", "r2")


def test_a_run_that_takes_no_results_is_noted_nowhere(folder: FolderStore) -> None:
    sealed(folder, MEASURED, DECIDED)
    assert source(folder, SelectiveRequest(["Measure"])) is None
    assert folder.read(source_key("p", "r9")) is None


def test_outputs_are_looked_at_by_the_first_step_that_asks_and_not_again(folder: FolderStore) -> None:
    output = Artifact("s3://b/out", role="output", objects=1, sha256="a" * 64)
    sealed(folder, replace(MEASURED, outputs=(output,)), DECIDED)
    looked: list[str] = []

    def look(artifact: Artifact) -> Artifact:
        looked.append(artifact.uri)
        return artifact

    for _ in range(3):
        selective_plan_of_run(
            SelectiveRequest(["Yes"], "r1"), PLAN, "p", folder, "r9", inspect=look, no_records="Turn them on."
        )
    assert looked == ["s3://b/out"]


def test_what_a_deleted_run_of_the_same_id_asked_for_does_not_count(folder: FolderStore) -> None:
    sealed(folder, MEASURED, DECIDED)
    assert source(folder, SelectiveRequest(["Yes"], "latest")) == "r1"
    sealed(folder, MEASURED, DECIDED, run_id="r2")
    assert source(folder, YES) == "r2"


def test_a_note_that_is_cut_off_is_made_again(folder: FolderStore) -> None:
    sealed(folder, MEASURED, DECIDED)
    folder.write(source_key("p", "r9"), b'{"asked": {')
    assert source(folder, YES) == "r1"
    found = folder.read(source_key("p", "r9"))
    assert found is not None
    assert json.loads(found.data)["source_run"] == "r1"


def test_two_steps_that_begin_at_once_agree(folder: FolderStore) -> None:
    """The other step notes its run between this one's reading and writing."""
    sealed(folder, MEASURED, DECIDED)

    class Slow(FolderStore):
        def replace(self, key: str, data: bytes, tag: str | None) -> bool:
            assert source(folder, YES) == "r1"
            sealed(folder, MEASURED, DECIDED, run_id="r2")
            return super().replace(key, data, tag)

    assert source(Slow(folder.root), YES) == "r1"


def test_a_part_that_needs_results_needs_records() -> None:
    with pytest.raises(InvalidSelection, match=r"knows no records[^$]*Turn them on"):
        source(None, YES)
    assert source(None, SelectiveRequest(["Measure"])) is None


def test_an_instance_of_a_mapped_group_continues_with_what_the_same_one_did(folder: FolderStore) -> None:
    for run_id in ("r1[0]", "r1[1]", "r2[0]"):
        sealed(folder, MEASURED, DECIDED, run_id=run_id)
    assert source(folder, YES.of_instance(0), "r3[0]") == "r2[0]"
    assert source(folder, YES.of_instance(1), "r3[1]") == "r1[1]"
    assert source(folder, SelectiveRequest(["Yes"], "r1").of_instance(0), "r4[0]") == "r1[0]"
    assert source(folder, SelectiveRequest(["Yes"], "r2").of_instance(0), "r5[0]") == "r2[0]"
    sealed(folder, MEASURED, DECIDED, run_id="manual__2026[1]")
    assert source(folder, SelectiveRequest(["Yes"], "manual").of_instance(1), "r5[1]") == "manual__2026[1]"
    assert SelectiveRequest(["Yes"], "r1#2").of_instance(0).source == "r1[0]#2"
    assert SelectiveRequest(resume="latest~1").of_instance(3).source == "latest[3]~1"
    assert SelectiveRequest(resume="r1[2]").of_instance(3).source == "r1[2]"
