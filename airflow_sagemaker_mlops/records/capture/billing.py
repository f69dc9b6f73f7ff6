"""Billable seconds of a job, from its Describe answer: seconds times instances.

Sources: the API reference of DescribeTrainingJob (BillableTimeInSeconds is elapsed time: "multiply by the number of
instances"), DescribeProcessingJob and DescribeTransformJob (from start to end of the job).
"""

from __future__ import annotations

from collections.abc import Iterable

from ...json_types import AwsShape
from ..model.timestamps import seconds_between
from .sources import instances_of

TIMES = (
    ("TrainingStartTime", "TrainingEndTime"),
    ("ProcessingStartTime", "ProcessingEndTime"),
    ("TransformStartTime", "TransformEndTime"),
)


def billable_seconds(answer: AwsShape) -> float | None:
    """Billable instance seconds of a job; ``None`` if the answer does not have them."""
    _, count = instances_of(answer)
    billed = answer.get("BillableTimeInSeconds")
    if isinstance(billed, int | float):
        return float(billed * count)
    for start, end in TIMES:
        took = seconds_between(answer.get(start), answer.get(end))
        if took is not None:
            return round(max(took, 0.0) * count, 3)
    return None


def billed_together(answers: Iterable[AwsShape]) -> float | None:
    """Billable instance seconds of several jobs; ``None`` if no answer has any."""
    known = [seconds for seconds in map(billable_seconds, answers) if seconds is not None]
    return round(sum(known), 3) if known else None
