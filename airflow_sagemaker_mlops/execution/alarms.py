"""Finds the CloudWatch alarm that rolled back an update.

AWS may roll back an update without a ``FailureReason``, so the alarms themselves are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from .aws.clients import as_json, insist
from .step_run import StepRun

OFF = "ALARM"


async def alarms_that_went_off(run: StepRun, names: Sequence[str], since: str) -> list[str]:
    """The ``names`` that are in the state ALARM; if none is, those whose state has changed since ``since``.

    Empty if this is unknown: the alarms are gone, or the caller may not read them, which is logged.
    """
    if not names:
        return []
    rows: list[dict[str, Any]] = []
    try:
        for types in ({}, {"AlarmTypes": ["CompositeAlarm"]}):  # without types, AWS tells of metric alarms only
            missing = [name for name in names if name not in {row["AlarmName"] for row in rows}]
            if missing:
                answer = as_json(await insist(run.aws, "cloudwatch", "DescribeAlarms", AlarmNames=missing, **types))
                rows += [*(answer.get("MetricAlarms") or []), *(answer.get("CompositeAlarms") or [])]
    except Exception as error:
        run.tell(f"Not all of the alarms {', '.join(names)} could be read: {error}")
    off = [str(row["AlarmName"]) for row in rows if row.get("StateValue") == OFF]
    # An alarm may have ended by now.
    return off or [str(row["AlarmName"]) for row in rows if _after(row.get("StateUpdatedTimestamp"), since)]


def _after(when: object, since: str) -> bool:
    try:
        return datetime.fromisoformat(str(when)) >= datetime.fromisoformat(since).astimezone(UTC)
    except ValueError:
        return False
