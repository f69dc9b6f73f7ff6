"""The record of one step: :class:`StepRecord`, to and from plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from ...execution.secret_masking import mask, without
from .canonical_json import exact, plain, read_exact, sha256_of
from .documents import StepDocument
from .errors import BrokenRecord


@dataclass(frozen=True, slots=True)
class Attempt:
    """One job, or other resource, that the step created.

    status   AWS's status: "Completed", "Failed", ...
    """

    name: str = ""
    arn: str = ""
    status: str = ""
    started: str = ""
    ended: str = ""
    failure_reason: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """Data or code at an S3 URI, as it was when it was listed.

    name      the step's name for it: a channel, input or output
    role      "input", "output", "code" or "model"
    etag, version, key   of a single object; its full key is the URI plus ``key``
    objects, bytes  number of objects with the URI as prefix, and their total size
    sha256    hash of the sorted listing, see ``fingerprint``; "" if it was not listed
    listing   hash that names the stored listing with version ids; a listing without versions is named by ``sha256``
    content_sha256   checksum of the content, if S3 has one
    instead_of   the definition's URI, if a reproduction read copies of recorded versions at ``uri``
    problem   why there is no fingerprint, e.g. "access denied"
    """

    uri: str
    name: str = ""
    role: str = "input"
    etag: str = ""
    version: str = ""
    key: str = ""
    objects: int | None = None
    bytes: int | None = None
    sha256: str = ""
    listing: str = ""
    content_sha256: str = ""
    instead_of: str = ""
    problem: str = ""

    @property
    def named(self) -> str:
        """The URI in the definition."""
        return self.instead_of or self.uri


@dataclass(frozen=True, slots=True)
class Image:
    """A container image; ``digest`` is "sha256:…", or "" if the registry did not return one."""

    uri: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """The origin of a step's code; ``dirty`` if the working tree had uncommitted changes."""

    uri: str = ""
    sha256: str = ""
    version: str = ""
    repository: str = ""
    commit: str = ""
    dirty: bool | None = None


