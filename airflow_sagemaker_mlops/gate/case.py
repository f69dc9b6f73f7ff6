"""The input of a gate: one candidate with its rules and data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .report import GateReport
from .rules import Rule
from .table import Predictions


@dataclass(frozen=True)
class Case:
    """A candidate to judge: rules, predictions and options; see :func:`~.judge.evaluate`."""

    rules: tuple[Rule, ...]
    predictions: Predictions
    values: Mapping[str, Any]
    recorded: GateReport | Mapping[str, Any] | None
    no_champion: str | None
    noun: str

    @property
    def has_champion(self) -> bool:
        """Whether there is a champion to compare with."""
        return self.no_champion is None

    def recorded_number(self, rule: Rule, slice_: str | None) -> float | None:
        """The champion's value from its own report, in which it was the candidate."""
        if isinstance(self.recorded, GateReport):
            for result in self.recorded.rules:
                if (result.metric, result.slice) == (rule.metric, slice_) and result.candidate is not None:
                    return result.candidate
            return None
        value = (self.recorded or {}).get(rule.metric if slice_ is None else f"{rule.metric}[{slice_}]")
        return number_or_none(value)

    @property
    def is_comparable(self) -> bool:
        """Whether the recorded values are known to come from the same test set."""
        return isinstance(self.recorded, GateReport) and self.recorded.fingerprint == self.predictions.fingerprint

    def external(self, metric: str) -> dict[str, Any]:
        """The two values of a metric that is measured elsewhere, keyed ``candidate`` and ``champion``."""
        given = self.values.get(metric)
        if isinstance(given, Mapping):
            return dict(given)
        pair = list(given) if isinstance(given, (list, tuple)) else [given]
        return dict(zip(("candidate", "champion"), pair))


def number_or_none(value: object) -> float | None:
    """Any library's finite number as a float; ``None`` for anything else, booleans and strings included."""
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        return None
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
