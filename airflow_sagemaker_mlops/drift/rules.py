"""The rules of a drift check: a list as in YAML or JSON, read into frozen dataclasses.

The whole list is checked: :func:`parse_rules` raises one error with every problem.  Nothing here imports numpy.

A rule is an object with the key ``Check`` and these:

``schema``          missing columns, new columns, and columns that changed between numbers and text
``records``         ``Min`` and ``Max``: the number of records
``psi``             ``Max``: the population stability index of each column, default 0.25
``ks``              ``Max``: the Kolmogorov-Smirnov distance of each numeric column, default 0.2
``missing``         ``MaxIncrease``: the increase in the share of missing values, default 0.05
``new_categories``  ``Max``: the share of records with a category not in the baseline, default 0.01
``label_rate``      ``MaxChange``: the change in the mean of the label column, default 0.1

``Columns`` (a list) limits a rule to some columns, and ``Ignore`` excludes some.  With ``DryRun: true``, a rule is
reported and does not affect the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..gate.given_values import number_of, share_of, shown
from ..gate.problems import InvalidRules, RuleProblem, alike, listed
from .settings import IsOpen, never

SCHEMA, RECORDS, PSI, KS = "schema", "records", "psi", "ks"
MISSING, NEW_CATEGORIES, LABEL_RATE = "missing", "new_categories", "label_rate"
MAX_RULES = 200
MAX_COLUMNS = 10_000
_COLUMN_KEYS = ("Columns", "Ignore")
_ABSENT = object()


@dataclass(frozen=True)
class CheckTraits:
    """The limit of a check: its key, its default and the largest sensible value."""

    key: str = ""
    default: float = 0.0
    most: float = math.inf
    of_columns: bool = True


CHECKS: Mapping[str, CheckTraits] = {
    SCHEMA: CheckTraits(),
    RECORDS: CheckTraits(of_columns=False),
    PSI: CheckTraits("Max", 0.25),
    KS: CheckTraits("Max", 0.2, most=1.0),
    MISSING: CheckTraits("MaxIncrease", 0.05, most=1.0),
    NEW_CATEGORIES: CheckTraits("Max", 0.01, most=1.0),
    LABEL_RATE: CheckTraits("MaxChange", 0.1, of_columns=False),
}


def keys_of(check: str) -> list[str]:
    """The keys that a rule with the check ``check``, one of ``CHECKS``, may have."""
    traits = CHECKS[check]
    known = ["Check", "DryRun"]
    known += ["Min", "Max"] if check == RECORDS else [traits.key] if traits.key else []
    return [*known, *(_COLUMN_KEYS if traits.of_columns else ())]


@dataclass(frozen=True)
class DriftRule:
    """One rule.

    check    a key of ``CHECKS``
    place    in the list, e.g. ``[1]``
    limit    largest value that is not drift
    least    for ``records``: the smallest number; ``None`` for no limit
    most     for ``records``: the largest number; ``None`` for no limit
    columns  columns the rule applies to; empty for all
    ignored  columns the rule excludes
    dry_run  whether the rule has no effect on the verdict
    """

    check: str
    place: str
    limit: float = 0.0
    least: int | None = None
    most: int | None = None
    columns: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset()
    dry_run: bool = False

    def applies_to(self, column: str) -> bool:
        """Whether the rule applies to ``column``."""
        return column not in self.ignored and (not self.columns or column in self.columns)


DEFAULT_RULES: tuple[Mapping[str, Any], ...] = (
    {"Check": SCHEMA},
    {"Check": PSI},
    {"Check": MISSING},
    {"Check": NEW_CATEGORIES},
)


def parse_rules(value: object) -> tuple[DriftRule, ...]:
    """The rules in ``value``; ``DEFAULT_RULES`` for ``None``.  Raises :class:`InvalidRules` with every problem."""
    rules, problems = _read(DEFAULT_RULES if value is None else value)
    if problems:
        raise InvalidRules(problems)
    return rules


def rule_problems(value: object, is_open: IsOpen = never) -> tuple[RuleProblem, ...]:
    """Every problem of the rules in ``value``.

    is_open   whether a run fills in the value, such as a reference to a parameter; such a value is not checked
    """
    return tuple(_read(DEFAULT_RULES if value is None else value, is_open)[1])


def _read(value: object, is_open: IsOpen = never) -> tuple[tuple[DriftRule, ...], list[RuleProblem]]:
    if is_open(value):
        return (), []
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        return (), [
            RuleProblem("", "the rules are not a list.", "Write a list of objects such as {Check: psi, Max: 0.25}.")
        ]
    if not value:
        return (), [RuleProblem("", "there are no rules.", "Leave Rules out to use the default rules.")]
    if len(value) > MAX_RULES:
        return (), [RuleProblem("", f"there are {len(value):,} rules.", f"Write at most {MAX_RULES}.")]
    rules, problems = [], []
    for number, item in enumerate(value):
        if is_open(item):
            continue
        reader = _Reader(item, f"[{number}]", is_open)
        rule = reader.read()
        problems += reader.problems
        if rule is not None and not reader.problems and not reader.is_open:
            rules.append(rule)
    problems += _repeated(rules)
    return tuple(rules), problems


def _repeated(rules: Sequence[DriftRule]) -> list[RuleProblem]:
    problems = []
    for number, rule in enumerate(rules):
        for other in rules[:number]:
            if (other.check, other.columns, other.ignored, other.dry_run) == (
                rule.check,
                rule.columns,
                rule.ignored,
                rule.dry_run,
            ):
                what = f'rule {other.place} already is a check of "{rule.check}" of the same columns.'
                problems.append(RuleProblem(rule.place, what, "Keep one of them."))
                break
    return problems


class _Reader:
    """Reads one rule and collects its problems."""

    def __init__(self, item: object, place: str, is_open: IsOpen) -> None:
        given = item if isinstance(item, Mapping) else {}
        opened = {key for key, value in given.items() if is_open(value) or _has_open(value, is_open)}
        self.is_open = bool(opened)
        self.keys = given  # including rules with values that a run fills in
        self.item = {key: value for key, value in given.items() if key not in opened} if opened else item
        self.place = place
        self.problems: list[RuleProblem] = []

    def read(self) -> DriftRule | None:
        if not isinstance(self.item, Mapping):
            self._add("", "the rule is not an object.", "Write an object such as {Check: psi, Max: 0.25}.")
            return None
        check = self.item.get("Check", _ABSENT)
        if check is _ABSENT and "Check" in self.keys:
            return None
        if check is _ABSENT:
            self._add("", "the rule has no Check.", f"Add Check: {listed(CHECKS)}.")
            return None
        if not isinstance(check, str) or check not in CHECKS:
            near = alike(str(check), CHECKS)
            fix = f'Did you mean "{near}"?' if near else f"Write {listed(CHECKS)}."
            self._add("Check", f"there is no check {shown(check)}.", fix)
            return None
        traits = CHECKS[check]
        self._known_keys(check)
        least, most = (self._count("Min"), self._count("Max")) if check == RECORDS else (None, None)
        if check == RECORDS:
            self._bounds(least, most)
        return DriftRule(
            check=check,
            place=self.place,
            limit=self._limit(traits) if traits.key else 0.0,
            least=least,
            most=most,
            columns=self._names("Columns"),
            ignored=frozenset(self._names("Ignore")),
            dry_run=self._truth("DryRun"),
        )

    def _add(self, key: str, what: str, fix: str = "") -> None:
        self.problems.append(RuleProblem(self.place + (f".{key}" if key else ""), what, fix))

    def _known_keys(self, check: str) -> None:
        known = keys_of(check)
        for key in self.keys:
            if key in known:
                continue
            near = alike(str(key), known)
            fix = f'Did you mean "{near}"?' if near else f"Its keys are {listed(known)}."
            self._add(str(key), f'the check "{check}" has no key "{key}".', fix)

    def _bounds(self, least: int | None, most: int | None) -> None:
        assert isinstance(self.item, Mapping)
        if self.problems or self.keys.keys() & {"Min", "Max"} != self.item.keys() & {"Min", "Max"}:
            return
        if least is None and most is None:
            self._add("", 'the check "records" demands nothing.', "Add Min or Max.")
        elif least is not None and most is not None and least > most:
            self._add("Min", f"Min is {least:,} and Max is {most:,}.", "Min has to be at most Max.")

    def _limit(self, traits: CheckTraits) -> float:
        assert isinstance(self.item, Mapping)
        value = self.item.get(traits.key, _ABSENT)
        if value is _ABSENT:
            return traits.default
        share = share_of(value)
        number = number_of(value) if share is None else share
        if number is None or number < 0:
            self._add(traits.key, f"{traits.key} is {shown(value)} instead of a number of 0 or more.")
            return traits.default
        if number > traits.most:
            fix = f"Did you mean {number / 100:g}?" if number <= 100 else ""
            self._add(
                traits.key, f"{traits.key} is {number:g}, but the number lies between 0 and {traits.most:g}.", fix
            )
        return number

    def _count(self, key: str) -> int | None:
        assert isinstance(self.item, Mapping)
        value = self.item.get(key, _ABSENT)
        if value is _ABSENT:
            return None
        number = number_of(value)
        if number is None or number < 0 or number != int(number):
            self._add(key, f"{key} is {shown(value)} instead of a number of records.")
            return None
        return int(number)

    def _names(self, key: str) -> tuple[str, ...]:
        assert isinstance(self.item, Mapping)
        value = self.item.get(key, _ABSENT)
        if value is _ABSENT:
            return ()
        if isinstance(value, str) or not isinstance(value, Sequence) or not value:
            self._add(key, f"{key} is {shown(value)} instead of a list of columns.", f"Write {key}: [hour, carrier].")
            return ()
        if len(value) > MAX_COLUMNS or not all(isinstance(name, str) and name for name in value):
            self._add(key, f"{key} has something that is not the name of a column.")
            return ()
        return tuple(value)

    def _truth(self, key: str) -> bool:
        assert isinstance(self.item, Mapping)
        value = self.item.get(key, False)
        if not isinstance(value, bool):
            self._add(key, f"{key} is {shown(value)}.", "Use true or false.")
            return False
        return value


def _has_open(value: object, is_open: IsOpen) -> bool:
    return isinstance(value, (list, tuple)) and any(map(is_open, value))
