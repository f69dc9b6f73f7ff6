"""Entries of ``RetryPolicies`` (docs/language/retries.md)."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING

from .expressions import kind_of
from .problems import Place, did_you_mean

if TYPE_CHECKING:
    from .report import Reporter

RETRY_CAUSES = (
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
    "Emr.RESOURCE_LIMIT",
)
RETRY_RANGES: dict[str, tuple[int, float]] = {
    "IntervalSeconds": (0, 43_200),
    "BackoffRate": (0, float("inf")),
    "MaxAttempts": (1, 20),
    "ExpireAfterMin": (1, 14_400),
}
RETRY_KEYS = frozenset({"ExceptionType", *RETRY_RANGES})


def retry_policy(out: Reporter, item: Mapping[str, object], place: Place) -> None:
    """Check the ranges of docs/language/retries.md#fields."""
    out.unknown_keys(item, RETRY_KEYS, place, "a retry policy")
    causes = item.get("ExceptionType")
    names = [causes] if isinstance(causes, str) else causes if isinstance(causes, list) else []
    if not names or not all(isinstance(name, str) for name in names):
        out.report("SM121", place, 'a retry policy needs "ExceptionType".', f"Use some of: {', '.join(RETRY_CAUSES)}.")
    for name in names:
        if isinstance(name, str) and name not in RETRY_CAUSES:
            hint = did_you_mean(name, RETRY_CAUSES)
            out.report("SM122", (place, "ExceptionType"), f'"{name}" is not an exception type.', hint)
    for key, (low, high) in RETRY_RANGES.items():
        if low == 1 and item.get(key) == 0 and _is_number(item[key], 0, high):
            # The service accepts it, and retries nothing.
            what = f"a retry policy with {key} 0 does not retry."
            out.report("SM122", (place, key), what, f"Write 1 to {high:g}, or remove the policy.", warn=True)
        elif item.get(key) is not None and not _is_number(item[key], low, high):
            fix = f"Write {low} to {high:g}." if isfinite(high) else f"Write a number, {low} or more."
            out.report("SM122", (place, key), f"{kind_of(item[key])} is an invalid {key}.", fix)
    if item.get("MaxAttempts") is not None and item.get("ExpireAfterMin") is not None:
        what = "a retry policy can have MaxAttempts or ExpireAfterMin, but not both."
        out.report("SM122", place, what, "Keep one of them.")


def _is_number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
