"""Finds the models that a run's endpoints serve, from its record; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..records.model.documents import AttemptDocument, RecordDocument, StepDocument

MODEL_KEYS = frozenset({"ModelDataUrl", "ModelPackageName"})


@dataclass(frozen=True, slots=True)
class Deployment:
    """An endpoint that a run created or updated; ``models`` are S3 URIs of model data and ARNs of model packages."""

    arn: str
    models: tuple[str, ...]


def deployments_in(record: RecordDocument) -> Iterator[Deployment]:
    """The endpoints of Endpoint steps, with the models of their EndpointConfig and Model steps.

    The model and the configuration may be another run's: from the cache, or from the source run of a selective run.
    """
    by_type: dict[str, list[StepDocument]] = {}
    for step in record["steps"]:
        if step["status"] == "Succeeded" and (step.get("attempts") or step["type"] != "Endpoint"):
            by_type.setdefault(step["type"], []).append(step)
    models = {_made(step)["name"]: _named(step, MODEL_KEYS) for step in by_type.get("Model", ())}
    configs = {_made(step)["name"]: _named(step, {"ModelName"}) for step in by_type.get("EndpointConfig", ())}
    for step in by_type.get("Endpoint", ()):
        served = [
            model
            for config in _named(step, {"EndpointConfigName"})
            for name in configs.get(config, ())
            for model in models.get(name, ())
        ]
        if _made(step).get("arn"):
            yield Deployment(_made(step)["arn"], tuple(dict.fromkeys(served)))


def _made(step: StepDocument) -> AttemptDocument:
    """Name and ARN of the resource that the step created, or took from another run."""
    if step.get("attempts"):
        return {"name": "", **step["attempts"][-1]}
    result = step.get("result") or {}
    return {"name": str(result.get("Name") or ""), "arn": str(result.get("Arn") or "")}


def _named(step: StepDocument, keys: frozenset[str] | set[str]) -> list[str]:
    """Values under ``keys`` anywhere in the step's request."""
    found: list[str] = []
    rest: list[Any] = [step.get("request")]
    while rest:
        match rest.pop(0):
            case Mapping() as members:
                found += [str(value) for key, value in members.items() if key in keys and value]
                rest += members.values()
            case list() as items:
                rest += items
    return found
