"""Ctrl-C, SIGTERM and SIGKILL of ``sagemaker-mlops run``, and the effect of ``--resume``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import processing_request

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.local_aws import LocalAws

pytestmark = pytest.mark.e2e
WAITS = 'touch "$0/begun"; while [ ! -e "$0/go" ]; do sleep 0.1; done'


def processing(name: str, role: str, *command: str, after: tuple[str, ...] = ()) -> dict[str, Any]:
    arguments = processing_request(role, *command, image="x")
    return {"Name": name, "Type": "Processing", "Arguments": arguments, "DependsOn": list(after)}


def until(what: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    """What ``what`` gives, as soon as it gives something."""
    while not (found := what()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    return found


class Desk:
    """A pipeline of three steps, whose second one runs until it is let go."""

    def __init__(self, folder: Path, aws: LocalAws) -> None:
        self.folder, self.aws, self.running = folder, aws, []  # type: ignore[var-annotated]
        self.file, self.records, self.out = folder / "p.json", folder / "records", folder / "summary.json"
        self.write("Last")

    def write(self, last: str) -> None:
        steps = [
            processing("First", self.aws.role_arn, "true"),
            processing("Second", self.aws.role_arn, "sh", "-c", WAITS, str(self.folder), after=("First",)),
            processing(last, self.aws.role_arn, "true", after=("Second",)),
        ]
        self.file.write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}))

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "airflow_sagemaker_mlops.cli", "run", str(self.file)]
        where = ["--records", str(self.records), "--state-dir", self.aws.state_dir, "--summary", str(self.out)]
        pipe = subprocess.PIPE
        process = subprocess.Popen([*command, *where, *words], stdout=pipe, stderr=pipe, text=True)
        self.running.append(process)
        return process

    def start_and_wait(self) -> subprocess.Popen[str]:
        process = self.start()
        until((self.folder / "begun").exists, process)
        return process

    def let_go(self) -> None:
        (self.folder / "go").touch()

    def record(self) -> dict[str, Any]:
        (file,) = (self.records / "p" / "records").iterdir()
        return dict(json.loads(file.read_text()))

    def jobs(self, name: str) -> list[dict[str, Any]]:
        found = self.aws.client("sagemaker").list_processing_jobs(NameContains=name)["ProcessingJobSummaries"]
        return sorted(found, key=lambda job: job["CreationTime"])

    def job_of_second(self) -> str:
        (start,) = (self.records / "p" / "starts").iterdir()
        from airflow_sagemaker_mlops.execution.identity import execution_id

        return f"pipelines-{execution_id('p', json.loads(start.read_text())['run_id'])}-Second-"


@pytest.fixture
def desk(tmp_path: Path, aws: LocalAws) -> Iterator[Desk]:
    made = Desk(tmp_path, aws)
    yield made
    made.let_go()
    for process in made.running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_stops_the_job_and_seals_a_stopped_record(
    desk: Desk, number: signal.Signals, code: int
) -> None:
    process = desk.start_and_wait()
    name = desk.job_of_second()
    process.send_signal(number)
    _, told = process.communicate()
    assert process.returncode == code, told
    assert "stopping pipelines-" in told
    assert [job["ProcessingJobStatus"] for job in desk.jobs(name)] == ["Stopped"]
    record = desk.record()
    assert record["run"]["status"] == "Stopped"
    ends = {step["step"]: step["status"] for step in record["steps"]}
    assert ends == {"First": "Succeeded", "Second": "Stopped", "Last": "NotStarted"}
    assert json.loads(desk.out.read_text())["status"] == "Stopped"


def test_a_run_whose_reader_leaves_is_watched_to_its_end_and_recorded(desk: Desk) -> None:
    process = desk.start_and_wait()
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    desk.let_go()
    assert process.wait() == 0
    assert desk.record()["run"]["status"] == "Succeeded"


def test_a_killed_run_is_continued_under_its_own_id_and_its_job_is_adopted(desk: Desk) -> None:
    process = desk.start_and_wait()
    name = desk.job_of_second()
    refused = desk.start("--resume", "latest")
    assert "is still on, in process" in refused.communicate()[1]
    assert refused.returncode == 2
    process.kill()
    process.communicate()
    resumed = desk.start("--resume", "latest")
    desk.let_go()
    said, told = resumed.communicate()
    assert resumed.returncode == 0, told
    assert "finished before: First" in said
    (job,) = desk.jobs(name)
    assert job["ProcessingJobStatus"] == "Completed"
    record = desk.record()
    assert {step["step"]: step["status"] for step in record["steps"]} == dict.fromkeys(
        ("First", "Second", "Last"), "Succeeded"
    )
    assert said.count(record["run"]["run_id"]) >= 1
    assert not list((desk.records / "p" / "starts").iterdir())


def test_with_another_definition_what_a_killed_run_left_is_stopped_and_its_results_are_reused(desk: Desk) -> None:
    process = desk.start_and_wait()
    name = desk.job_of_second()
    process.kill()
    process.communicate()
    desk.write("Other")
    resumed = desk.start("--resume", "latest")
    until(lambda: desk.jobs(name)[0]["ProcessingJobStatus"] in ("Stopping", "Stopped"), resumed)
    resumed.send_signal(signal.SIGINT)
    said, told = resumed.communicate()
    assert "selected  Second, Other\nreused    First, from run run__" in said
    assert f"{desk.jobs(name)[0]['ProcessingJobName']} was left running: StopProcessingJob" in told


def test_a_second_signal_leaves_at_once_and_names_the_jobs(desk: Desk) -> None:
    """The job here ignores SIGTERM, so that stopping it takes longer than anybody waits."""
    steps = [
        processing("Second", desk.aws.role_arn, "sh", "-c", f"trap '' TERM; {WAITS}", str(desk.folder)),
    ]
    desk.file.write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    process = desk.start_and_wait()
    name = desk.job_of_second()
    process.send_signal(signal.SIGINT)
    until(lambda: desk.jobs(name)[0]["ProcessingJobStatus"] != "InProgress", process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert (
        f"These jobs may still be running, and AWS charges for them: {desk.jobs(name)[0]['ProcessingJobName']} (step"
        in told
    )
    assert "--resume run__" in told


def test_a_run_whose_embedded_aws_dies_continues_with_it(tmp_path: Path) -> None:
    aws = local_aws.start(tmp_path / "aws")
    desk = Desk(tmp_path, aws)
    try:
        process = desk.start_and_wait()
        os.kill(aws.pid, signal.SIGKILL)
        until(lambda: (found := local_aws.status(tmp_path / "aws")) and found.pid != aws.pid, process)
        assert not local_aws.was_stopped(tmp_path / "aws")
        desk.let_go()
        said, told = process.communicate()
        assert process.returncode == 0, said + told
        assert "was started again; its jobs go on." in said
    finally:
        local_aws.stop(tmp_path / "aws")
