"""Refuses predictions that cannot be judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .case import Case, number_or_none
from .problems import BadPredictions, alike, first_few
from .report import PROMOTE, REJECT, GateReport
from .rules import EXTERNAL, METRICS, RECORDED, Rule

NO_CHAMPION = (PROMOTE, REJECT, "approve")
MAX_SLICES = 1000  # of one column; a column with more is an id, not a slice


def refuse_what_cannot_be_judged(case: Case) -> None:
    """Raise :class:`BadPredictions` with every reason why the input cannot be judged."""
    wrong: list[str] = []
    predictions = case.predictions
    if predictions.champion is None and case.no_champion is None and _needs_champion(case.rules):
        wrong.append(
            "there are no scores of a champion. If there is none yet, say what then counts: NoChampion (--no-champion, "
            "no_champion) promote, reject or approve."
        )
    if case.no_champion is not None:
        if case.no_champion not in NO_CHAMPION:
            wrong.append(f'NoChampion is "{case.no_champion}"; use promote, reject or approve.')
        elif predictions.champion is not None:
            wrong.append("there are scores of a champion, and NoChampion says that there is none; give one of them.")
    wrong += _wrong_labels(case)
    wrong += _wrong_scores(case)
    for column in sorted({rule.slice for rule in case.rules if rule.slice}):
        wrong += _wrong_slices(case, column)
    wrong += _wrong_values(case)
    for rule in case.rules:
        compares = rule.compare == RECORDED and case.has_champion and not rule.slice and not rule.dry_run
        if not compares:
            continue
        before = case.recorded_number(rule, None)
        if before is None:
            what = f"compares with a recorded number, and {case.why_no_recorded_number(rule)}"
            wrong.append(f"rule {rule.place} {what}.")
        elif rule.metric in METRICS and METRICS[rule.metric].bounded and not 0 <= before <= 1:
            what = f"the champion's recorded {rule.metric} is {before:g}, but it lies between 0 and 1"
            wrong.append(f"{what}. Write it as a share of 1.")
    if wrong:
        raise BadPredictions(wrong)


def _needs_champion(rules: Sequence[Rule]) -> bool:
    return any(rule.must and rule.compare != RECORDED and rule.kind != EXTERNAL for rule in rules)


def _wrong_labels(case: Case) -> list[str]:
    classifying = [rule.metric for rule in case.rules if rule.metric in METRICS and METRICS[rule.metric].classifies]
    if not classifying:
        return []
    values = np.unique(case.predictions.label)
    names = f"{', '.join(dict.fromkeys(classifying))} {'is' if len(set(classifying)) == 1 else 'are'} about two classes"
    others = [value for value in values if value not in (0, 1)]
    if others:
        shown = first_few((f"{value:g}" for value in others), len(others), 4)
        return [f"{names}, so label has to be 0 or 1; it is {shown} as well."]
    if len(values) == 1:
        return [f"{names}, and label is {values[0]:g} in {_all(len(case.predictions))}: one class only."]
    return []


def _wrong_scores(case: Case) -> list[str]:
    wrong: list[str] = []
    known = [rule for rule in case.rules if rule.needs_rows]
    for name, scores in (("candidate", case.predictions.candidate), ("champion", case.predictions.champion)):
        if scores is None or not known:
            continue
        least, most = float(scores.min()), float(scores.max())
        if least == most:
            what = f"the {name}'s score is {least:g} in {_all(len(scores))}"
            wrong.append(f"{what}; a constant score is not a prediction.")
        chances = [rule.metric for rule in known if rule.metric in ("log_loss", "brier")]
        if chances and not 0 <= least <= most <= 1:
            runs = f"the {name}'s scores run from {least:g} to {most:g}"
            wrong.append(f"{chances[0]} needs probabilities between 0 and 1, and {runs}.")
        for rule in known:
            if rule.metric in METRICS and METRICS[rule.metric].thresholds and not least < rule.threshold <= most:
                side = "all below" if most < rule.threshold else "none below"
                wrong.append(
                    f"the {name}'s scores run from {least:g} to {most:g}, {side} the threshold {rule.threshold:g} of "
                    f"{rule.metric}: one class for every record. Give the rule a Threshold."
                )
                break
    return wrong


def _wrong_slices(case: Case, column: str) -> list[str]:
    groups = case.predictions.columns[column]
    if len(groups.values) > MAX_SLICES:
        return [f'the column "{column}" has {len(groups.values):,} values; the maximum for a Slice is {MAX_SLICES:,}.']
    wrong: list[str] = []
    expected: dict[str, None] = {}
    for rule in case.rules:
        if rule.slice == column:
            expected.update(dict.fromkeys(rule.values))
    before = case.recorded.slices.get(column, ()) if isinstance(case.recorded, GateReport) else ()
    expected.update(dict.fromkeys(before))
    gone = [value for value in expected if value not in groups.values]
    if gone:
        has = first_few(groups.values, len(groups.values), 8)
        wrong.append(
            f"{'a slice has' if len(gone) == 1 else f'{len(gone)} slices have'} vanished: no record has "
            f"{column} = {first_few(gone, len(gone))}. There are {has}."
        )
    return wrong


def _wrong_values(case: Case) -> list[str]:
    """Metrics measured elsewhere must have both values."""
    wrong: list[str] = []
    names = dict.fromkeys(rule.metric for rule in case.rules if rule.kind == EXTERNAL)
    for name in names:
        given = case.values.get(name)
        if given is None and all(rule.dry_run for rule in case.rules if rule.metric == name):
            continue  # reported as not measured
        if given is None:
            near = alike(name, [*case.values, *METRICS])
            hint = f' Did you mean "{near}"?' if near else ""
            give = f" Give it for both models (--value {name}=CANDIDATE,CHAMPION, or values)."
            wrong.append(f'there is no value for "{name}", which is not computed from predictions.{hint or give}')
            continue
        pair = case.external(name)
        strange = [key for key in pair if key not in ("candidate", "champion")]
        if strange:
            wrong.append(
                f'the values of "{name}" are of {first_few(strange, len(strange))}; use candidate and champion.'
            )
        needs = ["candidate"]
        if case.has_champion and any(rule.metric == name and rule.must for rule in case.rules):
            needs.append("champion")
        wrong += [
            f'the value of "{name}" of the {who} is {_shown(pair.get(who))} instead of a number.'
            for who in needs
            if number_or_none(pair.get(who)) is None
        ]
    unknown = [name for name in case.values if name not in names]
    if unknown:
        wrong.append(f"there are values that no rule is about: {first_few(unknown, len(unknown))}.")
    return wrong


def _all(records: int) -> str:
    return f"all {records:,} records" if records > 1 else "the only record"


def _shown(value: object) -> str:
    return "missing" if value is None else str(value)[:40]
