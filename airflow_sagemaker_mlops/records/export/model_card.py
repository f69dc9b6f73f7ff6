"""The model card of a version, from the record of the run that registered it; pure.

The content follows AWS's schema for the cards of model packages, which has neither ``model_package_details`` nor more
of ``model_overview`` than its creator and its artifacts.  What is too long or too much for the schema is cut.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from ...registry.wording import fitted

if TYPE_CHECKING:
    from ..model.documents import ModelDocument, RecordDocument, StepDocument

GATE, PROMOTION = "x-champion-gate", "x-promote-champion"
MAX_CHARACTERS = 100_000  # characters of ModelCardContent
LONG, SHORT = 1024, 63
OBSERVATION = 2096
DATASETS, TEST_SETS, METRICS, PARAMETERS = 15, 10, 50, 100


def is_about_champions(record: RecordDocument) -> bool:
    """Whether the run compared with a champion or promoted one, so that its models are candidates."""
    return any(step["type"] in (GATE, PROMOTION) for step in record["steps"])


def card_of(record: RecordDocument, model: ModelDocument, uri: str) -> dict[str, Any]:
    """The card of ``model``, a version that the run of ``record`` registered; ``uri`` is the record's."""
    run = record["run"]
    data = str(model.get("data") or "")
    who = f" by {run['user']}" if run.get("user") else ""
    card: dict[str, Any] = {
        "model_overview": {
            "model_creator": fitted(f"run {run['run_id']} of {run['dag_id']}{who}", LONG),
            "model_artifact": [fitted(data, LONG)] if data else [],
        },
        "training_details": _training(record, data),
        "evaluation_details": [_evaluation(step) for step in record["steps"] if _is_gate(step)],
        "additional_information": {"custom_details": _details(record, model, uri)},
    }
    return {name: section for name, section in card.items() if section}


