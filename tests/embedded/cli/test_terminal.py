"""What the commands print, and how."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import typer
from builders import processing_request
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli import copying
from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.cli.finding import _is_same
from airflow_sagemaker_mlops.cli.output import terminal
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.runs.publishing import script_of

runner = CliRunner()
ROOT = Path(__file__).parents[3]


def invoke(*words: str) -> tuple[int, str, str]:
    done = runner.invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def commands() -> list[list[str]]:
    whole = typer.main.get_command(app)
    found = []
    for name, command in whole.commands.items():  # type: ignore[attr-defined]
        found += [[name, inner] for inner in getattr(command, "commands", {})] or [[name]]
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_a_short_help_with_an_example(words: list[str]) -> None:
    code, text, _ = invoke(*words, "-h")
    assert code == 0
    assert f"Example: {'eval' if words[-1] == 'env' else 'sagemaker-mlops ' + ' '.join(words)}" in " ".join(
        text.split()
    )


def test_the_version_and_the_exit_codes_are_told() -> None:
    assert invoke("--version")[1].startswith("airflow-sagemaker-mlops ")
    assert "Exit codes: 0 success" in invoke("-h")[1]


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("\x1b[2Jx\x07", "\\x1b[2Jx\\x07"),
        ("a\rb", "a\\x0db"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eevil", "\\x202eevil"),
        ("half \ud800", "half \\ud800"),
        ("tab\tline\n", "tab\tline\n"),
        ("password=correct-horse", "password=***"),
        ('Step "GetToken": job-1 ended Failed: token: abcdefgh', 'Step "GetToken": job-1 ended Failed: token: ***'),
        ("secret.json:4:5 is wrong", "secret.json:4:5 is wrong"),
    ],
)
def test_what_is_printed_has_no_escape_sequences_and_no_secrets(given: str, printed: str) -> None:
    assert terminal.clean(given) == printed


def test_a_table_in_a_pipe_has_whole_texts_and_no_boxes() -> None:
    out = io.StringIO()
    long = "x" * 300
    with redirect_stdout(out):
        terminal.say_table(
            ("Step", "Time"), [[("Train", ""), ("1 s", "")], [(long, ""), ("20 s", "")]], right=("Time",)
        )
    assert out.getvalue().splitlines() == [f"{'Step':300}  Time", f"{'Train':300}   1 s", f"{long}  20 s"]


def test_differences_and_plans_are_data_on_request(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text('{"Version": "2020-12-01", "Steps": []}')
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}
    new.write_text(json.dumps({"Version": "2020-12-01", "Steps": [step]}))
    code, text, _ = invoke("diff", str(old), str(new), "--format", "json")
    assert (code, len(json.loads(text)["changes"])) == (1, 1)
    assert json.loads(invoke("plan", str(new), "--format", "json")[1])["tasks"][0]["task_id"] == "Stop"
    assert invoke("plan", str(new), "--format", "xml")[0] == 2


def test_commands_that_read_start_no_server(tmp_path: Path) -> None:
    where = ["--state-dir", str(tmp_path / "state")]
    for words in (["records", "list"], ["records", "verify"], ["logs", "latest", "Train"], ["local", "env"]):
        code, _, told = invoke(*words, *where)
        assert code in (1, 2)
        assert "embedded AWS" in told
    assert (
        invoke("local", "--state-dir", str(tmp_path / "state"), "status")[1]
        == f"not running (state in {tmp_path}/state)\n"
    )
    assert not (tmp_path / "state").exists()


def test_a_missing_extra_is_a_sentence() -> None:
    code = (
        "import sys; sys.modules['typer'] = None\n"
        "from airflow_sagemaker_mlops.cli import main; sys.argv = ['sagemaker-mlops', '-h']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    extra = "pip install 'airflow-sagemaker-mlops[local]'"
    assert done.stderr == f"sagemaker-mlops needs typer, which is not installed here. Install it with: {extra}\n"


@pytest.mark.parametrize(
    ("found", "what", "same"),
    [
        ("s3://b/models/churn/model.tar.gz", "s3://b/models/churn", True),
        ("s3://b/models/churn", "s3://b/models/churn/model.tar.gz", True),
        ("s3://b/models/churner", "s3://b/models/churn", False),
        (
            "arn:aws:sagemaker:eu-west-1:1:model-package/churn/3",
            "arn:aws:sagemaker:eu-west-1:1:model-package/churn/3",
            True,
        ),
        ("churn/3", "churn/3", True),
        ("", "", False),
    ],
)
def test_things_are_found_by_name_and_data_by_its_folder(found: str, what: str, same: bool) -> None:
    assert _is_same(found, what) is same


def test_only_a_script_that_publishes_is_executed_before_a_run(tmp_path: Path) -> None:
    assert script_of(ROOT / "dags" / "daily_model") is not None
    assert script_of(tmp_path) is None
    (tmp_path / "publish.py").write_text("raise SystemExit('somebody else\\'s')\n")
    assert script_of(tmp_path) is None


@pytest.mark.e2e
def test_other_clients_find_the_embedded_aws_and_files_go_there_and_back(
    aws: LocalAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--state-dir", aws.state_dir]
    code, text, _ = invoke("local", "env", "--format", "json", *where)
    assert (code, json.loads(text)) == (0, aws.environment())
    exports = f"{invoke('local', 'env', *where)[1]}echo $AWS_SECRET_ACCESS_KEY"
    assert subprocess.check_output(["sh", "-c", exports], text=True) == f"{aws.secret_key}\n"
    there = tmp_path / "there"
    (there / "deep").mkdir(parents=True)
    (there / "deep" / "file").write_bytes(b"\0\xff")
    assert invoke("local", "cp", str(there), f"s3://{aws.bucket}/copied", *where)[0] == 0
    assert invoke("local", "cp", f"s3://{aws.bucket}/copied/", str(tmp_path / "back"), *where)[0] == 0
    assert (tmp_path / "back" / "deep" / "file").read_bytes() == b"\0\xff"
    aws.client("s3").put_object(Bucket=aws.bucket, Key="copied/../../out", Body=b"")
    assert copying.copy(f"s3://{aws.bucket}/copied", str(tmp_path / "back"), Path(aws.state_dir)) == 1
    assert "leads out of its folder" in capsys.readouterr().err
    assert invoke("local", "cp", "a", "b", *where)[0] == 2
    assert invoke("local", "cp", f"s3://{aws.bucket}/none", str(tmp_path), *where)[0] == 1


@pytest.mark.e2e
def test_a_failed_job_shows_its_last_lines_and_its_log_can_be_read_again(aws: LocalAws, tmp_path: Path) -> None:
    arguments = processing_request(aws.role_arn, "sh", "-c", "echo first; echo last; exit 3", image="x")
    file, records = tmp_path / "broken.json", ["--state-dir", aws.state_dir]
    steps = [{"Name": "Work", "Type": "Processing", "Arguments": arguments}]
    file.write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    code, text, _ = invoke("run", str(file), *records)
    assert code == 1
    assert "Work failed:" in text
    assert "Command: sh -c 'echo first; echo last; exit 3'" in text
    assert [word in text for word in ("first\n", "last\n", "sagemaker-mlops logs run__")] == [True] * 3
    code, log, told = invoke("logs", "broken/latest", "Work", "--follow", *records)
    assert (code, [line for line in log.splitlines() if line in ("first", "last")]) == (0, ["first", "last"]), told
    assert "has no step" in invoke("logs", "broken/latest", "Wrok", *records)[2]
    code, text, _ = invoke("run", str(file), "--format", "json", *records)
    assert (code, json.loads(text)["status"]) == (1, "Failed")
    found = json.loads(
        invoke("records", "find", json.loads(text)["steps"][0]["job_name"], "--format", "json", *records)[1]
    )
    assert [(row["step"], row["how"]) for row in found][:1] == [("Work", "made")]
