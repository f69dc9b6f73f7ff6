"""Accounts that are not as they should be: a step ends with the cause in a sentence and leaves nothing running."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError

from airflow_sagemaker_mlops import local
from airflow_sagemaker_mlops.cli.aws import embedded
from airflow_sagemaker_mlops.document import load_pipeline
from airflow_sagemaker_mlops.execution import watch
from airflow_sagemaker_mlops.execution.aws import Aws
from airflow_sagemaker_mlops.execution.pipeline_run import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.plan import make_plan

pytestmark = pytest.mark.e2e


@dataclass
class Account:
    """The embedded AWS's account, but for what ``before`` does before every call of a SageMaker operation."""

    aws: local.LocalAws
    before: Callable[[str], None]
    is_local: bool = True
    endpoint: str = ""
    region: str = "us-east-1"

    @property
    def key(self) -> str:
        return f"account-{id(self)}"

    @property
    def session(self) -> Any:
        return self.aws.session()

    def client(self, service: str) -> Any:
        endpoint = self.endpoint or self.aws.endpoint_url
        fast = Config(retries={"total_max_attempts": 1})
        client = self.session.client(service, region_name=self.region, endpoint_url=endpoint, config=fast)
        client.meta.events.register("before-call", lambda model, **_rest: self.before(model.name))
        return client


def refusing(operation: str, code: str, message: str, after: int = 0) -> Callable[[str], None]:
    """Refuse ``operation`` from the call after the first ``after`` ones on."""
    seen = 0

    def before(called: str) -> None:
        nonlocal seen
        if called == operation:
            seen += 1
            if seen > after:
                raise ClientError({"Error": {"Code": code, "Message": message}}, operation)

    return before


def run(aws: local.LocalAws, account: Aws, seconds: int) -> tuple[str, str, list[str]]:
    """Error of a step whose job takes ``seconds``; its job's status; what was told."""
    arguments = {
        "RoleArn": aws.role_arn,
        "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["sleep", str(seconds)]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
    }
    step = {"Name": "Prepare", "Type": "Processing", "Arguments": arguments}
    told: list[str] = []
    running = PipelineRun(
        plan=make_plan(load_pipeline({"Version": "2020-12-01", "Steps": [step]})),
        pipeline="bad-accounts",
        run_id=uuid.uuid4().hex,
        aws=account,
        parameters={},
        options=ExecutionOptions(poll_interval_s=0.5),
        notify=lambda _step, line: told.append(line or ""),
    )
    asyncio.run(running.run())
    name = next((line.split()[-1] for line in told if line.startswith("CreateProcessingJob")), "")
    job = aws.client("sagemaker").describe_processing_job(ProcessingJobName=name) if name else {}
    return running.steps["Prepare"].error or "", job.get("ProcessingJobStatus", ""), told


def test_without_credentials_a_step_says_so_and_is_not_retried(aws: local.LocalAws) -> None:
    def before(_operation: str) -> None:
        raise NoCredentialsError

    error, _status, _told = run(aws, Account(aws, before), 1)
    assert error == ('Step "Prepare": CreateProcessingJob was refused with NoCredentials: Unable to locate credentials')


def test_a_call_that_is_denied_while_the_job_runs_ends_the_job_too(aws: local.LocalAws) -> None:
    before = refusing("DescribeProcessingJob", "AccessDeniedException", "you may not look", after=1)
    error, status, _told = run(aws, Account(aws, before), 60)
    assert error == 'Step "Prepare": DescribeProcessingJob was refused with AccessDeniedException: you may not look'
    assert status in ("Stopping", "Stopped")


def test_a_job_that_may_neither_be_watched_nor_stopped_is_named(aws: local.LocalAws) -> None:
    def before(operation: str) -> None:
        if operation in ("DescribeProcessingJob", "StopProcessingJob"):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)

    error, status, told = run(aws, Account(aws, before), 3)
    assert "DescribeProcessingJob was refused" in error
    assert status == "InProgress"
    assert any("may be left running: it could not be stopped" in line for line in told)


def test_where_the_region_has_no_such_service_the_region_is_named_at_once(aws: local.LocalAws) -> None:
    nowhere = Account(aws, lambda _name: None, is_local=False, endpoint="http://127.0.0.1:9", region="xx-nowhere-1")
    error, _status, _told = run(aws, nowhere, 1)
    assert 'CreateProcessingJob was refused with NoEndpoint: no sagemaker is known in region "xx-nowhere-1"' in error


def test_a_job_that_somebody_deleted_fails_its_step(aws: local.LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "GONE_AFTER_S", 1.0)
    before = refusing("DescribeProcessingJob", "ValidationException", "Could not find requested job", after=1)
    error, _status, _told = run(aws, Account(aws, before), 4)
    assert error.startswith('Step "Prepare": pipelines-')
    assert error.endswith("does not exist any more; somebody may have deleted it.")


def test_a_clock_that_is_ahead_by_minutes_misses_no_end(aws: local.LocalAws) -> None:
    """A sweep asks for what changed after a time of its own clock, as long as it has seen none of the service's."""
    from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES

    entry = STEP_TYPES["Processing"]
    names = [f"skewed-{uuid.uuid4().hex[:8]}-{i}" for i in range(2)]
    for name in names:
        aws.client("sagemaker").create_processing_job(
            ProcessingJobName=name,
            RoleArn=aws.role_arn,
            AppSpecification={"ImageUri": "image", "ContainerEntrypoint": ["sleep", "2"]},
            ProcessingResources={
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
            },
        )

    async def both() -> list[dict[str, Any]]:
        sweep = watch.Sweep(embedded(aws), entry, 0.2)
        sweep.changed_after += timedelta(minutes=30)
        waits = (sweep.wait(name, {"ProcessingJobName": name}, lambda _status: None) for name in names)
        return list(await asyncio.wait_for(asyncio.gather(*waits), 60))

    assert [answer["ProcessingJobStatus"] for answer in asyncio.run(both())] == ["Completed", "Completed"]


def test_expired_credentials_are_no_reason_to_give_up_the_job_for_new_ones_may_come(aws: local.LocalAws) -> None:
    before = refusing("DescribeProcessingJob", "ExpiredTokenException", "The security token is expired", after=1)
    error, status, _told = run(aws, Account(aws, before), 3)
    assert "The security token is expired" in error
    assert status == "InProgress"  # the task's own retries adopt it


def test_the_clients_of_boto3_are_what_they_seem() -> None:
    """The names the package goes by are botocore's."""
    from botocore import exceptions

    from airflow_sagemaker_mlops.execution.aws import FOUND_LATER, NO_ANSWER, is_transient, misconfigured

    assert {*NO_ANSWER, *FOUND_LATER} <= {*vars(exceptions)}
    assert is_transient(exceptions.EndpointConnectionError(endpoint_url="x", error="y"))
    assert is_transient(exceptions.ReadTimeoutError(endpoint_url="x", error="y"))
    assert misconfigured(exceptions.NoRegionError()) == "NoRegion"
    assert misconfigured(exceptions.ParamValidationError(report="x")) == "ParamValidation"
