"""x-approval on a real Airflow: people answer on its pages where it has required actions, else in the registry."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from airflow_deployment import ENDED, Deployment
from waiting import until

from airflow_sagemaker_mlops.airflow_versions import ASKS_PEOPLE
from airflow_sagemaker_mlops.local_aws import LocalAws

pytestmark = pytest.mark.deployment


@pytest.fixture(scope="module")
def versions(aws: LocalAws) -> list[str]:
    """ARNs of three versions that nobody has decided about."""
    client = aws.client("sagemaker")
    client.create_model_package_group(ModelPackageGroupName="asked")
    inference = {
        "Containers": [{"Image": "image", "ModelDataUrl": f"s3://{aws.bucket}/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    members: dict[str, Any] = {
        "ModelPackageGroupName": "asked",
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": inference,
    }
    return [client.create_model_package(**members)["ModelPackageArn"] for _ in range(3)]


def answered(deployment: Deployment, aws: LocalAws, run_id: str, arn: str, option: str, comment: str) -> bool:
    """Decide as a person does whenever the run asks; returns whether it has ended.

    People answer the required action, or in the registry on an Airflow without them.  A task that Airflow retries asks
    once more: Airflow drops the answer that it had (3.3.2 retries one if its executor reports the pause late).
    """
    if not ASKS_PEOPLE:
        client, decision = aws.client("sagemaker"), {"Approve": "Approved", "Reject": "Rejected"}[option]
        found = client.describe_model_package(ModelPackageName=arn)
        if found["ModelApprovalStatus"] == "PendingManualApproval" and found.get("ApprovalDescription"):
            members = {"ModelApprovalStatus": decision, "ApprovalDescription": comment}
            client.update_model_package(ModelPackageArn=arn, **members)
    # Answer only once the task waits: without row locks (SQLite), Airflow may lose an earlier answer.
    elif deployment.states("ask", run_id)["Ask"] in ("awaiting_input", "deferred"):
        (detail,) = deployment.call(f"/dags/ask/dagRuns/{run_id}/hitlDetails")["hitl_details"]
        assert detail["subject"] == f"Approve {arn.rpartition(':model-package/')[2]}?"
        assert (detail["options"], arn in detail["body"]) == (["Approve", "Reject"], True)
        path = f"/dags/ask/dagRuns/{run_id}/taskInstances/Ask/-1/hitlDetails"
        given = {"chosen_options": [option], "params_input": {"comment": comment}}
        if not detail["response_received"]:
            deployment.call(path, given, "PATCH")
    return deployment.state("ask", run_id) in ENDED


def test_a_version_passes_only_as_a_person_decides_and_the_registry_names_the_person(
    deployment: Deployment, aws: LocalAws, versions: list[str]
) -> None:
    describe = aws.client("sagemaker").describe_model_package
    unanswered = deployment.trigger("ask-in-time", {"Arn": versions[2]})
    answers = {"Approve": (versions[0], "Fit for the spring."), "Reject": (versions[1], "Too old.")}
    runs = {option: deployment.trigger("ask", {"Arn": arn}) for option, (arn, _) in answers.items()}
    for option, (arn, comment) in answers.items():
        asks = partial(answered, deployment, aws, runs[option], arn, option, comment)
        until(asks, "the run did not end", every_s=0.5)
        state, states = deployment.wait("ask", runs[option])
        assert (state, states["Ask"]) == ("success", "success"), states
        is_approved = option == "Approve"
        branches = (states["Serve"], states["Keep"])
        assert branches == (("success", "skipped") if is_approved else ("skipped", "success"))
        assert deployment.xcom("ask", runs[option], "Ask")["Properties"] == {"Approved": is_approved}
        decision, found = "Approved" if is_approved else "Rejected", describe(ModelPackageName=arn)
        assert found["ModelApprovalStatus"] == decision
        assert comment in found["ApprovalDescription"]
        if ASKS_PEOPLE:
            assert found["ApprovalDescription"].startswith(f"{decision} by admin at ")

    # A question that nobody answers in time has the default as its answer.
    state, states = deployment.wait("ask-in-time", unanswered)
    assert (state, states["Ask"], states["Keep"]) == ("success", "success", "success"), states
    assert deployment.xcom("ask-in-time", unanswered, "Ask")["Properties"] == {"Approved": False}
    found = describe(ModelPackageName=versions[2])
    assert found["ModelApprovalStatus"] == "Rejected"
    assert found["ApprovalDescription"].startswith("Rejected by default, as nobody answered in time,")
