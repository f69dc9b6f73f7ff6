"""Where a request says that data, code and images come from, and its results go to.

Member names are those of the SageMaker API reference.  A manifest counts as itself: the objects it names are not
looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...steps.s3_members import CODE_KEYS, IMAGE_KEYS, MODEL_KEYS, unquoted
from ..model.step_record import Artifact, Code, Image, StepRecord
from .producers import Producers

CODE_NAMES = frozenset({"code", "entrypoint", "source", "sourcedir"})


def inputs_of(request: Mapping[str, Any]) -> tuple[Artifact, ...]:
    """What a job reads: inputs, channels, model data; code as well, under its own role."""
    return tuple(dict.fromkeys(_inputs(request)))


def from_outside(steps: Mapping[str, StepRecord]) -> Iterator[tuple[str, Artifact]]:
    """(step, input) of everything that a run read and had not made itself, in S3; what several steps read once."""
    producers = Producers(steps.values())
    seen = set()
    for name, step in steps.items():
        for artifact in step.inputs:
            new = artifact.uri not in seen and artifact.uri.startswith("s3://")
            if new and not producers.made_before(step, artifact.uri):
                seen.add(artifact.uri)
                yield name, artifact


def code_of(request: Mapping[str, Any], inputs: tuple[Artifact, ...]) -> tuple[Code, ...]:
    """The code a job runs, out of its inputs (with their fingerprints when they have some) and the SDK's variables."""
    looked_at = {artifact.uri: artifact for artifact in inputs if artifact.role == "code"}
    return tuple(
        Code(uri=uri, sha256=artifact.content_sha256, version=artifact.version) for uri, artifact in looked_at.items()
    )


def images_of(request: Mapping[str, Any]) -> tuple[Image, ...]:
    """The container images a job is made of; a digest when the URI pins one."""
    found = {}
    for key, value in _members(request):
        if key in IMAGE_KEYS and isinstance(value, str) and value:
            digest = value.partition("@")[2]
            found[value] = Image(value, digest if digest.startswith("sha256:") else "")
    return tuple(found.values())


def outputs_of(properties: Mapping[str, Any]) -> tuple[Artifact, ...]:
    """Where the results of a job are, out of its Describe answer (or its request, as far as that says)."""
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


def instances_of(request: Mapping[str, Any]) -> tuple[str, int]:
    """Instance type and count of a job; "" and 1 when the request has none."""
    for key, value in _members(request):
        if key in ("ResourceConfig", "ClusterConfig", "TransformResources") and isinstance(value, Mapping):
            groups = value.get("InstanceGroups") or [value]
            kinds = [str(group.get("InstanceType") or "") for group in groups]
            return ",".join(dict.fromkeys(kinds)), sum(int(group.get("InstanceCount") or 1) for group in groups)
    return "", 1


def _inputs(request: Mapping[str, Any]) -> Iterator[Artifact]:
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


def _input(item: Any) -> Iterator[Artifact]:
    if not isinstance(item, Mapping):
        return
    name = str(item.get("InputName") or item.get("ChannelName") or "")
    source = item.get("S3Input") or (item.get("DataSource") or {}).get("S3DataSource") or {}
    uri = source.get("S3Uri") if isinstance(source, Mapping) else None
    if isinstance(uri, str) and uri:
        role = "code" if name.lower().replace("_", "") in CODE_NAMES else "input"
        yield Artifact(uri, name=name, role=role)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    """Every member of every object in ``value``, outer ones first."""
    match value:
        case Mapping():
            yield from value.items()
            for item in value.values():
                yield from _members(item)
        case list():
            for item in value:
                yield from _members(item)
