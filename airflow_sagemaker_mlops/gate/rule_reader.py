"""A list of rules as in YAML or JSON -> :class:`~.rules.Rule`, or every problem of it at once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .problems import InvalidRules, RuleProblem, alike, listed
from .rules import (
    EXTERNAL,
    FUNCTION_NAME,
    IMPROVE,
    MAXIMIZE,
    METRICS,
    MINIMIZE,
    NOT_WORSEN,
    RECORD_COLUMNS,
    RECORDED,
    ROWS,
    Costs,
    Margin,
    Rule,
    goal_of_name,
)

MOST_RULES = 200  # a bound against absurd documents
LONGEST_NAME = 256
# Names of the same metrics elsewhere
_ALIASES = {
    "roc_auc": "auc",
    "auroc": "auc",
    "roc_auc_score": "auc",
    "acc": "accuracy",
    "error": "error_rate",
    "merror": "error_rate",
    "f1_score": "f1",
    "f": "f1",
    "logloss": "log_loss",
    "cross_entropy": "log_loss",
    "neg_log_loss": "log_loss",
    "brier_score": "brier",
    "brier_score_loss": "brier",
    "root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae",
    "r2_score": "r2",
    "r_squared": "r2",
}
_PREFIXES = ("train", "training", "validation", "valid", "test", "eval")  # SageMaker's algorithms name metrics so
KEYS = (
    "Metric",
    "Goal",
    "Must",
    "By",
    "Confidence",
    "Slice",
    "Values",
    "MinRecords",
    "Floor",
    "Ceiling",
    "AlarmAbove",
    "AlarmBelow",
    "Unit",
    "Compare",
    "Threshold",
    "Cost",
    "DryRun",
)
_COSTS = ("FalsePositive", "FalseNegative")
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PLAIN_NUMBER = re.compile(_NUMBER)
_PERCENT = re.compile(rf"({_NUMBER})\s*%")
_NAME = re.compile(r"[A-Za-z_][\w.:@/ -]*")


def parse_rules(value: Any) -> tuple[Rule, ...]:
    """The rules of a list of objects with the keys that :mod:`.rules` explains.

    Raises :class:`InvalidRules` with all problems, in the order of the list.
    """
    rules, problems = _read(value, lambda _: False)
    if problems:
        raise InvalidRules(problems)
    return tuple(rules)


def rule_problems(value: Any, is_deferred: Callable[[Any], bool] = lambda _: False) -> list[RuleProblem]:
    """Every problem of a list of rules, in which some values may not be known yet.

    is_deferred   whether a value is one that a run fills in, such as a reference to a parameter; it is not judged
    """
    return _read(value, is_deferred)[1]


def _read(value: Any, is_deferred: Callable[[Any], bool]) -> tuple[list[Rule], list[RuleProblem]]:
    if is_deferred(value):
        return [], []
    if isinstance(value, Mapping):
        fix = "Write a list: - {Metric: auc, Must: improve}."
        if "Metric" not in value and "Rules" in value:
            fix = 'Give the list that stands under "Rules".'
        return [], [RuleProblem("", "the rules are an object instead of a list.", fix)]
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        what = "there are no rules." if value is None else f"the rules are {_shown(value)} instead of a list."
        return [], [RuleProblem("", what, "Write a list: - {Metric: auc, Must: improve}.")]
    if not value:
        return [], [
            RuleProblem("", "the list of rules is empty.", "Write one rule at least: - {Metric: auc, Must: improve}.")
        ]
    if len(value) > MOST_RULES:
        return [], [RuleProblem("", f"there are {len(value):,} rules; the most is {MOST_RULES}.")]
    rules: list[Rule] = []
    problems: list[RuleProblem] = []
    deferred = False
    for index, item in enumerate(value):
        reader = _RuleReader(item, f"[{index}]", is_deferred)
        rule = reader.rule()
        problems += reader.problems
        deferred = deferred or reader.deferred
        if rule is not None and not reader.problems:
            rules.append(rule)
    if not problems:
        problems += _contradictions(rules)
        if not deferred and rules and all(rule.dry_run for rule in rules):
            problems.append(
                RuleProblem(
                    "", "every rule has DryRun: true, so nothing decides.", "Take DryRun from one rule at least."
                )
            )
    return rules, problems


_ABSENT: Any = object()


class _RuleReader:
    """Reads one rule and collects its problems."""

    def __init__(self, item: Any, place: str, is_deferred: Callable[[Any], bool]) -> None:
        self.item, self.place, self.is_deferred = item, place, is_deferred
        self.problems: list[RuleProblem] = []
        self.deferred = False

    def rule(self) -> Rule | None:
        """The rule, or nothing where it is no object or has no metric; it is only right without problems."""
        if self.is_deferred(self.item):
            self.deferred = True
            return None
        if not isinstance(self.item, Mapping):
            fix = "Write an object: {Metric: auc, Must: improve}."
            self.problems.append(RuleProblem(self.place, f"the rule is {_shown(self.item)} instead of an object.", fix))
            return None
        self._unknown_keys()
        metric = self._metric()
        goal = self._goal(metric)
        rule = Rule(
            metric=metric,
            goal=goal,
            must=self._choice("Must", (IMPROVE, NOT_WORSEN), ""),
            by=self._margin(metric),
            confidence=self._confidence(),
            slice=self._column("Slice"),
            values=self._values(),
            min_records=self._count("MinRecords"),
            floor=self._number("Floor"),
            ceiling=self._number("Ceiling"),
            alarm_above=self._number("AlarmAbove"),
            alarm_below=self._number("AlarmBelow"),
            unit=self._column("Unit"),
            compare=self._choice("Compare", (ROWS, RECORDED), ROWS),
            threshold=self._threshold(metric),
            costs=self._costs(metric),
            dry_run=self._truth("DryRun"),
            place=self.place,
        )
        if not self.problems:
            self._fits(rule)
        return rule

    # -- helpers

    def _add(self, key: str, what: str, fix: str = "") -> None:
        part = f".{key}" if key.isidentifier() else f"['{key}']"
        self.problems.append(RuleProblem(f"{self.place}{part}" if key else self.place, what, fix))

    def _get(self, key: str) -> Any:
        """The value of a key; ``_ABSENT`` where it is not given or filled in by a run."""
        value = self.item.get(key, _ABSENT)
        if value is not _ABSENT and self.is_deferred(value):
            self.deferred = True
            return _ABSENT
        return value

    def _is_given(self, key: str) -> bool:
        return key in self.item

    def _unknown_keys(self) -> None:
        for key in self.item:
            if key not in KEYS:
                near = alike(str(key).replace("_", ""), KEYS)
                fix = f'Did you mean "{near}"?' if near else f"A rule has {listed(KEYS)}."
                self._add(_cut(key), f'"{_cut(key)}" is no key of a rule.', fix)

    def _metric(self) -> str:
        value = self._get("Metric")
        if value is _ABSENT:
            if not self._is_given("Metric"):
                self._add(
                    "", "the rule names no metric.", f"Add Metric: {listed(METRICS)}, a function or a name of yours."
                )
            return ""
        if not isinstance(value, str) or not value.strip():
            self._add(
                "Metric", f"Metric is {_shown(value)} instead of a name.", f"Use {listed(METRICS)}, or a name of yours."
            )
            return ""
        if len(value) > LONGEST_NAME:
            self._add("Metric", f"Metric is a text of {len(value):,} characters.", f"The most is {LONGEST_NAME}.")
            return ""
        if value in METRICS:
            return value
        plain = value.lower().replace("-", "_")
        before, _, after = plain.partition(":")
        plain = after if before in _PREFIXES else plain
        meant = plain if plain in METRICS else _ALIASES.get(plain, "")
        if FUNCTION_NAME.fullmatch(value) and not meant:
            return value
        if not meant and not self._is_given("Goal") and not goal_of_name(value):
            meant = alike(plain, METRICS)
        if meant:
            self._add("Metric", f'no metric is called "{value}".', f'Did you mean "{meant}"?')
        elif not _NAME.fullmatch(value):
            fix = "Write module:function or file.py:function." if ":" in value else "Begin with a letter."
            self._add("Metric", f'"{value}" cannot be the name of a metric.', fix)
        elif value.count(":") and not value.rpartition(":")[2].strip():
            self._add("Metric", f'"{value}" names no function.', "Write module:function or file.py:function.")
        return value

    def _goal(self, metric: str) -> str:
        known = METRICS.get(metric)
        given = self._choice("Goal", (MAXIMIZE, MINIMIZE), "")
        if known:
            if given and given != known.goal:
                self._add(
                    "Goal",
                    f"Goal is {given}, but {known.title} is to {known.goal}.",
                    f"Write Goal: {known.goal}, or leave it out.",
                )
            return known.goal
        if not given and metric and not self._is_given("Goal"):
            given = goal_of_name(metric)
        if not given and metric and not self._is_given("Goal") and not self.problems:
            where = "returns" if FUNCTION_NAME.fullmatch(metric) else "has"
            self._add(
                "",
                f'whether the value that "{metric}" {where} should be great or small is not known.',
                f"Add Goal: maximize or Goal: minimize. Metrics with a goal of their own are {listed(METRICS)}.",
            )
        return given or MAXIMIZE

    def _choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        value = self._get(key)
        if value is _ABSENT:
            return default
        if isinstance(value, str) and value in choices:
            return value
        near = alike(value.replace("-", "_"), choices) if isinstance(value, str) else ""
        self._add(key, f"{key} is {_shown(value)}.", f'Did you mean "{near}"?' if near else f"Use {listed(choices)}.")
        return default

    def _number(self, key: str) -> float | None:
        value = self._get(key)
        if value is _ABSENT:
            return None
        number = number_of(value)
        if number is None:
            percent = isinstance(value, str) and _PERCENT.fullmatch(value.strip())
            fix = "Write a share of 1, such as 0.6 for 60 %." if percent else "Write a number, such as 0.6."
            self._add(key, f"{key} is {_shown(value)} instead of a number.", fix)
        return number

    def _margin(self, metric: str) -> Margin:
        value = self._get("By")
        if value is _ABSENT:
            return Margin()
        percent = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
        number = float(percent[1]) / 100 if percent else number_of(value)
        if number is None or not math.isfinite(number):
            self._add(
                "By",
                f"By is {_shown(value)} instead of a number or a percentage.",
                "Write 0.002, or 1% of the champion's value.",
            )
            return Margin()
        if number < 0:
            self._add(
                "By",
                f"By is {_shown(value)}; a margin is never negative.",
                "Must: improve and Must: not_worsen already say the direction.",
            )
            return Margin()
        traits = METRICS.get(metric)
        if not percent and traits and traits.bounded and number >= 1:
            self._add(
                "By",
                f"By is {number:g}, but {traits.title} lies between 0 and 1.",
                f"Did you mean {number:g}%, or {number / 100:g}?",
            )
        if percent and number >= 1 and self.item.get("Must") == NOT_WORSEN and traits and traits.bounded:
            self._add("By", f"By is {_shown(value)}, which {traits.title} can never lose.", "Write less than 100%.")
        return Margin(number, bool(percent))

    def _confidence(self) -> float:
        value = self._get("Confidence")
        if value is _ABSENT:
            return 0.95
        percent = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
        number = float(percent[1]) / 100 if percent else number_of(value)
        if number is None or not 0.5 < number < 1:
            fix = "Write a number between 0.5 and 1, such as 0.95."
            if number is not None and 50 < number < 100:
                fix = f"Did you mean {number / 100:g}?"
            self._add("Confidence", f"Confidence is {_shown(value)}.", fix)
            return 0.95
        if number > 0.9999:
            self._add("Confidence", f"Confidence is {_shown(value)}.", "The most is 0.9999.")
        return number

    def _column(self, key: str) -> str:
        value = self._get(key)
        if value is _ABSENT:
            return ""
        if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_NAME:
            self._add(key, f"{key} is {_shown(value)} instead of the name of a column.")
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
        if value is _ABSENT:
            return ()
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) or not value:
            self._add(
                "Values",
                f"Values is {_shown(value)} instead of a list.",
                "Write the values of the slice that must occur: [EWR, JFK].",
            )
            return ()
        if not all(isinstance(one, (str, int, float)) and not isinstance(one, bool) for one in value):
            self._add("Values", "Values has something that is neither a text nor a number.")
            return ()
        if "Slice" not in self.item:
            self._add(
                "Values",
                "Values are those of a slice, and the rule has none.",
                "Add Slice: COLUMN, or take Values out.",
            )
        return tuple(str(one) for one in value)

    def _count(self, key: str) -> int:
        value = self._get(key)
        if value is _ABSENT:
            return 0
        number = number_of(value)
        if number is None or number != int(number) or number < 0:
            self._add(
                key, f"{key} is {_shown(value)} instead of a number of records.", "Write a whole number, such as 200."
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
            self._add("Threshold", f'the metric "{metric}" has no threshold.', f"Take it out; it is for {names}.")
        return number

    def _costs(self, metric: str) -> Costs | None:
        value = self._get("Cost")
        fix = "Write Cost: {FalsePositive: 1, FalseNegative: 5}."
        if value is _ABSENT:
            if metric == "cost" and not self._is_given("Cost"):
                self._add("", 'the metric "cost" needs to know what mistakes cost.', fix)
            return None
        if metric and metric != "cost":
            self._add("Cost", f'the metric "{metric}" has no costs.', "Take Cost out, or write Metric: cost.")
            return None
        amounts: list[float] = []
        if isinstance(value, Mapping) and set(value) == set(_COSTS):
            for key in _COSTS:
                amount = number_of(value[key])
                if amount is not None and amount >= 0:
                    amounts.append(amount)
        if len(amounts) < 2 or not any(amounts):
            self._add(
                "Cost", f"Cost is {_shown(value)}; it has two numbers that are not negative, one of them above 0.", fix
            )
            return None
        return Costs(*amounts)

    def _truth(self, key: str) -> bool:
        value = self._get(key)
        if value is _ABSENT:
            return False
        if not isinstance(value, bool):
            self._add(key, f"{key} is {_shown(value)}.", "Use true or false.")
            return False
        return value

    # -- what the parts say together

    def _fits(self, rule: Rule) -> None:
        has_limit = any(self._is_given(key) for key in ("Floor", "Ceiling", "AlarmAbove", "AlarmBelow"))
        if not self._is_given("Must"):
            if not has_limit:
                self._add(
                    "",
                    f"the rule about {rule.title} demands nothing.",
                    "Add Must: improve, Must: not_worsen, or a limit such as Floor.",
                )
            for key in ("By", "Confidence", "Compare"):
                if self._is_given(key):
                    self._add(
                        key,
                        f"{key} has no effect without Must.",
                        f"Add Must: improve or Must: not_worsen, or take {key} out.",
                    )
        self._limits_fit(rule)
        if rule.kind == EXTERNAL:
            for key in ("Slice", "Unit"):
                if self._is_given(key):
                    what = f'"{rule.metric}" is measured elsewhere, as one number a model, so it has no {key.lower()}.'
                    self._add(key, what, f"Take {key} out, or compute the metric from predictions.")
            if rule.must == IMPROVE:
                self._add(
                    "Must",
                    f'"{rule.metric}" is measured elsewhere; two numbers do not tell an improvement from chance.',
                    "Use Must: not_worsen, Floor or Ceiling, or a metric that is computed from predictions.",
                )
        if rule.compare == RECORDED and rule.unit:
            self._add(
                "Unit", "a recorded number has no rows that could be grouped.", "Take Unit or Compare: recorded out."
            )

    def _limits_fit(self, rule: Rule) -> None:
        wrong, instead = (
            (("Ceiling", "AlarmBelow"), ("AlarmAbove", "Floor"))
            if rule.goal == MAXIMIZE
            else (("Floor", "AlarmAbove"), ("AlarmBelow", "Ceiling"))
        )
        if not self._is_given("Goal") or ("Goal" in self.item and self._get("Goal") is not _ABSENT):
            for key, other in zip(wrong, instead):
                if self._is_given(key):
                    self._add(
                        key,
                        f"{rule.title} is to {rule.goal}, so {key} would refuse good candidates.",
                        f"Did you mean {other}?",
                    )
        if self.problems:
            return
        traits = METRICS.get(rule.metric)
        if traits and traits.bounded:
            for key, value in (
                ("Floor", rule.floor),
                ("Ceiling", rule.ceiling),
                ("AlarmAbove", rule.alarm_above),
                ("AlarmBelow", rule.alarm_below),
            ):
                if value is not None and not 0 <= value <= 1:
                    fix = f"Did you mean {value / 100:g}?" if 1 < value <= 100 else ""
                    self._add(key, f"{key} is {value:g}, but {rule.title} lies between 0 and 1.", fix)
        for problem in _limits_cross([rule]):
            self.problems.append(problem)


def _limits_cross(rules: Sequence[Rule]) -> Iterator[RuleProblem]:
    """Problems of limits that no candidate can hold at once; the rules are about the same numbers."""
    for low, high in (("floor", "alarm_above"), ("alarm_below", "ceiling")):
        floors = [(getattr(rule, low), rule) for rule in rules if getattr(rule, low) is not None]
        tops = [(getattr(rule, high), rule) for rule in rules if getattr(rule, high) is not None]
        if not floors or not tops:
            continue
        least, first = max(floors, key=lambda pair: pair[0])
        most, second = min(tops, key=lambda pair: pair[0])
        if least >= most:
            names = {"floor": "Floor", "alarm_above": "AlarmAbove", "alarm_below": "AlarmBelow", "ceiling": "Ceiling"}
            later = second if second.place >= first.place else first
            key = names[high] if later is second else names[low]
            what = f"no candidate can pass: {names[low]} of {first.title} is {least:g} and {names[high]} is {most:g}."
            yield RuleProblem(f"{later.place}.{key}", what, f"{names[low]} has to be less than {names[high]}.")


def _contradictions(rules: Sequence[Rule]) -> list[RuleProblem]:
    """Problems of rules with each other."""
    problems: list[RuleProblem] = []
    seen: dict[Any, Rule] = {}
    goals: dict[str, Rule] = {}
    about: dict[Any, list[Rule]] = {}
    for rule in rules:
        other = goals.setdefault(rule.metric, rule)
        if other.goal != rule.goal:
            what = f'"{rule.metric}" is to {rule.goal} here and to {other.goal} in rule {other.place}.'
            problems.append(RuleProblem(f"{rule.place}.Goal", what, "Decide for one of them."))
        numbers = (rule.metric, rule.slice, rule.threshold, rule.costs)
        if not rule.dry_run:
            about.setdefault(numbers, []).append(rule)
        if not rule.must:
            continue
        other = seen.setdefault((*numbers, rule.must, rule.unit, rule.compare, rule.dry_run), rule)
        if other is not rule:
            where = f" for each value of {rule.slice}" if rule.slice else ""
            what = f"rule {other.place} already says that {rule.title} must {rule.must.replace('_', ' ')}{where}."
            problems.append(RuleProblem(rule.place, what, "Keep one of them."))
    for same in about.values():
        if len(same) > 1:
            problems += _limits_cross(same)
    return problems


def number_of(value: Any) -> float | None:
    """A finite number, or a text that is one; nothing otherwise, for booleans too."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value.strip()):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _shown(value: Any) -> str:
    """A value in a sentence: short, and in the words of YAML."""
    if isinstance(value, str):
        return f'"{_cut(value)}"'
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return _cut(repr(value) if not isinstance(value, int) or abs(value) < 10**40 else "a huge number")


def _cut(value: Any, most: int = 60) -> str:
    text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"
