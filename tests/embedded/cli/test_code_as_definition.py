"""``file.py:object`` as a definition: compiled on the fly, without an account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.local_aws import LocalAws

runner = CliRunner()
CODE = """
import json

class Pipeline:
    name = "own"

    def __init__(self, message):
        self.message = message

    def definition(self):
        steps = [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": self.message}}]
        return json.dumps({"Version": "2020-12-01", "Steps": steps})

pipeline = Pipeline("as it is")

def get_pipeline(region, times: int = 1, loud=False):
    return Pipeline(repr((region, times, loud)))

def account():
    import boto3
    # As the SDK asks, with an endpoint of AWS itself.
    sts = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com")
    bucket = "sagemaker-" + boto3.Session().region_name + "-" + sts.get_caller_identity()["Account"]
    boto3.resource("s3").Bucket(bucket).upload_file(__file__, "own/code.py")
    return Pipeline(bucket)

print("a line of the code's own")
"""


def invoke(*words: str) -> tuple[int, str, str]:
    done = runner.invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def code(tmp_path: Path) -> Path:
    file = tmp_path / "own.py"
    file.write_text(CODE)
    return file


def message(text: str) -> Any:
    return json.loads(text)["Steps"][0]["Arguments"]["ErrorMessage"]


def test_code_stands_in_for_a_definition_and_its_output_is_not_mixed_with_ours(code: Path) -> None:
    assert invoke("check", f"{code}:pipeline") == (0, "1 file: no problems.\n", "")
    exit_code, text, _ = invoke("to-json", f"{code}:pipeline")
    assert (exit_code, message(text)) == (0, "as it is")


def test_a_function_is_given_its_arguments_in_their_types(code: Path) -> None:
    given = ["--arg", "region=eu-west-1", "--arg", "times=3", "--arg", "loud=true"]
    assert message(invoke("to-json", f"{code}:get_pipeline", *given)[1]) == "('eu-west-1', 3, True)"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([":get_pipeline"], "get_pipeline needs region. Add --arg region=..."),
        (
            [":get_pipeline", "--arg", "region=x", "--arg", "role=y"],
            'takes no argument "role". It takes: region, times',
        ),
        ([":get_pipeline", "--arg", "region=x", "--arg", "times=y"], '--arg times is "y", which is not an integer.'),
        ([":get_pipeline", "--arg", "region"], '--arg is "region"; write --arg name=value.'),
        ([":pipeline", "--arg", "region=x"], "is a pipeline and takes no arguments"),
        ([":pipelin"], 'has no "pipelin". It has: pipeline, get_pipeline, account.'),
        ([""], "own.py:pipeline. It has: pipeline, get_pipeline."),
    ],
    ids=str,
)
def test_what_cannot_be_compiled_is_reported_in_a_sentence(code: Path, words: list[str], said: str) -> None:
    exit_code, _, told = invoke("check", f"{code}{words[0]}", *words[1:])
    assert exit_code == 2
    assert said in told
    assert "Traceback" not in told


@pytest.mark.e2e
def test_code_that_calls_aws_gets_the_embedded_one(code: Path, aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_MLOPS_LOCAL_DIR", aws.state_dir)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    exit_code, text, told = invoke("to-json", f"{code}:account")
    assert (exit_code, message(text)) == (0, aws.bucket), told
    assert aws.client("s3").get_object(Bucket=aws.bucket, Key="own/code.py")["Body"].read() == CODE.encode()
    assert local_aws.status(Path(aws.state_dir)) is not None  # it was there before, so it stays


def test_a_definition_may_come_by_standard_input() -> None:
    done = runner.invoke(app, ["check", "-"], input='{"Version": "2020-12-01", "Steps": [], "Color": 1}')
    assert done.exit_code == 0
    assert "standard input:1:" in done.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sys.exit(0)", "gave no pipeline: its code called sys.exit(0)."),
        ("sys.exit(3)", "gave no pipeline: its code called sys.exit(3)."),
        ("sys.exit('bye')", "gave no pipeline: its code called sys.exit('bye')."),
        ("os._exit(3)", "its process ended with exit code 3 without an error message."),
        ("os.kill(os.getpid(), 9)", "its process ended with signal 9 without an error message."),
    ],
)
def test_code_that_ends_its_process_is_reported(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "ends.py"
    file.write_text(f"import os, sys\n{line}\n")
    exit_code, _, told = invoke("compile", f"{file}:pipeline")
    assert (exit_code, "Traceback" in told) == (1, False)
    assert said in told


@pytest.mark.parametrize("command", ["to-json", "compile"])
def test_no_control_character_of_the_code_reaches_the_terminal(tmp_path: Path, command: str) -> None:
    file = tmp_path / "writes.py"
    text = r"\x1b]0;title\x07 \x9b2J \u202e"
    file.write_text(f"import sys\nprint('{text}')\nprint('{text}', file=sys.stderr)\nraise ValueError('{text}')\n")
    exit_code, out, told = invoke(command, f"{file}:pipeline")
    assert exit_code == 1
    assert told.count(r"\x1b]0;title\x07 \x9b2J \x202e") == 3
    assert not set("\x1b\x07\x9b\u202e") & {*out, *told}


def test_arguments_are_in_no_command_line(tmp_path: Path) -> None:
    file = tmp_path / "looks.py"
    file.write_text(
        "import json, pathlib, stat, sys\n"
        "def get_pipeline(key, line=''):\n"
        "    line = pathlib.Path('/proc/self/cmdline').read_bytes().split(b'\\0')\n"
        "    file = next(p for p in map(pathlib.Path, map(bytes.decode, line)) if p.name == 'arguments.json')\n"
        "    found = [key, key.encode() in b' '.join(line), oct(stat.S_IMODE(file.stat().st_mode))]\n"
        "    steps = [{'Name': 'Stop', 'Type': 'Fail', 'Arguments': {'ErrorMessage': json.dumps(found)}}]\n"
        "    return {'Version': '2020-12-01', 'Steps': steps}\n"
    )
    exit_code, text, told = invoke("to-json", f"{file}:get_pipeline", "--arg", "key=value-of-mine")
    assert (exit_code, told) == (0, "")
    assert json.loads(message(text)) == ["value-of-mine", False, "0o600"]
