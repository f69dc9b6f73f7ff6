"""The geometry of pictures, in percent of their width: templates draw it, so that every text is escaped in one place.

Better is to the right in a picture of a difference, whatever the goal of the metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from ..records.model.timestamps import parse_time
from .shapes import DriftView, FindingView, RuleView, StepView

EDGE = 4.0  # percent left free at both ends
MAX_DRAWN = 6  # columns of a drift check
Bar = tuple[float, float]  # left end and width


class IntervalPicture(TypedDict):
    """Positions of a rule's numbers: of the difference if ``compares``, otherwise of the candidate's value."""

    compares: bool
    bar: Bar | None
    point: float
    zero: float | None
    margin: float | None
    bound: float | None
    floor: float | None
    ceiling: float | None
    champion: float | None


class LimitPicture(TypedDict):
    """A value as a bar from the left, with its limit and its noise."""

    value: float
    limit: float | None
    noise: float | None


class Bin(TypedDict):
    """A bin of a column: widths of both bars, and the shares as texts."""

    label: str
    baseline: float
    current: float
    shares: tuple[str, str]


class Reign(TypedDict):
    """How long a version was the champion."""

    bar: Bar
    seconds: float


def interval_pictures(rules: Sequence[RuleView]) -> list[IntervalPicture | None]:
    """A picture for each rule; rules about the same metric share a scale."""
    reach: dict[str, float] = {}
    for rule in rules:
        if _compares(rule):
            reach[rule["metric"]] = max(reach.get(rule["metric"], 0.0), *(abs(gain) for gain in _gains(rule)))
    return [_difference(rule, reach[rule["metric"]]) if _compares(rule) else _value(rule) for rule in rules]


def deciding(rules: Sequence[RuleView], verdict: str) -> int | None:
    """The rule to draw large: the first one with the overall verdict, preferably one that compares."""
    orders = [
        lambda rule: _compares(rule) and rule["verdict"] == verdict and not rule["dry_run"],
        _compares,
        lambda rule: rule["candidate"] is not None,
    ]
    return next((number for fits in orders for number, rule in enumerate(rules) if fits(rule)), None)


def _compares(rule: RuleView) -> bool:
    return rule["difference"] is not None and rule["low"] is not None and rule["high"] is not None


def _sign(rule: RuleView) -> float:
    return -1.0 if rule["goal"] == "minimize" else 1.0


def _gains(rule: RuleView) -> list[float]:
    numbers = (rule["low"], rule["high"], rule["difference"], rule["bound"], rule["margin"])
    return [_sign(rule) * number for number in numbers if number is not None]


def _difference(rule: RuleView, reach: float) -> IntervalPicture:
    def at(value: float | None) -> float | None:
        return None if value is None else _percent(_sign(rule) * value, -reach, reach)

    ends = sorted(end for end in (at(rule["low"]), at(rule["high"])) if end is not None)
    return {
        "compares": True,
        "bar": (ends[0], round(ends[1] - ends[0], 2)),
        "point": at(rule["difference"]) or 0.0,
        "zero": at(0.0),
        "margin": at(rule["margin"]) if rule["margin"] else None,
        "bound": at(rule["bound"]),
        "floor": None,
        "ceiling": None,
        "champion": None,
    }


def _value(rule: RuleView) -> IntervalPicture | None:
    if rule["candidate"] is None:
        return None
    own = (rule["candidate"], rule["low"], rule["high"], rule["champion"], rule["floor"], rule["ceiling"])
    if rule["difference"] is not None:  # the interval would be of the difference
        own = (rule["candidate"], None, None, rule["champion"], rule["floor"], rule["ceiling"])
    known = [number for number in own if number is not None]
    if len(known) < 2:
        return None
    lowest, highest = min(known), max(known)

    def at(value: float | None) -> float | None:
        return None if value is None else _percent(value, lowest, highest)

    low, high = at(own[1]), at(own[2])
    return {
        "compares": False,
        "bar": (low, round(high - low, 2)) if low is not None and high is not None else None,
        "point": at(rule["candidate"]) or 0.0,
        "zero": None,
        "margin": None,
        "bound": None,
        "floor": at(rule["floor"]),
        "ceiling": at(rule["ceiling"]),
        "champion": at(rule["champion"]),
    }


def _percent(value: float, lowest: float, highest: float) -> float:
    """The position of ``value`` between ``lowest`` and ``highest``."""
    if not highest > lowest:
        return 50.0
    share = min(
        max(value / (highest - lowest) - lowest / (highest - lowest), 0.0), 1.0
    )  # no overflow of the difference
    return round(EDGE + share * (100 - 2 * EDGE), 2)


def limit_picture(finding: FindingView) -> LimitPicture | None:
    """The value of a finding beside its limit; ``None`` if there is nothing to compare."""
    value, limit = finding["value"], finding["limit"]
    if value is None or limit is None:
        return None
    longest = max(abs(value), abs(limit), abs(finding["noise"] or 0.0))

    def at(number: float | None) -> float | None:
        return None if number is None else round(abs(number) / longest * (100 - EDGE), 2) if longest else 0.0

    return {"value": at(value) or 0.0, "limit": at(limit), "noise": at(finding["noise"])}


def drawn_findings(drift: DriftView) -> list[FindingView]:
    """The columns that are not stable, those that changed most first."""
    changed = [one for one in drift["findings"] if one["labels"] and one["verdict"] != "stable"]
    return sorted(changed, key=lambda one: -(one["value"] or 0.0))[:MAX_DRAWN]


def bins(finding: FindingView) -> list[Bin]:
    """Two bars for each bin, the longest as wide as the picture."""
    longest = max([*finding["baseline"], *finding["current"], 0.0]) or 1.0
    return [
        {
            "label": label or '""',
            "baseline": round(max(before, 0.0) / longest * 100, 2),
            "current": round(max(now, 0.0) / longest * 100, 2),
            "shares": (f"{before:.1%}", f"{now:.1%}"),
        }
        for label, before, now in zip(finding["labels"], finding["baseline"], finding["current"], strict=True)
    ]


def timeline(steps: Sequence[StepView]) -> list[Bar | None]:
    """When each step ran, in percent of the time from the first start to the last end."""
    spans = [(step["offset"], step["seconds"] or 0.0) if step["offset"] is not None else None for step in steps]
    known = [span for span in spans if span is not None and span[1] >= 0]
    if not known:
        return [None] * len(steps)
    first = min(start for start, _ in known)
    total = max(start + took for start, took in known) - first
    return [None if span is None or span[1] < 0 else _span(span[0] - first, span[1], total or 1.0) for span in spans]


def _span(start: float, took: float, total: float) -> Bar:
    width = max(took / total * 100, 0.7)  # keeps a short step visible
    return round(min(start / total * 100, 100 - width), 2), round(width, 2)


def reigns(changes: Sequence[Mapping[str, str]], now: str) -> list[Reign | None]:
    """How long each champion reigned, from ``changes`` in order, each with its time under ``at``."""
    times = [parse_time(change["at"]) for change in changes]
    ends = [*times[1:], parse_time(now)]
    known = [time for time in [*times, *ends] if time is not None]
    if len(known) < 2:
        return [None] * len(changes)
    first = min(known)
    total = (max(known) - first).total_seconds() or 1.0
    found: list[Reign | None] = []
    for start, end in zip(times, ends, strict=True):
        if start is None or end is None or end < start:
            found.append(None)
            continue
        took = (end - start).total_seconds()
        found.append({"bar": _span((start - first).total_seconds(), took, total), "seconds": took})
    return found
