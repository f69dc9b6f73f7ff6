"""Judges predictions by rules.

A rule with ``Must`` is decided by one-sided bounds of the difference at the rule's confidence level:

* met, if the bound is beyond the margin: the gain exceeds ``By`` (``improve``), or the loss stays below ``By``
  (``not_worsen``, a non-inferiority test);
* violated, if the bound on the other side is short of the margin;
* otherwise not decided.

Rules with ``Must: improve`` are primary.  Holm's procedure applies if there are several of them, or one with several
slices.  ``Floor`` and ``Ceiling`` are limits on the candidate's measured value, not comparisons with another model.
An alarm never promotes.

The gate rejects if any rule is violated, promotes if every rule is met, and is inconclusive otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .bootstrap import Weights
from .case import Case, number_or_none
from .comparison import Comparison
from .holm import holm_levels
from .measure import Measured, Rows, Tools, measure
from .problems import BadPredictions
from .refusals import refuse_what_cannot_be_judged
from .report import INCONCLUSIVE, PROMOTE, REJECT, SKIPPED, GateReport, RuleResult, verdict_of
from .rule_reader import parse_rules
from .rules import EXTERNAL, FUNCTION, RECORDED, Rule, columns_of
from .sentence import rule_sentence, whole_sentence
from .table import Groups, Predictions, column_named, table
from .user_function import load_function

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def evaluate(
    rules: object,
    *,
    label: ArrayLike,
    candidate: ArrayLike,
    champion: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    columns: Mapping[str, ArrayLike | Groups] | None = None,
    values: Mapping[str, object] | None = None,
    recorded: GateReport | Mapping[str, Any] | None = None,
    no_champion: str | None = None,
    noun: str = "records",
) -> GateReport:
    """Judge a candidate by both models' predictions on the same records.

    rules        a list of objects with ``Metric``, ``Must``, …, or what :func:`parse_rules` made of one
    label        (n,) numbers; 0 or 1 for metrics of classes
    candidate    (n,) numbers: the candidate's scores, or its predictions for rmse, mae and r2
    champion     (n,) numbers of the champion; ``None`` if there is no champion yet, which requires ``no_champion``
    ids          (n,) unique record ids; without them, records are ordered by their numbers
    columns      (n,) strings or numbers for each column that a rule names as ``Slice`` or ``Unit``
    values       for metrics that are measured elsewhere: ``{"latency_p95_ms": {"candidate": 118, "champion": 125}}``
    recorded     the champion's report, for rules with ``Compare: recorded`` and to detect missing slices; or its
                 metrics as ``{"auc": 0.71}``
    no_champion  the verdict without a champion, if every floor holds: ``promote``, ``reject``, or ``approve``, which
                 gives ``inconclusive`` so that a person decides
    noun         plural noun for the records, for sentences

    The same data gives the same report, bit for bit, in any order of the records.
    Raises :class:`InvalidRules` and :class:`BadPredictions`; never promotes on invalid input.
    """
    parsed = _parsed(rules)
    predictions = table(label, candidate, champion, ids, columns=_named_in(parsed, columns or {}))
    return judge(parsed, predictions, values=values, recorded=recorded, no_champion=no_champion, noun=noun)


def judge(
    rules: Sequence[Rule],
    predictions: Predictions,
    *,
    values: Mapping[str, object] | None = None,
    recorded: GateReport | Mapping[str, Any] | None = None,
    no_champion: str | None = None,
    noun: str = "records",
    folder: Path | None = None,
) -> GateReport:
    """Like :func:`evaluate`, for predictions in a table.

    folder   folder with the files of user-defined metrics
    """
    if len({rule.place for rule in rules}) < len(rules):  # built in code, or from several lists
        rules = [replace(rule, place=f"[{index}]") for index, rule in enumerate(rules)]
    case = Case(tuple(rules), predictions, dict(values or {}), recorded, no_champion, noun)
    refuse_what_cannot_be_judged(case)
    functions = {rule.metric: load_function(rule.metric, folder) for rule in rules if rule.kind == FUNCTION}
    tools = Tools(Weights(predictions.seed), functions)
    everything = Rows(
        predictions.label,
        predictions.candidate,
        predictions.champion,
        {rule.unit: predictions.columns[rule.unit].codes for rule in rules if rule.unit},
    )
    questions: list[_Question] = []
    for rule in rules:
        questions += _questions(case, rule, everything, tools)
    levels = _levels(questions)
    results = tuple(_result(case, question, level) for question, level in zip(questions, levels))
    return _report(case, results)


@dataclass(frozen=True)
class _Question:
    """A rule, or a rule for one slice, with its numbers."""

    rule: Rule
    slice: str | None
    records: int
    measured: Measured
    is_skipped: bool = False

    @property
    def comparison(self) -> Comparison | None:
        return self.measured.comparison

    @property
    def margin(self) -> float:
        """The gain that decides."""
        by = self.rule.by.of(self.measured.champion or 0.0)
        return by if self.rule.is_primary else -by

    @property
    def p_value(self) -> float:
        if self.comparison is None:
            return 1.0
        return self.comparison.p_above(self.margin, or_equal=not self.rule.is_primary)


def _parsed(rules: object) -> tuple[Rule, ...]:
    if isinstance(rules, (list, tuple)) and rules and all(isinstance(rule, Rule) for rule in rules):
        return tuple(rules)
    return parse_rules(rules)


def _named_in(rules: Sequence[Rule], columns: Mapping[str, ArrayLike | Groups]) -> dict[str, Any]:
    """The columns that ``rules`` name.  Raises :class:`BadPredictions` if any is missing."""
    names = columns_of(rules)
    if missing := [column_named(name, columns) for name in names if name not in columns]:
        raise BadPredictions(missing)
    return {name: columns[name] for name in names}


def _questions(case: Case, rule: Rule, everything: Rows, tools: Tools) -> list[_Question]:
    if rule.kind == EXTERNAL:
        return [_Question(rule, None, len(everything), _external(case, rule))]
    if not rule.slice:
        return [_measured(case, rule, None, everything, tools)]
    groups = case.predictions.columns[rule.slice]
    made: list[_Question] = []
    order = np.argsort(groups.codes, kind="stable")
    sizes = np.bincount(groups.codes, minlength=len(groups.values))
    ends = np.cumsum(sizes)
    for index, value in enumerate(groups.values):
        if rule.values and value not in rule.values:
            continue
        name = f"{rule.slice}={value}"
        if sizes[index] < rule.min_records:
            made.append(_Question(rule, name, int(sizes[index]), Measured(None, None, None), is_skipped=True))
            continue
        rows = everything.those(order[ends[index] - sizes[index] : ends[index]])
        made.append(_measured(case, rule, name, rows, tools))
    if made and all(question.is_skipped for question in made):
        why = f"no value of {rule.slice} has {rule.min_records:,} records"
        return [replace(question, measured=Measured(None, None, None, why), is_skipped=False) for question in made]
    return made


def _external(case: Case, rule: Rule) -> Measured:
    if rule.metric not in case.values:
        return Measured(None, None, None, "not measured")
    pair = case.external(rule.metric)
    champion = number_or_none(pair.get("champion")) if case.has_champion else None
    return Measured(number_or_none(pair["candidate"]), champion, None)


def _measured(case: Case, rule: Rule, slice_: str | None, rows: Rows, tools: Tools) -> _Question:
    if not rule.slice and len(rows) < rule.min_records:
        why = f"{len(rows):,} records; the rule demands {rule.min_records:,}"
        return _Question(rule, slice_, len(rows), Measured(None, None, None, why))
    recorded = None
    if rule.compare == RECORDED and case.has_champion:
        recorded = case.recorded_number(rule, slice_)
        if recorded is None:
            return _Question(rule, slice_, len(rows), Measured(None, None, None, "the champion's report has no number"))
    return _Question(rule, slice_, len(rows), measure(rule, rows, tools, recorded))


def _levels(questions: Sequence[_Question]) -> list[float]:
    """The alpha of each question: its own, or Holm's for primary ones."""
    alphas = [1 - question.rule.confidence for question in questions]
    primary = [
        index
        for index, question in enumerate(questions)
        if question.rule.is_primary and not question.rule.dry_run and not question.is_skipped
    ]
    for index, level in zip(
        primary, holm_levels([questions[index].p_value for index in primary], [alphas[index] for index in primary])
    ):
        alphas[index] = level
    return alphas


