"""EMR steps are created once even if answers are lost, and a run never adopts those of a deleted run with its id."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.execution import engine
from airflow_sagemaker_mlops.execution.exceptions import JobFailed, StepFailed
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.journal import Entry, MemoryJournal
from airflow_sagemaker_mlops.execution.runners import emr
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions, StepRun
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan.spec import StepSpec
from airflow_sagemaker_mlops.runs.clients import local_aws_clients

pytestmark = pytest.mark.e2e
TWIN = "2026-02-02T00:00:00Z"


@pytest.fixture(autouse=True)
def no_faults_afterwards(aws: LocalAws) -> Iterator[None]:
    yield
    (Path(aws.state_dir) / "faults.json").unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emr, "APPEARS_WITHIN_S", (0.0, 0.1))


def cluster(aws: LocalAws) -> str:
    instances = {"InstanceCount": 1, "MasterInstanceType": "m5.xlarge", "KeepJobFlowAliveWhenNoSteps": True}
    return str(aws.client("emr").run_job_flow(Name="c", Instances=instances)["JobFlowId"])


def attempt(aws: LocalAws, **where: Any) -> StepRun:
    jar = {"Jar": "command-runner.jar", "Args": ["true"]}
    identity = StepIdentity(
        "p", "Count", "d", uuid.uuid4().hex, "Count", run_started="2026-01-01T00:00:00Z", generation="c0"
    )
    scope = Scope("Count", {}, {}, {}, {}, lambda _uri: b"")
    spec = StepSpec({**where, "StepConfig": {"HadoopJarStep": jar}})
    options = ExecutionOptions(poll_interval_s=0.2)
    return StepRun(spec, "EMR", identity, scope, local_aws_clients(aws), log=lambda *_: None, options=options)


def own_cluster(aws: LocalAws) -> StepRun:
    instances = {"InstanceCount": 1, "MasterInstanceType": "m5.xlarge"}
    config = {"Instances": instances, "ReleaseLabel": "emr-6.6.0", "JobFlowRole": "r", "ServiceRole": "s"}
    return attempt(aws, ClusterConfig=config)


def again(run: StepRun, journal: MemoryJournal | None = None, **changes: Any) -> StepRun:
    return replace(run, identity=replace(run.identity, **changes), journal=journal or MemoryJournal())


def added(aws: LocalAws, where: str) -> list[str]:
    return [step["Name"] for step in aws.client("emr").list_steps(ClusterId=where)["Steps"]]


def inject(aws: LocalAws, operation: str, kind: str) -> None:
    """With this seed the first call has the fault and the second has not."""
    rules = [{"operation": operation, "kind": kind, "rate": 0.5}]
    (Path(aws.state_dir) / "faults.json").write_text(json.dumps({"seed": 3, "rules": rules}))


@pytest.mark.parametrize("kind", ["lost_answer", "drop", "error", "throttle"])
def test_a_call_without_an_answer_adds_one_step(aws: LocalAws, kind: str) -> None:
    where = cluster(aws)
    inject(aws, "^AddJobFlowSteps", kind)
    result = asyncio.run(engine.run_step(attempt(aws, ClusterId=where)))
    assert added(aws, where) == [result.name]


def test_a_call_without_an_answer_makes_one_cluster(aws: LocalAws) -> None:
    inject(aws, "^RunJobFlow", "lost_answer")
    result = asyncio.run(engine.run_step(own_cluster(aws)))
    clusters = aws.client("emr").list_clusters()["Clusters"]
    assert [row["Name"] for row in clusters].count(str(result.name)) == 1


def test_a_cluster_made_now_is_no_adopted_one(aws: LocalAws) -> None:
    run = own_cluster(aws)
    assert not asyncio.run(engine.submit(run)).adopted
    assert asyncio.run(engine.submit(again(run))).adopted


def test_a_run_takes_no_step_of_a_deleted_run_of_its_id(aws: LocalAws) -> None:
    where = cluster(aws)
    run = attempt(aws, ClusterId=where)
    first = asyncio.run(engine.run_step(run))
    second = asyncio.run(engine.run_step(again(run, run_started=TWIN)))
    assert sorted(added(aws, where)) == sorted([str(first.name), str(second.name)])


def test_a_run_that_started_again_continues_with_what_its_earlier_attempt_made(aws: LocalAws) -> None:
    """Clearing a run that has ended changes its start."""
    where = cluster(aws)
    run = again(attempt(aws, ClusterId=where), generation="")
    first = asyncio.run(engine.submit(run))
    assert asyncio.run(engine.submit(again(run, run_started=TWIN, try_number=2))).handle == first.handle


@pytest.mark.parametrize("state", [JobState.SUBMITTING, JobState.INTERRUPTED])
def test_an_attempt_after_one_that_made_nothing_takes_no_step_of_a_deleted_run(aws: LocalAws, state: Any) -> None:
    where = cluster(aws)
    run = attempt(aws, ClusterId=where)
    first = asyncio.run(engine.run_step(run))
    twin = again(run, run_started=TWIN)
    journal = MemoryJournal(Entry(emr.name_of(twin, 0), 0, 1, "c0", state))
    second = asyncio.run(engine.submit(again(twin, journal, try_number=2)))
    assert second.name != first.name
    assert len(added(aws, where)) == 2


def test_an_attempt_finds_by_the_journal_what_was_made_before_the_run_started_again(aws: LocalAws) -> None:
    where = cluster(aws)
    run = attempt(aws, ClusterId=where)
    first = asyncio.run(engine.submit(run))
    journal = MemoryJournal(Entry(first.name, 0, 1, "c0", JobState.SUBMITTING))
    assert asyncio.run(engine.submit(again(run, journal, run_started=TWIN, try_number=2))).handle == first.handle


def test_where_no_journal_is_kept_a_clear_adds_another_step_and_a_retry_does_not_take_a_failure_again(
    aws: LocalAws,
) -> None:
    """Before Airflow 3.3 only the generation tells a clear from a retry."""
    where = cluster(aws)
    run = attempt(aws, ClusterId=where)
    assert asyncio.run(engine.run_step(run)).status == "Succeeded"
    cleared = again(run, try_number=2, generation="c1")
    cleared.spec.arguments["StepConfig"]["HadoopJarStep"]["Args"] = ["false"]
    with pytest.raises(JobFailed):
        asyncio.run(engine.run_step(cleared))
    with pytest.raises(JobFailed):
        asyncio.run(engine.run_step(again(cleared, try_number=3)))
    assert len(set(added(aws, where))) == 3


def test_a_child_of_a_loop_that_failed_is_made_again_by_the_next_attempt(aws: LocalAws) -> None:
    where = cluster(aws)
    child = attempt(aws, ClusterId=where)
    child.spec.arguments["StepConfig"]["HadoopJarStep"]["Args"] = ["false"]
    body = {"Count": {"Type": "EMR", "Arguments": child.spec.arguments}}
    spec = StepSpec.from_json({"Arguments": {"IterableItems": ["a"], "MaxConcurrency": 1}, "Body": body})
    loop = replace(child, spec=spec, step_type="ForEach", identity=replace(child.identity, generation=""))
    for number in (1, 2):
        with pytest.raises(StepFailed, match="1 of 1 steps did not succeed"):
            asyncio.run(engine.run_step(replace(loop, identity=replace(loop.identity, try_number=number))))
        entry = asyncio.run(loop.journal.read())
        assert entry is not None
        asyncio.run(loop.journal.write(entry.advance(JobState.FAILURE_REPORTED)))
    assert len(set(added(aws, where))) == 2
    child.spec.arguments["StepConfig"]["HadoopJarStep"]["Args"] = ["true"]
    for number in (3, 4):  # and after a success once more for each clear
        asyncio.run(engine.run_step(replace(loop, identity=replace(loop.identity, try_number=number))))
    assert len(set(added(aws, where))) == 4
