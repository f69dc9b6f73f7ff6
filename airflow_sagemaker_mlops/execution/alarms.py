"""Which of the CloudWatch alarms that guard an update went off.

AWS may roll an update back and leave no ``FailureReason``, so the alarms themselves are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from .aws.clients import as_json, insist
from .step_run import StepRun

OFF = "ALARM"


async def alarms_that_went_off(run: StepRun, names: Sequence[str], since: str) -> list[str]:
    """Those of ``names`` that are in the state ALARM, or else those whose state has changed since ``since``.

    Empty if nobody can tell: the alarms are gone, or the caller may not read them, which the log says.
    """
    if not names:
        return []
    try:
        types = ["MetricAlarm", "CompositeAlarm"]
        answer = as_json(
            await insist(run.aws, "cloudwatch", "DescribeAlarms", AlarmNames=list(names), AlarmTypes=types)
        )
    except Exception as error:
        run.tell(f"The alarms {', '.join(names)} could not be read: {error}")
        return []
    rows: list[dict[str, Any]] = [*(answer.get("MetricAlarms") or []), *(answer.get("CompositeAlarms") or [])]
    off = [str(row["AlarmName"]) for row in rows if row.get("StateValue") == OFF]
    # An alarm may be over by the time that somebody looks.
    return off or [str(row["AlarmName"]) for row in rows if _after(row.get("StateUpdatedTimestamp"), since)]


def _after(when: Any, since: str) -> bool:
    try:
        return datetime.fromisoformat(str(when)) >= datetime.fromisoformat(since).astimezone(UTC)
    except ValueError:
        return False
