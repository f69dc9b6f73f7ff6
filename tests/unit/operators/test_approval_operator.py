"""x-approval as a required action in Airflow: the time limit, under either argument name of the standard provider."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.standard.operators import hitl

from airflow_sagemaker_mlops.airflow_versions import ASKS_PEOPLE
from airflow_sagemaker_mlops.execution.runners.approval import Question
from airflow_sagemaker_mlops.operators import ApprovalStepOperator

ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/1"


class Newer:
    """What is used of the operator of provider 1.14 and later."""

    def __init__(self, *, response_timeout: timedelta | None = None, **others: Any) -> None:
        self.asked = {"response_timeout": response_timeout, **others}

    def execute(self, _context: object) -> dict[str, Any]:
        return self.asked


class Older:
    """What is used of the operator of provider 1.12, whose base class refuses arguments that it does not know."""

    def __init__(self, *, subject: str, body: str, options: list[str], defaults: Any, **others: Any) -> None:
        assert set(others) <= {"task_id", "params", "assigned_users", "execution_timeout"}
        self.asked = {"subject": subject, "body": body, "options": options, "defaults": defaults, **others}

    def execute(self, _context: object) -> dict[str, Any]:
        return self.asked


@pytest.mark.skipif(not ASKS_PEOPLE, reason="this Airflow has no required actions")
@pytest.mark.parametrize(("provider", "name"), [(Newer, "response_timeout"), (Older, "execution_timeout")])
@pytest.mark.parametrize("timeout_s", [None, 90])
def test_the_time_for_an_answer_is_what_the_installed_provider_calls_it(
    monkeypatch: pytest.MonkeyPatch, provider: type, name: str, timeout_s: int | None
) -> None:
    monkeypatch.setattr(hitl, "HITLOperator", provider)
    operator = ApprovalStepOperator(task_id="ask", arguments={"ModelPackageArn": ARN})
    context: Any = {}
    question = Question(ARN, "PendingManualApproval", "Approve churn/1?", "Better.", ("ann",), timeout_s, "")
    asked = operator._ask(context, question)
    assert asked[name] == (timedelta(seconds=90) if timeout_s else None)
    assert asked["options"] == ["Approve", "Reject"]
