"""Finds the CloudWatch alarms that may have rolled back an update.

AWS may roll back an update without a ``FailureReason``, so the alarms themselves are read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .aws.calls import as_json, call_with_retries
from .step_run import StepRun

OFF = "ALARM"


async def alarms_during(run: StepRun, names: Sequence[str], since: str) -> list[str]:
    """The ``names`` that have been in the state ALARM at some time after ``since``.

    Empty if this is unknown: the alarms are gone, or the caller may not read them, which is logged.  An alarm that is
    not in ALARM any more is found by its history; without ``cloudwatch:DescribeAlarmHistory`` it is not named.
    """
    if not names:
        return []
    rows: list[dict[str, Any]] = []
    try:
        for types in ({}, {"AlarmTypes": ["CompositeAlarm"]}):  # without types, AWS tells of metric alarms only
            missing = [name for name in names if name not in {row["AlarmName"] for row in rows}]
            if missing:
                answer = as_json(
                    await call_with_retries(run.aws, "cloudwatch", "DescribeAlarms", AlarmNames=missing, **types)
                )
                rows += [*(answer.get("MetricAlarms") or []), *(answer.get("CompositeAlarms") or [])]
    except Exception as error:
        run.log(f"Not all of the alarms {', '.join(names)} could be read: {error}")
    return [
        str(row["AlarmName"])
        for row in rows
        if row.get("StateValue") == OFF or (_updated_after(row, since) and await _was_off(run, row, since))
    ]


async def _was_off(run: StepRun, row: Mapping[str, object], since: str) -> bool:
    """Whether the history of an alarm that is not in ALARM now has that state after ``since``."""
    members = {"AlarmName": row["AlarmName"], "HistoryItemType": "StateUpdate", "StartDate": since}
    try:
        answer = await call_with_retries(run.aws, "cloudwatch", "DescribeAlarmHistory", **members)
    except Exception as error:
        run.log(f"The history of the alarm {row['AlarmName']} could not be read: {error}")
        return False
    items = answer.get("AlarmHistoryItems") or []
    return any(OFF in _states(str(item.get("HistoryData") or "")) for item in items)


def _states(data: str) -> set[str]:
    """The states before and after a change, from its ``HistoryData``."""
    try:
        change = json.loads(data)
        return {str((change.get(key) or {}).get("stateValue")) for key in ("oldState", "newState")}
    except (ValueError, AttributeError, RecursionError):
        return set()


def _updated_after(row: Mapping[str, object], since: str) -> bool:
    """Whether the state may have changed after ``since``; if not, the history need not be read."""
    try:
        return datetime.fromisoformat(str(row.get("StateUpdatedTimestamp"))) >= datetime.fromisoformat(since)
    except (ValueError, TypeError):
        return True
