"""The commands on the embedded AWS: output and exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from builders import processing_request
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.local_aws import LocalAws

DAILY = str(Path(__file__).parents[3] / "dags" / "daily_model" / "definition.yaml")
runner = CliRunner()


def invoke(*words: str) -> tuple[int, str]:
    result = runner.invoke(app, list(words))
    return result.exit_code, result.output


def wrong(tmp_path: Path) -> Path:
    file = tmp_path / "wrong.json"
    steps = [
        {"Name": "A", "Type": "Training", "Arguments": {"StoppingCondition": {"MaxRuntimeInSeconds": "soon"}}},
        {"Name": "B", "Type": "Training", "Arguments": {}, "Color": "red"},
    ]
    file.write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}, indent=1))
    return file


def test_check_says_when_all_is_well() -> None:
    assert invoke("check", DAILY) == (0, "1 file: no problems.\n")


def test_check_reports_problems_of_requests_with_their_place(tmp_path: Path) -> None:
    code, text = invoke("check", str(wrong(tmp_path)), DAILY)
    assert code == 1
    where = "$.Steps[0].Arguments.StoppingCondition.MaxRuntimeInSeconds"
    assert f'wrong.json:9:6  {where}  [SM151 wrong-request-type] expected an integer, found "soon".' in text
    assert "warning: " in text
    assert text.rstrip().endswith("warnings.")


def test_check_speaks_json_and_strict_makes_warnings_errors(tmp_path: Path) -> None:
    file = tmp_path / "warn.json"
    file.write_text('{"Version": "2020-12-01", "Steps": [], "Color": 1}')
    assert invoke("check", str(file))[0] == 0
    code, text = invoke("check", str(file), "--strict", "--format", "json")
    assert code == 1
    (problem,) = json.loads(text)
    assert (problem["code"], problem["line"], problem["severity"]) == ("SM120", 1, "warning")
    assert invoke("check", str(file), "--format", "xml")[0] == 2


def test_plan_is_a_tree_json_or_mermaid() -> None:
    assert "└─ IsBetter  [Condition]" in invoke("plan", DAILY)[1]
    assert json.loads(invoke("plan", DAILY, "--json")[1])["tasks"][0]["task_id"] == "ProcessDay"
    assert invoke("plan", DAILY, "--mermaid")[1].startswith("flowchart TD")


def test_to_json_gives_the_document_the_service_takes() -> None:
    code, text = invoke("to-json", DAILY)
    assert code == 0
    assert json.loads(text)["Steps"][0]["Arguments"]["RoleArn"] == {"Get": "Parameters.RoleArn"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", "Dya=day-1"], 'there is no parameter "Dya". Did you mean "Day"?'),
        (["-p", "Day=day-4"], 'parameter "Day" is "day-4"; use one of: day-1, day-2, day-3.'),
        (["-p", "NumRound=many"], 'parameter "NumRound" is "many", which is not an Integer.'),
        (["-p", "NumRound"], '"NumRound" is not Name=value.'),
    ],
)
def test_run_refuses_wrong_parameters_before_anything_starts(words: list[str], said: str) -> None:
    code, text = invoke("run", DAILY, *words)
    assert code == 2
    assert said in text


@pytest.mark.parametrize(
    ("words", "consequence"),
    [
        (["run"], ", nothing was started"),
        (["push", "--name", "n", "--role", "r"], ", nothing was sent"),
        (["plan"], ""),
        (["to-json"], ""),
        (["iam"], ""),
        (["render"], ""),
        (["conf", "--dag", "d", "--select", "A"], ""),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_says_the_outcome_of_a_wrong_definition(words: list[str], consequence: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text('{"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": "Fial"}]}')
    code, text = invoke(words[0], str(file), *words[1:])
    assert code in (1, 2)
    assert f" is not a valid pipeline definition: 2 problems{consequence}." in text
    assert "no DAG was built" not in text


def test_iam_prints_a_policy_and_says_what_it_cannot_know(tmp_path: Path) -> None:
    file = tmp_path / "two.json"
    note = {"Name": "Note", "Type": "x-airflow", "Operator": "a.b.C"}
    score = {"Name": "Score", "Type": "Lambda", "FunctionArn": "score", "Arguments": {}}
    file.write_text(json.dumps({"Version": "2020-12-01", "Steps": [note, score]}))
    done = runner.invoke(app, ["iam", str(file), "--account", "123456789012", "--region", "eu-west-1"])
    (row,) = json.loads(done.stdout)["Statement"]
    assert row["Resource"] == "arn:aws:lambda:eu-west-1:123456789012:function:score"
    assert done.stderr == "The policy does not cover Note: another package's operator.\n"


def test_run_writes_what_happened(aws: LocalAws, tmp_path: Path) -> None:
    file = tmp_path / "tiny.json"
    arguments = processing_request(aws.role_arn, "true", image="x")
    step = {"Name": "Only", "Type": "Processing", "Arguments": arguments}
    file.write_text(json.dumps({"Version": "2020-12-01", "Steps": [step]}))
    out = tmp_path / "summary.json"
    code, text = invoke("run", str(file), "--state-dir", aws.state_dir, "--summary", str(out))
    assert code == 0, text
    summary = json.loads(out.read_text())
    assert (summary["pipeline"], summary["status"], summary["jobs_started"]) == ("tiny", "Succeeded", 1)
    assert summary["steps"][0]["job_name"].startswith("pipelines-")
    assert summary["steps"][0]["reused"] is False


def test_a_run_writes_no_secret_parameter_anywhere(aws: LocalAws, tmp_path: Path) -> None:
    asked = {"Type": "Equals", "LeftValue": {"Get": "Parameters.DbPassword"}, "RightValue": "other"}
    arguments = {"Conditions": [asked], "IfSteps": [], "ElseSteps": []}
    step = {"Name": "Is", "Type": "Condition", "Description": "is it correct-horse?", "Arguments": arguments}
    parameters = [{"Name": "DbPassword", "Type": "String"}]
    file, out, kept = (tmp_path / name for name in ("p.json", "summary.json", "records"))
    file.write_text(json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": [step]}))
    to = ["--state-dir", aws.state_dir, "--summary", str(out), "--records", str(kept)]
    code, text = invoke("run", str(file), "-p", "DbPassword=correct-horse", "-q", *to)
    assert code == 0, text
    summary = json.loads(out.read_text())
    assert summary["parameters"] == {"DbPassword": "***"}
    assert summary["decisions"][0]["terms"][0]["left"] == "***"
    written = [out, *(path for path in kept.rglob("*") if path.is_file())]
    assert len(written) > 3
    assert [path for path in written if b"correct-horse" in path.read_bytes()] == []


def test_local_serves_tells_and_stops(tmp_path: Path) -> None:
    words = ("--state-dir", str(tmp_path))
    assert invoke("local", "status", *words)[0] == 1
    code, text = invoke("local", "--detach", *words)
    assert code == 0
    assert json.loads(text.splitlines()[-1])["conn_type"] == "aws"
    assert "Embedded AWS" in invoke("local", "status", *words)[1]
    assert invoke("local", "stop", *words) == (0, "stopped\n")


NOWHERE = "/dev/null/x"  # nobody can make that folder


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["to-json", DAILY, "-o", NOWHERE], "/dev/null/x cannot be written: Not a directory."),
        (["render", DAILY, "-o", NOWHERE], "/dev/null/x cannot be written: Not a directory."),
        (["iam", DAILY, "-o", NOWHERE], "/dev/null/x cannot be written: Not a directory."),
        (["run", DAILY, "--summary", NOWHERE], "cannot be written: /dev/null is not a folder."),
        (["run", DAILY, "--summary", "/"], "--summary / cannot be written: it is a folder."),
        (["run", DAILY, "--state-dir", "/dev/null/x"], "--state-dir /dev/null/x cannot be used: Not a directory."),
        (["local", "-d", "--state-dir", "/dev/null/x"], "--state-dir /dev/null/x cannot be used: Not a directory."),
        (["local", "-d", "--state-dir", DAILY], f"--state-dir {DAILY} cannot be used: Not a directory."),
        (["local", "stop", "--state-dir", DAILY], f"--state-dir {DAILY} cannot be used: File exists."),
        (["local", "-d", "--port", "99999", "--state-dir", NOWHERE], "--port is 99999; use 0 to 65535."),
        (["run", DAILY, "--parallel", "-1"], "'--parallel'"),
        (["records", "list", "--limit", "-5"], "'--limit'"),
        (["callback", "a b"], '"a b" is not a callback token: a token has 10 letters and digits.'),
        (["callback", "AbCdEfGhIj", "--url", "http://h/ x"], '--url is "http://h/ x", which is not a URL'),
        (["callback", "AbCdEfGhIj", "--url", "localhost"], '--url is "localhost", which is not a URL'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_cannot_be_used_are_told_in_a_line(words: list[str], said: str) -> None:
    code, text = invoke(*words)
    assert code == 2, text
    assert said in text


def test_a_run_with_records_at_no_place_is_not_started(aws: LocalAws) -> None:
    code, text = invoke("run", DAILY, "--state-dir", aws.state_dir, "--records", "gs://x")
    assert code == 2, text
    assert '"gs://x"' in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["run", DAILY, "--conn", "nope"],
        ["pull", "p", "--conn", "nope"],
        ["push", DAILY, "--name", "n", "--role", "r", "--conn", "nope"],
        ["records", "list", "--location", "s3://b", "--conn", "nope"],
    ],
    ids=lambda words: words[0],
)
def test_a_connection_that_airflow_does_not_have_is_named(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class AirflowNotFoundException(Exception):
        pass

    def missing(*_access: str | None) -> None:
        raise AirflowNotFoundException

    monkeypatch.setattr("airflow_sagemaker_mlops.hooks.aws.aws_for", missing)
    assert invoke(*words) == (2, '--conn is "nope", and Airflow has no such connection.\n')


@pytest.mark.parametrize("words", [["pull", "p"], ["push", DAILY, "--name", "n", "--role", "r"]], ids=["pull", "push"])
def test_without_a_region_the_way_out_is_reported(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null/config")
    assert invoke(*words) == (2, "no AWS region is known: add --region, or set AWS_DEFAULT_REGION.\n")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ('{"rules": [{"operation": "[", "kind": "throttle"}]}', "a fault rule is invalid"),
        ("[]", "the faults must be {"),
        ('{"rules": [1]}', "a fault rule has operation"),
        ('{"rules": [{"kind": "throttle", "rate": null}]}', "a fault rule is invalid"),
        ("{", "Expecting"),
    ],
)
def test_faults_that_are_none_are_told_before_anything_is_forgotten(tmp_path: Path, rules: str, said: str) -> None:
    file, state = tmp_path / "faults.json", tmp_path / "state"
    file.write_text(rules)
    state.mkdir()
    (state / "kept").touch()
    code, text = invoke("local", "-d", "--reset", "--faults", str(file), "--state-dir", str(state))
    assert (code, [path.name for path in state.iterdir()]) == (2, ["kept"])
    assert text.startswith(f"{file}: ")
    assert said in text


def test_compile_says_when_the_object_cannot_be_had(tmp_path: Path) -> None:
    assert invoke("compile", "nothing")[0] == 2
    (tmp_path / "broken.py").write_text("raise RuntimeError('no')\n")
    assert invoke("compile", f"{tmp_path}/broken.py:pipeline")[0] == 1
    code, text = invoke("compile", "a:b", "--python", f"{tmp_path}/python")
    assert (code, text) == (2, f'--python "{tmp_path}/python" cannot be run: No such file or directory.\n')


def test_compile_runs_the_code_where_the_sdk_is(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    steps = [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}]
    text = json.dumps({"Version": "2020-12-01", "Steps": steps})
    (elsewhere / "only_there.py").write_text(f"class pipeline:\n    definition = staticmethod(lambda: {text!r})\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={elsewhere} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    assert invoke("compile", "only_there:pipeline")[0] == 1
    code, made = invoke("compile", "only_there:pipeline", "--python", str(python))
    assert (code, json.loads(made)["Steps"]) == (0, steps)
