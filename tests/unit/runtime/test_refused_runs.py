"""Runs that request a selection which cannot run: messages of their steps and of the status task."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time.xcom import XCom

from airflow_sagemaker_mlops import SageMakerPipelineDag
from airflow_sagemaker_mlops.airflow_versions import AirflowFailException
from airflow_sagemaker_mlops.operators import status
from airflow_sagemaker_mlops.runtime.events import WorkerNeeded, to_payload
from airflow_sagemaker_mlops.runtime.stopping import in_worker, jobs
from airflow_sagemaker_mlops.runtime.task_states import ends_of
from airflow_sagemaker_mlops.xcom_keys import JOURNAL_KEY

BASH = "airflow.providers.standard.operators.bash.BashOperator"
TRAIN = {"Name": "Train", "Type": "Training", "Arguments": {"RoleArn": "arn:aws:iam::123456789012:role/R"}}
NOTE = {"Name": "Note", "Type": "x-airflow", "Operator": BASH, "Arguments": {"bash_command": "true"}}
LATER = {**TRAIN, "Name": "Later", "DependsOn": ["Train"]}
CONF = {"pipeline.select": "Trian+"}
STATES = {"Train": "failed", "Note": "failed", "Later": "upstream_failed"}


class Run:
    """A DAG run as its tasks see it: states, XComs by task and key, and the AWS that the status task opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, conf: dict[str, Any]) -> None:
        self.dag: DAG = SageMakerPipelineDag("p", {"Version": "2020-12-01", "Steps": [TRAIN, NOTE, LATER]})
        self.conf, self.states, self.xcoms = conf, dict(STATES), dict[tuple[str, str], Any]()
        self.swept: list[bool] = []
        monkeypatch.setattr(XCom, "get_one", lambda *, task_id, key, **_: self.xcoms.get((task_id, key)))
        monkeypatch.setattr(jobs, "stop_leftovers", self._stop_leftovers)
        monkeypatch.setattr(in_worker, "_open_aws", self._open_aws)

    def context(self, task_id: str) -> Any:
        ti = SimpleNamespace(
            dag_id="p",
            run_id="r1",
            task_id=task_id,
            map_index=-1,
            try_number=1,
            task=self.dag.get_task(task_id),
            get_task_states=lambda **_: {"r1": self.states},
            xcom_push=lambda key, value: self.xcoms.update({(task_id, key): value}),
        )
        return {"ti": ti, "dag_run": SimpleNamespace(conf=self.conf), "params": {}}

    def refuse_steps(self) -> None:
        train, note = (self.dag.get_task(name) for name in ("Train", "Note"))
        with pytest.raises(AirflowFailException, match="SM405"):
            train.resume(self.context("Train"), to_payload(WorkerNeeded()))
        with pytest.raises(AirflowFailException, match="SM405"):
            getattr(type(note).execute, "__wrapped__", type(note).execute)(note, self.context("Note"))

    def conclude(self) -> str:
        """Why the status task failed."""
        task: Any = self.dag.get_task("pipeline.status")
        with pytest.raises(status.PipelineFailed) as caught:
            task.resume(self.context("pipeline.status"), to_payload(WorkerNeeded()))
        return str(caught.value)

    async def _stop_leftovers(self, *_args: Any, is_own: Any, cut_off: bool) -> list[str]:
        self.swept.append(cut_off)
        return []

    async def _open_aws(self, *_access: Any) -> Any:
        return None


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch, CONF)


def test_a_refused_run_says_that_nothing_ran_and_looks_for_no_jobs(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.refuse_steps()
    why = run.conclude()
    assert '[SM405] no step is called "Trian".\n      Did you mean "Train"?' in why
    assert (
        "The pipeline ended Failed: it was refused before any step started, so nothing ran" in capsys.readouterr().out
    )
    assert run.swept == []
    assert run.xcoms["pipeline.status", "return_value"] == {
        "Status": "Failed",
        "Failed": [],
        "Stopped": [],
        "NotStarted": ["Later", "Note", "Train"],
        "NotTaken": [],
        "Because": why,
    }


def test_a_refusal_that_only_the_steps_can_see_is_the_status_tasks_too(run: Run) -> None:
    """Whether outputs that are to be reused are still there is looked at with the credentials of a step."""
    run.refuse_steps()
    run.conf = {"pipeline.select": "Train+"}
    assert '[SM405] no step is called "Trian".' in run.conclude()
    assert run.swept == []


def test_a_refused_step_did_not_end(run: Run) -> None:
    run.refuse_steps()
    assert ends_of(run.context("Later")["ti"], ["Train", "Note"]) == {"Train": "NotRun", "Note": "NotRun"}


def test_a_step_that_began_after_it_was_refused_is_looked_for_when_it_is_killed(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.refuse_steps()
    run.conf = {"pipeline.select": "Train+"}
    run.xcoms["Train", JOURNAL_KEY] = {"name": "p-Train-1", "state": "SUBMITTING"}
    why = run.conclude()
    assert why == "Step failure: one or multiple steps failed: Train; 2 did not start. See their logs."
    assert "The pipeline ended Failed: 1 steps ran, 0 were reused, 1 not selected" in capsys.readouterr().out
    assert run.swept == [True]
