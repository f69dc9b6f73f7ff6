"""A DAG run ends as its pipeline did, whatever the user's tasks around the pipeline are."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import DAG
from played_runs import BRANCH, BUSY, SHORT, Played, play

from airflow_sagemaker_mlops import (
    SageMakerPipelineDag,
    SageMakerPipelineTaskGroup,
    failure_of,
)
from airflow_sagemaker_mlops.factory import build

EMPTY = {"Type": "x-airflow", "Operator": "airflow.providers.standard.operators.empty.EmptyOperator"}
PREP, OTHER = {**EMPTY, "Name": "Prep"}, {**EMPTY, "Name": "Other"}
SCORE = {**EMPTY, "Name": "Score", "DependsOn": ["Prep"]}
PIPELINE = {"Version": "2020-12-01", "Steps": [PREP, OTHER, SCORE]}
Around = Callable[[Any, Any], None]  # (what stands for the pipeline, its step tasks)


def task(name: str, **options: Any) -> Any:
    return EmptyOperator(task_id=name, **options)


def nothing(_pipeline: Any, _steps: Any) -> None:
    """Nothing of the user's."""


def a_task(pipeline: Any, _steps: Any) -> None:
    pipeline >> task("after")


def a_task_that_always_runs(pipeline: Any, _steps: Any) -> None:
    pipeline >> task("after", trigger_rule="all_done")


def a_teardown(pipeline: Any, _steps: Any) -> None:
    pipeline >> task("drop").as_teardown()


def a_teardown_that_counts(pipeline: Any, _steps: Any) -> None:
    pipeline >> task("drop").as_teardown(on_failure_fail_dagrun=True)


def a_task_and_a_teardown(pipeline: Any, _steps: Any) -> None:
    pipeline >> task("after", trigger_rule="all_done") >> task("drop").as_teardown()


def setup_and_teardown(pipeline: Any, steps: Any) -> None:
    made = task("make").as_setup()
    made >> [steps["Prep"], steps["Other"]]
    pipeline >> task("drop").as_teardown(setups=made)


def a_leaf_behind_a_step(_pipeline: Any, steps: Any) -> None:
    steps["Score"] >> task("after", trigger_rule="all_done")


AROUND: list[Around] = [
    nothing,
    a_task,
    a_task_that_always_runs,
    a_teardown,
    a_teardown_that_counts,
    a_task_and_a_teardown,
    setup_and_teardown,
    a_leaf_behind_a_step,
]