def merged(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """``theirs`` with what it lacks of ``ours``: what people wrote stays."""
    both = dict(theirs)
    for name, value in ours.items():
        there = both.get(name)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            both[name] = merged(there, value)
        elif there in (None, "", [], {}):
            both[name] = value
    return both


def card_text(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """``theirs`` with what it lacks of ``ours`` as ``ModelCardContent``: one line of at most 100,000 characters.

    With fewer metrics if it is too long otherwise, then without them; "" if there is no room for anything of ``ours``.
    """
    for part in _parts(ours):
        both = merged(theirs, part)
        text = json.dumps(both, ensure_ascii=False, allow_nan=False)
        if len(text) <= MAX_CHARACTERS:
            return text if both != theirs else ""
    return ""


def _parts(card: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """``card``, then less and less of it."""
    yield card
    evaluations = card.get("evaluation_details") or []
    groups = [group for evaluation in evaluations for group in evaluation.get("metric_groups") or []]
    limit = max((len(group["metric_data"]) for group in groups), default=0)
    while limit > 1:
        limit //= 2
        yield {**card, "evaluation_details": [_shorter(evaluation, limit) for evaluation in evaluations]}
    yield {name: card[name] for name in ("model_overview", "additional_information") if name in card}


def _shorter(evaluation: Mapping[str, Any], limit: int) -> dict[str, Any]:
    groups = [{**group, "metric_data": group["metric_data"][:limit]} for group in evaluation.get("metric_groups") or []]
    return {**evaluation, "metric_groups": groups}


def _training(record: RecordDocument, data: str) -> dict[str, Any]:
    """What is known of the job that made the model at ``data``, or of the only training job."""
    trained = [step for step in record["steps"] if step["type"] in ("Training", "Tuning", "AutoML")]
    made = [step for step in trained if any(artifact.get("uri") == data for artifact in step.get("outputs", ()))]
    found = made or (trained if len(trained) == 1 else [])
    if not found:
        return {}
    step = found[0]
    request = step.get("request") or {}
    parameters = request.get("HyperParameters")
    details: dict[str, Any] = {
        "training_arn": next(
            (fitted(job["arn"], LONG) for job in reversed(step.get("attempts", ())) if job.get("arn")), ""
        ),
        "training_datasets": [fitted(one["uri"], LONG) for one in step.get("inputs", ()) if one.get("uri")][:DATASETS],
        "training_environment": {
            "container_image": [fitted(one["uri"], LONG) for one in step.get("images", ())][:DATASETS]
        },
        "training_metrics": [
            {"name": fitted(name, 255), "value": value}
            for name, value in (step.get("metrics") or {}).items()
            if _is_number(value) and name
        ][:METRICS],
        "hyper_parameters": [
            {"name": fitted(str(name), 255), "value": fitted(str(value), 255)}
            for name, value in (parameters if isinstance(parameters, Mapping) else {}).items()
            if str(name).strip() and str(value).strip()
        ][:PARAMETERS],
    }
    if not details["training_environment"]["container_image"]:
        del details["training_environment"]
    return {"training_job_details": {name: value for name, value in details.items() if value}}


def _is_gate(step: StepDocument) -> bool:
    return step["type"] == GATE and bool((step.get("decision") or {}).get("Verdict"))


def _evaluation(step: StepDocument) -> dict[str, Any]:
    decision: Mapping[str, Any] = step.get("decision") or {}
    rules = [rule for rule in decision.get("Rules") or [] if isinstance(rule, Mapping)]
    jobs = [str(job["arn"]) for job in step.get("attempts", ()) if job.get("arn")]
    names = {
        "verdict": "Verdict",
        "champion": "Champion",
        "records": "Records",
        "test set": "Fingerprint",
        "report": "Report",
    }
    compared = [rule for rule in rules if _is_number(rule.get("difference"))]
    alone = [rule for rule in rules if not _is_number(rule.get("difference"))]
    groups = {
        "Candidate": [metric for rule in rules for metric in _metric(rule, "candidate", _finding(rule))],
        "Champion": [metric for rule in rules for metric in _metric(rule, "champion")],
        "Difference": [metric for rule in compared for metric in (*_metric(rule, "difference"), *_interval(rule))],
        "Interval of the candidate": [metric for rule in alone for metric in _interval(rule)],
    }
    evaluation: dict[str, Any] = {
        "name": fitted(step["step"], SHORT),
        "evaluation_observation": fitted(str(decision.get("Sentence") or ""), OBSERVATION),
        "datasets": [fitted(one["uri"], LONG) for one in step.get("inputs", ()) if one.get("uri")][:TEST_SETS],
        "metadata": {name: fitted(str(decision[key]), LONG) for name, key in names.items() if decision.get(key)},
        "metric_groups": [{"name": name, "metric_data": _once(data)} for name, data in groups.items() if data],
    }
    if jobs and len(jobs[-1]) <= 256:
        evaluation["evaluation_job_arn"] = jobs[-1]
    return {name: value for name, value in evaluation.items() if value}


def _finding(rule: Mapping[str, Any]) -> str:
    effect = ", without effect" if rule.get("dry_run") else ""
    return f"{rule.get('verdict')}{effect}: {rule.get('sentence') or rule.get('finding') or ''}"


def _metric(rule: Mapping[str, Any], key: str, notes: str = "") -> Iterator[dict[str, Any]]:
    if _is_number(rule.get(key)):
        yield _number(_name(rule), rule[key], notes)


def _once(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One of each name: several rules may be about a metric; then it has the notes of all."""
    found: dict[str, dict[str, Any]] = {}
    for metric in metrics:
        known = found.setdefault(metric["name"], metric)
        if known is not metric and metric.get("notes"):
            known["notes"] = fitted(f"{known.get('notes', '')} {metric['notes']}", LONG)
    return list(found.values())


def _interval(rule: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The ends of the interval: of the difference, or without a champion of the candidate's value."""
    interval, level = rule.get("interval"), rule.get("level")
    if isinstance(interval, list) and len(interval) == 2 and _is_number(level):
        for end, value in zip(("lower", "upper"), interval, strict=True):
            if _is_number(value):
                yield _number(f"{_name(rule)}, {end} end of the {100 * level:.6g} % interval", value)


def _name(rule: Mapping[str, Any]) -> str:
    where = f" ({rule['slice']})" if rule.get("slice") else ""
    return f"{rule.get('metric') or 'metric'}{where}"


def _number(name: str, value: float, notes: str = "") -> dict[str, Any]:
    metric = {"name": fitted(name, 255), "type": "number", "value": value}
    return {**metric, "notes": fitted(notes, LONG)} if notes else metric


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _details(record: RecordDocument, model: ModelDocument, uri: str) -> dict[str, str]:
    run = record["run"]
    commits = sorted(
        {str(code["commit"]) for step in record["steps"] for code in step.get("code", ()) if code.get("commit")}
    )
    definition: Mapping[str, Any] = record.get("definition") or {}
    integrity: Mapping[str, Any] = record.get("integrity") or {}
    known = {
        "pipeline": run.get("pipeline") or run["dag_id"],
        "run": run["run_id"],
        "started": run.get("started"),
        "registered by step": model.get("step"),
        "commit": ", ".join(commits),
        "definition sha256": definition.get("sha256"),
        "record": uri,
        "record sha256": integrity.get("sha256"),
    }
    parameters = {
        f"parameter {name}": parameter.get("value")
        for name, parameter in (record.get("externalParameters") or {}).items()
    }
    given = {**known, **dict(list(parameters.items())[:PARAMETERS])}
    return {fitted(name, 255): fitted(str(value), LONG) for name, value in given.items() if value not in (None, "")}
