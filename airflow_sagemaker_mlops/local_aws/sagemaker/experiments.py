"""Experiments, trials, and the trial components that users create; ``trial_components`` has those of jobs."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator

from ...json_types import AwsShape
from ..errors import invalid, not_found
from ..store import NameTaken, Resource
from .context import (
    Answer,
    Context,
    Handler,
    Request,
    created_between,
    page,
    sorted_rows,
    tags_of,
)
from .kinds import Kind
from .trial_components import JobTrialComponent, component_named, component_of_job, job_components

MEMBERSHIP = "trial-membership"  # rows "trial|component"


EXPERIMENT = Kind("Experiment", "experiment")
TRIAL = Kind("Trial", "experiment-trial")
COMPONENT = Kind("TrialComponent", "experiment-trial-component")
KINDS = (EXPERIMENT, TRIAL, COMPONENT)
_REMOVED = {f"{member}ToRemove": member for member in ("Parameters", "InputArtifacts", "OutputArtifacts")}


def _create(kind: Kind) -> Handler:
    def create(context: Context, request: Request) -> Answer:
        name = str(request[kind.name_key])
        arn = context.arn(f"{kind.family}/{name.lower()}")
        if kind is TRIAL:
            _find(context, EXPERIMENT, request["ExperimentName"])
        try:
            body = {"arn": arn, "request": {k: v for k, v in request.items() if k != "Tags"}}
            context.store.insert(kind.family, context.region, name, body, tags_of(request))
        except NameTaken:
            what = f"{kind.word} names must be unique within an AWS account and region"
            raise invalid(f"{what}. {kind.word} with name ({name}) already exists.") from None
        return {kind.arn_key: arn}

    return create


def _find(context: Context, kind: Kind, name: object) -> Resource:
    found = context.store.get(kind.family, context.region, str(name).rpartition("/")[2])
    if found is None:
        raise not_found(f"{kind.word} '{name}' does not exist.")
    return found


def _row(kind: Kind, found: Resource) -> Answer:
    row: Answer = {
        "DisplayName": found.name,
        **found.body["request"],
        kind.arn_key: found.body["arn"],
        "CreationTime": found.created,
        "LastModifiedTime": found.modified,
    }
    if kind is COMPONENT:
        row["Metrics"] = [
            _statistics(found, name, points) for name, points in (found.body.get("metrics") or {}).items()
        ]
    return row


def _statistics(found: Resource, name: str, points: list[list[float]]) -> Answer:
    values = [value for _, value in points]
    return {
        "MetricName": name,
        "SourceArn": found.body["arn"],
        "TimeStamp": points[-1][0],
        "Max": max(values),
        "Min": min(values),
        "Last": values[-1],
        "Count": len(values),
        "Avg": statistics.fmean(values),
        "StdDev": statistics.pstdev(values),
    }


def _describe(kind: Kind) -> Handler:
    def describe(context: Context, request: Request) -> Answer:
        if kind is COMPONENT and (job_component := component_named(context, str(request[kind.name_key]))) is not None:
            return job_component.row(context)
        return _row(kind, _find(context, kind, request[kind.name_key]))

    return describe


def _update(kind: Kind) -> Handler:
    def update(context: Context, request: Request) -> Answer:
        found = _find(context, kind, request[kind.name_key])
        changed = dict(found.body["request"])
        for key, value in request.items():
            if key in _REMOVED or key == kind.name_key:
                continue
            merged = key in _REMOVED.values()
            changed[key] = {**(changed.get(key) or {}), **value} if merged else value
        for key, member in _REMOVED.items():
            for name in request.get(key) or ():
                changed.get(member, {}).pop(name, None)
        context.store.update(kind.family, context.region, found.name, request=changed)
        return {kind.arn_key: found.body["arn"]}

    return update


def _delete(kind: Kind) -> Handler:
    def delete(context: Context, request: Request) -> Answer:
        found = _find(context, kind, request[kind.name_key])
        if kind is EXPERIMENT and any(trial["ExperimentName"] == found.name for trial in rows(context, TRIAL)):
            raise invalid(f"Experiment '{found.name}' has trials; delete them first.")
        if kind is TRIAL and any(trial == found.name for trial, _ in _memberships(context)):
            raise invalid(f"Trial '{found.name}' has trial components; disassociate them first.")
        if kind is COMPONENT and any(component == found.name for _, component in _memberships(context)):
            raise invalid(f"TrialComponent '{found.name}' is in trials; disassociate it first.")
        context.store.delete(kind.family, context.region, found.name)
        return {kind.arn_key: found.body["arn"]}

    return delete


def rows(context: Context, kind: Kind) -> list[Answer]:
    """The Describe answer of every resource of a kind; trial components include those of jobs."""
    stored = [_row(kind, found) for found in context.store.all(kind.family, context.region)]
    return stored + [found.row(context) for found in job_components(context)] if kind is COMPONENT else stored


def _memberships(context: Context) -> Iterator[tuple[str, str]]:
    for found in context.store.all(MEMBERSHIP, context.region):
        trial, _, component = found.name.partition("|")
        yield trial, component


def parents(context: Context) -> dict[str, list[Answer]]:
    """{trial component: its trials with their experiments}."""
    experiments = {trial["TrialName"]: trial["ExperimentName"] for trial in rows(context, TRIAL)}
    found: dict[str, list[Answer]] = {}
    for trial, component in _memberships(context):
        found.setdefault(component, []).append({"TrialName": trial, "ExperimentName": experiments.get(trial)})
    for job_component in job_components(context):
        experiment_config = job_component.job.body["request"].get("ExperimentConfig") or {}
        of = {key: experiment_config[key] for key in ("TrialName", "ExperimentName") if experiment_config.get(key)}
        if of:
            found.setdefault(job_component.name, []).append(of)
    return found


def _list(kind: Kind) -> Handler:
    keys = {"Name": kind.name_key, "CreationTime": "CreationTime"}

    def listing(context: Context, request: Request) -> Answer:
        found = [
            row for row in _filtered(context, kind, request) if created_between(request, float(row["CreationTime"]))
        ]
        return page(sorted_rows(found, request, keys, "CreationTime"), request, f"{kind.word}Summaries")

    return listing


def _filtered(context: Context, kind: Kind, request: Request) -> list[Answer]:
    if kind is COMPONENT:
        return _components(context, request)
    found = rows(context, kind)
    if kind is TRIAL and request.get("ExperimentName"):
        found = [row for row in found if row["ExperimentName"] == request["ExperimentName"]]
    if kind is TRIAL and request.get("TrialComponentName"):
        wanted = {row.get("TrialName") for row in parents(context).get(str(request["TrialComponentName"]), [])}
        found = [row for row in found if row["TrialName"] in wanted]
    return found


def _components(context: Context, request: Request) -> list[Answer]:
    filters = [key for key in ("ExperimentName", "TrialName", "SourceArn") if request.get(key)]
    if len(filters) > 1:
        raise invalid(f"Only one of {', '.join(filters)} can be set.")
    if filters == ["SourceArn"]:
        job_component = component_of_job(context, str(request["SourceArn"]))
        return [summary(job_component.row(context))] if job_component is not None else []
    found = [summary(row) for row in rows(context, COMPONENT)]
    for key in filters:
        of = parents(context)
        found = [r for r in found if any(p.get(key) == request[key] for p in of.get(r["TrialComponentName"], []))]
    return found


def summary(row: AwsShape) -> Answer:
    """A trial component in the form of the List operation."""
    return {**row, "TrialComponentSource": row.get("Source")}


def _component(context: Context, request: Request) -> tuple[str, str]:
    """The name and the ARN of the trial component that a request names."""
    name = str(request["TrialComponentName"])
    job_component: JobTrialComponent | None = component_named(context, name)
    if job_component is not None:
        return job_component.name, job_component.arn
    return name, _find(context, COMPONENT, name).body["arn"]


def _associate(context: Context, request: Request) -> Answer:
    (name, arn), trial = _component(context, request), _find(context, TRIAL, request["TrialName"])
    with contextlib.suppress(NameTaken):  # the association exists already
        context.store.insert(MEMBERSHIP, context.region, f"{trial.name}|{name}", {})
    return {"TrialComponentArn": arn, "TrialArn": trial.body["arn"]}


def _disassociate(context: Context, request: Request) -> Answer:
    (name, arn), trial = _component(context, request), _find(context, TRIAL, request["TrialName"])
    if not context.store.delete(MEMBERSHIP, context.region, f"{trial.name}|{name}"):
        raise not_found(f"TrialComponent '{name}' is not in trial '{trial.name}'.")
    return {"TrialComponentArn": arn, "TrialArn": trial.body["arn"]}


def put_metrics(context: Context, request: Request) -> Answer:
    """BatchPutMetrics of sagemaker-metrics: stores values with the trial component, which shows their statistics."""
    found = _find(context, COMPONENT, request["TrialComponentName"])
    metrics = {name: list(points) for name, points in (found.body.get("metrics") or {}).items()}
    for item in request.get("MetricData") or ():
        metrics.setdefault(str(item["MetricName"]), []).append([float(item["Timestamp"]), float(item["Value"])])
    context.store.update(COMPONENT.family, context.region, found.name, metrics=metrics)
    return {"Errors": []}


HANDLERS: dict[str, Handler] = {
    "AssociateTrialComponent": _associate,
    "DisassociateTrialComponent": _disassociate,
}
for _kind in KINDS:
    HANDLERS[f"Create{_kind.word}"] = _create(_kind)
    HANDLERS[f"Describe{_kind.word}"] = _describe(_kind)
    HANDLERS[f"Update{_kind.word}"] = _update(_kind)
    HANDLERS[f"Delete{_kind.word}"] = _delete(_kind)
    HANDLERS[f"List{_kind.word}s"] = _list(_kind)
