"""Differences between two runs, as short phrases: ``NumRound 80 -> 120; 3 objects new under train/; same code, …``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...execution.secret_masking import MASK
from ..model.documents import CostDocument, RecordDocument, TermDocument, TotalsDocument
from ..model.producers import Producers
from ..model.record import decision_of
from ..model.step_record import StepRecord
from ..store.listing import ListingOf, no_listing
from ..store.reader import parameters_of_record
from .inputs import input_changes
from .json_diff import changed, changes, show, show_number

Steps = Mapping[str, StepRecord]
# Reported elsewhere, or different in every run.
_NOT_COMPARED = frozenset({"Tags", "ExperimentConfig"})
_SOURCES = ("ProcessingInputs", "InputDataConfig", "TransformInput", "ProcessingOutputConfig", "OutputDataConfig")


def diff(
    old: RecordDocument,
    new: RecordDocument,
    *,
    old_steps: Steps | None = None,
    new_steps: Steps | None = None,
    listing_of: ListingOf = no_listing,
) -> list[str]:
    """One phrase per difference between two records, from the user's choices to the results; never empty.

    Pass the steps from ``reader.steps_of`` if requests are stored separately.
    """
    before = old_steps if old_steps is not None else _steps(old)
    after = new_steps if new_steps is not None else _steps(new)
    common = [name for name in after if name in before]
    ran = [name for name in common if before[name].request is not None and after[name].request is not None]
    phrases = [
        *_other_dag(old, new),
        *_definition(old, new),
        *_parameters(old, new),
        *_which_steps(before, after),
        *_inputs(before, after, ran, listing_of),
        *_code_and_images(before, after, ran),
        *_requests(before, after, ran, old, new),
        *_decisions(old, new, before, after),
        *_ends(before, after, common),
        *_metrics(before, after, common),
        *_models(old, new),
        *_cost(old, new),
    ]
    return list(dict.fromkeys(phrases))


def _steps(record: RecordDocument) -> Steps:
    return {item["step"]: StepRecord.from_json(item) for item in record["steps"]}


def _other_dag(old: RecordDocument, new: RecordDocument) -> Iterator[str]:
    if old["run"]["dag_id"] != new["run"]["dag_id"]:
        yield f"runs of two DAGs: {old['run']['dag_id']} and {new['run']['dag_id']}"


def _definition(old: RecordDocument, new: RecordDocument) -> Iterator[str]:
    if old["definition"]["sha256"] != new["definition"]["sha256"]:
        yield f"definition changed ({old['definition']['sha256'][:12]} -> {new['definition']['sha256'][:12]})"
    else:
        yield "same definition"


def _parameters(old: RecordDocument, new: RecordDocument) -> Iterator[str]:
    before, after = parameters_of_record(old), parameters_of_record(new)
    if before == after:
        yield "same parameters"
    for place, was, now in changes(before, after):
        yield changed(place, was, now)
    hidden = [name for name, value in after.items() if value == MASK == before.get(name)]
    if hidden:
        yield f"{', '.join(hidden)} masked in both, cannot be compared"


def _which_steps(before: Steps, after: Steps) -> Iterator[str]:
    for name in before:
        if name not in after:
            yield f"step {name} is gone"
    for name, step in after.items():
        if name not in before:
            yield f"step {name} is new ({step.type})"


def _inputs(before: Steps, after: Steps, common: list[str], listing_of: ListingOf) -> Iterator[str]:
    """Differences in inputs from outside the run; other inputs follow from these."""
    producers = [Producers(steps.values()) for steps in (before, after)]
    phrases = []
    for name in common:
        sides = [
            [a for a in step.inputs if a.role != "code" and not own.made_before(step, a.uri)]
            for step, own in zip((before[name], after[name]), producers, strict=True)
        ]
        phrases += input_changes(sides[0], sides[1], listing_of)
    if phrases:
        yield from phrases
    elif any(step.inputs for step in after.values()):
        yield "same inputs"


def _code_and_images(before: Steps, after: Steps, ran: list[str]) -> Iterator[str]:
    """``same code, same image``, or the steps whose code or image changed."""
    code = [name for name in ran if _code(before[name]) != _code(after[name])]
    images = [name for name in ran if before[name].images != after[name].images]
    same = []
    if not code and any(_code(step) for step in after.values()):
        same.append("same code")
    if not images and any(step.images for step in after.values()):
        same.append("same image")
    for name in code:
        commits = [next((c.commit[:12] for c in step.code if c.commit), "") for step in (before[name], after[name])]
        details = f" (commit {commits[0]} -> {commits[1]})" if all(commits) and commits[0] != commits[1] else ""
        yield f"code of {name} changed{details}"
    for name in images:
        was, now = ([image.uri for image in step.images] for step in (before[name], after[name]))
        digests = "" if was != now else " (another digest under the same name)"
        yield f"image of {name} {', '.join(was) or '(none)'} -> {', '.join(now) or '(none)'}{digests}"
    if same:
        yield ", ".join(same)


def _code(step: StepRecord) -> set[str]:
    """Identifies a version of the code: by its content if known, otherwise by its URI."""
    looked_at = {a.etag or a.sha256 or a.uri for a in step.inputs if a.role == "code"}
    return looked_at or {code.sha256 or code.version or code.commit or code.uri for code in step.code}


def _requests(
    before: Steps, after: Steps, common: list[str], old: RecordDocument, new: RecordDocument
) -> Iterator[str]:
    """Other differences in requests, without those that a parameter or input explains."""
    values = [
        {show(value) for value in parameters_of_record(record).values() if value not in (None, "")}
        for record in (old, new)
    ]
    for name in common:
        was, now = _request(before[name]), _request(after[name])
        for place, a, b in changes(was, now):
            of_a_parameter = show(a) in values[0] - values[1] and show(b) in values[1] - values[0]
            if not of_a_parameter and not place.endswith("Uri"):
                yield changed(f"{name}: {place}", a, b)


def _request(step: StepRecord) -> dict[str, Any]:
    own = {attempt.name for attempt in step.attempts}
    request = step.request or {}
    return {
        key: value
        for key, value in request.items()
        if key not in _NOT_COMPARED and key not in _SOURCES and not (isinstance(value, str) and value in own)
    }


def _decisions(old: RecordDocument, new: RecordDocument, before: Steps, after: Steps) -> Iterator[str]:
    outcomes = {decision["step"]: decision for decision in old["decisions"]}
    for decision in new["decisions"]:
        name = decision["step"]
        verdicts = _verdict(name, before), _verdict(name, after)
        if all(verdicts):
            if verdicts[0] != verdicts[1]:
                yield f"{name} {verdicts[0]} -> {verdicts[1]}: {decision['sentence']}"
            continue
        was = outcomes.get(name)
        if was is not None and was["outcome"] != decision["outcome"] and not _repeats(name, after):
            exact = decision_of(after[name]) if name in after else decision
            details = "; ".join(_term(term) for term in exact["terms"])
            yield f"{name} {show(was['outcome'])} -> {show(decision['outcome'])} ({details})"


def _verdict(name: str, steps: Steps) -> str:
    """The verdict of a gate or drift check; "" of any other step."""
    step = steps.get(name)
    return str((step.decision or {}).get("Verdict") or "") if step is not None else ""


def _repeats(name: str, steps: Steps) -> bool:
    """Whether the step is a condition behind a verdict: ``IsBetter.promote`` says what ``IsBetter`` has said."""
    return bool(_verdict(name.rpartition(".")[0], steps))


def _term(term: TermDocument) -> str:
    return f"{show(term['left'])} {term['operator']} {show(term['right'])} is {show(term['result'])}"


TAKEN = ("hit", "reused")


def _ends(before: Steps, after: Steps, common: list[str]) -> Iterator[str]:
    for name in common:
        if before[name].status != after[name].status and not _repeats(name, after):
            why = f": {show(after[name].failure_reason)}" if after[name].failure_reason else ""
            yield f"{name} {before[name].status} -> {after[name].status}{why}"
        was, outcome = before[name].cache, after[name].cache
        if outcome is None or outcome.result not in TAKEN or (was is not None and was.result in TAKEN):
            continue
        yield f"{name} taken from {'the cache' if outcome.result == 'hit' else f'run {outcome.source_run}'}"


def _metrics(before: Steps, after: Steps, common: list[str]) -> Iterator[str]:
    """Metrics by name; with the step's name if two steps have a metric of that name."""
    several = {m for name in common for m in after[name].metrics if sum(m in after[n].metrics for n in common) > 1}
    found = False
    for name in common:
        for metric, value in after[name].metrics.items():
            was = before[name].metrics.get(metric)
            found = True
            if was != value:
                yield f"{f'{name}: ' if metric in several else ''}{metric} {show_number(was)} -> {show_number(value)}"
    if found and all(before[n].metrics == after[n].metrics for n in common):
        yield "same metrics"


