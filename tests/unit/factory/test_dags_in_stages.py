"""One DAG file in several stages: what ``config/<stage>.yaml`` changes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow_names import DagSerialization

from airflow_sagemaker_mlops import InvalidPipeline, SageMakerPipelineDag, SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.factory import dag as dag_module
from airflow_sagemaker_mlops.factory import task_group as group_module

ROLE = "arn:aws:iam::123456789012:role/R"
SETTING = "AIRFLOW__SAGEMAKER_MLOPS__STAGE"
DEFINITION = {
    "Version": "2020-12-01",
    "Parameters": [
        {"Name": "Bucket", "Type": "String", "DefaultValue": "dev"},
        {"Name": "Day", "Type": "String", "DefaultValue": "today"},
        {"Name": "Code", "Type": "String", "DefaultValue": "none"},
    ],
    "Steps": [
        {
            "Name": "Train",
            "Type": "Training",
            "Arguments": {
                "RoleArn": ROLE,
                "HyperParameters": {
                    name: {"Get": f"Parameters.{name}"} for name in ("Bucket", "Day", "Code")
                },
            },
        }
    ],
}  # fmt: skip
PROD = """
region: eu-west-1
aws_conn_id: aws_prod
assume_role_arn: arn:aws:iam::222222222222:role/mlops
records: s3://ml-prod/records
max_parallel_steps: 3
queue: prod
tags: [prod]
parameters: {Bucket: ml-prod}
pipelines:
  late: {schedule: "@daily", steps: {Train: {retries: 2}}, pipeline_name: late-prod}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the DAG file, with a configuration in the folder above."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "prod.yaml").write_text(PROD)
    (tmp_path / "dags").mkdir()
    file = tmp_path / "dags" / "late.py"
    for module in (dag_module, group_module):
        monkeypatch.setattr(module, "caller_file", lambda: file)
    return tmp_path


def late(**options: Any) -> SageMakerPipelineDag:
    dag = SageMakerPipelineDag("late", DEFINITION, **options)
    dag.validate()
    return dag


def refusal(**options: Any) -> str:
    with pytest.raises(InvalidPipeline) as caught:
        late(**options)
    return str(caught.value)


def serialized(dag: DAG) -> str:
    return json.dumps(DagSerialization.to_dict(dag), sort_keys=True, default=str)


def test_a_stage_gives_parameters_connection_schedule_and_options(folder: Path) -> None:
    dag = late(stage="prod")
    train: Any = dag.step_tasks["Train"]
    assert dag.params["Bucket"] == "ml-prod"
    assert dag.schedule == "@daily"
    assert dag.tags == {"sagemaker", "prod"}
    assert (train.retries, train.queue) == (2, "prod")
    connection = train.step.connection
    assert (connection.aws_conn_id, connection.region_name) == ("aws_prod", "eu-west-1")
    assert connection.assume_role_arn == "arn:aws:iam::222222222222:role/mlops"
    assert dag.max_active_tasks == 3
    assert train.step.pipeline == "late-prod"


def test_the_setting_of_the_deployment_chooses_the_stage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert late().params["Bucket"] == "dev"
    monkeypatch.setenv(SETTING, "prod")
    assert late().params["Bucket"] == "ml-prod"
    assert serialized(late()) == serialized(late(stage="prod")) == serialized(late(config="../config/prod.yaml"))


def test_the_setting_leaves_dags_without_stages_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "prod")
    (folder / "config" / "prod.yaml").unlink()
    assert late().params["Bucket"] == "dev"
    (folder / "config" / "staging.yaml").write_text("")
    assert '[SM355] stage "prod" has no configuration' in refusal()


def test_the_dag_file_and_the_stage_are_merged(folder: Path) -> None:
    dag = late(stage="prod", parameters={"Day": "{{ ds }}"}, steps={"Train": {"pool": "gpu"}}, tags=["ml"])
    train: Any = dag.step_tasks["Train"]
    assert dag.params["Bucket"] == "ml-prod"
    assert train.upstream_task_ids == {"pipeline.parameters"}
    assert (train.pool, train.retries) == ("gpu", 2)
    assert dag.tags == {"ml", "prod"}


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"parameters": {"Bucket": "other"}}, "parameters['Bucket']"),
        ({"region_name": "us-east-1"}, "region_name"),
        ({"aws_conn_id": None}, "aws_conn_id"),
        ({"schedule": None}, "schedule"),
        ({"steps": {"Train": {"retries": 5}}}, "steps['Train']['retries']"),
        ({"default_args": {"queue": "other"}}, "default_args['queue']"),
        ({"records": "off"}, "records"),
        ({"max_parallel_steps": 1}, "max_parallel_steps"),
        ({"pipeline_name": "late"}, "pipeline_name"),
        ({"config": "../config/prod.yaml"}, "config"),
    ],
)
def test_two_values_for_one_thing_are_refused(folder: Path, options: dict[str, Any], option: str) -> None:
    assert f"{option}  [SM358]" in refusal(stage="prod", **options)


def test_equal_values_are_no_conflict(folder: Path) -> None:
    assert late(stage="prod", parameters={"Bucket": "ml-prod"}, region_name="eu-west-1").params["Bucket"] == "ml-prod"


def test_a_pipeline_that_the_stage_does_not_list_is_refused(folder: Path) -> None:
    dag = SageMakerPipelineDag("lates", DEFINITION, stage="prod")
    with pytest.raises(InvalidPipeline, match=r"prod.yaml:11:3  \$.pipelines  \[SM359\].*\n.*\"late\""):
        dag.validate()


def test_a_broken_stage_is_an_import_error_or_a_placeholder(folder: Path) -> None:
    (folder / "config" / "prod.yaml").write_text("regoin: eu-west-1")
    assert '[SM356] a stage configuration has no key "regoin"' in refusal(stage="prod")
    placeholder = late(stage="prod", on_invalid="placeholder")
    assert "SM356" in str(placeholder.doc_md)


def test_code_of_the_bundle_goes_into_its_parameter(folder: Path) -> None:
    (folder / "config" / "prod.yaml").write_text("releases: s3://ml-prod/releases\ncode: {Code: steps}")
    assert late(stage="prod").params["Code"] == "none"  # a checkout: the default
    entry = {"path": "steps", "sha256": "ab" * 32}
    (folder / "dags" / "bundle.json").write_text(json.dumps({"project": "late", "code": {"Code": entry}}))
    assert late(stage="prod").params["Code"] == f"s3://ml-prod/releases/late/code/{'ab' * 32}"


def test_a_task_group_has_a_stage_too(folder: Path) -> None:
    with DAG("outer", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("late", DEFINITION, stage="prod")
    assert dag.params["Bucket"] == "ml-prod"
    assert dag.schedule is None
    assert group.step_tasks["Train"].queue == "prod"
