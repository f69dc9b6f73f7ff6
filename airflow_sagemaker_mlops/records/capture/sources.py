"""Inputs, code, images and outputs, extracted from a request or a Describe answer.

Member names are those of the SageMaker API reference.  A manifest counts as one object; the objects that it lists are
not included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...json_types import AwsShape
from ...steps.s3_members import CODE_KEYS, IMAGE_KEYS, MODEL_KEYS, unquoted
from ..model.producers import Producers
from ..model.step_record import Artifact, Code, Image, StepRecord

CODE_NAMES = frozenset({"code", "entrypoint", "source", "sourcedir"})


def inputs_of(request: AwsShape) -> tuple[Artifact, ...]:
    """The inputs of a job: processing inputs, channels, model data, and code with its own role."""
    return tuple(dict.fromkeys(_inputs(request)))


def from_outside(steps: Mapping[str, StepRecord]) -> Iterator[tuple[str, Artifact]]:
    """(step, input) for all S3 inputs of a run that the run did not produce; an input of several steps once."""
    producers = Producers(steps.values())
    seen = set()
    for name, step in steps.items():
        for artifact in step.inputs:
            new = artifact.uri not in seen and artifact.uri.startswith("s3://")
            if new and not producers.made_before(step, artifact.uri):
                seen.add(artifact.uri)
                yield name, artifact


def code_of(request: AwsShape, inputs: tuple[Artifact, ...]) -> tuple[Code, ...]:
    """The code of a job, from its inputs, with their fingerprints if known."""
    looked_at = {artifact.uri: artifact for artifact in inputs if artifact.role == "code"}
    return tuple(
        Code(uri=uri, sha256=artifact.content_sha256, version=artifact.version) for uri, artifact in looked_at.items()
    )


def images_of(request: AwsShape) -> tuple[Image, ...]:
    """The container images of a job, with a digest if the URI has one."""
    found = {}
    for key, value in _members(request):
        if key in IMAGE_KEYS and isinstance(value, str) and value:
            digest = value.partition("@")[2]
            found[value] = Image(value, digest if digest.startswith("sha256:") else "")
    return tuple(found.values())


def outputs_of(properties: AwsShape) -> tuple[Artifact, ...]:
    """The outputs of a job, from its Describe answer, or from its request as far as possible."""
    found = []
    for output in (properties.get("ProcessingOutputConfig") or {}).get("Outputs") or []:
        uri = (output.get("S3Output") or {}).get("S3Uri")
        if uri:
            found.append(Artifact(uri, name=str(output.get("OutputName") or ""), role="output"))
    model = (properties.get("ModelArtifacts") or {}).get("S3ModelArtifacts")
    if model:
        found.append(Artifact(model, name="model", role="model"))
    transformed = (properties.get("TransformOutput") or {}).get("S3OutputPath")
    if transformed:
        found.append(Artifact(transformed, name="transform", role="output"))
    return tuple(found)


def instances_of(request: AwsShape) -> tuple[str, int]:
    """Instance type and count of a job; "" and 1 if the request has none."""
    for key, value in _members(request):
        if key in ("ResourceConfig", "ClusterConfig", "TransformResources") and isinstance(value, Mapping):
            groups = value.get("InstanceGroups") or [value]
            kinds = [str(group.get("InstanceType") or "") for group in groups]
            return ",".join(dict.fromkeys(kinds)), sum(int(group.get("InstanceCount") or 1) for group in groups)
    return "", 1


def _inputs(request: AwsShape) -> Iterator[Artifact]:
    for key, value in _members(request):
        match key:
            case "ProcessingInputs" | "InputDataConfig" if isinstance(value, list):
                for item in value:
                    yield from _input(item)
            case "TransformInput" if isinstance(value, Mapping):
                yield from _input({**value, "ChannelName": "transform"})
            case _ if key in MODEL_KEYS and isinstance(value, str) and value.startswith("s3://"):
                yield Artifact(value, name="model", role="input")
            case _ if key in CODE_KEYS and isinstance(value, str):
                uri = unquoted(value)
                if uri.startswith("s3://"):
                    yield Artifact(uri, name="code", role="code")


def _input(item: object) -> Iterator[Artifact]:
    if not isinstance(item, Mapping):
        return
    name = str(item.get("InputName") or item.get("ChannelName") or "")
    source = item.get("S3Input") or (item.get("DataSource") or {}).get("S3DataSource") or {}
    uri = source.get("S3Uri") if isinstance(source, Mapping) else None
    if isinstance(uri, str) and uri:
        role = "code" if name.lower().replace("_", "") in CODE_NAMES else "input"
        yield Artifact(uri, name=name, role=role)


def _members(value: object) -> Iterator[tuple[str, Any]]:
    """All members of all objects in ``value``, outer ones first."""
    match value:
        case Mapping():
            yield from value.items()
            for item in value.values():
                yield from _members(item)
        case list():
            for item in value:
                yield from _members(item)
