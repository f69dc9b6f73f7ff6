"""A record as SageMaker Lineage entities: API requests and the edges between them; pure.

Everything that a run reads or writes is one artifact per version.  The service keeps one artifact per SourceUri ("there
can be only one artifact with a unique SourceUri"), so a plain URI could not distinguish yesterday's data from today's:
the version is part of it, ``s3://bucket/key?versionId=…``.  Names are derived from the run, so writing a record again
finds everything.

Sources: developer guide, "Lineage Tracking Entities"; API reference of CreateArtifact, CreateAction, CreateContext and
AddAssociation; their limits as in botocore's service model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..execution.identity import DIGEST, digest, execution_id, plain
from ..records.store.reader import parameters_of_record
from .deployments import Deployment, deployments_in

if TYPE_CHECKING:
    from ..records.model.documents import (
        ArtifactDocument,
        DecisionDocument,
        ModelDocument,
        RecordDocument,
        RunDocument,
        StepDocument,
    )

MAX_PROPERTIES = 30
LONGEST = {"name": 120, "value": 2500, "description": 3072, "id": 256, "uri": 2048}
TYPES = {"model": "Model", "code": "Code"}
# jobs for which SageMaker creates trial components, by their ARNs
JOBS = re.compile(r":(processing|training|transform)-job/")


@dataclass(frozen=True, slots=True)
class Edge:
    """An association; ends are keys of the graph's entities, or ``job:<ARN>`` for a job's own trial component."""

    source: str
    target: str
    kind: str


@dataclass(slots=True)
class Graph:
    """The target state.

    contexts, actions, artifacts   {key: request}
    jobs       {key: ARN of a job}
    edges      in the order of the data flow
    """

    contexts: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)

    def join(self, source: str, target: str, kind: str) -> None:
        """Add an association unless it exists; ignores one of an entity with itself."""
        if source != target:
            self.edges[Edge(source, target, kind)] = None

    def as_json(self) -> list[dict[str, Any]]:
        """The required calls, in order; ends of associations are given by their keys."""
        calls = [
            {"operation": operation, "key": key, "request": request}
            for operation, entities in (
                ("CreateContext", self.contexts),
                ("CreateAction", self.actions),
                ("CreateArtifact", self.artifacts),
            )
            for key, request in entities.items()
        ]
        edges = [{"Source": e.source, "Destination": e.target, "AssociationType": e.kind} for e in self.edges]
        return [*calls, *({"operation": "AddAssociation", "request": edge} for edge in edges)]


def graph_of(record: RecordDocument, uri: str) -> Graph:
    """The graph of a run; ``uri`` is the location of its record.

    data -> the job's trial component -> data or model -> model package or endpoint; jobs, decisions, packages and
    endpoints -> the run's context.  A result of another run is linked to its job, which is not part of this graph.
    """
    graph, run = Graph(), record["run"]
    context = "context"
    graph.contexts[context] = _context(record, uri)
    models: dict[str, str] = {}
    for step in record["steps"]:
        if step["status"] != "Succeeded":
            continue
        outputs = {artifact["uri"]: _artifact(graph, artifact) for artifact in step.get("outputs", ())}
        models.update(outputs)
        cache = step.get("cache") or {}
        taken = cache.get("result") in ("hit", "reused")
        job = _job(graph, cache.get("source_arn", "") if taken else _last_arn(step))
        if not job:
            continue
        for key in outputs.values():
            graph.join(job, key, "Produced")
        if not taken:
            for artifact in step.get("inputs", ()):
                graph.join(_artifact(graph, artifact), job, "ContributedTo")
            graph.join(job, context, "AssociatedWith")
    for model in record["models"]:
        for key in _package(graph, model, models):
            graph.join(key, context, "AssociatedWith")
    for deployment in deployments_in(record):
        graph.join(_endpoint(graph, deployment, models), context, "AssociatedWith")
    for number, decision in enumerate(record["decisions"]):
        action = f"action:{decision['step']}"
        graph.actions[action] = _action(run, decision, f"{uri}#/decisions/{number}")
        graph.join(action, context, "AssociatedWith")
    return graph


def _context(record: RecordDocument, uri: str) -> dict[str, Any]:
    run = record["run"]
    members = {
        "dag_id": run["dag_id"],
        "run_id": run["run_id"],
        "pipeline": run.get("pipeline"),
        "status": run.get("status"),
        "trigger": run.get("trigger"),
        "user": run.get("user"),
        "started": run.get("started"),
        "ended": run.get("ended"),
        "record": uri,
        "record_sha256": record.get("integrity", {}).get("sha256"),
        "definition_sha256": record["definition"].get("sha256"),
        **{f"parameter {name}": value for name, value in parameters_of_record(record).items()},
    }
    return {
        "ContextName": _name(run["dag_id"], execution_id(run["dag_id"], run["run_id"])),
        "ContextType": "PipelineRun",
        "Source": {
            "SourceUri": uri[: LONGEST["uri"]],
            "SourceType": "RunRecord",
            "SourceId": _cut(run["run_id"], "id"),
        },
        "Description": _cut(f'Run "{run["run_id"]}" of the Airflow DAG "{run["dag_id"]}"', "description"),
        "Properties": _properties(members),
    }


def _action(run: RunDocument, decision: DecisionDocument, uri: str) -> dict[str, Any]:
    """A decision; its name includes the outcome, so that another outcome after a clear is another action."""
    terms = {
        f"term {number}": term["expression"] or f"{term['left']} {term['operator']} {term['right']}: {term['result']}"
        for number, term in enumerate(decision["terms"], 1)
    }
    unique = digest(run["dag_id"], run["run_id"], decision["step"], decision["sentence"])[:DIGEST]
    return {
        "ActionName": _name(f"{execution_id(run['dag_id'], run['run_id'])}-{decision['step']}", unique),
        "ActionType": "Decision",
        "Source": {
            "SourceUri": uri[: LONGEST["uri"]],
            "SourceType": "Condition",
            "SourceId": _cut(decision["step"], "id"),
        },
        "Status": "Completed",
        "Description": _cut(decision["sentence"], "description"),
        "Properties": _properties({"step": decision["step"], "outcome": decision["outcome"], **terms}),
    }


def _artifact(graph: Graph, artifact: ArtifactDocument) -> str:
    """Key of the artifact for a version of an S3 URI."""
    etag, version = artifact.get("etag", ""), artifact.get("version", "")
    listing = artifact.get("sha256", "")
    sources = [("S3ETag", etag), ("S3Version", version), ("Custom", listing)]
    members = {
        "role": artifact.get("role", "input"),
        "s3_uri": artifact["uri"],
        "objects": artifact.get("objects"),
        "bytes": artifact.get("bytes"),
        "listing_sha256": listing,
        "content_sha256": artifact.get("content_sha256"),
        "problem": artifact.get("problem"),
    }
    uri = _versioned(artifact["uri"], version=version, etag=etag, listing=listing)
    key = f"artifact:{uri}"
    if key not in graph.artifacts:
        source: dict[str, Any] = {"SourceUri": uri[: LONGEST["uri"]]}
        types = [{"SourceIdType": kind, "Value": _cut(value, "id")} for kind, value in sources if value]
        graph.artifacts[key] = {
            "ArtifactName": _name(artifact["uri"].rstrip("/").rpartition("/")[2], digest(uri)[:DIGEST]),
            "ArtifactType": TYPES.get(artifact.get("role", ""), "DataSet"),
            "Source": {**source, "SourceTypes": types} if types else source,
            "Properties": _properties(members),
        }
    return key


def _versioned(uri: str, *, version: str, etag: str, listing: str) -> str:
    known = (("versionId", version), ("etag", etag.strip('"')), ("listing", listing))
    return next((f"{uri}?{name}={quote(value, safe='')}" for name, value in known if value), uri)


def _last_arn(step: StepDocument) -> str:
    """The ARN of the job that succeeded."""
    return next((str(a["arn"]) for a in reversed(step.get("attempts", ())) if a.get("arn")), "")


def _job(graph: Graph, arn: str) -> str:
    """Key of the trial component of a job; empty for anything else."""
    if not JOBS.search(arn):
        return ""
    key = f"job:{arn}"
    graph.jobs[key] = arn
    return key


def _package(graph: Graph, model: ModelDocument, models: Mapping[str, str]) -> Iterator[str]:
    """Key of the artifact of a model package, which SageMaker may have created itself and named by the ARN."""
    arn = model.get("arn")
    if not arn:
        return
    key = f"artifact:{arn}"
    members = {name: model.get(name) for name in ("group", "version", "approval_status", "data", "step")}
    graph.artifacts[key] = {
        "ArtifactName": _name(
            f"{model.get('group') or 'model-package'}-{model.get('version') or ''}", digest(arn)[:DIGEST]
        ),
        "ArtifactType": "Model",
        "Source": {"SourceUri": arn},
        "Properties": _properties(members),
    }
    data = model.get("data")
    if data:
        graph.join(_model(graph, data, models), key, "ContributedTo")
    yield key


def _model(graph: Graph, data: str, models: Mapping[str, str]) -> str:
    """Key of the data of a model package or an endpoint: an output of the run, or an object in one."""
    inside = [uri for uri in models if data == uri or data.startswith(f"{uri.rstrip('/')}/")]
    return models[max(inside, key=len)] if inside else _artifact(graph, {"uri": data, "role": "model"})


def _endpoint(graph: Graph, deployment: Deployment, models: Mapping[str, str]) -> str:
    """Key of the artifact of an endpoint."""
    key = f"artifact:{deployment.arn}"
    graph.artifacts[key] = {
        "ArtifactName": _name(deployment.arn.rpartition("/")[2], digest(deployment.arn)[:DIGEST]),
        "ArtifactType": "Endpoint",
        "Source": {"SourceUri": deployment.arn},
    }
    for model in deployment.models:
        known = f"artifact:{model}"
        if known in graph.artifacts:
            graph.join(known, key, "ContributedTo")
        elif model.startswith("s3://"):
            graph.join(_model(graph, model, models), key, "ContributedTo")
    return key


def _name(head: str, unique: str) -> str:
    """A valid name for lineage entities: letters, digits and single dashes, at most 120."""
    room = LONGEST["name"] - len(unique) - 1
    return f"{plain(head)[:room].rstrip('-')}-{unique}"


def _properties(members: Mapping[str, object]) -> dict[str, str]:
    """The first thirty non-empty properties, as text."""
    kept = {key: value for key, value in members.items() if value not in (None, "", [], {})}
    return {
        _one_line(_cut(key, "value")): _one_line(_cut(_text(value), "value"))
        for key, value in list(kept.items())[:MAX_PROPERTIES]
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _one_line(text: str) -> str:
    return " ".join(text.split())  # the pattern ``.*`` does not match line breaks


def _cut(text: str, limit: str) -> str:
    return _one_line(text)[: LONGEST[limit]]
