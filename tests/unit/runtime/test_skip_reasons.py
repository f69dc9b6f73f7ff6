"""Why steps were skipped, from task states and from the results of branches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import DAG
from airflow.sdk.execution_time.xcom import XCom

from airflow_sagemaker_mlops import SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.runtime.pipeline_status import conclude

ROLE = "arn:aws:iam::123456789012:role/R"
TRAIN = {"Name": "Train", "Type": "Training", "Arguments": {"RoleArn": ROLE}}
LATER = {**TRAIN, "Name": "Later", "DependsOn": ["Train"]}
LATEST = {"Type": "x-airflow", "Operator": "airflow.providers.standard.operators.latest_only.LatestOnlyOperator"}
SHORT = {**LATEST, "Name": "Short"}
LAST = {**TRAIN, "Name": "Last", "DependsOn": ["Short"]}
STATUS = "g.pipeline.status"
SKIPPED = dict.fromkeys(("g.Train", "g.Later", STATUS), "skipped")


def concluded(
    monkeypatch: pytest.MonkeyPatch,
    states: dict[str, str],
    words: dict[str, Any],
    *steps: Any,
    by: str = "pipeline.teardown",
    left: Any = None,
) -> Any:
    """What the task ``by`` concludes of a group behind the tasks "first" and "before"."""
    with DAG("d", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("g", {"Version": "2020-12-01", "Steps": list(steps) or [TRAIN, LATER]})
        (
            ShortCircuitOperator(task_id="first", python_callable=bool)
            >> ShortCircuitOperator(task_id="before", python_callable=bool)
            >> group.step_tasks[(steps or [TRAIN])[0]["Name"]]
        )
    xcoms = {(name, "skipmixin_key"): word for name, word in words.items()} | {(STATUS, "return_value"): left}
    monkeypatch.setattr(XCom, "get_one", lambda *, task_id, key, **_: xcoms.get((task_id, key)))
    ti = SimpleNamespace(
        dag_id="d", run_id="r", map_index=-1, task=dag.get_task(f"g.{by}"), get_task_states=lambda **_: {"r": states}
    )
    status_task: Any = dag.get_task(STATUS)
    return conclude(ti, status_task.steps, {}, "" if by == "pipeline.status" else STATUS)


def test_a_short_circuit_far_before_a_pipeline_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    word = {"first": {"skipped": ["before", *SKIPPED]}}
    end = concluded(monkeypatch, {"first": "success", "before": "skipped", **SKIPPED}, word)
    assert (end.result, end.failure) == ({}, "")


def test_a_run_that_was_marked_failed_before_its_pipeline_began_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    for states in ({"first": "failed", "before": "skipped"}, {"first": "skipped", "before": "skipped"}):
        end = concluded(monkeypatch, {**states, **SKIPPED}, {})
        assert end.failure == "the run was ended before the pipeline was."
        assert end.result["Failed"] == []


@pytest.mark.parametrize(
    ("word", "before"),
    [({"skipped": ["g.Train"]}, "success"), ({"followed": ["another"]}, "success"), ({}, "skipped")],
)
def test_a_pipeline_whose_head_was_skipped_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, word: Any, before: str
) -> None:
    states = {"first": "success", "before": before, "g.Train": "skipped", "g.Later": "skipped"}
    end = concluded(monkeypatch, states, {"before": word}, by="pipeline.status")
    assert end.passed_over
    torn_down = concluded(monkeypatch, {**states, STATUS: "skipped"}, {"before": word}, left=end.result)
    assert (torn_down.result, torn_down.failure) == ({}, "")


def test_a_short_circuit_in_a_pipeline_skips_steps_and_the_status_task_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {"first": "success", "before": "success", "g.Short": "success", "g.Last": "skipped", STATUS: "skipped"}
    end = concluded(monkeypatch, states, {"g.Short": {"skipped": ["g.Last", STATUS]}}, SHORT, LAST)
    assert (end.result["Status"], end.result["NotTaken"], end.failure) == ("Succeeded", ["g.Last"], "")


def test_what_nothing_skipped_was_dropped_when_the_run_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {"first": "success", "before": "success", "g.Train": "success", "g.Later": "skipped"}
    end = concluded(monkeypatch, states, {"before": {"followed": ["g.Train"]}}, by="pipeline.status")
    assert (end.result["Status"], end.result["Stopped"]) == ("Failed", ["g.Later"])
