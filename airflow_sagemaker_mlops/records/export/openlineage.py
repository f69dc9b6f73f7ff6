"""A record as OpenLineage run events, spec 2-0-2: the final events of the run and its steps.

S3 datasets have the namespace ``s3://bucket`` and the key as name, following OpenLineage's naming page.  Run ids are
UUIDs derived from DAG, run and step, so repeated exports give the same events.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..model.documents import ArtifactDocument, RecordDocument, StepDocument
from ..model.producers import Producers
from ..model.step_record import StepRecord
from .openlineage_facets import (
    PRODUCER,
    dataset,
    job_facets,
    parent_facet,
    run_facets,
    step_facets,
)

SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
EVENTS = {"Succeeded": "COMPLETE", "CompletedWithFailures": "COMPLETE", "Failed": "FAIL", "Stopped": "ABORT"}
NEVER = "1970-01-01T00:00:00Z"
RAN = frozenset({"Succeeded", "Failed", "Stopped"})


@dataclass(frozen=True, slots=True)
class JobRun:
    """A job run in OpenLineage: ``job`` in ``namespace``, ``run_id`` is a UUID."""

    namespace: str
    job: str
    run_id: str


def events(record: RecordDocument, namespace: str = "airflow", uri: str = "") -> Iterator[dict[str, Any]]:
    """The final event of every step that ran, then that of the run; ``namespace`` is the jobs', one per Airflow."""
    run = record["run"]
    parent = JobRun(namespace, run["dag_id"], run_uuid(run["dag_id"], run["run_id"]))
    for step in record["steps"]:
        if step["status"] in RAN:
            name = step["step"]
            own = JobRun(namespace, f"{run['dag_id']}.{name}", run_uuid(run["dag_id"], run["run_id"], name))
            yield step_event(step, own, parent)
    yield run_event(record, namespace, uri)


def run_event(record: RecordDocument, namespace: str = "airflow", uri: str = "") -> dict[str, Any]:
    """The RunEvent of the whole run."""
    run = record["run"]
    own = JobRun(namespace, run["dag_id"], run_uuid(run["dag_id"], run["run_id"]))
    return {
        **_event(EVENTS.get(run.get("status", ""), "OTHER"), run.get("ended") or run.get("started")),
        "run": {"runId": own.run_id, "facets": run_facets(record, uri)},
        "job": {"namespace": own.namespace, "name": own.job, "facets": job_facets(record["steps"], "DAG")},
        "inputs": [dataset(artifact) for artifact in _artifacts(list(_outer(record["steps"])), "inputs")],
        "outputs": [dataset(artifact) for artifact in _artifacts(record["steps"], "outputs")],
    }


def step_event(
    step: StepDocument, own: JobRun, parent: JobRun, when: Literal["start", "end"] = "end"
) -> dict[str, Any]:
    """The RunEvent of one step's start or end, with ``parent`` as its parent run."""
    part = {"parent": parent_facet(parent.namespace, parent.job, parent.run_id)}
    if when == "start":
        head = _event("START", step.get("started") or step.get("ended"))
        facets: dict[str, Any] = part
    else:
        head = _event(EVENTS.get(step["status"], "OTHER"), step.get("ended") or step.get("started"))
        facets = {**part, **step_facets(step)}
    return {
        **head,
        "run": {"runId": own.run_id, "facets": facets},
        "job": {"namespace": own.namespace, "name": own.job, "facets": job_facets([step], "TASK")},
        **datasets_of(step),
    }


def datasets_of(step: StepDocument) -> dict[str, list[dict[str, Any]]]:
    """{"inputs", "outputs"}: the S3 datasets that a step read and wrote."""
    return {
        "inputs": [dataset(artifact, "input") for artifact in _artifacts([step], "inputs")],
        "outputs": [dataset(artifact, "output") for artifact in _artifacts([step], "outputs")],
    }


def run_uuid(dag_id: str, run_id: str, step: str = "") -> str:
    """The OpenLineage id of a run, or of one step's run in it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCER}:{dag_id}/{run_id}{f'/{step}' if step else ''}"))


def _event(kind: str, moment: str | None) -> dict[str, Any]:
    return {
        "eventType": kind,
        "eventTime": moment or NEVER,
        "producer": PRODUCER,
        "schemaURL": f"{SPEC}#/$defs/RunEvent",
    }


def _outer(steps: Sequence[StepDocument]) -> Iterator[StepDocument]:
    """``steps`` with those of their inputs that come from outside the run."""
    step_records = [StepRecord.from_json(step) for step in steps]
    producers = Producers(step_records)
    for step, step_record in zip(steps, step_records, strict=True):
        outer = [item for item in step.get("inputs", ()) if not producers.made_before(step_record, item["uri"])]
        yield {**step, "inputs": outer}


def _artifacts(steps: Sequence[StepDocument], member: Literal["inputs", "outputs"]) -> Iterator[ArtifactDocument]:
    seen = set()
    for step in steps:
        for artifact in step.get(member, ()):
            if artifact["uri"].startswith("s3://") and artifact["uri"] not in seen:
                seen.add(artifact["uri"])
                yield artifact
