"""``file.py:object`` in the place of a definition: compiled on the way, without an account."""

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
def test_what_cannot_be_compiled_is_told_in_a_sentence(code: Path, words: list[str], said: str) -> None:
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
