"""OpenLineage facets from a record, as plain data; members follow the spec's JSON Schemas.

Custom facets have names that begin with ``sagemakerMlops``; their schema is ``openlineage_facets.json`` beside this
file, addressed by its ``$id``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...s3 import split_uri
from ..model.documents import ArtifactDocument, RecordDocument, StepDocument
from ..store.reader import parameters_of_record

FACETS = "https://openlineage.io/spec/facets"
OWN = "urn:airflow-sagemaker-mlops:openlineage:1.0"
PRODUCER = "urn:airflow-sagemaker-mlops"
Json = dict[str, Any]


def facet(kind: str, **members: object) -> Json:
    """A facet of the spec; ``kind`` is its version and name, e.g. ``1-0-1/DatasetVersionDatasetFacet``."""
    name = kind.partition("/")[2]
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{kind}.json#/$defs/{name}", **members}


def run_facets(record: RecordDocument, uri: str = "") -> Json:
    """Facets of the whole run: parameters, decisions, models, failure reasons; ``uri`` is that of the record."""
    metadata: dict[str, object] = {
        "pipeline": record["run"].get("pipeline"),
        "status": record["run"].get("status"),
        "definitionSha256": record["definition"].get("sha256"),
        "record": uri,
        "recordSha256": record.get("integrity", {}).get("sha256"),
        "parameters": parameters_of_record(record),
        "decisions": [
            {"step": one["step"], "outcome": one["outcome"], "sentence": one["sentence"]} for one in record["decisions"]
        ],
        "models": record["models"],
        "totals": record["totals"],
    }
    reasons = [f"{step['step']}: {step['failure_reason']}" for step in record["steps"] if _has_failed(step)]
    return {"sagemakerMlopsRun": _own("SagemakerMlopsRunRunFacet", metadata), **_failure(reasons)}


def step_facets(step: StepDocument) -> Json:
    """Facets of one step: jobs, metrics, decision, and the origin of its result."""
    cache, decision = step.get("cache") or {}, step.get("decision") or {}
    metadata = {
        "type": step["type"],
        "status": step["status"],
        "jobs": [
            {key: attempt[key] for key in ("name", "arn", "status") if key in attempt}
            for attempt in step.get("attempts", ())
        ],
        "instanceType": step.get("instance_type"),
        "billableSeconds": step.get("billable_seconds"),
        "requestSha256": step.get("request_sha256"),
        "metrics": step.get("metrics"),
        "images": [image["uri"] for image in step.get("images", ())],
        "models": step.get("model_packages"),
        "decision": {"outcome": decision.get("Outcome"), "sentence": decision.get("Sentence")} if decision else None,
        "cache": {"result": cache.get("result"), "sourceRun": cache.get("source_run", "")} if cache else None,
    }
    reasons = [step["failure_reason"]] if _has_failed(step) else []
    return {"sagemakerMlopsStep": _own("SagemakerMlopsStepRunFacet", metadata), **_failure(reasons)}


def job_facets(steps: Sequence[StepDocument], job_type: str) -> Json:
    """Facets of a job: its type, and its code, by commit if known, otherwise by its first S3 URI."""
    found: Json = {
        "jobType": facet("2-0-3/JobTypeJobFacet", processingType="BATCH", integration="AIRFLOW", jobType=job_type)
    }
    codes = [code for step in steps for code in step.get("code", ())]
    commit = next((code for code in codes if code.get("repository") and code.get("commit")), None)
    place = next((code for code in codes if code.get("uri")), None)
    if commit is not None:
        where = {"type": "git", "url": commit["repository"], "version": commit["commit"]}
        found["sourceCodeLocation"] = facet("1-0-1/SourceCodeLocationJobFacet", **where)
    elif place is not None:
        version = place.get("version") or place.get("sha256")
        where = {"type": "s3", "url": place["uri"], **({"version": version} if version else {})}
        found["sourceCodeLocation"] = facet("1-0-1/SourceCodeLocationJobFacet", **where)
    return found


def dataset(artifact: ArtifactDocument, statistics: str = "") -> Json:
    """A dataset at an S3 URI; its version is the object's, else the hash of the listing, else the ETag.

    statistics   "input" or "output": also include the numbers of objects and bytes
    """
    bucket, key = split_uri(artifact["uri"])
    version = artifact.get("version") or artifact.get("sha256") or artifact.get("etag")
    facets = {"version": facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=version)} if version else {}
    made: Json = {"namespace": f"s3://{bucket}", "name": key.strip("/") or "/", "facets": facets}
    counted = {"size": artifact.get("bytes"), "fileCount": artifact.get("objects")}
    counted = {name: value for name, value in counted.items() if value is not None}
    if statistics and counted:
        kind = {"input": "1-0-0/InputStatisticsInputDatasetFacet", "output": "1-0-2/OutputStatisticsOutputDatasetFacet"}
        made[f"{statistics}Facets"] = {f"{statistics}Statistics": facet(kind[statistics], **counted)}
    return made


def parent_facet(namespace: str, job: str, run_id: str) -> Json:
    """The facet that names the parent run."""
    return facet("1-0-1/ParentRunFacet", run={"runId": run_id}, job={"namespace": namespace, "name": job})


def _has_failed(step: StepDocument) -> bool:
    return bool(step.get("failure_reason")) and step["status"] in ("Failed", "Stopped")


def _failure(reasons: list[str]) -> Json:
    if not reasons:
        return {}
    metadata = facet("1-0-1/ErrorMessageRunFacet", message="; ".join(reasons), programmingLanguage="python")
    return {"errorMessage": metadata}


def _own(name: str, members: Mapping[str, object]) -> Json:
    metadata = {key: value for key, value in members.items() if value not in (None, "", {}, [])}
    return {"_producer": PRODUCER, "_schemaURL": f"{OWN}#/$defs/{name}", **metadata}
