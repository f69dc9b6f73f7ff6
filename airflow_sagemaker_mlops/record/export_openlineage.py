"""A record as OpenLineage run events, spec 2-0-2: the event that ended the run.

Datasets of S3 have namespace ``s3://bucket`` and the key as name, as OpenLineage's naming page says.  The run id is a
UUID derived from DAG and run, so exporting twice is the same event twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
FACETS = "https://openlineage.io/spec/facets"
PRODUCER = "urn:airflow-sagemaker-mlops"
EVENTS = {"Succeeded": "COMPLETE", "CompletedWithFailures": "COMPLETE", "Failed": "FAIL", "Stopped": "ABORT"}


def run_event(record: Mapping[str, Any], namespace: str = "airflow") -> dict[str, Any]:
    """The RunEvent of the whole run; ``namespace`` is that of the jobs, i.e. of the Airflow."""
    run = record["run"]
    made = {artifact["uri"].rstrip("/") for step in record["steps"] for artifact in step.get("outputs", ())}
    return {
        "eventType": EVENTS.get(run.get("status", ""), "OTHER"),
        "eventTime": run.get("ended") or run.get("started") or "1970-01-01T00:00:00Z",
        "producer": PRODUCER,
        "schemaURL": f"{SPEC}#/$defs/RunEvent",
        "run": {"runId": run_uuid(run["dag_id"], run["run_id"]), "facets": _run_facets(record)},
        "job": {"namespace": namespace, "name": run["dag_id"], "facets": {"jobType": _job_type()}},
        "inputs": [
            _dataset(artifact)
            for artifact in _artifacts(record, "inputs")
            if not any(artifact["uri"].rstrip("/") == uri or artifact["uri"].startswith(f"{uri}/") for uri in made)
        ],
        "outputs": [_dataset(artifact) for artifact in _artifacts(record, "outputs")],
    }


def run_uuid(dag_id: str, run_id: str) -> str:
    """The run's id in OpenLineage."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCER}:{dag_id}/{run_id}"))


def _artifacts(record: Mapping[str, Any], member: str) -> Iterator[dict[str, Any]]:
    seen = set()
    for step in record["steps"]:
        for artifact in step.get(member, ()):
            if artifact["uri"].startswith("s3://") and artifact["uri"] not in seen:
                seen.add(artifact["uri"])
                yield artifact


def _dataset(artifact: Mapping[str, Any]) -> dict[str, Any]:
    bucket, _, key = artifact["uri"].removeprefix("s3://").partition("/")
    version = artifact.get("version") or artifact.get("sha256") or artifact.get("etag")
    facets = {"version": _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=version)} if version else {}
    return {"namespace": f"s3://{bucket}", "name": key.strip("/") or "/", "facets": facets}


def _run_facets(record: Mapping[str, Any]) -> dict[str, Any]:
    reasons = [
        f"{step['step']}: {step['failure_reason']}"
        for step in record["steps"]
        if step.get("failure_reason") and step["status"] in ("Failed", "Stopped")
    ]
    if not reasons:
        return {}
    message = "; ".join(reasons)
    return {"errorMessage": _facet("1-0-1/ErrorMessageRunFacet", message=message, programmingLanguage="python")}


def _job_type() -> dict[str, Any]:
    return _facet("2-0-3/JobTypeJobFacet", processingType="BATCH", integration="AIRFLOW", jobType="DAG")


def _facet(kind: str, **members: Any) -> dict[str, Any]:
    name = kind.partition("/")[2]
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{kind}.json#/$defs/{name}", **members}