def _result(case: Case, question: _Question, alpha: float) -> RuleResult:
    rule, measured = question.rule, question.measured
    result = RuleResult(
        metric=rule.metric,
        slice=question.slice,
        rule=rule.place,
        candidate=measured.candidate,
        champion=measured.champion,
        difference=None
        if measured.candidate is None or measured.champion is None
        else measured.candidate - measured.champion,
        interval=None,
        level=None,
        bound=None,
        margin=None,
        p_value=None,
        records=question.records,
        needed=None,
        verdict=SKIPPED,
        finding="too few records",
        sentence="",
        dry_run=rule.dry_run,
        goal=rule.goal,
        setting=rule.setting,
    )
    if not question.is_skipped:
        result = _compared(case, question, alpha, result)
        result = _limited(rule, result)
    notes = []
    if rule.compare == RECORDED and case.has_champion and not case.is_comparable:
        notes.append("Not comparable: the recorded number is of another test set")
    return replace(result, sentence=rule_sentence(rule, result, case.noun, measured.why_not, notes))


def _compared(case: Case, question: _Question, alpha: float, result: RuleResult) -> RuleResult:
    rule, measured, comparison = question.rule, question.measured, question.comparison
    if measured.why_not:
        return replace(result, verdict=INCONCLUSIVE, finding="not decided")
    if not case.has_champion or not rule.must:
        if comparison is not None and not case.has_champion:
            return _own_interval(rule, comparison, alpha, replace(result, verdict=PROMOTE, finding="no champion"))
        return replace(result, verdict=PROMOTE, finding="holds")
    _require_margin(question)
    margin = question.margin
    result = replace(result, margin=rule.sign * margin)
    if comparison is None:
        return _of_two_numbers(rule, margin, result)
    p_value = question.p_value
    is_fulfilled, is_violated = p_value <= alpha, comparison.p_below(margin) <= alpha
    two_sided = sorted(rule.sign * end for end in (comparison.lower(alpha / 2), comparison.upper(alpha / 2)))
    if is_fulfilled:
        verdict, finding = PROMOTE, "better" if rule.is_primary else "not worse"
    elif is_violated:
        verdict, finding = REJECT, "worse" if comparison.p_below(0.0) <= alpha else "better by too little"
        if finding != "worse" and comparison.p_above(0.0) > alpha:
            finding = "not better by enough"
    else:
        verdict, finding = INCONCLUSIVE, "not decided"
    return replace(
        result,
        interval=(two_sided[0], two_sided[1]),
        level=1 - alpha,
        bound=rule.sign * (comparison.upper(alpha) if is_violated else comparison.lower(alpha)),
        p_value=p_value,
        needed=comparison.needed(margin, alpha) if verdict == INCONCLUSIVE else None,
        verdict=verdict,
        finding=finding,
        method=comparison.method,
    )


