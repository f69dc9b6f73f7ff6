"""Index entries to test the views over many runs with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn/{}"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e\ud800" + "x" * 5_000


def at(number: int) -> str:
    return (BEGIN + timedelta(hours=number)).isoformat()


def rule(gain: float = 0.05, half: float = 0.03, **more: Any) -> dict[str, Any]:
    """A rule to improve the AUC: the candidate is better by ``gain``, give or take ``half``."""
    share = 0.84
    bound = gain - share * half if gain + share * half >= 0 else gain + share * half
    given = {"metric": "auc", "must": "improve", "verdict": "promote", "candidate": 0.7 + gain, "champion": 0.7}
    ends = {"difference": gain, "interval": [gain - half, gain + half], "bound": bound, "margin": 0.0, "level": 0.95}
    return {**given, **ends, **more}


def gate(*rules: dict[str, Any], verdict: str = "promote", **more: Any) -> dict[str, Any]:
    given = {"step": "IsBetter", "type": "x-champion-gate", "verdict": verdict, "sentence": f"It is {verdict}."}
    return {**given, "group": "churn", "champion": ARN.format(1), "records": 900, "rules": list(rules), **more}


def entry(number: int = 1, **more: Any) -> dict[str, Any]:
    given = {"run_id": f"run-{number}", "sha256": "0" * 64, "status": "Succeeded", "definition": "abc"}
    return {**given, "started": at(number), "ended": at(number), "seconds": 60.0 + number, "steps": 5, **more}


def model(version: int, status: str = "PendingManualApproval") -> dict[str, Any]:
    return {
        "step": "Register",
        "arn": ARN.format(version),
        "group": "churn",
        "version": version,
        "approval_status": status,
    }
