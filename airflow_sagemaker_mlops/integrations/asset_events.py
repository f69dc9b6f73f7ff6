"""The content of asset events, from a step's result or a run's record; pure.

A result that was taken from an earlier run is not new, so it causes no event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..execution.secret_masking import mask
from ..records.export.model_cards import STATUS_KEY
from ..records.model.canonical_json import plain
from ..records.model.timestamps import moment

if TYPE_CHECKING:
    from ..json_types import AwsShape
    from ..records.model.documents import ModelDocument, RecordDocument, StepDocument

TAKEN = ("hit", "reused")
ENDED_WELL = ("Succeeded", "CompletedWithFailures")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a model package group that a step registered; ``data`` is the S3 URI of the model."""

    arn: str
    group: str
    version: int | str | None
    approval_status: str
    data: str

    @property
    def events(self) -> tuple[Literal["registered", "approved"], ...]:
        """The assets of the group for which it is an event."""
        return ("registered", "approved") if self.approval_status == "Approved" else ("registered",)

    def as_json(self) -> Json:
        """The members of an event's extra that are about the model."""
        extra = {
            "model_package_arn": self.arn,
            "model_package_group": self.group,
            "model_package_version": self.version,
            "approval_status": self.approval_status,
            "model_data": self.data,
        }
        return {name: value for name, value in extra.items() if value}


def model_in_result(result: Mapping[str, object]) -> ModelVersion | None:
    """The version that a RegisterModel step created; ``None`` for other steps, and for a result of another run."""
    about = result.get("ModelPackage")
    if not isinstance(about, Mapping) or result.get("Reused") or not about.get("Group"):
        return None
    return ModelVersion(
        arn=str(result.get("Arn") or ""),
        group=str(about["Group"]),
        version=about.get("Version"),
        approval_status=str(about.get("ApprovalStatus") or ""),
        data=str(about.get("ModelData") or ""),
    )


def approved_since(
    record: RecordDocument, published: Sequence[RecordDocument], describe: Callable[[str], AwsShape]
) -> Iterator[tuple[str, ModelVersion]]:
    """(step, version) of each version that was not approved when the run registered it, but has been approved since.

    published  earlier records of the same run; versions approved when they were sealed are already reported
    describe   returns a model package by its ARN, as plain JSON; called once for each that was not approved
    """
    before = max((moment(earlier["run"].get("ended")) for earlier in published), default=None)
    taken = {step["step"] for step in record["steps"] if _was_taken(step)}
    for model in record["models"]:
        if not model.get("group") or model.get("approval_status") == "Approved" or model["step"] in taken:
            continue
        found = describe(str(model["arn"]))
        told_then = before is not None and (
            moment(found.get("LastModifiedTime")) <= before
            or (found.get("CustomerMetadataProperties") or {}).get(STATUS_KEY) == "Approved"
        )
        if found.get("ModelApprovalStatus") == "Approved" and not told_then:
            yield model["step"], model_of({**model, "approval_status": "Approved"})


def model_of(model: ModelDocument) -> ModelVersion:
    """A model in a record."""
    return ModelVersion(
        arn=str(model.get("arn") or ""),
        group=str(model["group"]),
        version=model.get("version"),
        approval_status=str(model.get("approval_status") or ""),
        data=str(model.get("data") or ""),
    )


def step_extra(
    result: Mapping[str, object],
    *,
    dag_id: str,
    run_id: str,
    record: str = "",
    upstream: Mapping[str, Mapping[str, Any]] | None = None,
) -> Json:
    """The extra of an event about one step.

    record     location of the run's record once the run has ended
    upstream   results of the steps that it reads; their metrics become those of the registered model
    """
    results = {**(upstream or {}), str(result.get("Step", "")): result}
    metrics = {step: found["Metrics"] for step, found in results.items() if found.get("Metrics")}
    model = model_in_result(result)
    extra = {
        **(model.as_json() if model else {}),
        "metrics": metrics,
        "dag_id": dag_id,
        "run_id": run_id,
        "step": result.get("Step"),
        "arn": None if model else result.get("Arn"),
        "reused": result.get("Reused"),
        "record": record,
    }
    return _without_empty(extra)


def run_extra(record: RecordDocument, uri: str) -> Json:
    """The extra of every event about a whole run; ``uri`` is the record's."""
    run = record["run"]
    extra = {
        "metrics": {step["step"]: step["metrics"] for step in record["steps"] if step.get("metrics")},
        "models": [model_of(model).as_json() for model in record["models"] if model.get("group")],
        "dag_id": run["dag_id"],
        "run_id": run["run_id"],
        "status": run.get("status"),
        "record": uri,
        "record_sha256": record.get("integrity", {}).get("sha256"),
    }
    return _without_empty(extra)


def outputs_under(
    location: str, record: RecordDocument, published: Sequence[RecordDocument] = ()
) -> list[dict[str, Any]]:
    """What the run's steps wrote at or below an S3 location; empty if there is nothing new.

    published  earlier records of the same run, before it was cleared: their outputs are already reported
    """
    base = location.rstrip("/")
    before = {_attempt_of(step) for earlier in published for step in earlier["steps"]}
    found = []
    for step in record["steps"]:
        if step["status"] != "Succeeded" or _was_taken(step) or _attempt_of(step) in before:
            continue
        for artifact in step.get("outputs", ()):
            uri = artifact["uri"].rstrip("/")
            if (uri == base or uri.startswith(f"{base}/")) and artifact.get("objects") != 0:
                kept = ("uri", "name", "version", "etag", "sha256", "objects", "bytes")
                found.append({"step": step["step"], **{key: value for key, value in artifact.items() if key in kept}})
    return found


def _was_taken(step: StepDocument) -> bool:
    return (step.get("cache") or {}).get("result") in TAKEN or bool((step.get("result") or {}).get("Reused"))


def _attempt_of(step: StepDocument) -> tuple[Any, ...]:
    """Identifies one success of a step."""
    return (step["step"], step.get("ended"), *(attempt.get("name") for attempt in step.get("attempts", ())))


def _without_empty(members: Mapping[str, object]) -> Json:
    extra: Json = mask(
        plain({name: value for name, value in members.items() if value not in (None, "", {}, [], False)})
    )
    return extra
