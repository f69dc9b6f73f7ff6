"""The configuration of a stage: its keys, and problems reported with file and line."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition.problems import InvalidPipeline
from airflow_sagemaker_mlops.stages.code import code_values
from airflow_sagemaker_mlops.stages.find import stage_named, stage_of_file, stages_in
from airflow_sagemaker_mlops.stages.model import Stage
from airflow_sagemaker_mlops.stages.reader import KEYS, parse_stage

FILE = "config/prod.yaml"
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "stages.md"


def stage(text: str) -> Stage:
    return parse_stage(text, "prod", FILE, Path())


def report(text: str) -> str:
    with pytest.raises(InvalidPipeline) as caught:
        stage(text)
    return str(caught.value)


def declared(**types: str) -> dict[str, Any]:
    return {name: SimpleNamespace(type=kind, enum=()) for name, kind in types.items()}


def test_a_stage_has_the_values_of_its_file() -> None:
    found = stage(
        """
account: "012345678901"
region: eu-west-1
aws_conn_id: null
parameters: {Bucket: ml-prod, Days: 7, Share: 0.5, Full: true}
tags: [prod]
releases: s3://ml-prod/releases/
"""
    )
    assert (found.account, found.region, found.releases) == ("012345678901", "eu-west-1", "s3://ml-prod/releases")
    assert found.parameters == {"Bucket": "ml-prod", "Days": 7, "Share": 0.5, "Full": True}
    assert found.aws_conn_id is None
    assert "aws_conn_id" in found.given


def test_all_problems_are_reported_with_their_lines_and_fixes() -> None:
    assert (
        report(
            """acount: "222222222222"
account: 222222222222
parameters: {A: [1], Day: "{{ ds }}"}
code: {B: ../steps}
pipelines:
  late: {definitions: dags/a.yaml, schedule: 3}
