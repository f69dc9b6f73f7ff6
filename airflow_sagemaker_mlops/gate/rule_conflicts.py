"""Finds rules that contradict or repeat each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .problems import RuleProblem
from .rules import Rule


def contradictions(rules: Sequence[Rule]) -> list[RuleProblem]:
    """Contradictions and repetitions among rules."""
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
            problems += limits_cross(same)
    return problems


def limits_cross(rules: Sequence[Rule]) -> Iterator[RuleProblem]:
    """Limits on the same metric that no candidate can meet together."""
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
            both = f"{names[low]} {least:g} and {names[high]} {most:g}"
            what = f"no candidate can meet both limits of {first.title}, {both}."
            yield RuleProblem(f"{later.place}.{key}", what, f"{names[low]} has to be less than {names[high]}.")
