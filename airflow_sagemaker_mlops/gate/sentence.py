"""Writes the sentences of a report."""

from __future__ import annotations

from collections.abc import Sequence

from .numbers_text import about, counted, decimals_for, number, percent, signed
from .report import INCONCLUSIVE, PROMOTE, REJECT, SKIPPED, GateReport, RuleResult
from .rules import EXTERNAL, Rule

LONGEST = 1000  # an approval description of SageMaker takes 1,024 characters
MAX_SENTENCES = 3


def rule_sentence(rule: Rule, result: RuleResult, noun: str, why_not: str = "", notes: Sequence[str] = ()) -> str:
    """``AUC 0.6798 against 0.6366: +0.0432, 95 % interval +0.0273 to +0.0591 on 6,009 flights: better.``"""
    name = rule.title + (f" for {result.slice}" if result.slice else "")
    if result.verdict == SKIPPED:
        return f"{name}: {counted(result.records, noun)}, fewer than {rule.min_records:,}: left out."
    if result.candidate is None:
        return f"{name}: not decided, {why_not or 'undefined'}."
    width = result.interval[1] - result.interval[0] if result.interval else abs(result.difference or 0.0)
    values = [value for value in (result.candidate, result.champion) if value is not None]
    decimals = decimals_for(width, tuple(values))
    text = f"{name} {number(result.candidate, decimals)}"
    if result.champion is not None:
        text += f" against {number(result.champion, decimals)}"
        if result.difference is not None:
            text += f": {signed(result.difference, decimals)}"
    if result.interval and result.level is not None:
        shown = signed if result.champion is not None else number
        ends = f"{shown(result.interval[0], decimals)} to {shown(result.interval[1], decimals)}"
        text += f", {percent(result.level)} interval {ends}"
    if rule.kind != EXTERNAL:
        text += f" on {counted(result.records, noun)}"
    text += f": {_finding(rule, result, decimals, why_not)}"
    return ". ".join([text, *notes]) + "."


def _finding(rule: Rule, result: RuleResult, decimals: int, why_not: str) -> str:
    limits = _limits(rule, result, decimals)
    if limits:
        return limits
    if result.margin is None:
        if why_not:
            return f"not decided, {why_not}"
        return _held(rule) or ("no champion to compare with" if rule.must else result.finding)
    by = number(abs(result.margin), max(decimals, 4)) if result.margin else ""
    words = result.finding
    if result.verdict == PROMOTE:
        if rule.is_primary:
            words = f"better by more than {by}" if by else "better"
        else:
            words = f"not worse by {by} or more" if by else "not worse"
        words += _bound(rule, result, decimals)
    elif result.verdict == REJECT:
        if not rule.is_primary and by:
            words = f"worse by more than {by}"
        elif result.finding == "better by too little":
            words = f"better, but by less than {by}"
        elif result.finding == "not better by enough":
            words = f"not better by {by}"
    elif result.verdict == INCONCLUSIVE:
        words = f"not decided{_why_undecided(result, by, why_not)}"
    if result.interval is None and result.verdict != INCONCLUSIVE:
        words += " (two numbers, no interval)"
    return "; ".join(part for part in (words, _held(rule)) if part)


def _why_undecided(result: RuleResult, by: str, why_not: str) -> str:
    if why_not:
        return f", {why_not}"
    if result.interval and result.interval[0] == result.interval[1]:
        return ", the models predict alike"
    against = f" against the margin of {by}" if by else ""
    if result.needed is None:
        return f"{against}; no number of records would decide"
    return f"{against}; about {about(result.needed)} records would decide"


def _bound(rule: Rule, result: RuleResult, decimals: int) -> str:
    """The bound that decided, if the two-sided interval alone would leave a doubt."""
    if result.interval is None or result.bound is None or result.margin is None or result.level is None:
        return ""
    end = result.interval[0] if rule.sign > 0 else result.interval[1]
    if (end - result.margin) * rule.sign > 0 or result.bound == end:
        return ""
    word = "least" if rule.sign > 0 else "most"
    return f", with {percent(result.level)} confidence at {word} {signed(result.bound, decimals)}"


def _limits(rule: Rule, result: RuleResult, decimals: int) -> str:
    if result.alarm:
        limit = rule.alarm_above if rule.alarm_above is not None else rule.alarm_below
        return f"too good to be true (the alarm is at {limit:g}); look for leaked labels before anything is deployed"
    if result.finding == "below the floor":
        return f"below the floor {rule.floor:g}"
    if result.finding == "above the ceiling":
        return f"above the ceiling {rule.ceiling:g}"
    del decimals
    return ""


def _held(rule: Rule) -> str:
    if rule.floor is not None:
        return f"not below the floor {rule.floor:g}"
    if rule.ceiling is not None:
        return f"not above the ceiling {rule.ceiling:g}"
    if rule.alarm_above is not None or rule.alarm_below is not None:
        return "no alarm"
    return ""


def whole_sentence(report: GateReport, rules: Sequence[Rule], noun: str) -> str:
    """The paragraph of a verdict, starting with the rules that decided it."""
    counting = [result for result in report.rules if not result.dry_run]
    by_place = {rule.place: rule for rule in rules}
    primary = [result for result in counting if by_place[result.rule].is_primary]
    if report.verdict == REJECT and report.no_champion is None:
        leading = [result for result in counting if result.verdict == REJECT]
    elif report.verdict == INCONCLUSIVE and any(result.verdict == INCONCLUSIVE for result in counting):
        leading = [result for result in counting if result.verdict == INCONCLUSIVE]
        leading.sort(key=lambda result: (not result.alarm, result not in primary))
    elif any(result.verdict == REJECT for result in counting):
        leading = [result for result in counting if result.verdict == REJECT]
    else:
        leading = primary or counting
    parts = [result.sentence for result in leading[:MAX_SENTENCES]]
    if len(leading) > MAX_SENTENCES:
        parts.append(f"So {_more(len(leading) - MAX_SENTENCES)}.")
    parts += _others(counting, leading)
    if report.no_champion is not None:
        parts.append("There is no champion yet.")
    parts.append(_conclusion(report, counting))
    text = " ".join(part for part in parts if part)
    del noun
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _more(count: int) -> str:
    return "has one more rule or slice" if count == 1 else f"have {count:,} more rules or slices"


def _others(counting: Sequence[RuleResult], leading: Sequence[RuleResult]) -> list[str]:
    rest = [result for result in counting if result not in leading and result.verdict != SKIPPED]
    skipped = sum(result.verdict == SKIPPED for result in counting)
    said = []
    held = sum(result.verdict == PROMOTE for result in rest)
    if held and held == len(rest):
        said.append("Every other rule holds." if held > 1 else "The other rule holds.")
    elif held:
        said.append(f"{held} of the {len(rest)} other rules hold.")
    if skipped:
        said.append(f"{skipped} {'slice is' if skipped == 1 else 'slices are'} too small to judge.")
    return said


def _conclusion(report: GateReport, counting: Sequence[RuleResult]) -> str:
    if any(result.alarm for result in counting) and report.verdict == INCONCLUSIVE:
        return "Not promoted: somebody has to look."
    if report.no_champion is not None:
        if report.verdict == PROMOTE:
            return "Promote it as the first."
        if report.verdict == INCONCLUSIVE and report.no_champion == "approve":
            return "Somebody has to approve the first."
        return "Not promoted."
    if report.verdict == PROMOTE:
        return "Promote."
    if report.verdict == REJECT:
        return "Rejected; the champion stays."
    return "Inconclusive; the champion stays."
