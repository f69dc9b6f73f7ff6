"""What the index says of a run beyond its counts, so that trends, replays and model pages read no records.

Entries of earlier versions lack these members, and ``verify`` treats them as harmless; ``records verify
--rebuild-index`` adds them.  Every list has a bound, because a page of the index holds a thousand entries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...definition.step_types import CHAMPION_GATE, DRIFT_CHECK
from ..model.documents import (
    ApprovalDocument,
    DeployedDocument,
    FactsDocument,
    ModelDocument,
    PromotedDocument,
    RecordDocument,
    RuleDocument,
    StepDocument,
    VerdictDocument,
)

MAX_ENTRIES = 8  # verdicts, models, approvals or deployments of a run
MAX_RULES = 6  # of a gate, without those for slices
MAX_METRICS = 12
LONGEST = 300  # characters of a sentence
VERDICT_STEPS = (CHAMPION_GATE, DRIFT_CHECK)
_NUMBERS = ("candidate", "champion", "difference", "level", "bound", "margin")
_WORST = ("reject", "inconclusive", "promote")  # in this order, the first that occurs decides


def facts_of(document: RecordDocument) -> FactsDocument:
    """The facts in a sealed record; members without a value are absent."""
    steps = document["steps"]
    facts: FactsDocument = {}
    if verdicts := [_verdict(step) for step in steps if step["type"] in VERDICT_STEPS and _decision(step)]:
        facts["verdicts"] = verdicts[:MAX_ENTRIES]
    if metrics := dict(list(_metrics(steps))[:MAX_METRICS]):
        facts["metrics"] = metrics
    if cost := document.get("totals", {}).get("cost"):
        facts["cost"] = cost
    if models := [_model(model) for model in document.get("models", ())]:
        facts["models"] = models[:MAX_ENTRIES]
    if approvals := [_approval(approval) for approval in document.get("approvals", ())]:
        facts["approvals"] = approvals[:MAX_ENTRIES]
    if promoted := list(_promoted(steps)):
        facts["promoted"] = promoted[:MAX_ENTRIES]
    if deployed := list(_deployed(steps)):
        facts["deployed"] = deployed[:MAX_ENTRIES]
    if failed := next((step["step"] for step in steps if step["status"] == "Failed"), ""):
        facts["failed_step"] = failed
    if sha256 := document.get("definition", {}).get("sha256"):
        facts["definition"] = str(sha256)[:12]
    return facts


def _decision(step: StepDocument) -> Mapping[str, Any]:
    found = step.get("decision") or (step.get("result") or {}).get("Decision")
    return found if isinstance(found, Mapping) and isinstance(found.get("Verdict"), str) else {}


def _verdict(step: StepDocument) -> VerdictDocument:
    decision = _decision(step)
    verdict: VerdictDocument = {"step": step["step"], "type": step["type"], "verdict": decision["Verdict"]}
    if sentence := decision.get("Sentence"):
        verdict["sentence"] = _cut(sentence)
    if isinstance(champion := decision.get("Champion"), str):
        verdict["champion"] = champion
    if isinstance(records := decision.get("Records"), int):
        verdict["records"] = records
    if isinstance(group := _group(step), str):
        verdict["group"] = group
    results = [one for one in _objects(decision.get("Rules")) if not one.get("dry_run")]
    shown = [one for one in results if not one.get("slice") and _number(one.get("candidate")) is not None][:MAX_RULES]
    if shown:
        verdict["rules"] = [_rule(one, _given_rules(step)) for one in shown]
    others = {str(one.get("verdict")) for one in results if one not in shown}
    if worst := next((word for word in _WORST if word in others), ""):
        verdict["others"] = worst
    return verdict


def _rule(result: Mapping[str, object], given: Sequence[object]) -> RuleDocument:
    rule: RuleDocument = {"metric": str(result.get("metric", "")), "verdict": str(result.get("verdict", ""))}
    if result.get("goal") == "minimize":
        rule["goal"] = "minimize"
    for name in _NUMBERS:
        if (value := _number(result.get(name))) is not None:
            rule[name] = value  # type: ignore[literal-required]  # the members that _NUMBERS lists
    ends = result.get("interval")
    if isinstance(ends, list) and len(ends) == 2 and None not in (low_high := [_number(end) for end in ends]):
        rule["interval"] = [end for end in low_high if end is not None]
    written = _written(result, given)
    if isinstance(must := written.get("Must"), str):
        rule["must"] = must
    for key, name in (("Floor", "floor"), ("Ceiling", "ceiling")):
        if (value := _number(written.get(key))) is not None:
            rule[name] = value  # type: ignore[literal-required]  # floor or ceiling
    return rule


def _written(result: Mapping[str, object], given: Sequence[object]) -> Mapping[str, Any]:
    """The rule behind ``result``, as written in the definition; its place is ``[2]``."""
    place = str(result.get("rule", "")).strip("[]")
    found = given[int(place)] if place.isdecimal() and int(place) < len(given) else None
    return found if isinstance(found, Mapping) else {}


def _given_rules(step: StepDocument) -> Sequence[object]:
    rules = (step.get("request") or {}).get("Rules")
    return rules if isinstance(rules, list) else ()


def _group(step: StepDocument) -> object:
    champion = (step.get("request") or {}).get("Champion")
    return champion.get("ModelPackageGroup") if isinstance(champion, Mapping) else None


def _metrics(steps: Sequence[StepDocument]) -> Iterator[tuple[str, float]]:
    """Metrics of jobs; a name that several steps use is prefixed with the step."""
    seen: set[str] = set()
    for step in steps:
        for name, value in (step.get("metrics") or {}).items():
            number = _number(value)
            if number is not None:
                yield (f"{step['step']}: {name}" if name in seen else name), number
                seen.add(name)


def _model(model: ModelDocument) -> ModelDocument:
    kept: ModelDocument = {}
    for name in ("step", "arn", "group", "version", "approval_status"):
        if name in model:
            kept[name] = model[name]
    return kept


def _approval(approval: ApprovalDocument) -> ApprovalDocument:
    kept: ApprovalDocument = {}
    for name in ("model", "step", "decision", "user", "by_default", "at"):
        if name in approval:
            kept[name] = approval[name]
    if "comment" in approval:
        kept["comment"] = _cut(approval["comment"])
    return kept


def _promoted(steps: Sequence[StepDocument]) -> Iterator[PromotedDocument]:
    """Champions that the run made.  The request has everything: a result keeps only what other steps read."""
    for step in steps:
        request = step.get("request") or {}
        arn = request.get("ModelPackageArn")
        if step["type"] == "x-promote-champion" and step["status"] == "Succeeded" and isinstance(arn, str):
            promoted: PromotedDocument = {"step": step["step"], "arn": arn, "at": step.get("ended", "")}
            promoted["replaced"] = str(request.get("Baseline") or "").partition(":")[2]
            promoted["history"] = str(request.get("HistoryS3Uri") or "")
            yield promoted


def _deployed(steps: Sequence[StepDocument]) -> Iterator[DeployedDocument]:
    """Endpoints that the run updated, with the model package that they serve if the run created only one model."""
    packages = {
        str(one["ModelPackageName"])
        for step in steps
        if step["type"] == "Model" and step["status"] == "Succeeded"
        for one in _containers(step.get("request") or {})
        if one.get("ModelPackageName")
    }
    arn = packages.pop() if len(packages) == 1 else ""
    for step in steps:
        name = (step.get("request") or {}).get("EndpointName")
        if step["type"] == "Endpoint" and step["status"] == "Succeeded" and isinstance(name, str):
            deployed: DeployedDocument = {"step": step["step"], "endpoint": name, "at": step.get("ended", "")}
            if arn:
                deployed["arn"] = arn
            yield deployed


def _containers(request: Mapping[str, object]) -> Iterator[Mapping[str, Any]]:
    yield from _objects([request.get("PrimaryContainer")])
    yield from _objects(request.get("Containers"))


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects in a list; nothing for any other value, because a request holds what the user wrote."""
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, Mapping))


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type]


def _cut(text: object) -> str:
    said = str(text)
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"
