"""Requests in the conf of a run, without Airflow."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from airflow_names import DagSerialization

from airflow_sagemaker_mlops import SageMakerPipelineDag, SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.airflow_versions import AirflowFailException, AirflowSkipException
from airflow_sagemaker_mlops.operators.attempt import StepFailedForGood
from airflow_sagemaker_mlops.plan.selection import InvalidSelection
from airflow_sagemaker_mlops.records.capture.run_recorder import parameters_of, seal_run
from airflow_sagemaker_mlops.records.model.run_info import RunInfo
from airflow_sagemaker_mlops.records.model.step_record import StepRecord
from airflow_sagemaker_mlops.records.reuse.selective_run import SelectiveRequest
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.runtime.events import WorkerNeeded, to_payload
from airflow_sagemaker_mlops.runtime.selective.conf import is_selective, request_in
from airflow_sagemaker_mlops.runtime.selective.step import log_lines, step_selection

BASH = "airflow.providers.standard.operators.bash.BashOperator"


def echo(name: str, *after: str, says: Any = "hello") -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "x-airflow",
        "Operator": BASH,
        "Arguments": {"bash_command": says},
        "DependsOn": list(after),
    }


PARAMETERS = [{"Name": "Size", "Type": "Integer", "DefaultValue": 1}, {"Name": "Key", "Type": "String"}]
STEPS = [echo("A"), echo("B", "A", says={"Get": "Parameters.Key"}), echo("C", "B")]
DOCUMENT = {"Version": "2020-12-01", "Parameters": PARAMETERS, "Steps": STEPS}


def context_of(dag: DAG, task_id: str, conf: dict[str, Any], run_id: str = "r9") -> Any:
    task = dag.get_task(task_id)
    named = {"dag_id": dag.dag_id, "run_id": run_id, "task_id": task_id, "map_index": -1}
    ti = SimpleNamespace(**named, try_number=1, task=task, xcom_push=lambda **_: None)
    return {"ti": ti, "dag_run": SimpleNamespace(conf=conf), "params": {"Size": 1, "Key": "k", **conf}}


def kinds(dag: DAG, conf: dict[str, Any], run_id: str = "r9") -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in ("A", "B", "C"):
        task: Any = dag.get_task(name)
        selection = step_selection(context_of(dag, name, conf, run_id), task.pipeline_step)
        found[name] = selection.role if selection is not None else None
    return found


def sealed(folder: Path, run_id: str, key: str = "k", **ends: str) -> None:
    from airflow_sagemaker_mlops.definition import load_pipeline
    from airflow_sagemaker_mlops.plan import make_plan

    plan = make_plan(load_pipeline(DOCUMENT))
    identity = RunInfo("p", run_id, status="Failed", started=f"2026-01-0{run_id[-1]}T00:00:00Z")
    step_records = [StepRecord(name, "x-airflow", status) for name, status in ends.items()]
    parameters = parameters_of(plan, {"Size": 5, "Key": key}, "conf")
    seal_run(FolderStore(folder), plan, identity, parameters=parameters, step_records=step_records)


@pytest.mark.parametrize(
    ("conf", "asks"),
    [
        (None, False),
        ({"Size": 3}, False),
        ({"pipeline.select": "A"}, True),
        ({"g.pipeline.resume": "latest"}, True),
        ({"pipeline.select": None, "pipeline.resume": ""}, False),  # as a form leaves them
        ({"the.pipeline.of.ours": 1}, False),
    ],
)
def test_only_keys_that_no_parameter_can_have_ask_for_a_part(conf: Any, asks: bool) -> None:
    assert is_selective(conf) is asks


def test_a_pattern_or_several_are_asked_for_by_pipeline() -> None:
    conf = {"pipeline.select": "A, B+", "g.pipeline.select": ["C"], "g.pipeline.source_run": "r1", "Size": 3}
    assert request_in(conf, "", ["", "g"]) == SelectiveRequest(("A, B+",))
    assert request_in(conf, "g", ["", "g"]) == SelectiveRequest(("C",), "r1")
    assert request_in(conf, "h", ["", "g", "h"]) is None


@pytest.mark.parametrize(
    ("conf", "what", "fix"),
    [
        ({"pipeline.selct": "A"}, '"pipeline.selct" is not an option of a run.', 'Did you mean "pipeline.select"?'),
        ({"pipeline.select": 3}, "3 does not name steps.", 'Write "Train+", or ["Train", "Evaluate"].'),
        ({"pipeline.select": []}, "[] does not name steps.", 'Write "Train+", or ["Train", "Evaluate"].'),
        ({"pipeline.resume": ["r1"]}, "['r1'] is not a run.", 'Write its id, or "latest".'),
        (
            {"h.pipeline.select": "A"},
            'this DAG has no pipeline in a task group "h".',
            'Did you mean "pipeline.select"?',
        ),
        (
            {"pipeline.select": "A", "pipeline.resume": "r1"},
            '"pipeline.select" and "pipeline.resume" exclude each other: resuming makes its own selection.',
            "Remove one of them.",
        ),
        (
            {"pipeline.source_run": "r1"},
            '"pipeline.source_run" is only used with "pipeline.select", which is missing.',
            'Add it, or use "pipeline.resume".',
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(conf: dict[str, Any], what: str, fix: str) -> None:
    with pytest.raises(InvalidSelection) as caught:
        request_in(conf, "", [""])
    (problem,) = caught.value.problems
    assert (problem.code, problem.what, problem.fix) == ("SM411", what, fix)


def test_a_key_of_somebody_else_is_left_alone() -> None:
    assert request_in({"data.pipeline.version": 3}, "", [""]) is None


def test_every_step_knows_its_part_and_latest_stays_what_it_was(tmp_path: Path) -> None:
    sealed(tmp_path, "r1", A="Succeeded", B="Failed")
    dag = SageMakerPipelineDag("p", DOCUMENT, records=str(tmp_path))
    asked = {"pipeline.resume": "latest", "Key": "k"}
    assert kinds(dag, asked) == {"A": "reused", "B": "selected", "C": "selected"}
    sealed(tmp_path, "r2", A="Succeeded", B="Succeeded", C="Failed")
    assert kinds(dag, asked) == {"A": "reused", "B": "selected", "C": "selected"}
    assert kinds(dag, asked, "r10") == {"A": "reused", "B": "reused", "C": "selected"}
    assert kinds(dag, {}) == {"A": None, "B": None, "C": None}


def test_a_resumed_run_has_the_parameters_that_its_conf_does_not_give(tmp_path: Path) -> None:
    sealed(tmp_path, "r1", A="Succeeded", B="Failed")
    dag = SageMakerPipelineDag("p", DOCUMENT, records=str(tmp_path))
    task: Any = dag.get_task("B")
    context = context_of(dag, "B", {"pipeline.resume": "r1", "Key": "mine"})
    selection = step_selection(context, task.pipeline_step)
    assert selection is not None
    assert dict(selection.inherited) == {"Size": 5}
    assert list(log_lines(selection.plan, "", context)) == [
        "selected  B, C",
        "reused    A, from run r1",
        "reused results were made with other parameters: Key 'k' -> 'mine'",
    ]


def test_without_records_only_a_part_that_needs_no_results_can_run() -> None:
    dag = SageMakerPipelineDag("p", DOCUMENT)
    assert kinds(dag, {"pipeline.select": "A,B"}) == {"A": "selected", "B": "selected", "C": "not selected"}
    with pytest.raises(InvalidSelection, match="knows no records to take them from") as caught:
        kinds(dag, {"pipeline.select": "C"})
    assert "Turn on records" in caught.value.problems[0].fix


def test_an_operator_of_another_package_takes_part(tmp_path: Path) -> None:
    dag = SageMakerPipelineDag("p", DOCUMENT)
    only = {"pipeline.select": "A"}
    with pytest.raises(AirflowSkipException):
        _unguarded(dag, "B", only)
    with pytest.raises(AirflowFailException, match=r"\[SM405\] no step is called"):
        _unguarded(dag, "A", {"pipeline.select": "Z"})
    # Its arguments are rendered first, also where it does not run and what they name is not there.
    task: Any = dag.get_task("B")
    assert task.bash_command.resolve(context_of(dag, "B", only)) is None
    sealed(tmp_path, "r1", A="Succeeded", B="Failed")
    dag = SageMakerPipelineDag("p", DOCUMENT, records=str(tmp_path))
    assert _unguarded(dag, "A", {"pipeline.resume": "r1", "Key": "k"}) is None


def _unguarded(dag: DAG, task_id: str, conf: dict[str, Any]) -> Any:
    """What the operator does, past Airflow's guard against calls that are not its own."""
    execute = type(dag.get_task(task_id)).execute
    return getattr(execute, "__wrapped__", execute)(dag.get_task(task_id), context_of(dag, task_id, conf))


