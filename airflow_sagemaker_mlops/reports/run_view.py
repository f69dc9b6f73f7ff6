"""A run's record -> :class:`~.shapes.RunView`: everything that a page or a report shows of a run.

Pure, and without exceptions: a record may be of an older schema, incomplete or altered, and its page still shows what
is known.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..execution.watch.console_links import console_base
from ..json_types import JsonObject
from ..records.model.prices import Prices
from ..records.model.timestamps import seconds_between
from ..steps.catalogue import entry_of
from .artifacts import artifacts_in
from .decisions import decisions_in, drifts_in, first_of
from .lineage import lineage_of
from .parameters import parameters_in
from .reading import LONG, ListLimits, clipped, count, mapping, number, objects, region_in, sentence, text, texts, time
from .shapes import (
    ApprovalView,
    DecisionView,
    HashesView,
    ModelView,
    OtherRun,
    RunFacts,
    RunView,
    StepView,
    TotalsView,
)
from .steps import Logs, StepReader, rates_of
from .wording import RUNS, approval_said, said_of

SCHEMA = "1.0"
MAX_STEPS, MAX_ARTIFACTS, MAX_OTHERS = 1_000, 500, 200
_PARTS = {
    "definition": "which definition ran",
    "externalParameters": "its parameters",
    "decisions": "its decisions",
    "totals": "its totals",
    "versions": "the versions of the software that ran it",
}


def run_view(
    record: object,
    previous: object = None,
    champion: object = None,
    *,
    amendments: Sequence[object] = (),
    prices: Prices | None = None,
    logs: Logs | None = None,
    console: bool = False,
    assembled: bool = False,
) -> RunView:
    """The view of ``record``.

    :param previous: record of the run before, to say what changed
    :param champion: record of the run that made the champion
    :param amendments: approvals given after the record was sealed
    :param prices: for the cost of each step
    :param logs: the last lines of jobs' logs, by step; records have none
    :param console: whether to link to the AWS console, which the embedded AWS does not have
    :param assembled: whether ``record`` is no record, but what Airflow and the step records know
    """
    document, before, best = mapping(record), mapping(previous), mapping(champion)
    cutter = ListLimits()
    steps = _steps(document, cutter)
    rates, currency = rates_of(document, prices)
    run = mapping(document.get("run"))
    earlier = {text(step.get("step")): step for step in objects(before.get("steps"))}
    reader = StepReader(run, earlier, rates=rates, logs=logs or {}, console=console)
    views = [reader.view(step) for step in steps]
    artifacts = cutter.first("artifacts", artifacts_in(steps, console=console), MAX_ARTIFACTS)
    decisions = cutter.first("decisions", decisions_in(steps, cutter), MAX_OTHERS)
    shown = first_of(decisions)
    facts = _facts(document, run)
    return {
        "schema": SCHEMA,
        "run": facts,
        "headline": _headline(facts, shown, views),
        "decision": shown,
        "decisions": decisions,
        "drift": cutter.first("drift", drifts_in(steps, ListLimits()), MAX_OTHERS),
        "steps": views,
        "artifacts": artifacts,
        "parameters": cutter.first("parameters", parameters_in(document, before, best), MAX_OTHERS),
        "lineage": lineage_of(steps, views, artifacts, cutter),
        "approvals": cutter.first("approvals", _approvals(document, amendments), MAX_OTHERS),
        "models": cutter.first("models", _models(document, steps, console=console), MAX_OTHERS),
        "totals": _totals(document, steps, currency, views),
        "hashes": _hashes(document, run, steps),
        "previous": _other(before),
        "champion": _other(best),
        "cut": cutter.cut,
        "notes": _notes(record, document, facts, cutter, assembled=assembled),
    }


def _steps(document: JsonObject, cutter: ListLimits) -> list[JsonObject]:
    """The steps with a name, without the conditions that carry out a verdict: they repeat it."""
    named = [step for step in objects(document.get("steps")) if text(step.get("step"))]
    deciding = {text(step.get("step")) for step in named if mapping(step.get("decision"))}
    verdicts = {name for name in deciding if "." not in name}
    kept = [
        step
        for step in named
        if step.get("type") != "Condition" or text(step.get("step")).rpartition(".")[0] not in verdicts
    ]
    return cutter.first("steps", kept, MAX_STEPS)


def _facts(document: JsonObject, run: JsonObject) -> RunFacts:
    status = text(run.get("status"))
    sealed = bool(text(mapping(document.get("integrity")).get("sha256")))
    if not status:
        status = "" if sealed else "Executing"
    word, tone = said_of(status, RUNS)
    run_id, cleared = text(run.get("run_id")), count(run.get("clear_number"))
    return {
        "dag_id": text(run.get("dag_id")),
        "run_id": run_id,
        "name": f"{run_id}#{cleared}" if cleared else run_id,
        "pipeline": text(run.get("pipeline")) or text(run.get("dag_id")),
        "status": status,
        "word": word,
        "tone": tone,
        "started": time(run.get("started")),
        "ended": time(run.get("ended")),
        "seconds": seconds_between(run.get("started"), run.get("ended")),
        "trigger": text(run.get("trigger")),
        "user": text(run.get("user")),
        "logical_date": time(run.get("logical_date")),
        "map_index": count(run.get("map_index")),
        "live": status == "Executing",
        "sealed": sealed,
    }


def _headline(run: RunFacts, decision: DecisionView | None, steps: Sequence[StepView]) -> str:
    failed = next((step for step in steps if step["status"] == "Failed"), None)
    if failed is not None and not (decision is not None and decision["step"] == failed["step"]):
        return clipped(f"Failed in {failed['step']}: {failed['cause'] or 'no cause is recorded'}", 600)
    if decision is not None:
        repeats = decision["sentence"].lower().startswith(decision["word"].lower())
        return clipped(decision["sentence"] if repeats else f"{decision['word']}: {decision['sentence']}", 1_200)
    ended = sum(step["status"] not in ("Executing", "Waiting", "NotStarted") for step in steps)
    if waiting := [step["step"] for step in steps if step["status"] == "Waiting"]:
        return f"Waiting for somebody's answer: {', '.join(waiting)}."
    if run["live"]:
        begun = sum(step["status"] != "NotStarted" for step in steps)
        return f"Running: {ended} of the {begun} steps that have begun have ended."
    return f"{run['word']}: {ended} of {len(steps)} steps have ended."


def _approvals(document: JsonObject, amendments: Sequence[object]) -> list[ApprovalView]:
    later = [mapping(mapping(one).get("approval")) for one in amendments]
    return [
        *(_approval(one, later=False) for one in objects(document.get("approvals"))),
        *(_approval(one, later=True) for one in later if one),
    ]


def _approval(approval: JsonObject, *, later: bool) -> ApprovalView:
    decision = text(approval.get("decision"))
    word, tone = approval_said(decision)
    task, index = text(approval.get("task")), count(approval.get("map_index"))
    return {
        "what": text(approval.get("model")) or (task if index is None else f"{task}[{index}]"),
        "step": text(approval.get("step")),
        "decision": decision,
        "word": word,
        "tone": tone,
        "user": text(approval.get("user")),
        "by_default": approval.get("by_default") is True,
        "at": time(approval.get("at")),
        "comment": sentence(approval.get("comment")),
        "later": later,
    }


def _models(document: JsonObject, steps: Sequence[JsonObject], *, console: bool) -> list[ModelView]:
    packages = objects(document.get("models")) or [
        {"step": text(step.get("step")), **package} for step in steps for package in objects(step.get("model_packages"))
    ]
    return [_model(package, console=console) for package in packages]


def _model(package: JsonObject, *, console: bool) -> ModelView:
    arn, status = text(package.get("arn"), LONG), text(package.get("approval_status"))
    word, tone = approval_said(status)
    region, entry = region_in(arn) if console else "", entry_of("RegisterModel")
    page = ""
    if region and entry is not None and entry.console:
        page = f"{console_base(region)}/sagemaker/home?region={region}#/{entry.console.format(name=arn)}"
    return {
        "step": text(package.get("step")),
        "arn": arn,
        "group": text(package.get("group")),
        "version": text(package.get("version")),
        "status": status,
        "word": word if status else "No status",
        "tone": tone,
        "data": text(package.get("data"), LONG),
        "console": page,
    }


def _totals(document: JsonObject, steps: Sequence[JsonObject], currency: str, views: Sequence[StepView]) -> TotalsView:
    """The recorded totals; if there are none, the totals of the steps."""
    known = mapping(document.get("totals"))
    own = [view for view in views if not view["loop"]]
    costs = [view["cost"] for view in views if view["cost"] is not None]
    cost = number(mapping(known.get("cost")).get("amount"))
    return {
        "steps": len(own),
        "succeeded": sum(view["status"] == "Succeeded" for view in own),
        "failed": sum(view["status"] == "Failed" for view in own),
        "cached": sum(view["cache"] is not None and view["cache"]["hit"] for view in views),
        "not_taken": sum(view["status"] == "NotTaken" for view in own),
        "jobs_started": count(known.get("jobs_started")) or sum(view["jobs_started"] for view in own),
        "seconds": number(known.get("seconds")),
        "billable_seconds": number(known.get("billable_seconds")),
        "saved_seconds": number(known.get("saved_seconds")),
        "cost": cost if cost is not None or not costs else sum(costs),
        "currency": currency,
        "unpriced": texts(mapping(known.get("cost")).get("unpriced")),
    }


def _hashes(document: JsonObject, run: JsonObject, steps: Sequence[JsonObject]) -> HashesView:
    integrity, definition = mapping(document.get("integrity")), mapping(document.get("definition"))
    code = [one for step in steps for one in objects(step.get("code"))]
    commits = dict.fromkeys(text(one.get("commit")) for one in code if one.get("commit"))
    versions = list(mapping(document.get("versions")).items())[:20]
    return {
        "record": text(integrity.get("sha256")),
        "previous": [text(link.get("run_id")) for link in objects(integrity.get("previous"))][:20],
        "definition": text(definition.get("sha256")),
        "definition_source": text(definition.get("source"), LONG),
        "definition_copy": text(mapping(definition.get("copy")).get("uri"), LONG),
        "bundle": f"{text(run.get('bundle_name'))} {text(run.get('bundle_version'))}".strip(),
        "commits": list(commits)[:20],
        "dirty": any(one.get("dirty") is True for one in code),
        "versions": {text(name): text(version) for name, version in versions},
        "schema": text(document.get("schema")),
    }


def _other(document: JsonObject) -> OtherRun | None:
    if not document:
        return None
    run = _facts(document, mapping(document.get("run")))
    return {
        "dag_id": run["dag_id"],
        "run_id": run["run_id"],
        "name": run["name"],
        "started": run["started"],
        "status": run["status"],
    }


def _notes(record: object, document: JsonObject, run: RunFacts, cutter: ListLimits, *, assembled: bool) -> list[str]:
    """Sentences about what is missing."""
    if not document:
        return [
            "There is no record of this run." if record is None else "The record cannot be read: it is not an object."
        ]
    notes: list[str] = []
    if run["live"]:
        notes.append("The run has not ended, or its record was never sealed: this is what its steps have recorded.")
    elif assembled:
        notes.append("This is what Airflow knows of its steps.")
    elif not run["sealed"]:
        notes.append("The record is not sealed, so changes to it would not be noticed.")
    else:
        missing = [words for part, words in _PARTS.items() if part not in document]
        if missing:
            notes.append(f"The record does not say {', '.join(missing)}.")
    if not isinstance(document.get("steps"), list | tuple):
        notes.append("The record has no steps.")
    for name, left in cutter.cut.items():
        notes.append(f"{left:,} more {name} are in the record.")
    return notes
