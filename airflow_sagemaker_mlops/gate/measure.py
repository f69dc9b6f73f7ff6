"""Measures one rule on one set of records: both models' values and their statistical comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .bootstrap import Draws, Weights, compare_by_function, compare_sums
from .comparison import Comparison, Normal
from .delong import compare_areas
from .mcnemar import compare_proportions
from .metrics import is_correct, sums_of
from .rules import FUNCTION, METRICS, RECORDED, Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_OF_A_CLASS = 10  # with fewer, neither a normal approximation nor a bootstrap is valid
FEWEST_DRAWN = 20  # records or groups


@dataclass(frozen=True)
class Rows:
    """Records of a test set or of a slice; every array is (n,)."""

    label: Any
    candidate: Any
    champion: Any
    groups: Mapping[str, Any] = field(default_factory=dict)  # unit numbers by column

    def __len__(self) -> int:
        return len(self.label)

    def those(self, wanted: object) -> Rows:
        """The records that ``wanted`` (positions or booleans) selects, with units renumbered."""
        groups = {name: np.unique(codes[wanted], return_inverse=True)[1] for name, codes in self.groups.items()}
        champion = None if self.champion is None else self.champion[wanted]
        return Rows(self.label[wanted], self.candidate[wanted], champion, groups)


@dataclass(frozen=True)
class Measured:
    """Both models' values, ``None`` if undefined, and the comparison or the reason why there is none."""

    candidate: float | None
    champion: float | None
    comparison: Comparison | None
    why_not: str = ""


Function = Callable[[Any, Any], float]


@dataclass(frozen=True)
class Tools:
    """State shared by the rules of a gate: draw counts, and user-defined metrics by name."""

    weights: Weights
    functions: Mapping[str, Function] = field(default_factory=dict)


def measure(rule: Rule, rows: Rows, tools: Tools, recorded: float | None = None) -> Measured:
    """Both values of a rule's metric on ``rows``.

    recorded    the champion's value from an earlier report, for rules that compare with it; treated as exact
    """
    champion = None if rule.compare == RECORDED else rows.champion
    too_few = _too_few(rule, rows)
    traits = METRICS.get(rule.metric)
    if rule.metric == "auc" and len(np.unique(rows.label)) < 2:
        return Measured(None, None, None, f"AUC is undefined on one class ({_class_of(rows.label)})")
    with np.errstate(over="ignore", invalid="ignore"):
        mine, other, comparison = _compare(rule, rows, champion, tools)
    title = traits.title if traits else rule.title
    undefined = [who for who, value in (("candidate", mine), ("champion", other)) if not np.isfinite(value)]
    values = [None if name in undefined else float(value) for name, value in (("candidate", mine), ("champion", other))]
    if recorded is not None:
        values[1] = recorded
        comparison = _against(comparison, recorded, rule.sign)
    elif champion is None:
        values[1] = None
    if undefined:
        return Measured(values[0], values[1], None, f"{title} of the {' and the '.join(undefined)} is undefined")
    if too_few:
        return Measured(values[0], values[1], None, too_few)
    if not np.isfinite(comparison.error):
        return Measured(values[0], values[1], None, f"{title} is undefined in too many resamples")
    return Measured(values[0], values[1], comparison)


def _compare(rule: Rule, rows: Rows, champion: NDArray[Any] | None, tools: Tools) -> tuple[float, float, Comparison]:
    groups = rows.groups[rule.unit] if rule.unit else None
    if rule.metric == "auc":
        return compare_areas(rows.label == 1, rows.candidate, champion, groups)
    if rule.kind == FUNCTION:
        scores = (rows.candidate, champion)
        return compare_by_function(
            tools.functions[rule.metric], rows.label, scores, rule.sign, Draws(tools.weights, groups)
        )
    if rule.metric in ("accuracy", "error_rate") and champion is not None and groups is None:
        return _proportions(rule, rows, champion)
    mine = sums_of(rule, rows.label, rows.candidate)
    other = None if champion is None else sums_of(rule, rows.label, champion)
    pair = None if other is None else (other.columns, other.value)
    return compare_sums((mine.columns, mine.value), pair, rule.sign, Draws(tools.weights, groups))


def _proportions(rule: Rule, rows: Rows, champion: NDArray[Any]) -> tuple[float, float, Comparison]:
    mine, other = is_correct(rule, rows.label, rows.candidate), is_correct(rule, rows.label, champion)
    better, worse = int(np.count_nonzero(mine & ~other)), int(np.count_nonzero(other & ~mine))
    shares = [np.count_nonzero(right) / len(rows) for right in (mine, other)]
    if rule.metric == "error_rate":
        shares = [1 - share for share in shares]
    margin = rule.by.of(shares[1]) * (1 if rule.is_primary else -1)
    return shares[0], shares[1], compare_proportions(better, worse, len(rows), margin if rule.must else 0.0)


def _against(comparison: Comparison, champion: float, sign: int) -> Comparison:
    """The comparison of a value with a number that is treated as exact."""
    method = f"{comparison.method} of the candidate against a recorded number"
    return Normal(comparison.gain - sign * champion, comparison.error, comparison.records, method)


def _too_few(rule: Rule, rows: Rows) -> str:
    traits = METRICS.get(rule.metric)
    exact = rule.metric in ("accuracy", "error_rate") and not rule.unit and rule.compare != RECORDED
    if exact:
        return ""
    if rule.unit:
        number = int(rows.groups[rule.unit].max()) + 1 if len(rows) else 0
        if number < FEWEST_DRAWN:
            return f"{number} of the {rule.unit} groups; it takes {FEWEST_DRAWN}"
    if len(rows) < FEWEST_DRAWN:
        return f"{len(rows)} records; it takes {FEWEST_DRAWN}"
    if traits and traits.classifies:
        for label, name in ((1, "positive"), (0, "negative")):
            number = int(np.count_nonzero(rows.label == label))
            if number < FEWEST_OF_A_CLASS:
                return f"{number} {name} records; it takes {FEWEST_OF_A_CLASS}"
    return ""


def _class_of(label: NDArray[Any]) -> str:
    return f"every label is {label[0]:g}" if len(label) else "there are no records"