def test_an_operator_of_another_package_is_still_itself_to_airflow() -> None:
    dag = SageMakerPipelineDag("p", DOCUMENT)
    assert isinstance(dag.get_task("A"), BashOperator)
    with DAG("q", schedule=None) as plain:
        BashOperator(task_id="A", bash_command="hello")
    ours, theirs = (
        {task["__var"]["task_id"]: task["__var"] for task in DagSerialization.to_dict(each)["dag"]["tasks"]}["A"]
        for each in (dag, plain)
    )
    assert {**ours, "downstream_task_ids": [], "params": []} == {**theirs, "downstream_task_ids": [], "params": []}


def test_a_refused_step_is_not_tried_again(tmp_path: Path) -> None:
    role = "arn:aws:iam::123456789012:role/R"
    step = {"Name": "A", "Type": "Training", "Arguments": {"RoleArn": role}}
    dag = SageMakerPipelineDag("p", {"Version": "2020-12-01", "Steps": [step]}, steps={"A": {"retries": 3}})
    task: Any = dag.get_task("A")
    with pytest.raises(StepFailedForGood, match="SM405"):
        task.resume(context_of(dag, "A", {"pipeline.select": "B"}), to_payload(WorkerNeeded()))


def test_a_task_of_the_dag_itself_that_would_keep_a_selected_step_from_running_is_reported() -> None:
    pipeline = {"Version": "2020-12-01", "Steps": [echo("A"), echo("B"), echo("C")]}
    with DAG("d", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("g", pipeline)
        between, always = (
            BashOperator(task_id="between", bash_command="true"),
            BashOperator(task_id="always", bash_command="true", trigger_rule="all_done"),
        )
        group.step_tasks["A"] >> between >> group.step_tasks["B"]
        group.step_tasks["A"] >> always >> group.step_tasks["C"]
    task: Any = dag.get_task("g.A")
    with pytest.raises(InvalidSelection) as caught:
        step_selection(context_of(dag, "g.A", {"g.pipeline.select": ["B", "C"]}), task.pipeline_step)
    (problem,) = caught.value.problems
    assert (problem.code, problem.fix) == ("SM412", "Select A as well.")
    assert problem.what == '"B" waits for "between", which waits for "A", which is not selected.'
    selection = step_selection(context_of(dag, "g.A", {"g.pipeline.select": "C"}), task.pipeline_step)
    assert selection is not None
    assert selection.role == "not selected"
