"""Pipelines that cannot be built: their placeholders, and the other DAGs of their file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from airflow.sdk import DAG, task
from airflow_names import DagBag, DagSerialization
from good_and_bad import BAD, GOOD, IMPORT, write_both

from airflow_sagemaker_mlops import InvalidPipeline, SageMakerPipelineDag, SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.operators import TrainingStepOperator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_both(tmp_path)


def bag(folder: Path, text: str) -> Any:
    (folder / "pipelines.py").write_text(IMPORT + text)
    return DagBag(str(folder))


def error_of(found: Any) -> str:
    (error,) = found.import_errors.values()
    assert "Traceback" not in error
    return str(error)


def test_a_placeholder_keeps_the_neighbours_of_a_broken_definition(folder: Path) -> None:
    text = "SageMakerPipelineDag('bad', 'bad.json', schedule='@daily', tags=['ml'], on_invalid='placeholder')\n"
    found = bag(folder, text + "SageMakerPipelineDag('good', 'good.json')\n")
    assert found.import_errors == {}
    assert set(found.dags) == {"bad", "good"}
    dag = found.dags["bad"]
    assert dag.task_ids == ["pipeline.invalid"]
    assert dag.schedule is None
    assert 'no step is called "B"' in str(dag.doc_md)
    assert {"ml", "invalid"} <= set(dag.tags)


def test_a_run_of_a_placeholder_fails_with_the_report() -> None:
    dag = SageMakerPipelineDag("bad", BAD, on_invalid="placeholder")
    with pytest.raises(Exception, match="SM201") as caught:
        dag.get_task("pipeline.invalid").execute({})
    assert type(caught.value).__name__ == "AirflowFailException"


def test_the_configuration_says_what_becomes_of_broken_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SAGEMAKER_MLOPS__ON_INVALID", "placeholder")
    assert SageMakerPipelineDag("bad", BAD).task_ids == ["pipeline.invalid"]
    with pytest.raises(InvalidPipeline, match="SM201"):
        SageMakerPipelineDag("bad", BAD, on_invalid="import_error").validate()
    monkeypatch.setenv("AIRFLOW__SAGEMAKER_MLOPS__ON_INVALID", "placeholders")
    with pytest.raises(InvalidPipeline, match=r"(?s)SM201.*SM165\] \[sagemaker_mlops\] on_invalid is .placeholders"):
        SageMakerPipelineDag("bad", BAD).validate()


def test_tasks_wired_to_a_placeholder_stay_wired() -> None:
    from airflow.providers.standard.operators.bash import BashOperator

    dag = SageMakerPipelineDag("bad", BAD, on_invalid="placeholder")
    with dag:
        BashOperator(task_id="after", bash_command=dag.property_of("A", "ModelArtifacts.S3ModelArtifacts"))
        dag.step_tasks["A"] >> BashOperator(task_id="behind", bash_command="true")
    assert dag.get_task("behind").upstream_task_ids == {"pipeline.invalid"}


def test_a_broken_definition_in_a_group_can_have_a_placeholder_too() -> None:
    with DAG("bigger", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("ml", BAD, on_invalid="placeholder")
        SageMakerPipelineTaskGroup("fine", GOOD)
    assert {"ml.pipeline.invalid", "fine.A"} <= set(dag.task_ids)
    assert group.step_tasks["A"].task_id == "ml.pipeline.invalid"
    with DAG("other", schedule=None), pytest.raises(InvalidPipeline, match="SM201"):
        SageMakerPipelineTaskGroup("ml", BAD)


FOREIGN: dict[str, Any] = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Day", "Type": "String", "DefaultValue": "mon"}],
    "Steps": [*GOOD["Steps"], {"Name": "B", "Type": "x-airflow", "Operator": "no.such.Operator", "DependsOn": ["A"]}],
}


@pytest.mark.parametrize(
    ("definition", "options", "said"),
    [
        (FOREIGN, {}, "SM404"),
        (GOOD, {"outlets": ["nonsense"]}, "SM410"),
        (GOOD, {"steps": {"A": {"retriess": 3}}}, "SM164.*retriess"),
    ],
)
def test_a_group_that_cannot_be_built_can_have_a_placeholder_and_leaves_nothing_else(
    definition: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    with DAG("bigger", schedule=None, params={"Own": 1}) as dag:

        @task
        def day() -> str:
            return "tue"

        today = day()
        given = {"parameters": {"Day": today}} if definition is FOREIGN else {}
        group = SageMakerPipelineTaskGroup("ml", definition, on_invalid="placeholder", **options, **given)
        SageMakerPipelineTaskGroup("fine", FOREIGN | {"Steps": GOOD["Steps"]})
    report = group.step_tasks["A"]
    assert {name for name in dag.task_ids if name.startswith("ml.")} == {report.task_id} == set(group.children)
    assert re.search(said, report.report, re.DOTALL)
    assert list(dag.params) == ["Own", "Day"]
    assert dag.get_task("day").downstream_task_ids == set()
    DagSerialization.to_dict(dag)


def test_a_placeholder_of_a_group_without_prefix_leaves_the_task_whose_name_it_took() -> None:
    with DAG("bigger", schedule=None) as dag:

        @task
        def A() -> None:
            pass

        A()
        theirs = dag.get_task("A")
        SageMakerPipelineTaskGroup("ml", GOOD, prefix_group_id=False, on_invalid="placeholder")
    assert dag.task_dict.keys() == {"A", "pipeline.invalid"}
    assert dag.get_task("A") is theirs
    assert "SM230" in str(dag.get_task("pipeline.invalid").doc_md)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("fail_fast=True", r"\[SM420\] fail_fast=True"),
        ("scheduel='@daily'", 'Did you mean "schedule"'),
        ("schedule=3", "SM164"),
        ("steps={'A': {'retries': 'many'}}", "SM164"),
        ("steps={'A': {'pooll': 'gpu'}}", "SM164"),
        ("steps=['A']", "SM164"),
        ("start_in='nowhere'", r'\[SM165\] start_in is "nowhere"\.\s+Use "triggerer" or "worker"'),
        ("steps={'A': {'logs': 'all'}}", r"steps\['A'\]\.logs.*\[SM165\] logs is \"all\""),
        ("poll_interval_s=0", r"\[SM165\] poll_interval_s is 0\.\s+Use a number of seconds above 0"),
        ("max_parallel_steps=-1", r"\[SM165\] max_parallel_steps is -1"),
        ('records="gs://bucket/runs"', r'\[SM165\] records is "gs://bucket/runs"\.\s+Use s3://bucket/prefix, a folder'),
        ('records="s3://"', r'\[SM165\] records is "s3://"'),
        ('max_parallel_steps="2"', r'\[SM165\] max_parallel_steps is "2"'),
        ("on_invalid='ignore'", r'\[SM165\] on_invalid is "ignore"'),
    ],
)
def test_a_wrong_option_of_one_dag_never_loses_the_others_of_its_file(folder: Path, options: str, said: str) -> None:
    text = f"SageMakerPipelineDag('wrong', 'good.json', {options})\nSageMakerPipelineDag('fine', 'good.json')\n"
    found = bag(folder, text)
    assert "fine" in found.dags
    assert re.search(said, error_of(found))
    if "on_invalid" not in options:
        assert set(bag(folder, text.replace(options, f"{options}, on_invalid='placeholder'")).dags) == {"wrong", "fine"}


def test_a_wrong_dag_id_is_refused_in_words() -> None:
    with pytest.raises(InvalidPipeline, match=r'DAG "a b" cannot be created'):
        SageMakerPipelineDag("a b", GOOD)


def test_a_definition_in_a_packaged_dag_is_found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    dags = tmp_path_factory.mktemp("packaged")
    with ZipFile(dags / "team.zip", "w") as packed:
        packed.writestr("pipelines.py", IMPORT + "SageMakerPipelineDag('packaged', 'good.json')\n# airflow dag\n")
        packed.write(folder / "good.json", "good.json")
    found = DagBag(str(dags))
    assert found.import_errors == {}
    assert "A" in found.dags["packaged"].task_ids


def test_a_definition_that_is_mended_leaves_no_error_behind(folder: Path) -> None:
    text = "SageMakerPipelineDag('one', 'bad.json')\nSageMakerPipelineDag('two', 'bad.json')\n"
    assert error_of(bag(folder, text)).count("SM201") == 2
    (folder / "bad.json").write_text(json.dumps(GOOD))
    assert bag(folder, text).import_errors == {}
    assert error_of(bag(folder, text + "SageMakerPipelineDag('three', 'none.json')\n")).count("[SM") == 1


def test_a_wrong_option_of_a_group_is_refused_or_gets_a_placeholder() -> None:
    with DAG("groups", schedule=None):
        with pytest.raises(InvalidPipeline, match=r'\[SM165\] start_in is "nowhere"'):
            SageMakerPipelineTaskGroup("a", GOOD, start_in="nowhere")
        group = SageMakerPipelineTaskGroup("b", GOOD, start_in="nowhere", on_invalid="placeholder")
    assert list(group.children) == ["b.pipeline.invalid"]


@pytest.mark.parametrize("option", [{"start_in": "nowhere"}, {"logs": False}, {"retry_failed_steps": "no"}])
def test_a_wrong_option_of_a_step_by_hand_is_refused_mapped_or_not(option: dict[str, Any]) -> None:
    with DAG("steps", schedule=None):
        with pytest.raises(InvalidPipeline, match=f"SM165. {next(iter(option))} is"):
            TrainingStepOperator(task_id="one", arguments={"RoleArn": "r"}, **option)
        with pytest.raises(InvalidPipeline, match=f"SM165. {next(iter(option))} is"):
            TrainingStepOperator.partial(task_id="many", **option)
