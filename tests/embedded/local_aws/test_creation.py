"""Jobs start exactly once, even if others read them during their creation or the server is killed in the middle."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.local_aws import job
from airflow_sagemaker_mlops.local_aws.job.status import AlreadyClaimed, StatusFile, write
from airflow_sagemaker_mlops.local_aws.processes import start_of
from airflow_sagemaker_mlops.local_aws.sagemaker.context import Context
from airflow_sagemaker_mlops.local_aws.sagemaker.operations import HANDLERS
from airflow_sagemaker_mlops.local_aws.state import LocalAws
from airflow_sagemaker_mlops.local_aws.store import Store

TAGS = [{"Key": "owner", "Value": "me"}]


def context(state_dir: Path, region: str = "us-east-1") -> Context:
    aws = LocalAws("http://127.0.0.1:1", "us-east-1", "123456789012", "k", "s", "b", "r", str(state_dir), 1, 1)
    return Context(Store(state_dir / "store.sqlite"), aws, region)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """{job folder: number of supervisors started}; each supervisor is replaced by a process that only waits."""
    starts: Counter[str] = Counter()
    processes: list[subprocess.Popen[bytes]] = []

    def popen(command: list[str], **more: Any) -> subprocess.Popen[bytes]:
        starts[command[-1]] += 1
        processes.append(real(["sleep", "60"], **more))
        return processes[-1]

    real = subprocess.Popen
    monkeypatch.setattr(job.subprocess, "Popen", popen)  # type: ignore[attr-defined]
    yield starts
    for process in processes:
        process.kill()
        process.wait()


def create(where: Context, name: str) -> str:
    return str(HANDLERS["CreateProcessingJob"](where, {"ProcessingJobName": name, "Tags": TAGS})["ProcessingJobArn"])


def test_a_job_that_is_read_during_its_creation_starts_once(tmp_path: Path, started: Counter[str]) -> None:
    where, names, ended = context(tmp_path), [f"job-{number}" for number in range(25)], threading.Event()
    problems: list[str] = []

    def look() -> None:
        while not ended.is_set():
            try:
                HANDLERS["ListProcessingJobs"](where, {"MaxResults": 100})
            except Exception as error:
                problems.append(f"{type(error).__name__}: {error}")

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    for name in names:
        create(where, name)
    ended.set()
    for watcher in watchers:
        watcher.join()
    assert problems == []
    assert started == {str(tmp_path / "jobs" / "processing" / name): 1 for name in names}


def test_a_stored_job_has_its_tags(tmp_path: Path, started: Counter[str]) -> None:
    where, seen = context(tmp_path), []

    class Watched(Store):
        def insert(self, *given: Any) -> Any:
            made = super().insert(*given)
            seen.append(self.tags(str(made.body["arn"])))
            return made

    create(Context(Watched(tmp_path / "store.sqlite"), where.aws, where.region), "job")
    assert seen == [{"owner": "me"}]


def test_a_job_whose_server_died_before_its_start_starts_on_the_next_read(
    tmp_path: Path, started: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = context(tmp_path)
    with monkeypatch.context() as killed:
        killed.setattr(job, "launch", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            create(where, "job")
    assert not started
    for _ in range(2):
        answer = HANDLERS["DescribeProcessingJob"](where, {"ProcessingJobName": "job"})
        assert answer["ProcessingJobStatus"] == "InProgress"
    assert list(started.values()) == [1]


def test_the_folder_of_an_interrupted_creation_is_replaced(tmp_path: Path, started: Counter[str]) -> None:
    folder = tmp_path / "jobs" / "processing" / "job"
    (folder / "opt_ml").mkdir(parents=True)
    (folder / "status.json").write_text('{"status": "InProg')
    create(context(tmp_path), "job")
    assert started[str(folder)] == 1
    assert not (folder / "opt_ml").exists()


@pytest.mark.parametrize("kind", ["ProcessingJob", "TrainingJob", "HyperParameterTuningJob"])
def test_a_job_in_the_store_without_a_folder_starts(tmp_path: Path, started: Counter[str], kind: str) -> None:
    where = context(tmp_path)
    family = {"ProcessingJob": "processing", "TrainingJob": "training", "HyperParameterTuningJob": "tuning"}[kind]
    request = {f"{kind}Name": "lost", "HyperParameterTuningJobConfig": {}}
    where.store.insert(family, where.region, "lost", {"arn": "arn:lost", "request": request})
    (row,) = HANDLERS[f"List{kind}s"](where, {})[f"{kind}Summaries"]
    assert row[f"{kind}Status"] == "InProgress"
    assert HANDLERS[f"Describe{kind}"](where, {f"{kind}Name": "lost"})[f"{kind}Status"] == "InProgress"
    assert list(started.values()) == [1]
    assert HANDLERS[f"Stop{kind}"](where, {f"{kind}Name": "lost"}) == {}


def test_a_job_with_an_unusable_folder_hides_no_other_job(tmp_path: Path, started: Counter[str]) -> None:
    where = context(tmp_path)
    create(where, "good")
    create(where, "spoilt")
    (tmp_path / "jobs" / "processing" / "spoilt" / "status.json").write_text("{")
    rows = HANDLERS["ListProcessingJobs"](where, {"SortBy": "Name", "SortOrder": "Ascending"})["ProcessingJobSummaries"]
    assert [(row["ProcessingJobName"], row["ProcessingJobStatus"]) for row in rows] == [
        ("good", "InProgress"),
        ("spoilt", "Failed"),
    ]


def test_two_regions_have_a_job_of_one_name_each(tmp_path: Path, started: Counter[str]) -> None:
    east, west = context(tmp_path), context(tmp_path, "eu-west-1")
    assert create(east, "same") != create(west, "same")
    assert sorted(started.values()) == [1, 1]
    job.request_stop(tmp_path / "jobs" / "processing" / "same")
    states = [HANDLERS["DescribeProcessingJob"](where, {"ProcessingJobName": "same"}) for where in (east, west)]
    assert [state["ProcessingJobStatus"] for state in states] == ["Stopping", "InProgress"]
    assert job.stop_all(tmp_path) == 2


def test_a_second_supervisor_of_a_job_exits(tmp_path: Path) -> None:
    job.prepare(tmp_path / "job", {})
    StatusFile(tmp_path / "job", 1, 1)
    with pytest.raises(AlreadyClaimed):
        StatusFile(tmp_path / "job", 2, 2)


def test_tags_are_deleted_with_their_resource(tmp_path: Path) -> None:
    where = context(tmp_path)
    arn = HANDLERS["CreateModel"](where, {"ModelName": "m", "Tags": TAGS})["ModelArn"]
    assert HANDLERS["ListTags"](where, {"ResourceArn": arn})["Tags"] == TAGS
    HANDLERS["DeleteModel"](where, {"ModelName": "m"})
    HANDLERS["CreateModel"](where, {"ModelName": "m"})
    assert HANDLERS["ListTags"](where, {"ResourceArn": arn})["Tags"] == []


def test_stopping_all_jobs_ends_the_command_of_a_job_that_counts_as_ended(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as command:
        about = {"status": "Failed", "child": command.pid, "child_start": start_of(command.pid)}
        job.prepare(tmp_path / "jobs" / "training" / "job", {})
        write(tmp_path / "jobs" / "training" / "job", about)
        assert job.stop_all(tmp_path) == 1
        assert command.wait(5) == -signal.SIGTERM
    assert job.stop_all(tmp_path) == 0
