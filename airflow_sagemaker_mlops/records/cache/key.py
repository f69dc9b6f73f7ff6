"""The cache key of a step: one hash over the key attributes of its *resolved* request.

The service defines the key attributes (docs/language/caching.md).  Instance types, roles, output
paths, time limits and tags are not among them, because they do not change a result.  Only the *paths* of inputs count,
unless fingerprints are given.  Secrets do not count, see ``secret_masking``: a rotated password is no reason to rerun.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...execution.secret_masking import mask, without
from ...json_types import AwsShape
from ...steps.catalogue import STEP_TYPES
from ...steps.model import EVERYTHING
from ..model.canonical_json import exact, plain, sha256_of
from ..model.step_record import Artifact

# They identify the caller and do not change the result.
_NOT_COUNTED = frozenset({"Tags", "ExperimentConfig", "ClientRequestToken", "clientToken", "clientRequestToken"})
INPUTS = "input contents"


@dataclass(frozen=True, slots=True)
class CacheKey:
    """``key`` is the hash over ``attributes``, {attribute: sha256 of its value}; empty values count as absent."""

    key: str
    attributes: Mapping[str, str]


def is_cacheable(step_type: str) -> bool:
    """Whether steps of this type support a ``CacheConfig``."""
    return bool(STEP_TYPES[step_type].cache_key) if step_type in STEP_TYPES else False


def cache_key(
    step_type: str,
    request: AwsShape,
    inputs: Sequence[Artifact] | None = None,
    *,
    secrets: Iterable[str] = (),
) -> CacheKey:
    """The key of a step with this resolved request.

    For types that are more than one API call (checks, Lambda, Callback), ``request`` holds the step's settings next to
    ``Arguments``, e.g. ``{"FunctionArn": …, "Arguments": {…}}``.  With the fingerprints in ``inputs``, a changed file
    under the same path is a miss.  ``secrets`` are additional secrets, which do not count.

    Raises ``KeyError`` for a type that cannot be cached.
    """
    values = key_values(step_type, request, secrets)
    if inputs is not None:
        values[INPUTS] = sorted(
            [without(artifact.uri, secrets), artifact.sha256, artifact.problem] for artifact in inputs
        )
    attributes = {name: sha256_of(value) for name, value in sorted(values.items())}
    return CacheKey(sha256_of({"type": step_type, "attributes": attributes}), attributes)


def key_values(step_type: str, request: AwsShape, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The key attributes in the request, by name, with masked values."""
    counted = _counted(step_type, exact(mask(plain(request), {*secrets})))
    names = STEP_TYPES[step_type].cache_key
    if not names:
        raise KeyError(step_type)
    if names == EVERYTHING:
        return {name: value for name, value in counted.items() if not _is_empty(value)}
    values = {name: _at(counted, name) for name in names}
    return {name: value for name, value in values.items() if not _is_empty(value)}


def _counted(step_type: str, request: AwsShape) -> dict[str, Any]:
    entry = STEP_TYPES[step_type]
    left_out = _NOT_COUNTED | {entry.name_key, entry.token_key}
    counted = {name: value for name, value in request.items() if name not in left_out}
    # The arguments of a check are a job request; those of a function are the user's own data.
    if entry.settings and entry.arguments_are_request and isinstance(counted.get("Arguments"), Mapping):
        counted["Arguments"] = {name: v for name, v in counted["Arguments"].items() if name not in left_out}
    return counted


def _at(request: object, path: str) -> Any:
    for name in path.split("."):
        request = request.get(name) if isinstance(request, Mapping) else None
    return request


def _is_empty(value: object) -> bool:
    return value is None or value in ({}, [], "")