def of_a_group(around: Around) -> Any:
    with DAG("ends", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("ml", PIPELINE)
        around(group, group.step_tasks)
    return dag


def of_a_dag(around: Around) -> Any:
    with SageMakerPipelineDag("ends", PIPELINE) as dag:
        around(dag.step_tasks["pipeline.status"], dag.step_tasks)
    return dag


@pytest.fixture(params=[of_a_group, of_a_dag])
def made(request: pytest.FixtureRequest) -> Any:
    return request.param


def ended(made: Any, around: Around, monkeypatch: pytest.MonkeyPatch, **acts: str) -> Played:
    dag = made(around)
    prefix = "ml." if made is of_a_group else ""
    names = {"Prep", "Other", "Score"}
    return play(dag, {prefix + name if name in names else name: act for name, act in acts.items()}, monkeypatch)


@pytest.mark.parametrize("around", AROUND)
def test_a_run_ends_as_its_pipeline_did(made: Any, around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(made, around, monkeypatch).state == "success"
    assert ended(made, around, monkeypatch, Prep="failed").state == "failed"
    assert ended(made, around, monkeypatch, Score="failed").state == "failed"
    assert ended(made, around, monkeypatch, Prep="skipped").state == "success"


def short_circuit(name: str = "approve") -> Any:
    return ShortCircuitOperator(task_id=name, python_callable=bool)


def between_two_steps(_pipeline: Any, steps: Any) -> None:
    steps["Prep"] >> short_circuit() >> steps["Score"]


def between_two_steps_and_a_leaf(pipeline: Any, steps: Any) -> None:
    between_two_steps(pipeline, steps)
    pipeline >> task("after", trigger_rule="all_done")


def between_two_steps_and_a_teardown(pipeline: Any, steps: Any) -> None:
    between_two_steps(pipeline, steps)
    pipeline >> task("drop").as_teardown()


@pytest.mark.parametrize("around", [between_two_steps, between_two_steps_and_a_leaf, between_two_steps_and_a_teardown])
def test_a_short_circuit_between_two_steps_is_no_failure(
    made: Any, around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    for how in (SHORT, BRANCH):
        end = ended(made, around, monkeypatch, approve=how)
        assert end.state == "success"
        said = next(value for value in end.xcoms.values() if "Status" in value)
        assert (said["Status"], said["NotTaken"]) == ("Succeeded", ["Score" if made is of_a_dag else "ml.Score"])
        assert ended(made, around, monkeypatch, approve=how, Prep="failed").state == "failed"
    assert ended(made, around, monkeypatch, approve="failed").state == "failed"


@pytest.mark.parametrize("around", [between_two_steps, between_two_steps_and_a_leaf, between_two_steps_and_a_teardown])
def test_a_step_that_fails_while_a_short_circuit_skips_others_fails_the_run(
    made: Any, around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended(made, around, monkeypatch, approve=SHORT, Other=BUSY).state == "failed"


def before_the_pipeline(_pipeline: Any, steps: Any) -> None:
    short_circuit() >> [steps["Prep"], steps["Other"]]


def before_the_pipeline_and_a_teardown(pipeline: Any, steps: Any) -> None:
    before_the_pipeline(pipeline, steps)
    pipeline >> [task("after"), task("drop").as_teardown()]


@pytest.mark.parametrize("around", [before_the_pipeline, before_the_pipeline_and_a_teardown])
def test_a_pipeline_that_is_passed_over_is_no_failure(
    made: Any, around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended(made, around, monkeypatch, approve=SHORT).state == "success"
    assert ended(made, around, monkeypatch, approve="skipped").state == "success"
    assert ended(made, around, monkeypatch, approve="failed").state == "failed"


def test_a_setup_that_fails_fails_the_run_before_any_step(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    end = ended(made, setup_and_teardown, monkeypatch, make="failed")
    assert (end.state, end.states["drop"]) == ("failed", "upstream_failed")
    assert {state for name, state in end.states.items() if name.endswith(("Prep", "Other", "Score"))} == {
        "upstream_failed"
    }


def test_a_step_whose_trigger_rule_was_changed_is_waited_for(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status task is behind the last steps only, and this rule ends them while others are running."""

    def one_is_enough(_pipeline: Any, steps: Any) -> None:
        steps["Score"].trigger_rule = "one_failed"

    assert ended(made, one_is_enough, monkeypatch, Other=BUSY).state == "failed"


def test_a_failed_run_names_the_step_and_why(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The callback of a DAG is given the task instance that failed last, which is the one that decides the run."""
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no data today"}}
    monkeypatch.setitem(PIPELINE, "Steps", [PREP, step])
    last = "ml.pipeline.teardown" if made is of_a_group else "pipeline.status"
    name = "ml.Stop" if made is of_a_group else "Stop"
    dag = made(nothing)
    end = play(dag, {name: "failed: no data today"}, monkeypatch)
    ti = SimpleNamespace(
        task_id=last,
        dag_id="ends",
        run_id="r",
        map_index=-1,
        task=dag.get_task(last),
        xcom_pull=lambda *, task_ids, key, map_indexes: end.xcoms.get((task_ids, key, map_indexes)),
    )
    told = failure_of({"ti": ti, "reason": "task_failure"})
    assert told.endswith(f"one or multiple steps failed: {name}. See their logs.\n{name}: no data today")


def test_edges_that_are_left_out_change_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    def model(name: str, *after: str) -> dict[str, Any]:
        container = {"ExecutionRoleArn": "arn:aws:iam::123456789012:role/R", "PrimaryContainer": {"Image": "image"}}
        return {"Name": name, "Type": "Model", "Arguments": container, "DependsOn": list(after)}

    beside = {**EMPTY, "Name": "X", "DependsOn": ["A"]}
    steps = [model("A"), model("B", "A"), beside, model("C", "A", "B"), model("D", "A", "B", "C"), model("E", "A", "X")]
    document = {"Version": "2020-12-01", "Steps": steps}
    reduced = SageMakerPipelineDag("reduced", document)
    monkeypatch.setattr(build, "needed_edges", lambda _tasks: {})
    whole = SageMakerPipelineDag("whole", document)
    assert whole.get_task("D").upstream_task_ids == {"A", "B", "C"}
    assert reduced.get_task("D").upstream_task_ids == {"C"}
    assert reduced.get_task("E").upstream_task_ids == {"A", "X"}
    for bad in (
        {},
        {"A": "failed"},
        {"B": "failed"},
        {"C": "failed"},
        {"X": "skipped"},
        {"X": "skipped", "B": "failed"},
    ):
        ends = [play(dag, bad, monkeypatch) for dag in (reduced, whole)]
        assert (ends[0].state, ends[0].states) == (ends[1].state, ends[1].states)
