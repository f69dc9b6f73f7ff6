"""The artifacts of a run: each once, with the step that created it and the steps that read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..execution.watch.console_links import s3_url
from ..json_types import JsonObject
from .reading import LONG, count, objects, region_in, text
from .shapes import ArtifactView

MAX_USERS = 50
OUTPUT, MODEL = "output", "model"


def artifacts_in(steps: Sequence[JsonObject], *, console: bool) -> list[ArtifactView]:
    """Data, code, models, images and commits, in the order in which the steps touched them."""
    region = _region(steps) if console else ""
    found: dict[tuple[str, str], ArtifactView] = {}
    for step in steps:
        name = text(step.get("step"))
        for artifact in _touched(step):
            made = artifact["role"] in (OUTPUT, MODEL)
            kind = artifact["role"] if artifact["role"] in ("image", "commit") else "data"
            known = found.setdefault((kind, artifact["uri"].rstrip("/")), artifact)
            _complete(known, artifact)
            if made:
                known["role"] = artifact["role"]
                known["made_by"] = known["made_by"] or name
            elif name not in known["used_by"] and len(known["used_by"]) < MAX_USERS:
                known["used_by"].append(name)
    for artifact in found.values():
        if region and artifact["uri"].startswith("s3://"):
            artifact["console"] = s3_url(region, artifact["uri"])
    return list(found.values())


def _touched(step: JsonObject) -> Iterator[ArtifactView]:
    for member in ("inputs", "outputs"):
        for artifact in objects(step.get(member)):
            yield _artifact(artifact, text(artifact.get("role")) or member[:-1])
    for image in objects(step.get("images")):
        yield _artifact({**image, "version": image.get("digest")}, "image")
    for code in objects(step.get("code")):
        if code.get("commit"):
            yield _artifact({"uri": code.get("repository"), "version": code.get("commit")}, "commit")
        elif code.get("uri"):
            yield _artifact({**code, "content_sha256": code.get("sha256")}, "code")


def _artifact(artifact: JsonObject, role: str) -> ArtifactView:
    return {
        "uri": text(artifact.get("uri"), LONG),
        "name": text(artifact.get("name")),
        "role": role,
        "bytes": count(artifact.get("bytes")),
        "objects": count(artifact.get("objects")),
        "version": text(artifact.get("version")),
        "etag": text(artifact.get("etag")),
        "sha256": text(artifact.get("content_sha256")) or text(artifact.get("sha256")),
        "made_by": "",
        "used_by": [],
        "problem": text(artifact.get("problem")),
        "console": "",
    }


def _complete(known: ArtifactView, more: ArtifactView) -> None:
    """Add to ``known`` what only ``more`` has: the step that wrote data may know more than one that read it later."""
    known["bytes"] = more["bytes"] if known["bytes"] is None else known["bytes"]
    known["objects"] = more["objects"] if known["objects"] is None else known["objects"]
    for key in ("name", "version", "etag", "sha256", "problem"):
        known[key] = known[key] or more[key]


def _region(steps: Sequence[JsonObject]) -> str:
    """The region of the run's jobs."""
    arns = (text(attempt.get("arn")) for step in steps for attempt in objects(step.get("attempts")))
    return next((region for arn in arns if (region := region_in(arn))), "")
