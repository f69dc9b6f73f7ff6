"""EMR, EMR Serverless and Athena: work on data outside SageMaker.

Sources: language reference sections 4.2, 5.12, 5.13; the API references of the three services.
"""

from __future__ import annotations

from typing import Any

from .model import Answer, StepType


def _emr_step(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer.get("Step", answer), **({"ClusterId": answer["ClusterId"]} if "ClusterId" in answer else {})}


EMR = StepType(
    name="EMR",
    how="emr",
    about="a step on an EMR cluster: a running one, or one of its own that is ended afterwards",
    waits=True,
    service="emr",
    create="AddJobFlowSteps",
    describe="DescribeStep",
    stop="CancelSteps",
    status_key="Status.State",
    reason_key="Status.FailureDetails.Reason",
    succeeded=frozenset({"COMPLETED"}),
    failed=frozenset({"FAILED", "CANCELLED", "INTERRUPTED"}),
    tagged=False,
    properties=_emr_step,
)


def _job_run(answer: dict[str, Any]) -> dict[str, Any]:
    return dict(answer.get("jobRun", answer))


EMR_SERVERLESS = StepType(
    name="EMRServerless",
    how="serverless",
    about="a job run of an EMR Serverless application: a given one, or one of its own that is deleted afterwards",
    waits=True,
    service="emr-serverless",
    create="StartJobRun",
    describe="GetJobRun",
    stop="CancelJobRun",
    token_key="clientToken",
    arn_key="arn",
    status_key="state",
    reason_key="stateDetails",
    succeeded=frozenset({"SUCCESS"}),
    failed=frozenset({"FAILED", "CANCELLED"}),
    tagged=False,
    properties=_job_run,
)


def _query(answer: dict[str, Any]) -> dict[str, Any]:
    query = dict(answer.get("QueryExecution", answer))
    location = (query.get("ResultConfiguration") or {}).get("OutputLocation")
    return {**query, **({"S3OutputLocation": location} if location else {})}


def _query_output(answer: Answer) -> str:
    return str(answer.get("S3OutputLocation") or "")


ATHENA = StepType(
    name="Athena",
    how="started",
    about="an Athena query; arguments as for StartQueryExecution (believed, not documented)",
    waits=True,
    service="athena",
    create="StartQueryExecution",
    describe="GetQueryExecution",
    stop="StopQueryExecution",
    describe_key="QueryExecutionId",
    token_key="ClientRequestToken",
    arn_key="QueryExecutionId",
    status_key="Status.State",
    reason_key="Status.StateChangeReason",
    succeeded=frozenset({"SUCCEEDED"}),
    failed=frozenset({"FAILED", "CANCELLED"}),
    tagged=False,
    properties=_query,
    s3_output=_query_output,
)
