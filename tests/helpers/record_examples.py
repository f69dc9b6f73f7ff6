"""Example records for tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.records.model.canonical_json import canonical_json
from airflow_sagemaker_mlops.records.model.record import Parameter, assemble
from airflow_sagemaker_mlops.records.model.run_info import RunInfo
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Attempt, CacheOutcome, Code, Image, StepRecord
from airflow_sagemaker_mlops.records.store.protocol import Store, Stored
from airflow_sagemaker_mlops.records.store.reader import read_record
from airflow_sagemaker_mlops.records.store.sealed import Link, seal_document
from airflow_sagemaker_mlops.records.verify.chain import rebuild_index

DAILY = Path(__file__).parents[2] / "dags" / "daily_model" / "definition.yaml"
PLAN = make_plan(load_pipeline(DAILY))
SHA = "0123456789abcdef" * 4

TRAIN = StepRecord(
    step="TrainModel",
    type="Training",
    status="Succeeded",
    started="2026-01-01T00:00:10Z",
    ended="2026-01-01T00:02:10Z",
    attempts=(
        Attempt("job-1", "arn:job-1", "Failed", "2026-01-01T00:00:10Z", "2026-01-01T00:01:00Z", "CapacityError: none"),
        Attempt("job-2", "arn:job-2", "Completed", "2026-01-01T00:01:00Z", "2026-01-01T00:02:10Z"),
    ),
    request={
        "AlgorithmSpecification": {"TrainingImage": "image:1", "TrainingInputMode": "File"},
        "HyperParameters": {"num_round": "80"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
    },
    jobs_started=2,
    billable_seconds=100.0,
    instance_type="ml.m5.large",
    inputs=(Artifact("s3://b/train", name="train", objects=10, bytes=1000, sha256=SHA),),
    outputs=(Artifact("s3://b/m/model.tar.gz", name="model", role="model", etag="e", objects=1, bytes=9, sha256=SHA),),
    images=(Image("image:1", f"sha256:{SHA}"),),
    code=(Code("s3://b/code.tar.gz", SHA, "v1", "https://git.example/repo", "c0ffee", False),),
    metrics={"mse": 5.85},
    cache=CacheOutcome(SHA, {"HyperParameters": SHA}, "miss"),
    model_packages=({"arn": "arn:package", "group": "g", "version": 3, "approval_status": "PendingManualApproval"},),
    result={"Step": "TrainModel", "Properties": {}},
)
DECIDE = StepRecord(
    step="IsBetter",
    type="Condition",
    status="Succeeded",
    decision={
        "Outcome": True,
        "Terms": [{"Text": "0.97 > 0.9", "Op": "GreaterThan", "Left": 0.97, "Right": 0.9, "Result": True}],
        "Sentence": "True: 0.97 > 0.9 is true",
    },
)


def identity(run_id: str = "r1", **more: Any) -> RunInfo:
    given = {
        "pipeline": "daily",
        "status": "Succeeded",
        "started": "2026-01-01T00:00:00Z",
        "ended": "2026-01-01T00:03:00Z",
        "trigger": "manual",
        "user": "ada",
        "versions": {"airflow": "3.3.0"},
    }
    return RunInfo(dag_id=more.pop("dag_id", "daily"), run_id=run_id, **{**given, **more})


def record(run_id: str = "r1", *step_records: StepRecord, rounds: int = 80, **more: Any) -> dict[str, Any]:
    """An unsealed record of the daily model."""
    return assemble(
        PLAN,
        identity(run_id, **more),
        parameters={"NumRound": Parameter(rounds, "conf"), "Day": Parameter("day-1", "default")},
        step_records=step_records or (TRAIN, DECIDE),
    )


def training(rounds: int = 80, **more: Any) -> StepRecord:
    """The training step with other hyperparameters."""
    request = {**(TRAIN.request or {}), "HyperParameters": {"num_round": str(rounds)}}
    return replace(TRAIN, request=request, **more)


def reads_of(kind: type[Store], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys that stores of a kind are asked to read from now on."""
    read, keys = kind.read, []

    def noted(self: Store, key: str) -> Stored | None:
        keys.append(key)
        return read(self, key)

    monkeypatch.setattr(kind, "read", noted)
    return keys


def forge(store: Store) -> None:
    """Alter the first of two records, and redo the chain and the index, as anyone with write access can."""
    first = seal_document({**_unsealed(store, "r1"), "approvals": [{"user": "nobody"}]}, [])
    second = seal_document(_unsealed(store, "r2"), [Link("r1", first["integrity"]["sha256"])])
    for run_id, document in (("r1", first), ("r2", second)):
        store.write(f"daily/records/{run_id}.json", canonical_json(document))
    rebuild_index(store, "daily")


def _unsealed(store: Store, run_id: str) -> dict[str, Any]:
    return {key: value for key, value in read_record(store, "daily", run_id).items() if key != "integrity"}
