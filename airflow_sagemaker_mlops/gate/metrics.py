"""Metrics as functions of sums over records.

Each metric is a table of numbers per record and a function of the table's column sums, so a resample only needs new
sums.  AUC is not such a metric: see :mod:`.delong`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .rules import Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

Value = Callable[[Any], Any]
SMALLEST_CHANCE = float(np.finfo(np.float64).eps)  # clips probabilities in log loss, like scikit-learn


@dataclass(frozen=True)
class Sums:
    """A metric's numbers per record, and its value from their sums.

    columns  each (n,)
    value    (..., number of columns) -> (...); NaN where the metric is undefined
    """

    columns: tuple[Any, ...]
    value: Value


def sums_of(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> Sums:
    """The sums of a known metric for one model; label and scores are (n,) numbers."""
    return _MAKERS[rule.metric](rule, label, scores)


def is_correct(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> Any:
    """(n,) booleans: whether the class at the threshold equals the label."""
    return (scores >= rule.threshold) == (label == 1)


def _ratio(top: NDArray[Any], bottom: NDArray[Any]) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)


def _mean(values: NDArray[Any]) -> Sums:
    return Sums((values, np.ones(len(values))), lambda sums: _ratio(sums[..., 0], sums[..., 1]))


def _confusion(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> tuple[Any, Any, Any]:
    predicted, positive = scores >= rule.threshold, label == 1
    return (
        (predicted & positive).astype(float),
        (predicted & ~positive).astype(float),
        (~predicted & positive).astype(float),
    )


def _precision(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> Sums:
    true, false, _ = _confusion(rule, label, scores)
    return Sums((true, false), lambda sums: _ratio(sums[..., 0], sums[..., 0] + sums[..., 1]))


def _recall(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> Sums:
    true, _, missed = _confusion(rule, label, scores)
    return Sums((true, missed), lambda sums: _ratio(sums[..., 0], sums[..., 0] + sums[..., 1]))


def _f1(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> Sums:
    true, false, missed = _confusion(rule, label, scores)
    return Sums((true, false + missed), lambda sums: _ratio(2 * sums[..., 0], 2 * sums[..., 0] + sums[..., 1]))


def _cost(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> Sums:
    _, false, missed = _confusion(rule, label, scores)
    if rule.costs is None:
        raise ValueError("the rule about cost has no costs.")
    return _mean(false * rule.costs.false_positive + missed * rule.costs.false_negative)


def _log_loss(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> Sums:
    del rule
    chance = np.clip(scores, SMALLEST_CHANCE, 1 - SMALLEST_CHANCE)
    return _mean(-np.log(np.where(label == 1, chance, 1 - chance)))


def _rmse(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> Sums:
    mean = _brier(rule, label, scores)
    return Sums(mean.columns, lambda sums: np.sqrt(mean.value(sums)))


def _brier(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> Sums:
    del rule
    return _mean((scores - label) ** 2)


def _r2(rule: Rule, label: NDArray[Any], scores: NDArray[Any]) -> Sums:
    del rule
    centred = label - label.mean()  # avoids loss of precision in the sum of squares

    def value(sums: NDArray[Any]) -> Any:
        squares, total, total_squares, count = (sums[..., index] for index in range(4))
        return 1 - _ratio(squares, total_squares - total * total / np.maximum(count, 1))

    return Sums(((scores - label) ** 2, centred, centred * centred, np.ones(len(label))), value)


_MAKERS: dict[str, Callable[[Rule, Any, Any], Sums]] = {
    "accuracy": lambda rule, label, scores: _mean(is_correct(rule, label, scores).astype(float)),
    "error_rate": lambda rule, label, scores: _mean((~is_correct(rule, label, scores)).astype(float)),
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
    "cost": _cost,
    "log_loss": _log_loss,
    "brier": _brier,
    "rmse": _rmse,
    "mae": lambda rule, label, scores: _mean(np.abs(scores - label)),
    "r2": _r2,
}
