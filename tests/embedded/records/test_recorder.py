"""Recording steps as they run, on the embedded AWS."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.request import name_of
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions, StepRun
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.spec import StepSpec
from airflow_sagemaker_mlops.records.cache.why_not import why_not_cached
from airflow_sagemaker_mlops.records.capture.recorder import Recorder, RecordOptions
from airflow_sagemaker_mlops.records.capture.run_recorder import parameters_of, seal_run, versions
from airflow_sagemaker_mlops.records.capture.step_start import StepStart
from airflow_sagemaker_mlops.records.model.errors import StoreUnavailable
from airflow_sagemaker_mlops.records.model.run_info import RunInfo
from airflow_sagemaker_mlops.records.model.step_record import StepRecord
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.protocol import Store
from airflow_sagemaker_mlops.records.store.reader import read_record
from airflow_sagemaker_mlops.records.store.sealed import read_schema
from airflow_sagemaker_mlops.records.verify.chain import verify
from airflow_sagemaker_mlops.runs.clients import local_aws_clients
from airflow_sagemaker_mlops.runs.result import result_of

pytestmark = pytest.mark.e2e
ML = "/opt/ml/processing"
COPY = f"import shutil; shutil.copytree('{ML}/input/day', '{ML}/output/out', dirs_exist_ok=True)"


class Lab:
    """A pipeline of one step that copies its input, its data in a bucket of its own, and a folder for records."""

    def __init__(self, aws: LocalAws, store: Store, **step: Any) -> None:
        self.aws, self.store = local_aws_clients(aws), store
        self.s3 = self.aws.client("s3")
        self.bucket = f"lab-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.put("day/a.csv", "1")
        self.role, self.step = aws.role_arn, step
        self.pipeline = load_pipeline(self.definition())
        self.told: list[str] = []

    def put(self, key: str, body: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode())

    def definition(self) -> dict[str, Any]:
        uri = f"s3://{self.bucket}"
        output = {"Std:Join": {"On": "/", "Values": [uri, "out", {"Get": "Execution.PipelineExecutionId"}]}}
        arguments = {
            "RoleArn": self.role,
            "AppSpecification": {"ImageUri": "python:3", "ContainerEntrypoint": ["python3", "-c", COPY]},
            "Environment": {"LEVEL": {"Get": "Parameters.Level"}, "DB_PASSWORD": "correct-horse"},
            "ProcessingInputs": [
                {
                    "InputName": "day",
                    "S3Input": {
                        "S3Uri": f"{uri}/day/",
                        "LocalPath": f"{ML}/input/day",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "out",
                        "S3Output": {
                            "S3Uri": output,
                            "LocalPath": f"{ML}/output/out",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
            },
        }
        step = {
            "Name": "Copy",
            "Type": "Processing",
            "Arguments": arguments,
            "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
            **self.step,
        }
        parameters = [{"Name": "Level", "Type": "String", "DefaultValue": "1"}]
        return {"Version": "2020-12-01", "Parameters": parameters, "Steps": [step]}

    def go(self, *, values: Mapping[str, Any] | None = None, **options: Any) -> tuple[PipelineRun, Recorder]:
        """A run that is not sealed yet."""
        run_id = f"run__{uuid.uuid4().hex}"
        recorder = Recorder(self.store, "lab", run_id, self.s3, RecordOptions(**options))
        running = PipelineRun(
            plan=make_plan(self.pipeline),
            pipeline="lab",
            run_id=run_id,
            aws=self.aws,
            parameters=values or {},
            options=ExecutionOptions(poll_interval_s=0.2),
            notify=lambda _step, line: self.told.append(line),
            recorder=recorder,
        )
        asyncio.run(running.run())
        return running, recorder

    def run(self, values: Mapping[str, Any] | None = None, **options: Any) -> tuple[PipelineRun, dict[str, Any]]:
        """A run and its record."""
        running, recorder = self.go(values=values, **options)
        identity = RunInfo(
            "lab",
            running.run_id,
            status=running.status,
            started=running.started,
            ended=running.ended or "",
            trigger="cli",
            versions=versions(),
        )
        seal_run(
            self.store,
            running.plan,
            identity,
            parameters=parameters_of(running.plan, running.parameters, "cli"),
            document=self.pipeline.document,
            step_records=recorder.step_records,
        )
        return running, read_record(self.store, "lab", running.run_id)


@pytest.fixture
def lab(aws: LocalAws, folder: FolderStore) -> Lab:
    return Lab(aws, folder)


def jobs(running: PipelineRun) -> int:
    return sum(step.jobs_started for step in running.steps.values())


def test_a_second_run_starts_no_job_and_says_where_its_result_comes_from(lab: Lab) -> None:
    first, before = lab.run()
    second, after = lab.run()
    assert (first.status, jobs(first), second.status, jobs(second)) == ("Succeeded", 1, "Succeeded", 0)
    (old,), (new,) = before["steps"], after["steps"]
    assert (old["cache"]["result"], new["cache"]["result"]) == ("miss", "hit")
    assert new["cache"]["source_run"] == first.run_id
    assert new["cache"]["source_arn"] == old["attempts"][0]["arn"]
    assert second.steps["Copy"].result is not None
    assert second.steps["Copy"].result["Reused"] is True
    assert (before["totals"]["jobs_started"], after["totals"]["jobs_started"]) == (1, 0)
    assert after["totals"]["saved_seconds"] == before["totals"]["billable_seconds"]
    assert verify(lab.store, "lab").findings == ()


def test_the_record_has_inputs_outputs_and_cost_and_no_secret(lab: Lab) -> None:
    _, document = lab.run()
    assert list(Draft202012Validator(read_schema()).iter_errors(document)) == []
    (step,) = document["steps"]
    assert [(a["name"], a["objects"], a["bytes"]) for a in step["inputs"]] == [("day", 1, 1)]
    assert [(a["name"], a["objects"]) for a in step["outputs"]] == [("out", 1)]
    assert step["attempts"][0]["status"] == "Completed"
    assert step["billable_seconds"] > 0
    assert step["images"] == [{"uri": "python:3"}]
    assert step["request"]["Environment"] == {"LEVEL": "1", "DB_PASSWORD": "***"}
    files = [path for path in Path(lab.store.base).rglob("*") if path.is_file()]
    assert [path.name for path in files if b"correct-horse" in path.read_bytes()] == []


def test_a_store_that_does_not_answer_takes_none_of_the_threads_that_airflow_needs(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    create = FolderStore.create

    def noted(store: FolderStore, key: str, data: bytes) -> bool:
        seen.add(threading.current_thread().name.rsplit("_", 1)[0])
        return create(store, key, data)

    monkeypatch.setattr(FolderStore, "create", noted)
    lab.go()
    assert seen == {"sagemaker-aws"}  # as execution.threads calls its own


def test_a_changed_parameter_that_the_request_names_is_a_miss(lab: Lab) -> None:
    lab.run()
    second, _ = lab.run(values={"Level": "2"})
    assert jobs(second) == 1


def test_a_changed_file_under_the_same_path_is_a_hit_as_on_the_service(lab: Lab) -> None:
    lab.run()
    lab.put("day/a.csv", "2")
    second, _ = lab.run()
    assert jobs(second) == 0


def test_a_changed_file_under_the_same_path_is_a_miss_when_contents_count(lab: Lab) -> None:
    lab.run(input_contents=True)
    same, _ = lab.run(input_contents=True)
    lab.put("day/b.csv", "2")
    changed, _ = lab.run(input_contents=True)
    assert (jobs(same), jobs(changed)) == (0, 1)


def test_an_output_that_is_gone_is_made_again(lab: Lab) -> None:
    _, first = lab.run()
    uri = first["steps"][0]["outputs"][0]["uri"]
    for item in lab.s3.list_objects_v2(Bucket=lab.bucket, Prefix=uri.partition(f"{lab.bucket}/")[2])["Contents"]:
        lab.s3.delete_object(Bucket=lab.bucket, Key=item["Key"])
    second, document = lab.run()
    assert jobs(second) == 1
    assert any("is gone" in line for line in lab.told)
    assert "reason" not in first["steps"][0]["cache"]
    previous, current = (StepRecord.from_json(record["steps"][0]) for record in (first, document))
    assert why_not_cached(previous, current) == [
        f'every key attribute is the same, but {uri} of run "{first["run"]["run_id"]}" is gone.'
    ]


def test_without_caching_every_step_runs_and_is_kept_for_later(lab: Lab) -> None:
    lab.run(caching=False)
    second, _ = lab.run(caching=False)
    third, _ = lab.run()
    assert (jobs(second), jobs(third)) == (1, 0)


def test_a_failed_run_is_recorded_with_its_reason_and_is_no_hit(aws: LocalAws, folder: FolderStore) -> None:
    lab = Lab(aws, folder)
    lab.s3.delete_object(Bucket=lab.bucket, Key="day/a.csv")
    failed, document = lab.run()
    assert (failed.status, document["run"]["status"]) == ("Failed", "Failed")
    assert document["steps"][0]["status"] == "Failed"
    assert document["steps"][0]["failure_reason"]
    lab.put("day/a.csv", "1")
    again, _ = lab.run()
    assert (again.status, jobs(again)) == ("Succeeded", 1)


def test_a_step_that_another_process_ends_is_stored_without_its_secrets(folder: FolderStore) -> None:
    identity = StepIdentity("lab", "Copy", "lab", "r1", "Copy")
    environment = {"CONN": {"Get": "Parameters.DbPassword"}, "API_KEY": "battery-staple"}
    spec = {"Arguments": {"Environment": environment}, "CacheConfig": {"Enabled": True}}
    scope = Scope("Copy", {"DbPassword": "correct-horse"}, {}, {}, {}, read_s3=lambda _uri: b"")
    first = StepRun(StepSpec.from_json(spec), "Processing", identity, scope, SessionAws(None, "us-east-1"), log=print)
    recorder = Recorder(folder, "lab", "r1", None)
    handed = asyncio.run(recorder.begin(first)).as_json()
    assert handed["request"] == {"Environment": {"CONN": "***", "API_KEY": "***"}}
    second = replace(first, spec=StepSpec(), scope=replace(scope, parameters={}))
    why = "cannot log in with correct-horse, nor with battery-staple"
    told = recorder.end(second, recorder.resumed(handed), status="Failed", result=None, failure_reason=why)
    step_record = asyncio.run(told)
    assert step_record is not None
    assert step_record.failure_reason == "cannot log in with ***, nor with ***"
    kept = [path.read_bytes() for path in folder.root.rglob("*.json")]
    assert kept
    assert not any(b"correct-horse" in data or b"battery-staple" in data for data in kept)


@pytest.mark.parametrize(("status", "more", "begun"), [("Succeeded", {"Retries": 1}, 1), ("Failed", {}, 2)])
@pytest.mark.parametrize("step_type", ["Processing", "QualityCheck", "ClarifyCheck"])
def test_every_attempt_at_a_job_is_paid_for(
    folder: FolderStore, step_type: str, status: str, more: dict[str, Any], begun: int
) -> None:
    identity = StepIdentity("lab", "Copy", "lab", "r1", "Copy")
    scope = Scope("Copy", {}, {}, {}, {}, read_s3=lambda _uri: b"")
    run = StepRun(StepSpec(), step_type, identity, scope, aws=None, log=print)  # type: ignore[arg-type]
    first, last = name_of(run, 0), name_of(run, 1)
    begins = {"ProcessingStartTime": "2026-01-01T00:00:00Z"}
    run.finished_jobs[first] = {**begins, "ProcessingEndTime": "2026-01-01T00:00:40Z", "ProcessingJobStatus": "Failed"}
    run.finished_jobs[last] = {
        **begins,
        "ProcessingEndTime": "2026-01-01T00:00:02Z",
        "ProcessingJobStatus": "Completed",
    }
    recorder = Recorder(folder, "lab", "r1", None)
    result = {"Name": last, "Arn": "arn:last", **more}
    told = recorder.end(run, StepStart(begins["ProcessingStartTime"]), status=status, result=result, jobs_started=begun)
    step_record = asyncio.run(told)
    assert step_record is not None
    assert ([attempt.name for attempt in step_record.attempts], step_record.billable_seconds) == ([first, last], 42.0)


class Broken(FolderStore):
    """A store that is gone in mid-run."""

    def read(self, key: str) -> Any:
        raise StoreUnavailable(f"cannot read {key}: access denied.")

    def write(self, key: str, data: bytes) -> None:
        raise StoreUnavailable(f"cannot write {key}: access denied.")

    def create(self, key: str, data: bytes) -> bool:
        raise StoreUnavailable(f"cannot write {key}: access denied.")


@pytest.mark.parametrize(("fail_on_error", "status"), [(False, "Succeeded"), (True, "Failed")])
def test_a_store_that_is_gone_fails_no_run_unless_that_is_wanted(
    aws: LocalAws, tmp_path: Path, fail_on_error: bool, status: str
) -> None:
    lab = Lab(aws, Broken(tmp_path))
    running, recorder = lab.go(fail_on_error=fail_on_error)
    assert running.status == status
    if not fail_on_error:
        assert any("not recorded" in line and "access denied" in line for line in lab.told)
        (step_record,) = recorder.step_records  # to be sealed, should the store be there by then
        assert step_record.request is not None
        assert step_record.inputs[0].sha256


def test_later_steps_may_reference_more_of_a_cached_result(lab: Lab) -> None:
    lab.run()
    definition = lab.definition()
    reads = {
        "Name": "Which",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [
                {
                    "Type": "Equals",
                    "LeftValue": {"Get": "Steps.Copy.ProcessingResources.ClusterConfig.InstanceType"},
                    "RightValue": "ml.m5.large",
                }
            ],
            "IfSteps": [],
            "ElseSteps": [],
        },
    }
    lab.pipeline = load_pipeline({**definition, "Steps": [*definition["Steps"], reads]})
    second, document = lab.run()
    assert (jobs(second), second.status) == (0, "Succeeded")
    assert json.loads(json.dumps(document["decisions"]))[0]["outcome"] is True


def test_a_secret_parameter_is_stored_nowhere_whatever_it_is_used_for(aws: LocalAws, folder: FolderStore) -> None:
    lab = Lab(aws, folder)
    definition = lab.definition()
    definition["Parameters"].append({"Name": "DbPassword", "Type": "String"})
    arguments = definition["Steps"][0]["Arguments"]
    arguments["Environment"] = {"CONN": {"Get": "Parameters.DbPassword"}}
    arguments["AppSpecification"]["ContainerArguments"] = ["--conn", {"Get": "Parameters.DbPassword"}]
    definition["Steps"][0]["Description"] = "not with hunter2secretvalue"
    lab.pipeline = load_pipeline(definition)
    first, record = lab.run(values={"DbPassword": "hunter2secretvalue"})
    assert (first.status, record["steps"][0]["request"]["Environment"]) == ("Succeeded", {"CONN": "***"})
    kept = {path: path.read_bytes() for path in folder.root.rglob("*") if path.is_file()}
    assert {"records", "fragments", "cache", "definitions"} <= {part for path in kept for part in path.parts}
    assert [path for path, data in kept.items() if b"hunter2secretvalue" in data] == []
    assert "hunter2secretvalue" not in json.dumps(result_of(first).summary())
    second, _ = lab.run(values={"DbPassword": "another-password"})
    assert jobs(second) == 0  # a rotated password is no reason to run again
    assert verify(folder, "lab").findings == ()
