"""Decisions and drift of a run: the recorded gates, drift checks and conditions, for readers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..gate.rules import METRICS
from ..json_types import JsonObject
from .reading import LONG, ListLimits, as_text, count, items, mapping, number, objects, sentence, text
from .shapes import BranchView, DecisionView, DriftView, FindingView, RuleView, TermView
from .wording import CONDITION, DRIFT, GATE, said_of

MAX_RULES, MAX_TERMS, MAX_FINDINGS, MAX_BINS, MAX_BRANCH = 200, 50, 200, 60, 50
_WAITING = frozenset({"NotStarted", "NotSelected"})
_SIGNS = {
    "Equals": "=",
    "GreaterThan": ">",
    "GreaterThanOrEqualTo": "≥",
    "LessThan": "<",
    "LessThanOrEqualTo": "≤",
    ">=": "≥",
    "<=": "≤",
}


def decisions_in(steps: Sequence[JsonObject], cutter: ListLimits) -> list[DecisionView]:
    """Every decision, in the order of the steps; those that only carry out another's verdict are left out."""
    found = [step for step in steps if mapping(step.get("decision"))]
    own = [step for step in found if not _carries_out(step, found)]
    names = [text(step.get("step")) for step in own]
    return [_decision(step, _branch(text(step.get("step")), steps, names), cutter) for step in own]


def first_of(decisions: Sequence[DecisionView]) -> DecisionView | None:
    """The decision to show first: the last gate's, else that of a drift check that does not hold, else the last one."""
    gates = [one for one in decisions if one["kind"] == "gate"]
    drifts = [one for one in decisions if one["kind"] == "drift" and one["verdict"] != "stable"]
    return next((one[-1] for one in (gates, drifts, decisions) if one), None)


def drifts_in(steps: Sequence[JsonObject], cutter: ListLimits) -> list[DriftView]:
    """The reports of the drift checks."""
    return [_drift(step, cutter) for step in steps if _kind(mapping(step.get("decision"))) == "drift"]


def _kind(decision: JsonObject) -> str:
    if "Findings" in decision:
        return "drift"
    if "Rules" in decision:
        return "gate"
    return "condition" if decision else ""


def _carries_out(step: JsonObject, decisions: Sequence[JsonObject]) -> bool:
    """Whether ``step`` is the condition behind a verdict: ``IsBetter.promote`` behind ``IsBetter``."""
    parent = text(step.get("step")).rpartition(".")[0]
    return bool(parent) and any(text(one.get("step")) == parent for one in decisions)


def _decision(step: JsonObject, branch: BranchView, cutter: ListLimits) -> DecisionView:
    decision = mapping(step.get("decision"))
    kind = _kind(decision)
    verdict = text(decision.get("Verdict")) or str(decision.get("Outcome") is True).lower()
    word, tone = said_of(verdict, {"gate": GATE, "drift": DRIFT}.get(kind, CONDITION))
    given_terms = objects(decision.get("Terms")) if kind == "condition" else []  # for others, the rules say more
    terms = [_term(one) for one in cutter.first("terms", given_terms, MAX_TERMS)]
    given = objects(mapping(step.get("request")).get("Rules"))
    rules = cutter.first("rules", objects(decision.get("Rules")), MAX_RULES)
    return {
        "step": text(step.get("step")),
        "kind": kind,
        "verdict": verdict,
        "word": word,
        "tone": tone,
        "sentence": sentence(decision.get("Sentence")),
        "because": sentence(decision.get("Because")),
        "condition": "; ".join(_in_words(term) for term in terms[:5]),
        "records": count(decision.get("Records")),
        "champion": text(decision.get("Champion")),
        "report": text(decision.get("Report"), LONG),
        "fingerprint": text(decision.get("Fingerprint")),
        "terms": terms,
        "rules": [_rule(rule, _given(rule, given)) for rule in rules],
        "branch": branch,
    }


def _term(term: JsonObject) -> TermView:
    operator = text(term.get("Op"))
    return {
        "text": text(term.get("Text"), LONG),
        "left": as_text(term.get("Left")),
        "operator": _SIGNS.get(operator, operator),
        "right": as_text(term.get("Right")),
        "holds": term.get("Result") is True,
    }


def _in_words(term: TermView) -> str:
    """``3.9 ≥ 5.0 does not hold``."""
    compared = f"{term['left']} {term['operator']} {term['right']}"
    return f"{term['text'] or compared} {'holds' if term['holds'] else 'does not hold'}"


def _given(rule: JsonObject, given: Sequence[JsonObject]) -> JsonObject:
    """The rule of the definition that ``rule`` is the result of."""
    place = re.match(r"\[(\d{1,4})\]", text(rule.get("rule")))
    found = given[int(place[1])] if place and int(place[1]) < len(given) else {}
    return found if found.get("Metric") == rule.get("metric") else {}


