"""EMR Serverless: which applications are deleted, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_sagemaker_mlops.execution import engine
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.exceptions import JobFailed
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.runners import emr_serverless
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import StepRun, Submitted
from airflow_sagemaker_mlops.plan.spec import StepSpec

JOB = Submitted("1", "arn:x:/applications/a/jobruns/1", 0, "", facts={"applicationId": "a"})
DELETED = ["StopApplication", "DeleteApplication"]


@pytest.mark.parametrize(
    ("given", "end", "called"),
    [
        ({"ApplicationConfig": {}}, None, DELETED),
        ({"ApplicationConfig": {}}, JobFailed("S", "1", "FAILED", "no"), DELETED),
        ({"ApplicationConfig": {}}, asyncio.CancelledError(), []),  # the triggerer restarts; the job goes on
        ({"ApplicationConfig": {}}, OSError("the network is gone"), []),
        ({"ApplicationId": "a"}, None, []),
        ({"ApplicationId": "a", "ApplicationConfig": {}}, None, []),
    ],
)
def test_only_an_application_of_its_own_is_deleted_when_its_job_has_ended(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], end: BaseException | None, called: list[str]
) -> None:
    calls: list[str] = []

    async def call(_aws: Any, _service: str, operation: str, **_members: Any) -> dict[str, Any]:
        if operation == "GetApplication":
            return {"application": {"state": "STOPPED"}}
        calls.append(operation)
        return {}

    async def ended_well(*_: Any) -> dict[str, Any]:
        if end is not None:
            raise end
        return {"State": "SUCCESS"}

    monkeypatch.setattr(emr_serverless, "call", call)
    monkeypatch.setattr(emr_serverless, "ended_well", ended_well)
    scope = Scope("S", {}, {}, {}, {}, lambda _uri: b"")
    identity = StepIdentity("p", "S", "d", "r", "S")
    run = StepRun(StepSpec(given), "EMRServerless", identity, scope, SessionAws(None, "us-east-1"), log=print)

    async def follow() -> BaseException | None:
        try:
            await engine.follow(run, JOB)
        except BaseException as error:
            return error
        return None

    assert asyncio.run(follow()) is end
    assert calls == called