def _models(old: RecordDocument, new: RecordDocument) -> Iterator[str]:
    count = len(new["models"]) - len(old["models"])
    if count:
        yield f"{abs(count)} model{'s' if abs(count) > 1 else ''} {'more' if count > 0 else 'fewer'} registered"


def _cost(old: RecordDocument, new: RecordDocument) -> Iterator[str]:
    """The recorded cost; without prices, billable seconds stand for it if the instance types are equal."""
    was, now = old["totals"], new["totals"]
    if _is_whole(was) and _is_whole(now) and was["cost"]["currency"] == now["cost"]["currency"]:
        yield from _amounts(was["cost"], now["cost"])
        return
    before, after = was["billable_seconds"], now["billable_seconds"]
    if before == after:
        return
    same_types = set(was.get("billable_by_instance_type", {})) == set(now.get("billable_by_instance_type", {}))
    word = "cost" if same_types and before else "billable time"
    if not before or not after:
        yield f"{word} {before:.0f} -> {after:.0f} billable seconds"
    elif round(change := (after / before - 1) * 100):
        yield f"{word} {change:+.0f} %"


def _is_whole(totals: TotalsDocument) -> bool:
    """Whether the cost of every instance type is known."""
    return "cost" in totals and not totals["cost"].get("unpriced")


def _amounts(was: CostDocument, now: CostDocument) -> Iterator[str]:
    before, after = was["amount"], now["amount"]
    change = f" ({(after / before - 1) * 100:+.0f} %)" if before else ""
    if before != after:
        yield f"cost {before:.6g} -> {after:.6g} {now['currency']}{change}"
