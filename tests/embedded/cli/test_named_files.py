"""Files and folders that the command line writes or deletes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.cli.local_aws import show_environment
from airflow_sagemaker_mlops.cli.output.summary import check_place


def test_missing_folders_of_an_output_file_are_made(tmp_path: Path) -> None:
    out = tmp_path / "schemas" / "new" / "definition.json"
    assert CliRunner().invoke(app, ["schema", "-o", str(out)]).exit_code == 0
    assert out.read_text().startswith("{")
    check_place(tmp_path / "runs" / "new" / "run.json")
    with pytest.raises(ValueError, match=f"cannot be written: {out} is not a folder"):
        check_place(out / "below" / "run.json")
    with pytest.raises(ValueError, match="cannot be written: File name too long"):
        check_place(tmp_path / ("n" * 300) / "run.json")


def test_only_a_state_folder_is_reset(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RuntimeError, match=r"has notes\.txt and no state of the embedded AWS, so it is not reset"):
        local_aws.reset(tmp_path)
    assert (tmp_path / "notes.txt").is_file()
    (tmp_path / "server.err").touch()
    local_aws.reset(tmp_path)
    assert not (tmp_path / "notes.txt").exists()


def test_eval_of_an_environment_that_is_not_there_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_environment(tmp_path, "sh") == 1
    printed = capsys.readouterr()
    assert printed.out == "false\n"  # `eval` has its exit code, and sees no other
    assert printed.err == (
        f"The embedded AWS is not running (state in {tmp_path}), so nothing was set. "
        f"Start it: sagemaker-mlops local --detach --state-dir {tmp_path}\n"
    )
    assert show_environment(tmp_path, "json") == 1
    assert capsys.readouterr().out == ""


def test_what_conf_prints_is_not_mixed_with_airflows_log() -> None:
    code = "import sys, airflow_sagemaker_mlops.cli.conf; print('airflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"  # Airflow writes the log to standard output
