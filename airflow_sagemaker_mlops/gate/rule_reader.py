"""Reads a list of rules, as in YAML or JSON, into :class:`~.rules.Rule`, or reports all its problems at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .given_values import cut, shown
from .problems import InvalidRules, RuleProblem, alike, listed
from .rule_conflicts import contradictions, limits_cross
from .rule_fields import ABSENT, LONGEST_NAME, RuleFields
from .rules import (
    EXTERNAL,
    FUNCTION_NAME,
    IMPROVE,
    MAXIMIZE,
    METRICS,
    MINIMIZE,
    NOT_WORSEN,
    RECORDED,
    ROWS,
    Rule,
    goal_of_name,
)

MAX_RULES = 200  # protects against absurd documents
# What other tools call the same metrics
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
_PREFIXES = ("train", "training", "validation", "valid", "test", "eval")  # the metric names of SageMaker's algorithms
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
_NAME = re.compile(r"[A-Za-z_][\w.:@/ -]*")


def parse_rules(value: object) -> tuple[Rule, ...]:
    """Parse a list of objects with the keys described in :mod:`.rules`.

    Raises :class:`InvalidRules` with all problems, in the order of the list.
    """
    rules, problems = _read(value, lambda _: False)
    if problems:
        raise InvalidRules(problems)
    return tuple(rules)


def rule_problems(value: object, is_deferred: Callable[[Any], bool] = lambda _: False) -> list[RuleProblem]:
    """Every problem of a list of rules; some values may not be known yet.

    is_deferred   whether a run fills in the value, such as a reference to a parameter; such a value is not checked
    """
    return _read(value, is_deferred)[1]


def _read(value: object, is_deferred: Callable[[Any], bool]) -> tuple[list[Rule], list[RuleProblem]]:
    if is_deferred(value):
        return [], []
    if isinstance(value, Mapping):
        fix = "Write a list: - {Metric: auc, Must: improve}."
        if "Metric" not in value and "Rules" in value:
            fix = 'Give the list under "Rules".'
        return [], [RuleProblem("", "the rules are an object instead of a list.", fix)]
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        what = "there are no rules." if value is None else f"the rules are {shown(value)} instead of a list."
        return [], [RuleProblem("", what, "Write a list: - {Metric: auc, Must: improve}.")]
    if not value:
        return [], [
            RuleProblem("", "the list of rules is empty.", "Write at least one rule: - {Metric: auc, Must: improve}.")
        ]
    if len(value) > MAX_RULES:
        return [], [RuleProblem("", f"there are {len(value):,} rules; the maximum is {MAX_RULES}.")]
    rules: list[Rule] = []
    problems: list[RuleProblem] = []
    deferred = False
    for index, item in enumerate(value):
        if is_deferred(item):
            deferred = True
            continue
        if not isinstance(item, Mapping):
            fix = "Write an object: {Metric: auc, Must: improve}."
            problems.append(RuleProblem(f"[{index}]", f"the rule is {shown(item)} instead of an object.", fix))
            continue
        reader = _RuleReader(item, f"[{index}]", is_deferred)
        rule = reader.rule()
        problems += reader.problems
        deferred = deferred or reader.deferred
        if rule is not None and not reader.problems:
            rules.append(rule)
    if not problems:
        problems += contradictions(rules)
        if not deferred and rules and all(rule.dry_run for rule in rules):
            problems.append(
                RuleProblem(
                    "", "every rule has DryRun: true, so nothing decides.", "Remove DryRun from at least one rule."
                )
            )
    return rules, problems


class _RuleReader(RuleFields):
    """Reads one rule and collects its problems."""

    def rule(self) -> Rule | None:
        """The rule, or ``None`` if it has no metric; usable only if no problem was found."""
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

    def _unknown_keys(self) -> None:
        for key in self.item:
            if key not in KEYS:
                near = alike(str(key).replace("_", ""), KEYS)
                fix = f'Did you mean "{near}"?' if near else f"A rule has {listed(KEYS)}."
                self._add(cut(key), f'"{cut(key)}" is not a key of a rule.', fix)

    def _metric(self) -> str:
        value = self._get("Metric")
        if value is ABSENT:
            if not self._is_given("Metric"):
                self._add(
                    "", "the rule names no metric.", f"Add Metric: {listed(METRICS)}, a function or your own name."
                )
            return ""
        if not isinstance(value, str) or not value.strip():
            self._add(
                "Metric", f"Metric is {shown(value)} instead of a name.", f"Use {listed(METRICS)}, or your own name."
            )
            return ""
        if len(value) > LONGEST_NAME:
            self._add("Metric", f"Metric has {len(value):,} characters.", f"The maximum is {LONGEST_NAME}.")
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
                f"Add Goal: maximize or Goal: minimize. Metrics with a known goal are {listed(METRICS)}.",
            )
        return given or MAXIMIZE

    # -- combinations of keys

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
                        f"Add Must: improve or Must: not_worsen, or remove {key}.",
                    )
        self._limits_fit(rule)
        if rule.kind == EXTERNAL:
            for key in ("Slice", "Unit"):
                if self._is_given(key):
                    what = (
                        f'"{rule.metric}" is measured elsewhere, as one number per model, so it has no {key.lower()}.'
                    )
                    self._add(key, what, f"Remove {key}, or compute the metric from predictions.")
            for key in ("MinRecords", "Confidence", "Compare"):
                if self._is_given(key):
                    what = f'"{rule.metric}" is measured elsewhere, as one number per model, so {key} has no effect.'
                    self._add(key, what, f"Remove {key}, or compute the metric from predictions.")
            if rule.must == IMPROVE:
                self._add(
                    "Must",
                    f'"{rule.metric}" is measured elsewhere; two numbers do not tell an improvement from chance.',
                    "Use Must: not_worsen, Floor or Ceiling, or a metric that is computed from predictions.",
                )
        if rule.compare == RECORDED and rule.unit:
            self._add("Unit", "a recorded number has no rows to group.", "Remove Unit or Compare: recorded.")

    def _limits_fit(self, rule: Rule) -> None:
        wrong, instead = (
            (("Ceiling", "AlarmBelow"), ("AlarmAbove", "Floor"))
            if rule.goal == MAXIMIZE
            else (("Floor", "AlarmAbove"), ("AlarmBelow", "Ceiling"))
        )
        if not self._is_given("Goal") or ("Goal" in self.item and self._get("Goal") is not ABSENT):
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
        for problem in limits_cross([rule]):
            self.problems.append(problem)