@dataclass(frozen=True, slots=True)
class CacheOutcome:
    """The step's cache key and the outcome of its look-up.

    attributes    {attribute: sha256 of its value}
    result        "hit", "miss", "expired" or "off"; "reused" if a selective run took the result from another run
    source_run    run that produced the result; ``source_arn`` is the ARN of the job or resource
    saved_seconds   billable seconds that the hit saved
    reason        why an earlier result with this key was not used
    """

    key: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    result: str = "off"
    source_run: str = ""
    source_arn: str = ""
    saved_seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of one run, or one child of a ForEach step.

    loop             name of the parent ForEach step; a child's own name ends with the number of its item
    request          resolved arguments, secrets masked by :meth:`masked`; ``request_sha256`` is the hash of this
    jobs_started     jobs that this run started; those of a loop's children also count for the loop, cache hits do not
    billable_seconds   instance seconds that AWS charges for: seconds times instances, summed over attempts
    decision         of a Condition: {"Outcome", "Terms": [{"Text", "Op", "Left", "Right", "Result"}], "Sentence"}
    model_packages   [{"arn", "group", "version", "approval_status"}]
    result           the step's result, as later steps received it
    """

    step: str
    type: str
    status: str
    loop: str = ""
    started: str = ""
    ended: str = ""
    attempts: tuple[Attempt, ...] = ()
    request: Mapping[str, Any] | None = None
    request_sha256: str = ""
    jobs_started: int = 0
    billable_seconds: float | None = None
    instance_type: str = ""
    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()
    images: tuple[Image, ...] = ()
    code: tuple[Code, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    cache: CacheOutcome | None = None
    decision: Mapping[str, Any] | None = None
    model_packages: tuple[Mapping[str, Any], ...] = ()
    result: Mapping[str, Any] | None = None
    failure_reason: str = ""

    @property
    def made_by(self) -> str:
        """ARN of the job or resource that produced the result, in this run or in the source run."""
        if self.attempts:
            return self.attempts[-1].arn
        return self.cache.source_arn if self.cache is not None else ""

    def masked(self, *known: str) -> StepRecord:
        """This record without secrets, with the hash of the masked request; ``known`` are additional secrets."""
        secrets = set(known)
        request = exact(mask(plain(self.request), secrets)) if self.request is not None else None
        rest: dict[str, Any] = {}
        for name in ("result", "decision", "failure_reason"):
            value = getattr(self, name)
            rest[name] = mask(plain(value), secrets) if value else value
        attempts = tuple(replace(a, failure_reason=mask(a.failure_reason, secrets)) for a in self.attempts)
        digest = sha256_of(request) if request is not None else self.request_sha256
        masked = replace(self, request=request, request_sha256=digest, attempts=attempts, **rest)
        return masked._taken_out(secrets) if secrets else masked

    def _taken_out(self, secrets: set[str]) -> StepRecord:
        """This record with ``secrets`` also removed from URIs, names, models and metrics."""
        taken: dict[str, Any] = {
            name: tuple(_without(item, secrets) for item in getattr(self, name)) for name in _PLACES
        }
        taken["metrics"] = without(plain(self.metrics), secrets)
        taken["model_packages"] = tuple(without(plain(package), secrets) for package in self.model_packages)
        taken["cache"] = _without(self.cache, secrets) if self.cache is not None else None
        return replace(self, **taken)

    def as_json(self) -> StepDocument:
        """Plain data without empty members."""
        document: StepDocument = _as_json(self)
        return document

    @classmethod
    def from_json(cls, data: object) -> StepRecord:
        """The step record in ``data``; ignores unknown members.  Raises :class:`BrokenRecord`."""
        if not isinstance(data, Mapping) or not all(
            isinstance(data.get(key), str) for key in ("step", "type", "status")
        ):
            raise BrokenRecord("a step record has no step, type and status.")
        values = {name: data[name] for name in _names(cls) if name in data}
        try:
            for name, kind in _NESTED.items():
                if name in values:
                    values[name] = tuple(kind(**_known(kind, item)) for item in values[name])
            if values.get("cache") is not None:
                values["cache"] = CacheOutcome(**_known(CacheOutcome, values["cache"]))
            if "model_packages" in values:
                values["model_packages"] = tuple(values["model_packages"])
            if "result_json" in data:
                values |= _exact_members(read_exact(data, "result"), data)
            return cls(**values)
        except (TypeError, AttributeError, ValueError) as error:
            raise BrokenRecord(f'the step record of step "{data["step"]}" cannot be read: {error}.') from None


def _exact_members(result: Mapping[str, object], data: Mapping[str, object]) -> dict[str, Any]:
    """``result``, and the members of the record that repeat a part of it, with its original numbers."""
    repeated = {"metrics": result.get("Metrics"), "decision": result.get("Decision")}
    return {"result": result, **{name: value for name, value in repeated.items() if value and value == data.get(name)}}


_NESTED: dict[str, Any] = {"attempts": Attempt, "inputs": Artifact, "outputs": Artifact, "images": Image, "code": Code}


Part = TypeVar("Part", Artifact, Image, Code, CacheOutcome)
_PLACES = ("inputs", "outputs", "images", "code")
_WORDS = frozenset({"uri", "name", "key", "instead_of", "problem", "repository", "reason"})


def _without(item: Part, secrets: set[str]) -> Part:
    """An artifact, image, code or cache outcome without ``secrets``; hashes stay."""
    words = _WORDS - {"key"} if isinstance(item, CacheOutcome) else _WORDS
    texts = {name: getattr(item, name) for name in _names(type(item)) if name in words}
    return replace(item, **without(texts, secrets))


def _names(kind: type) -> list[str]:
    return [item.name for item in fields(kind)]


def _known(kind: type, item: Mapping[str, object]) -> dict[str, Any]:
    return {name: item[name] for name in _names(kind) if name in item}


def _as_json(item: object) -> Any:
    kept: dict[str, Any] = {}
    for name in _names(type(item)):
        value = getattr(item, name)
        if value is None or value in ("", (), {}) or (name == "jobs_started" and not value):
            continue
        if isinstance(value, CacheOutcome):
            kept[name] = _as_json(value)
        elif name in _NESTED:
            kept[name] = [_as_json(entry) for entry in value]
        else:
            kept[name] = plain(value)
    return kept