def _rule(rule: JsonObject, given: JsonObject) -> RuleView:
    metric, verdict = text(rule.get("metric")), text(rule.get("verdict"))
    traits = METRICS.get(metric)
    word, tone = said_of(verdict, GATE)
    ends = sorted(end for end in map(number, items(rule.get("interval"))) if end is not None)
    return {
        "metric": metric,
        "title": traits.title if traits else metric.rpartition(":")[2] or metric,
        "slice": text(rule.get("slice")),
        "goal": "minimize" if rule.get("goal") == "minimize" else "maximize",
        "candidate": number(rule.get("candidate")),
        "champion": number(rule.get("champion")),
        "difference": number(rule.get("difference")),
        "low": ends[0] if len(ends) == 2 else None,
        "high": ends[1] if len(ends) == 2 else None,
        "level": number(rule.get("level")),
        "bound": number(rule.get("bound")),
        "margin": number(rule.get("margin")),
        "floor": number(given.get("Floor")),
        "ceiling": number(given.get("Ceiling")),
        "p_value": number(rule.get("p_value")),
        "records": count(rule.get("records")),
        "needed": count(rule.get("needed")),
        "verdict": verdict,
        "word": text(rule.get("finding")) or word,
        "tone": tone,
        "sentence": sentence(rule.get("sentence")),
        "dry_run": rule.get("dry_run") is True,
    }


def _branch(name: str, steps: Sequence[JsonObject], decisions: Sequence[str]) -> BranchView:
    """The steps between the decision ``name`` and the next one; records have no graph, but the plan's order."""
    found: dict[str, list[str]] = {"ran": [], "Failed": [], "NotTaken": []}
    inside = False
    for step in steps:
        own, status = text(step.get("step")), text(step.get("status"))
        if own in decisions:
            inside = own == name
        elif inside and not step.get("loop") and not own.startswith(f"{name}.") and status not in _WAITING:
            found[status if status in found else "ran"].append(own)
    ran, failed, left = found.values()
    return {
        "ran": ran[:MAX_BRANCH],
        "failed": failed[:MAX_BRANCH],
        "not_taken": left[:MAX_BRANCH],
        "sentence": _of_branch(ran, failed, left),
    }


def _of_branch(ran: Sequence[str], failed: Sequence[str], left: Sequence[str]) -> str:
    parts = [
        f"{_listed(ran)} ran" if ran else "",
        f"{_listed(failed)} failed" if failed else "",
        f"{_listed(left)} {'was' if len(left) == 1 else 'were'} not taken" if left else "",
    ]
    told_parts = "; ".join(part for part in parts if part)
    return f"{told_parts}." if told_parts else ""


def _listed(names: Sequence[str], limit: int = 8) -> str:
    """``A, B and C``; the number of those beyond ``limit``."""
    listed = [*names[:limit], *([f"{len(names) - limit} more"] if len(names) > limit else [])]
    return " and ".join(filter(None, (", ".join(listed[:-1]), *listed[-1:])))


def _drift(step: JsonObject, cutter: ListLimits) -> DriftView:
    decision = mapping(step.get("decision"))
    verdict = text(decision.get("Verdict"))
    word, tone = said_of(verdict, DRIFT)
    findings = cutter.first("findings", objects(decision.get("Findings")), MAX_FINDINGS)
    return {
        "step": text(step.get("step")),
        "verdict": verdict,
        "word": word,
        "tone": tone,
        "sentence": sentence(decision.get("Sentence")),
        "records": count(decision.get("Records")),
        "baseline_records": count(decision.get("BaselineRecords")),
        "report": text(decision.get("Report"), LONG),
        "findings": [_finding(one) for one in findings],
    }


def _finding(finding: JsonObject) -> FindingView:
    verdict, value, limit = text(finding.get("verdict")), number(finding.get("value")), number(finding.get("limit"))
    word, tone = said_of(verdict, DRIFT)
    labels = [as_text(label) for label in items(finding.get("labels"))[:MAX_BINS]]
    baseline, current = _shares(finding.get("baseline")), _shares(finding.get("current"))
    if not len(labels) == len(baseline) == len(current):  # half a picture would be a wrong one
        labels, baseline, current = [], [], []
    return {
        "check": text(finding.get("check")),
        "column": text(finding.get("column")),
        "value": value,
        "operator": _operator(text(finding.get("check")), verdict, value, limit),
        "limit": limit,
        "noise": number(finding.get("noise")),
        "verdict": verdict,
        "word": word,
        "tone": tone,
        "sentence": sentence(finding.get("sentence")),
        "dry_run": finding.get("dry_run") is True,
        "labels": labels,
        "baseline": baseline,
        "current": current,
    }


def _operator(check: str, verdict: str, value: float | None, limit: float | None) -> str:
    """Only the number of records has a minimum; the verdict shows which of its limits is meant."""
    if value is None or limit is None:
        return ""
    return "≥" if check == "records" and (value >= limit) is (verdict == "stable") else "≤"


def _shares(value: object) -> list[float]:
    return [float(number(share) or 0.0) for share in items(value)[:MAX_BINS]]