"""
        )
        == """config/prod.yaml cannot be used: 7 problems, no DAG was built.
  config/prod.yaml:1:9  $.acount  [SM356] a stage configuration has no key "acount".
      Did you mean "account"?
  config/prod.yaml:2:10  $.account  [SM357] account is 222222222222.
      Write an account number of 12 digits in quotation marks, because YAML reads digits as a number: "222222222222".
  config/prod.yaml:3:17  $.parameters.A  [SM357] parameters has a list for "A".
      Write a string, a number or a boolean.
  config/prod.yaml:3:27  $.parameters.Day  [SM357] parameters has "{{ ds }}" for "Day".
      Write a plain value, and put the template into parameters= of the DAG file, where Airflow renders it.
  config/prod.yaml:4:11  $.code.B  [SM357] code has "../steps" for "B".
      Write a path inside the project that does not go up.
  config/prod.yaml:6:23  $.pipelines.late.definitions  [SM356] an entry of pipelines has no key "definitions".
      Did you mean "definition"?
  config/prod.yaml:6:46  $.pipelines.late.schedule  [SM357] schedule is 3.
      Write a string that is not empty, or null."""
    )


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_value_of_another_kind_is_a_sentence(key: str) -> None:
    for value in ("[[1]]", "3.5", '""', "{a: {b: [1]}}", "true"):
        if (key, value) not in (("steps", "{a: {b: [1]}}"),):
            assert f"{FILE}:1:" in report(f"{key}: {value}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "is not an object of settings"),
        ("a: b: c", "not YAML"),
        ("region: eu-west-1\nregion: us-east-1", ':2:1  $  [SM102] the key "region" appears twice'),
        ("region: eu-west-1\n---\nregion: us-east-1", "several documents"),
        ("region: !Get Parameters.Region", "region is an object"),
        ("external_id: x", "without the role that requires it"),
        ("code: {A: steps}\nparameters: {A: s3://b/c}", "only one of the two can apply"),
        ("region: " + "x" * 1_100_000, "larger than 1,000,000 bytes"),
        ("parameters: " + "[" * 300 + "]" * 300, "nested"),
        ("&a a: 1\n", "has no key"),
        ("assume_role_arn: arn:aws:iam::1:role/x", "the ARN of a role"),
        ("dag_folder: /etc", "a path inside the project"),
        ('definition: "x"', 'no key "definition"'),
    ],
)
def test_an_unusable_file_is_a_sentence(text: str, said: str) -> None:
    assert said in report(text)


def test_an_empty_file_is_a_stage_that_changes_nothing() -> None:
    assert stage("").given == frozenset()


def test_values_of_an_entry_go_over_shared_ones() -> None:
    found = stage(
        "parameters: {A: 1, B: 1}\nsteps: {T: {retries: 1, pool: a}}\nschedule: '@daily'\n"
        "pipelines: {late: {parameters: {B: 2}, steps: {T: {retries: 2}}, schedule: null}}"
    )
    own = found.pipeline("late")
    assert own.parameters == {"A": 1, "B": 2}
    assert own.steps == {"T": {"retries": 2, "pool": "a"}}
    assert (own.has_schedule, own.schedule) == (True, None)


def test_a_shared_value_goes_to_the_pipelines_that_declare_it() -> None:
    found = stage("parameters: {A: 1}\npipelines: {one: {}, two: {parameters: {B: x}}}")
    assert found.values_for("one", declared(A="Integer")) == {"A": 1}
    assert found.values_for("two", declared(B="String")) == {"B": "x"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("parameters: {Bukket: x}", 'config/prod.yaml:1:22  $.parameters.Bukket  [SM360] parameter "Bukket" is not'),
        ("pipelines: {late: {parameters: {Bukket: x}}}", "$.pipelines.late.parameters.Bukket  [SM360]"),
        ("parameters: {Days: x}", 'parameter "Days" is "x", which is not an Integer'),
        ("code: {Days: steps}", 'parameter "Days" gets the S3 URI of code, but is not a String'),
        ("pipelines: {lates: {}}", 'lists its pipelines, and "late" is not among them.\n      Did you mean "lates"?'),
    ],
)
def test_a_value_that_does_not_fit_the_pipeline_has_its_place_in_the_file(text: str, said: str) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        stage(text).values_for("late", declared(Bucket="String", Days="Integer"))
    assert said in str(caught.value)


def test_a_stage_is_found_beside_the_dag_file_and_in_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "prod.yaml").write_text("region: eu-west-1")
    (tmp_path / "config" / "staging.yaml").write_text("region: us-east-1")
    dags = tmp_path / "dags"
    assert stage_named("prod", [dags, tmp_path]).region == "eu-west-1"
    assert stage_named("prod", [tmp_path]).root == tmp_path
    assert sorted(stages_in(tmp_path)) == ["prod", "staging"]


def test_a_stage_is_found_in_the_zip_file_of_a_release(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "late.zip", "w") as packed:
        packed.writestr("late.py", "")
        packed.writestr("config/prod.yaml", "region: eu-west-1")
    folder = tmp_path / "late.zip"
    assert stage_named("prod", [folder, tmp_path]).region == "eu-west-1"
    assert stages_in(folder) == ["prod"]
    assert stage_of_file(folder / "../config/prod.yaml", "../config/prod.yaml", folder).region == "eu-west-1"


@pytest.mark.parametrize("name", ["prodd", "../config/prod", "", "Prod", "a" * 40, "prod\n"])
def test_a_stage_without_configuration_is_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "prod.yaml").write_text("")
    with pytest.raises(InvalidPipeline, match=r"\[SM355\]") as caught:
        stage_named(name, [tmp_path])
    if name == "prodd":
        assert 'stage "prodd" has no configuration.\n      Did you mean "prod"?' in str(caught.value)


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"region: \xe9")
    for name in ("missing.yaml", "latin.yaml", "."):
        with pytest.raises(InvalidPipeline, match=r"SM35[57]"):
            stage_of_file(tmp_path / name)


def test_code_is_where_the_bundle_and_the_stage_say(tmp_path: Path) -> None:
    found = stage("releases: s3://ml-x/releases\ncode: {CodeUri: steps, Script: a/train.py}")
    digest = "ab" * 32
    assert code_values(found, tmp_path) == {}  # no bundle: a checkout
    (tmp_path / "bundle.json").write_text(
        f'{{"project": "late", "code": {{"CodeUri": {{"path": "steps", "sha256": "{digest}"}}, '
        f'"Script": {{"path": "a/train.py", "sha256": "{digest}", "name": "train.py"}}}}}}'
    )
    assert code_values(found, tmp_path) == {
        "CodeUri": f"s3://ml-x/releases/late/code/{digest}",
        "Script": f"s3://ml-x/releases/late/code/{digest}/train.py",
    }


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        '{"project": "late", "code": {}}',
        '{"project": "late", "code": {"CodeUri": {"path": "other", "sha256": "' + "ab" * 32 + '"}}}',
        '{"project": "late", "code": {"CodeUri": {"path": "steps", "sha256": "../x"}}}',
        '{"project": "late", "code": {"CodeUri": 3}}',
    ],
)
def test_a_bundle_without_the_code_of_the_stage_is_a_sentence(manifest: str, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(manifest)
    with pytest.raises(InvalidPipeline, match=r"SM361|SM357"):
        code_values(stage("releases: s3://ml-x/releases\ncode: {CodeUri: steps}"), tmp_path)


def test_the_guide_documents_every_key() -> None:
    page = GUIDE.read_text()
    assert [key for key in KEYS if f"| `{key}` |" not in page] == []
