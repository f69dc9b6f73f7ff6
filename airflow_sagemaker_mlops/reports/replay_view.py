"""Recorded candidates of a gate, with the data to judge them again by another margin.

A rule with ``Must`` is met if the one-sided bound of the gain lies beyond the margin, and violated if the bound on the
other side falls short of it.  An index entry has one of the two bounds, and both ends of the two-sided interval.  The
missing bound lies as far from the difference, in relation to its end of the interval, as the known one: exact for
methods with symmetric intervals (DeLong), close for the others.

Each candidate keeps the champion of its day, and the verdicts of its other rules; if several rules are primary, Holm's
levels stay as recorded.  ``sagemaker-mlops gate replay`` judges the predictions themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from ..json_types import JsonObject
from .index_entries import Verdict, ends_of, metric_title, ordered, run_of, verdicts_of, version_in
from .reading import ListLimits, number, text

MAX_CANDIDATES = 1_000
MAX_RULES = 12
_ROOM = 0.1  # share of the span on either side of a slider
_RANK = {"reject": 0, "inconclusive": 1, "promote": 2}


class Candidate(TypedDict):
    """A recorded candidate by one rule, in gains: better is greater, whatever the metric's goal.

    lower, upper   one-sided bounds of the gain at the rule's confidence
    margin         what ``lower`` had to exceed
    verdict        of the whole gate
    others         of everything else that the gate judged: promote, reject or inconclusive
    """

    run_id: str
    started: str
    verdict: str
    champion: str
    gain: float
    low: float
    high: float
    lower: float
    upper: float
    margin: float
    others: str


class ReplayRule(TypedDict):
    """A rule with its candidates, oldest first; ``low`` and ``high`` are the ends of a slider for the margin."""

    id: str
    step: str
    metric: str
    title: str
    goal: str
    must: str
    level: float | None
    margin: float
    low: float
    high: float
    candidates: list[Candidate]


class ReplayView(TypedDict):
    """The replay; ``without`` counts gates that had no champion to compare with, or no interval."""

    schema: str
    rules: list[ReplayRule]
    without: int
    cut: dict[str, int]


def replay_view(summaries: Iterable[object]) -> ReplayView:
    """The candidates in a DAG's index entries, by rule."""
    cutter = ListLimits()
    rules: dict[str, ReplayRule] = {}
    without = 0
    for entry in cutter.first("runs", ordered(summaries)[::-1], MAX_CANDIDATES)[::-1]:
        for verdict in verdicts_of(entry):
            if verdict["kind"] == "gate" and not _add(rules, entry, verdict):
                without += 1
    shown = cutter.first("rules", list(rules.values()), MAX_RULES)
    for rule in shown:
        rule["low"], rule["high"] = _span(rule)
    return {"schema": "1.0", "rules": shown, "without": without, "cut": cutter.cut}


def judged_again(candidate: Candidate, margin: float, must: str) -> str:
    """The verdict of the whole gate if the rule had this margin; the page's script decides the same way."""
    lower, upper = candidate["lower"], candidate["upper"]
    is_met = lower > margin if must == "improve" else lower >= margin  # equal if the models predict the same
    own = "promote" if is_met else "reject" if upper < margin else "inconclusive"
    return min((own, candidate["others"]), key=lambda verdict: _RANK.get(verdict, 1))


def _add(rules: dict[str, ReplayRule], entry: JsonObject, verdict: Verdict) -> bool:
    is_added = False
    for place, rule in enumerate(verdict["rules"]):
        found = _candidate(entry, verdict, place)
        if found is None:
            continue
        is_added = True
        metric, must = text(rule.get("metric")), text(rule.get("must")) or "improve"
        ident = f"{verdict['step']} {metric} {must}"
        known = rules.setdefault(ident, _rule(ident, verdict["step"], rule, must))
        known["margin"] = found["margin"]
        known["candidates"].append(found)
    return is_added


def _rule(ident: str, step: str, rule: JsonObject, must: str) -> ReplayRule:
    metric = text(rule.get("metric"))
    return {
        "id": ident,
        "step": step,
        "metric": metric,
        "title": metric_title(metric),
        "goal": "minimize" if rule.get("goal") == "minimize" else "maximize",
        "must": must,
        "level": number(rule.get("level")),
        "margin": 0.0,
        "low": 0.0,
        "high": 0.0,
        "candidates": [],
    }


def _candidate(entry: JsonObject, verdict: Verdict, place: int) -> Candidate | None:
    rule = verdict["rules"][place]
    sign = -1.0 if rule.get("goal") == "minimize" else 1.0
    bounds = _bounds(rule, sign)
    margin = number(rule.get("margin"))
    if bounds is None or margin is None:
        return None
    gain, low, high, lower, upper = bounds
    others = [verdict["others"] or "promote"]
    others += [text(other.get("verdict")) for index, other in enumerate(verdict["rules"]) if index != place]
    run = run_of(entry)
    return {
        "run_id": run["run_id"],
        "started": run["started"],
        "verdict": verdict["verdict"],
        "champion": version_in(verdict["champion"]),
        "gain": _exact(gain),
        "low": _exact(low),
        "high": _exact(high),
        "lower": _exact(lower),
        "upper": _exact(upper),
        "margin": _exact(sign * margin),
        "others": min(others, key=lambda one: _RANK.get(one, 2 if one == "skipped" else 1)),
    }


def _bounds(rule: JsonObject, sign: float) -> tuple[float, float, float, float, float] | None:
    """Gain, both ends of its interval, and both one-sided bounds."""
    difference, bound = number(rule.get("difference")), number(rule.get("bound"))
    ends = ends_of(rule.get("interval"))
    if difference is None or bound is None or ends[0] is None or ends[1] is None:
        return None
    gain, known = sign * difference, sign * bound
    low, high = sorted((sign * ends[0], sign * ends[1]))
    is_lower = known <= gain
    reach = gain - low if is_lower else high - gain
    share = abs(gain - known) / reach if reach > 0 else 1.0
    lower = known if is_lower else gain - share * (gain - low)
    upper = gain + share * (high - gain) if is_lower else known
    return gain, low, high, lower, upper


def _exact(value: float) -> float:
    """Round to as many digits as the report of a gate."""
    return float(f"{value:.12g}")


def _span(rule: ReplayRule) -> tuple[float, float]:
    values = [rule["margin"], 0.0, *(one[end] for one in rule["candidates"] for end in ("lower", "upper"))]
    room = (max(values) - min(values)) * _ROOM or 0.01
    return float(f"{min(values) - room:.3g}"), float(f"{max(values) + room:.3g}")
