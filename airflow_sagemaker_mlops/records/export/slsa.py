"""A record as in-toto Statement v1 with SLSA provenance v1, one line of JSON for signing tools.

Sources: in-toto attestation spec v1 (Statement, ResourceDescriptor, DigestSet), SLSA v1.0 Provenance.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..model.documents import ArtifactDocument, RecordDocument, RunDocument
from ..store.reader import parameters_of_record
from ..store.sealed import hash_of, record_name

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:airflow-sagemaker-mlops:pipeline-run:v1"
BUILDER = "urn:airflow-sagemaker-mlops:airflow"


def statement(record: RecordDocument, uri: str = "") -> dict[str, Any]:
    """The statement; its subjects are the run's models, else its outputs, else the record itself.

    Every subject needs a digest: that of the content if S3 has one, otherwise that of the listing, with another name.
    """
    run = record["run"]
    return {
        "_type": STATEMENT,
        "subject": list(_subjects(record)),
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "dag": run["dag_id"],
                    "parameters": parameters_of_record(record),
                },
                "internalParameters": {
                    key: run[key] for key in ("dag_version", "bundle_name", "bundle_version", "trigger") if run.get(key)
                },
                "resolvedDependencies": record["resolvedDependencies"],
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": dict(record["versions"])},
                "metadata": _metadata(run),
                "byproducts": [*record["byproducts"], _record(record, uri)],
            },
        },
    }


def _metadata(run: RunDocument) -> dict[str, str]:
    times = {"startedOn": run.get("started"), "finishedOn": run.get("ended")}
    return {"invocationId": f"{run['dag_id']}/{record_name(run)}", **{name: t for name, t in times.items() if t}}


def _record(record: RecordDocument, uri: str) -> dict[str, Any]:
    digest = {"runRecordSha256": hash_of(record)}
    return {"name": "run record", **({"uri": uri} if uri else {}), "digest": digest, "mediaType": "application/json"}


def _subjects(record: RecordDocument) -> Iterator[dict[str, Any]]:
    found = list(_artifacts(record, "model")) or list(_artifacts(record, "output"))
    if found:
        yield from found
    else:
        run = record["run"]
        yield {"name": f"{run['dag_id']}/{record_name(run)}", "digest": {"runRecordSha256": hash_of(record)}}


def _artifacts(record: RecordDocument, role: str) -> Iterator[dict[str, Any]]:
    seen = set()
    for step in record["steps"]:
        for artifact in step.get("outputs", ()):
            digest = _digest(artifact)
            if artifact.get("role", "input") == role and digest and artifact["uri"] not in seen:
                seen.add(artifact["uri"])
                yield {
                    "name": f"{step['step']}/{artifact.get('name') or role}",
                    "uri": artifact["uri"],
                    "digest": digest,
                }


def _digest(artifact: ArtifactDocument) -> dict[str, str]:
    digest = {"sha256": artifact.get("content_sha256"), "s3ListingSha256": artifact.get("sha256")}
    return {name: value for name, value in digest.items() if value}