def _require_margin(question: _Question) -> None:
    """Raise :class:`BadPredictions` for a margin that is a percentage of 0."""
    rule = question.rule
    if rule.by.is_relative and question.measured.champion == 0:
        where = f" for {question.slice}" if question.slice else ""
        what = f"rule {rule.place} has By: {rule.by} of the champion's {rule.title}, which is 0{where}"
        raise BadPredictions([f"{what}; a share of nothing is not a margin. Write By as a number."])


def _of_two_numbers(rule: Rule, margin: float, result: RuleResult) -> RuleResult:
    """The result for two values that were measured elsewhere."""
    is_fulfilled = rule.sign * (result.difference or 0.0) >= margin
    verdict, finding = (PROMOTE, "not worse") if is_fulfilled else (REJECT, "worse")
    return replace(result, verdict=verdict, finding=finding, method="two numbers")


def _own_interval(rule: Rule, comparison: Comparison, alpha: float, result: RuleResult) -> RuleResult:
    """The result without a champion: with the interval of the candidate's value."""
    low, high = sorted(rule.sign * end for end in (comparison.lower(alpha / 2), comparison.upper(alpha / 2)))
    return replace(result, interval=(low, high), level=1 - alpha, method=comparison.method)


def _limited(rule: Rule, result: RuleResult) -> RuleResult:
    """Apply Floor, Ceiling and the alarms to a result."""
    value = result.candidate
    limits = [limit for limit in (rule.floor, rule.ceiling, rule.alarm_above, rule.alarm_below) if limit is not None]
    if value is None or not limits:
        return replace(result, verdict=INCONCLUSIVE) if limits and value is None else result
    if rule.floor is not None and value < rule.floor:
        return replace(result, verdict=REJECT, finding="below the floor")
    if rule.ceiling is not None and value > rule.ceiling:
        return replace(result, verdict=REJECT, finding="above the ceiling")
    is_alarm = (rule.alarm_above is not None and value > rule.alarm_above) or (
        rule.alarm_below is not None and value < rule.alarm_below
    )
    if is_alarm:
        verdict = REJECT if result.verdict == REJECT else INCONCLUSIVE
        return replace(result, verdict=verdict, finding="too good to be true", alarm=True)
    return result


def _report(case: Case, results: tuple[RuleResult, ...]) -> GateReport:
    verdict = verdict_of((result.verdict for result in results if not result.dry_run), case.no_champion)
    slices = {rule.slice: case.predictions.columns[rule.slice].values for rule in case.rules if rule.slice}
    report = GateReport(
        verdict=verdict,
        sentence="",
        records=len(case.predictions),
        rules=results,
        fingerprint=case.predictions.fingerprint,
        slices=slices,
        no_champion=case.no_champion,
    )
    return replace(report, sentence=whole_sentence(report, case.rules, case.noun))
