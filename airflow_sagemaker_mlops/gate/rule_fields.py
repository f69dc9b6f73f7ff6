"""Reads the keys of a rule one by one; :mod:`.rule_reader` builds the rule from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .given_values import number_of, share_of, shown
from .problems import RuleProblem, alike, listed
from .rules import METRICS, NOT_WORSEN, RECORD_COLUMNS, Costs, Margin

LONGEST_NAME = 256
_COSTS = ("FalsePositive", "FalseNegative")
ABSENT: Any = object()


class RuleFields:
    """Reads the keys of one rule and collects their problems."""

    def __init__(self, item: Mapping[str, object], place: str, is_deferred: Callable[[Any], bool]) -> None:
        self.item, self.place, self.is_deferred = item, place, is_deferred
        self.problems: list[RuleProblem] = []
        self.deferred = False

    def _add(self, key: str, what: str, fix: str = "") -> None:
        part = f".{key}" if key.isidentifier() else f"['{key}']"
        self.problems.append(RuleProblem(f"{self.place}{part}" if key else self.place, what, fix))

    def _get(self, key: str) -> Any:
        """The value of a key; ``ABSENT`` if it is missing or filled in by a run."""
        value = self.item.get(key, ABSENT)
        if value is not ABSENT and self.is_deferred(value):
            self.deferred = True
            return ABSENT
        return value

    def _is_given(self, key: str) -> bool:
        return key in self.item

    def _choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        value = self._get(key)
        if value is ABSENT:
            return default
        if isinstance(value, str) and value in choices:
            return value
        near = alike(value.replace("-", "_"), choices) if isinstance(value, str) else ""
        self._add(key, f"{key} is {shown(value)}.", f'Did you mean "{near}"?' if near else f"Use {listed(choices)}.")
        return default

    def _number(self, key: str) -> float | None:
        value = self._get(key)
        if value is ABSENT:
            return None
        number = number_of(value)
        if number is None:
            is_percentage = share_of(value) is not None
            fix = "Write a share of 1, such as 0.6 for 60 %." if is_percentage else "Write a number, such as 0.6."
            self._add(key, f"{key} is {shown(value)} instead of a number.", fix)
        return number

    def _margin(self, metric: str) -> Margin:
        value = self._get("By")
        if value is ABSENT:
            return Margin()
        share = share_of(value)
        number = number_of(value) if share is None else share
        if number is None:
            self._add(
                "By",
                f"By is {shown(value)} instead of a number or a percentage.",
                "Write 0.002, or 1% of the champion's value.",
            )
            return Margin()
        if number < 0:
            self._add(
                "By",
                f"By is {shown(value)}; a margin is never negative.",
                "Must: improve and Must: not_worsen already say the direction.",
            )
            return Margin()
        traits = METRICS.get(metric)
        if share is None and traits and traits.bounded and number >= 1:
            self._add(
                "By",
                f"By is {number:g}, but {traits.title} lies between 0 and 1.",
                f"Did you mean {number:g}%, or {number / 100:g}?",
            )
        if share is not None and number >= 1 and self.item.get("Must") == NOT_WORSEN and traits and traits.bounded:
            self._add("By", f"By is {shown(value)}, which {traits.title} can never lose.", "Write less than 100%.")
        return Margin(number, share is not None)

    def _confidence(self) -> float:
        value = self._get("Confidence")
        if value is ABSENT:
            return 0.95
        share = share_of(value)
        number = number_of(value) if share is None else share
        if number is None or not 0.5 < number < 1:
            fix = "Write a number between 0.5 and 1, such as 0.95."
            if number is not None and 50 < number < 100:
                fix = f"Did you mean {number / 100:g}?"
            self._add("Confidence", f"Confidence is {shown(value)}.", fix)
            return 0.95
        if number > 0.9999:
            self._add("Confidence", f"Confidence is {shown(value)}.", "The maximum is 0.9999.")
        return number

    def _column(self, key: str) -> str:
        value = self._get(key)
        if value is ABSENT:
            return ""
        if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_NAME:
            self._add(key, f"{key} is {shown(value)} instead of the name of a column.")
            return ""
        if value in RECORD_COLUMNS:
            self._add(
                key,
                f'{key} is "{value}", which is the column of the {"score" if value[0] == "c" else value}.',
                "Name a column that groups records.",
            )
        return value

    def _values(self) -> tuple[str, ...]:
        value = self._get("Values")
        if value is ABSENT:
            return ()
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) or not value:
            self._add(
                "Values",
                f"Values is {shown(value)} instead of a list.",
                "Write the values of the slice that must occur: [EWR, JFK].",
            )
            return ()
        if not all(isinstance(one, (str, int, float)) and not isinstance(one, bool) for one in value):
            self._add("Values", "Values has something that is neither a text nor a number.")
            return ()
        if "Slice" not in self.item:
            self._add(
                "Values",
                "Values belong to a slice, and the rule has none.",
                "Add Slice: COLUMN, or remove Values.",
            )
        return tuple(str(one) for one in value)

    def _count(self, key: str) -> int:
        value = self._get(key)
        if value is ABSENT:
            return 0
        number = number_of(value)
        if number is None or number != int(number) or number < 0:
            self._add(
                key, f"{key} is {shown(value)} instead of a number of records.", "Write a whole number, such as 200."
            )
            return 0
        return int(number)

    def _threshold(self, metric: str) -> float:
        number = self._number("Threshold")
        if number is None:
            return 0.5
        traits = METRICS.get(metric)
        if metric and not (traits and traits.thresholds):
            names = listed(name for name, one in METRICS.items() if one.thresholds)
            self._add("Threshold", f'the metric "{metric}" has no threshold.', f"Remove it; it is for {names}.")
        return number

    def _costs(self, metric: str) -> Costs | None:
        value = self._get("Cost")
        fix = "Write Cost: {FalsePositive: 1, FalseNegative: 5}."
        if value is ABSENT:
            if metric == "cost" and not self._is_given("Cost"):
                self._add("", 'the metric "cost" needs to know what mistakes cost.', fix)
            return None
        if metric and metric != "cost":
            self._add("Cost", f'the metric "{metric}" has no costs.', "Remove Cost, or write Metric: cost.")
            return None
        amounts: list[float] = []
        if isinstance(value, Mapping) and set(value) == set(_COSTS):
            for key in _COSTS:
                amount = number_of(value[key])
                if amount is not None and amount >= 0:
                    amounts.append(amount)
        if len(amounts) < 2 or not any(amounts):
            self._add(
                "Cost", f"Cost is {shown(value)}; it has two numbers that are not negative, one of them above 0.", fix
            )
            return None
        return Costs(*amounts)

    def _truth(self, key: str) -> bool:
        value = self._get(key)
        if value is ABSENT:
            return False
        if not isinstance(value, bool):
            self._add(key, f"{key} is {shown(value)}.", "Use true or false.")
            return False
        return value
