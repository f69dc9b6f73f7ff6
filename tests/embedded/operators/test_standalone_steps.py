"""Standalone steps leave no job running: the last attempt stops its own, and a teardown stops the rest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from sleeping_job import sleeping_job

from airflow_sagemaker_mlops.airflow_versions import AirflowException, AirflowFailException, TaskDeferred
from airflow_sagemaker_mlops.execution.identity import StepIdentity, resource_name
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.journal import Entry
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.operators import ModelStepOperator, ProcessingStepOperator, StopRunningJobsOperator
from airflow_sagemaker_mlops.runs.clients import local_aws_clients
from airflow_sagemaker_mlops.runtime.events import StepInterrupted, to_payload
from airflow_sagemaker_mlops.runtime.stopping import in_worker, on_final_failure
from airflow_sagemaker_mlops.xcom_keys import JOURNAL_KEY

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("nothing_asleep")]

RUN = SimpleNamespace(start_date=None, run_after=None, conf={})


def standalone(aws: LocalAws, dag_id: str) -> Any:
    """The tasks of a DAG with two steps by hand, one of them mapped, and the task that stops jobs behind both."""
    arguments = {"RoleArn": aws.role_arn}
    with DAG(dag_id, schedule=None) as dag:
        one = ProcessingStepOperator(task_id="one", arguments=arguments)
        each = ProcessingStepOperator.partial(task_id="each").expand(arguments=[arguments, arguments])
        [one, each] >> StopRunningJobsOperator(task_id="stop")
    return dag.task_dict


def instance(task: Any, states: dict[str, str], **more: Any) -> Any:
    """As much of a task instance of a run as that task asks."""
    own = {"map_index": -1, "try_number": 1, "max_tries": 4, "xcom_push": lambda **_: None}
    return SimpleNamespace(
        task=task,
        task_id=task.task_id,
        dag_id=task.dag.dag_id,
        run_id="run",
        get_task_states=lambda **_: {"run": states},
        **{**own, **more},
    )


def status_of(aws: LocalAws, name: str) -> str:
    return str(aws.client("sagemaker").describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"])


@pytest.fixture
def opened(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_worker, "aws_for", lambda *_access: local_aws_clients(aws))


def test_stopping_jobs_behind_nothing_that_waits_is_done_at_once() -> None:
    with DAG("behind-instant", schedule=None) as dag:
        model = ModelStepOperator(task_id="model", arguments={})
        model >> StopRunningJobsOperator(task_id="stop")
    task = dag.task_dict["stop"]
    everything = {"model": "success", "stop": "running"}  # what Airflow answers who asks for no task in particular
    assert task.execute({"ti": instance(task, everything), "dag_run": RUN}) == []


@pytest.mark.usefixtures("opened")
def test_the_teardown_after_standalone_steps_stops_their_jobs(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = standalone(aws, "hand-swept")
    monkeypatch.setattr("airflow_sagemaker_mlops.runtime.task_states.xcom_of", lambda *_: {"Status": "Failed"})
    identities = [
        StepIdentity("d", "s", "hand-swept", "run", task, index) for task, index in (("one", -1), ("each", 1))
    ]
    jobs = [sleeping_job(aws, resource_name(identity, 0), 60, identity.tags("request")) for identity in identities]
    other = StepIdentity("d", "s", "hand-swept", "run", "of-a-pipeline")
    left = sleeping_job(aws, resource_name(other, 0), 60, other.tags("request"))
    states = {"one": "failed", "each_0": "success", "each_1": "failed"}
    context: Any = {"ti": instance(tasks["stop"], states), "dag_run": RUN}
    assert sorted(tasks["stop"].execute(context)) == sorted(jobs)
    assert status_of(aws, left) == "InProgress"


def test_stopping_jobs_waits_for_steps_that_still_run_though_a_task_between_is_over(aws: LocalAws) -> None:
    tasks = standalone(aws, "hand-waiting")
    context: Any = {"ti": instance(tasks["stop"], {"one": "failed", "each_0": "deferred"}), "dag_run": RUN}
    with pytest.raises(TaskDeferred) as deferred:
        tasks["stop"].execute(context)
    assert deferred.value.method_name == "again"


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("try_number", "state", "ends"),
    [
        (5, JobState.INTERRUPTED, True),
        (5, JobState.RUNNING, True),
        (4, JobState.INTERRUPTED, False),
        (5, JobState.FAILED, False),
    ],
)
def test_an_attempt_that_no_other_follows_stops_what_it_leaves_running(
    aws: LocalAws, try_number: int, state: JobState, ends: bool
) -> None:
    tasks = standalone(aws, f"hand-{try_number}-{state}")
    identity = StepIdentity("d", "one", tasks["one"].dag.dag_id, "run", "one")
    name = sleeping_job(aws, resource_name(identity, 0), 60, identity.tags("request"))
    journal = Entry(name, 0, try_number, "m4", state).as_json()
    ti = instance(
        tasks["one"], {}, try_number=try_number, xcom_pull=lambda key, **_: journal if key == JOURNAL_KEY else None
    )
    event = {"event": to_payload(StepInterrupted("EndpointConnectionError: no answer", outage=True))}
    with pytest.raises(AirflowException, match="no answer"):
        tasks["one"].resume_execution("resume", event, {"ti": ti, "dag_run": RUN, "params": {}})
    assert (status_of(aws, name) != "InProgress") is ends


def test_what_goes_wrong_while_a_job_is_looked_for_hides_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the API server does not answer")

    monkeypatch.setattr(in_worker, "stop_jobs_here", broken)
    with DAG("hand-broken", schedule=None):
        step: Any = ProcessingStepOperator(task_id="one", arguments={"RoleArn": "arn:r"})
    journal, said = Entry("job", 0, 1, "m4", JobState.RUNNING).as_json(), []
    context: Any = {"ti": instance(step, {}, xcom_pull=lambda **_: journal), "dag_run": RUN}
    with (
        pytest.raises(AirflowFailException, match="access denied"),
        on_final_failure.nothing_left_running(step.step, context, said.append, fails_once=True),
    ):
        raise AirflowFailException("access denied")
    assert said == ["a job of this step may be left running: the API server does not answer"]


def test_a_failure_that_is_reported_again_looks_for_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Airflow 3.3.2 has it, which sometimes retries a task that was about to end."""

    def stop(*_: Any, **__: Any) -> None:
        raise InterruptedError

    monkeypatch.setattr(in_worker, "stop_jobs_here", stop)
    with DAG("hand-kept", schedule=None):
        step: Any = ProcessingStepOperator(task_id="one", arguments={"RoleArn": "arn:r"}, start_in="worker")
    submitted = Entry("job", 0, 1, "m4", JobState.RUNNING).as_json()
    store = {"sagemaker_result": {"generation": "m4", "failure": "no data today"}, JOURNAL_KEY: submitted}
    told = SimpleNamespace(get=store.get)
    context: Any = {"ti": instance(step, {}, try_number=2, xcom_pull=lambda **_: None), "dag_run": RUN, "params": {}}
    with pytest.raises(AirflowException, match="no data today"):
        step.execute({**context, "task_state_store": told})


@pytest.mark.usefixtures("opened")
def test_an_attempt_that_no_other_follows_leaves_what_is_not_its_own(aws: LocalAws) -> None:
    tasks = standalone(aws, "hand-strangers")
    sibling = StepIdentity("d", "each", "hand-strangers", "run", "each", 1)
    name = sleeping_job(aws, resource_name(sibling, 0), 60, sibling.tags("request"))
    journal = Entry(name, 0, 1, "m4", JobState.RUNNING).as_json()
    ti = instance(tasks["each"], {}, map_index=0, max_tries=0, xcom_pull=lambda **_: journal)
    context: Any = {"ti": ti, "dag_run": RUN}
    with (
        pytest.raises(ValueError, match="the attempt's own"),
        on_final_failure.nothing_left_running(tasks["one"].step, context, print, fails_once=True),
    ):
        raise ValueError("the attempt's own")
    assert status_of(aws, name) == "InProgress"
