"""The input of a gate: one candidate with its rules and data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .problems import alike
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
            found = (one for one in self.recorded.rules if (one.metric, one.slice) == (rule.metric, slice_))
            known = (one for one in found if one.setting in (None, rule.setting))
            return next((one.candidate for one in known if one.candidate is not None), None)
        value = (self.recorded or {}).get(rule.metric if slice_ is None else f"{rule.metric}[{slice_}]")
        return number_or_none(value)

    def why_no_recorded_number(self, rule: Rule) -> str:
        """What keeps :meth:`recorded_number` from finding a rule's number; with the way out."""
        if self.recorded is None:
            return "there is no report of the champion (--recorded, recorded)"
        if isinstance(self.recorded, GateReport):
            other = [one.setting for one in self.recorded.rules if one.metric == rule.metric and not one.slice]
            if other and other[0] not in (None, rule.setting):
                return f"the champion's {rule.metric} was measured with {other[0]} instead of {rule.setting}"
            names = {one.metric for one in self.recorded.rules}
        else:
            names = set(map(str, self.recorded))
            if rule.metric in self.recorded:
                return f"the champion's {rule.metric} is {self.recorded[rule.metric]!r:.40} instead of a number"
        near = alike(rule.metric, names)
        return f"the champion's report has no {rule.metric}" + (f', only "{near}"' if near else "")

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
