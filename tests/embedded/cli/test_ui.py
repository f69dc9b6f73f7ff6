"""``sagemaker-mlops ui``: who may open the pages."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
from functools import partial
from pathlib import Path

import psutil
import pytest
from waiting import until, until_dead

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.callbacks.hosts import VARIABLE
from airflow_sagemaker_mlops.cli import ui
from airflow_sagemaker_mlops.cli.standalone import Standalone
from airflow_sagemaker_mlops.local_aws.state import LocalAws
from airflow_sagemaker_mlops.runs.local_aws_guard import look_after


@pytest.fixture
def aws(tmp_path: Path) -> LocalAws:
    return LocalAws("http://127.0.0.1:1", "us-east-1", "1", "key", "secret", "bucket", "role", str(tmp_path), 0, 0)


def test_a_password_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    password = ui.keep_password(tmp_path)
    assert len(password) >= 16
    assert ui.keep_password(tmp_path) == password
    kept = tmp_path / ui.PASSWORDS
    assert json.loads(kept.read_text()) == {ui.USER: password}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.write_text("{")
    assert ui.keep_password(tmp_path) != password


def test_airflow_wants_the_password_and_answers_to_its_own_names(aws: LocalAws, tmp_path: Path) -> None:
    found = ui.environment(tmp_path / "dags", tmp_path, 8080, aws)
    assert found["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"
    assert found["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"] == str(tmp_path / ui.PASSWORDS)
    assert found["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert found[VARIABLE] == "127.0.0.1,localhost"
    assert (
        found["AIRFLOW__API_AUTH__JWT_SECRET"]
        != ui.environment(tmp_path, tmp_path, 1, aws)["AIRFLOW__API_AUTH__JWT_SECRET"]
    )


def test_a_state_folder_that_cannot_be_used_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "home" / "aws").mkdir(parents=True)
    (tmp_path / "home" / "aws" / "server.json").write_text("{")
    assert ui.run_ui(tmp_path / "dags", port=8080, home=tmp_path / "home", state_dir=None) == 2
    assert "server.json is damaged" in capsys.readouterr().err
    local_aws.reset(tmp_path / "home" / "aws")


# Starts a scheduler as `airflow standalone` does, and says which have been started.
AIRFLOW = """
import os, subprocess, sys, time
with open(os.environ["STARTED"], "a") as file:
    file.write(f"{sys.argv[1]} {os.getpid()}\\n")
if sys.argv[1] == "standalone":
    subprocess.Popen([sys.executable, "-m", "airflow", "scheduler"])
time.sleep(600)
"""


def test_a_scheduler_that_ends_is_started_again_and_all_of_them_end_with_airflow(tmp_path: Path) -> None:
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "__init__.py").touch()
    (tmp_path / "airflow" / "__main__.py").write_text(AIRFLOW)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "STARTED": str(tmp_path / "started")}
    airflow = Standalone(environment, tmp_path / "log")

    def scheduler(number: int) -> psutil.Process:
        """The one that was started as the ``number``th."""
        started = tmp_path / "started"
        pids = [line.split()[1] for line in started.read_text().splitlines() if "scheduler" in line]
        return psutil.Process(int(pids[number - 1]))

    def is_there(number: int) -> bool:
        with contextlib.suppress(OSError, IndexError):
            return scheduler(number).is_running()
        return False

    try:
        until(partial(is_there, 1), "no scheduler was started")
        assert not airflow.keep_scheduler()  # finds it
        assert not airflow.keep_scheduler()
        for number in (2, 3):
            scheduler(number - 1).kill()
            until(airflow.keep_scheduler, "the scheduler was not started again")
            assert not airflow.keep_scheduler()
            assert not airflow.has_ended()
            until(partial(is_there, number), "the scheduler was not started again")
        last = scheduler(3)
    finally:
        airflow.end(grace_s=5)
    assert airflow.has_ended()
    assert not last.is_running()


@pytest.mark.e2e
def test_a_server_that_dies_is_started_again_and_one_that_is_stopped_is_not(tmp_path: Path) -> None:
    aws, said = local_aws.start(tmp_path), []

    def is_over(_seconds: float) -> bool:
        if said:
            local_aws.stop(tmp_path)
            return False
        os.kill(aws.pid, signal.SIGKILL)
        until_dead(tmp_path)
        return False

    try:
        why = look_after(aws, is_over, said.append)
        assert said == ["the embedded AWS had died and was started again; its jobs go on."]
        assert why == f"the embedded AWS in {tmp_path} was stopped."
        assert look_after(aws, lambda _seconds: True, said.append) == ""
    finally:
        local_aws.stop(tmp_path)
