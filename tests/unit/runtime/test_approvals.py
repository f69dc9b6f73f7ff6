"""Who answered Airflow's questions in a run, from what its operators stored."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLBranchOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import DownstreamTasksSkipped
from airflow.sdk.execution_time.xcom import XCom

from airflow_sagemaker_mlops import SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.cli.output.records_text import approved
from airflow_sagemaker_mlops.records.store.sealed import read_schema
from airflow_sagemaker_mlops.runtime.approvals import approvals_of
from airflow_sagemaker_mlops.xcom_keys import ANSWER_KEY

TRAIN = {"Name": "Train", "Type": "Training", "Arguments": {"RoleArn": "arn:aws:iam::123456789012:role/R"}}
SIGN = {
    "Name": "Sign",
    "Type": "x-airflow",
    "Operator": "airflow.providers.standard.operators.hitl.ApprovalOperator",
    "Arguments": {"subject": "release?", "params": {"comment": ""}},
    "DependsOn": ["Train"],
}
LAST = {**TRAIN, "Name": "Last", "DependsOn": ["Sign"]}


def payload(option: str, user: str | None = "alice", **form: str) -> dict[str, Any]:
    """What Airflow 3.1 and later resume such an operator with, and what it pushes."""
    return {
        "chosen_options": [option],
        "params_input": form,
        "responded_by_user": {"id": "7", "name": user} if user else None,
        "responded_at": datetime(2026, 11, 29, 12, 30, tzinfo=UTC),
    }


def dag_with_group() -> tuple[DAG, Any]:
    with DAG("d", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("g", {"Version": "2020-12-01", "Steps": [TRAIN, SIGN, LAST]})
        ApprovalOperator(task_id="beside", subject="of another matter")
        before = HITLBranchOperator(task_id="before", subject="which?", options=["g.Train", "elsewhere"])
        between = ApprovalOperator(task_id="between", subject="go on?")
        before >> group.step_tasks["Train"] >> between >> group.step_tasks["Sign"]
    return dag, group


def approvals(
    monkeypatch: pytest.MonkeyPatch, states: dict[str, str], xcoms: dict[tuple[str, str], Any]
) -> list[dict[str, Any]]:
    """The approvals of a run of these states, checked against the schema of records."""
    dag, _ = dag_with_group()
    monkeypatch.setattr(XCom, "get_one", lambda *, task_id, key, **_: xcoms.get((task_id, key)))

    def get_task_states(*, task_ids: list[str], **_: Any) -> dict[str, Any]:
        return {"r": {name: state for name, state in states.items() if name in task_ids}}

    status_task: Any = dag.get_task("g.pipeline.status")
    ti = SimpleNamespace(dag_id="d", run_id="r", map_index=-1, task=status_task, get_task_states=get_task_states)
    found = approvals_of(ti, status_task.steps, "g")
    jsonschema.validate(found, read_schema()["properties"]["approvals"])
    return found


def test_steps_and_tasks_before_or_between_them_name_who_answered_and_others_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = dict.fromkeys(("before", "between", "beside", "g.Train", "g.Sign", "g.Last"), "success")
    found = approvals(
        monkeypatch,
        states,
        {
            ("beside", "return_value"): payload("Approve"),
            ("before", "return_value"): payload("g.Train", "bob"),
            ("between", "return_value"): payload("Approve", None),
            ("g.Sign", "return_value"): payload("Approve", comment="fine", reason="not kept"),
        },
    )
    at = "2026-11-29T12:30:00Z"
    assert found == [
        {"task": "before", "decision": "g.Train", "user": "bob", "at": at},
        {"task": "between", "decision": "Approve", "by_default": True, "at": at},
        {"task": "g.Sign", "step": "Sign", "decision": "Approve", "user": "alice", "at": at, "comment": "fine"},
    ]
    assert [approved(approval) for approval in found] == [
        f"before g.Train by bob at {at}",
        f"between Approve by default, as nobody answered in time at {at}",
        f"g.Sign Approve by alice at {at}: fine",
    ]


def test_a_task_that_was_rejected_leaves_no_name_and_one_without_an_answer_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = {"before": "success", "between": "success", "g.Sign": "skipped"}
    left = {
        ("before", "skipmixin_key"): {"followed": ["g.Train"]},
        ("between", "skipmixin_key"): {"skipped": ["g.Sign"]},
    }
    found = approvals(monkeypatch, states, left)
    assert found == [{"task": "before", "decision": "g.Train"}, {"task": "between", "decision": "Reject"}]
    assert approvals(monkeypatch, {"before": "awaiting_input"}, {("before", "return_value"): payload("x")}) == []


def test_every_instance_of_a_mapped_task_names_who_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    with DAG("d", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("g", {"Version": "2020-12-01", "Steps": [TRAIN]})
        each = ApprovalOperator.partial(task_id="each").expand(subject=["here?", "there?"])
        each >> group.step_tasks["Train"]
    left = {0: payload("Approve", "ada"), 1: payload("Reject", "bob")}
    monkeypatch.setattr(XCom, "get_one", lambda *, map_index, **_: left.get(map_index))
    ti = SimpleNamespace(
        dag_id="d",
        run_id="r",
        map_index=-1,
        task=dag.get_task("g.pipeline.status"),
        get_task_states=lambda **_: {"r": {"each_0": "success", "each_1": "success"}},
    )
    found = approvals_of(ti, {"g.Train": "Training"}, "g")
    assert [(a["task"], a["map_index"], a["decision"], a["user"]) for a in found] == [
        ("each", 0, "Approve", "ada"),
        ("each", 1, "Reject", "bob"),
    ]
    assert approved(found[1]).startswith("each[1] Reject by bob at ")


def test_a_step_keeps_who_rejected_it_though_the_operator_pushes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    dag, _ = dag_with_group()
    sign: Any = dag.get_task("g.Sign")
    pushed: dict[tuple[str, str], Any] = {}
    ti = SimpleNamespace(map_index=-1, xcom_push=lambda key, value: pushed.update({("g.Sign", key): value}))
    event = payload("Reject", comment="not yet")
    with pytest.raises(DownstreamTasksSkipped):
        sign.resume_execution("execute_complete", {"event": event}, {"ti": ti, "task": sign})
    assert pushed["g.Sign", ANSWER_KEY]["responded_by_user"] == "alice"
    (found,) = approvals(monkeypatch, {"g.Sign": "success"}, pushed)
    assert (found["decision"], found["user"], found["comment"]) == ("Reject", "alice", "not yet")
