"""What ``sagemaker-mlops ui`` asks of those who come."""

from __future__ import annotations

import json
import os
import signal
import stat
from pathlib import Path

import pytest
from waiting import until_dead

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.callbacks.hosts import VARIABLE
from airflow_sagemaker_mlops.cli import ui
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
