"""OpenLineage events and facets as the classes of openlineage-python, through its file transport."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("airflow.providers.openlineage")  # optional, and not beside every Airflow

from openlineage.client import OpenLineageClient
from openlineage.client.serde import Serde
from openlineage.client.transport.file import FileConfig, FileTransport

from airflow_sagemaker_mlops import SageMakerPipelineDag
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.integrations.openlineage_types import as_run_event
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.records.export.openlineage import JobRun, events, step_event
from airflow_sagemaker_mlops.records.model.record import assemble
from airflow_sagemaker_mlops.records.model.run_info import RunInfo
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Attempt, Code, StepRecord
from airflow_sagemaker_mlops.records.seal.seal import Sealed, write_step_record
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.sealed import seal_document

STEP = {"Name": "Train", "Type": "Training", "Arguments": {"RoleArn": "arn:aws:iam::123456789012:role/R"}}
DOCUMENT = {"Version": "2020-12-01", "Steps": [STEP]}
TRAIN = StepRecord(
    step="Train",
    type="Training",
    status="Succeeded",
    started="2026-01-01T00:00:10Z",
    ended="2026-01-01T00:02:10Z",
    attempts=(Attempt("job-1", "arn:job-1", "Completed"),),
    inputs=(Artifact("s3://b/day.csv", version="v1", objects=1, bytes=5),),
    outputs=(Artifact("s3://b/m/model.tar.gz", role="model", etag="e"),),
    code=(Code("s3://b/code.tar.gz", version="v2"),),
    metrics={"auc": 0.9},
)
FAILED = replace(TRAIN, status="Failed", failure_reason="AlgorithmError: no data today")


def record(step_record: StepRecord) -> dict[str, Any]:
    run = RunInfo(dag_id="p", run_id="r1", status=step_record.status, ended="2026-01-01T00:03:00Z")
    plan = make_plan(load_pipeline(DOCUMENT))
    return seal_document(assemble(plan, run, parameters={}, step_records=[step_record]), [])


def without_schemas(value: Any) -> Any:
    """Facet versions move with openlineage-python; empty members and the tag with its version are its own."""
    own = ("_schemaURL", "schemaURL", "tags")
    match value:
        case dict():
            kept = {key: without_schemas(item) for key, item in value.items() if key not in own}
            return {key: item for key, item in kept.items() if item not in ({}, [], None)}
        case list():
            return [without_schemas(item) for item in value]
        case _:
            return value


@pytest.mark.parametrize("step_record", [TRAIN, FAILED], ids=["succeeded", "failed"])
def test_events_pass_through_a_real_transport_unchanged(step_record: StepRecord, tmp_path: Path) -> None:
    out = tmp_path / "events.json"
    client = OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=str(out), append=True)))
    given = list(events(record(step_record), "prod", "s3://r/r1.json"))
    own, parent = JobRun("prod", "p.Train", given[0]["run"]["runId"]), JobRun("prod", "p", given[1]["run"]["runId"])
    given.insert(0, step_event(step_record.as_json(), own, parent, "start"))
    for event in given:
        client.emit(as_run_event(event))
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert without_schemas(written) == without_schemas(given)
    assert [event["eventType"] for event in written] == ["START", *["COMPLETE" if step_record is TRAIN else "FAIL"] * 2]


def test_a_facet_of_our_own_keeps_its_name_and_schema() -> None:
    (step, _) = events(record(TRAIN))
    facet = json.loads(Serde.to_json(as_run_event(step)))["run"]["facets"]["sagemakerMlopsStep"]
    assert facet["_schemaURL"] == "urn:airflow-sagemaker-mlops:openlineage:1.0#/$defs/SagemakerMlopsStepRunFacet"
    assert facet["_producer"] == "urn:airflow-sagemaker-mlops"


def test_an_operator_answers_the_listener_out_of_the_record(tmp_path: Path) -> None:
    from airflow.providers.openlineage.extractors.manager import ExtractorManager
    from airflow.utils.state import TaskInstanceState

    write_step_record(FolderStore(tmp_path), "p", "r1", FAILED)
    task = SageMakerPipelineDag("p", DOCUMENT, records=str(tmp_path)).get_task("Train")
    ti = SimpleNamespace(dag_id="p", run_id="r1", task_id="Train", task=task)
    found = ExtractorManager().extract_metadata(
        dagrun=SimpleNamespace(run_id="r1"), task=task, task_instance_state=TaskInstanceState.FAILED, task_instance=ti
    )
    assert [(one.namespace, one.name) for one in found.inputs] == [("s3://b", "day.csv")]
    assert found.inputs[0].facets["version"].datasetVersion == "v1"
    assert found.run_facets["errorMessage"].message == "AlgorithmError: no data today"
    assert found.job_facets["sourceCodeLocation"].url == "s3://b/code.tar.gz"


def test_a_step_without_a_record_answers_nothing() -> None:
    task = SageMakerPipelineDag("p", DOCUMENT).get_task("Train")
    found = task.get_openlineage_facets_on_complete(SimpleNamespace(dag_id="p", run_id="r1", task_id="Train"))
    assert (found.inputs, found.outputs, found.run_facets) == ([], [], {})


def test_the_status_task_answers_with_the_record_it_sealed() -> None:
    status_task = SageMakerPipelineDag("p", DOCUMENT).get_task("pipeline.status")
    document = record(TRAIN)
    status_task.sealed = Sealed("s3://r/r1.json", "0", record=document)
    facet = status_task.get_openlineage_facets_on_complete(None).run_facets["sagemakerMlopsRun"]
    assert (facet.record, facet.status) == ("s3://r/r1.json", "Succeeded")
