"""The cache key of a step: its key attributes, out of the *resolved* request, in one hash.

Which attributes count is the service's own choice (docs/language/caching.md).  Not counted are instance types,
roles, output paths, time limits and tags: they do not change a result.  Only the *paths* of inputs count, unless
fingerprints are given.  Secrets do not count, see ``masking``: a rotated password is no reason to run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...execution.secret_masking import mask, without
from ...steps.catalogue import STEP_TYPES
from ...steps.model import EVERYTHING
from ..model.canonical_json import exact, plain, sha256_of
from ..model.step_record import Artifact

# What says who asks, not what is asked for.
_NOT_COUNTED = frozenset({"Tags", "ExperimentConfig", "ClientRequestToken", "clientToken", "clientRequestToken"})
INPUTS = "input contents"


@dataclass(frozen=True, slots=True)
class CacheKey:
    """``key`` is the hash over ``attributes``, {attribute: sha256 of its value}; {} and absent are the same."""

    key: str
    attributes: Mapping[str, str]


def is_cacheable(step_type: str) -> bool:
    """Whether a ``CacheConfig`` means anything for steps of this type."""
    return bool(STEP_TYPES[step_type].cache_key) if step_type in STEP_TYPES else False


def cache_key(
    step_type: str,
    request: Mapping[str, Any],
    inputs: Sequence[Artifact] | None = None,
    *,
    secrets: Iterable[str] = (),
) -> CacheKey:
    """The key of a step with this resolved request.

    ``request`` holds the step's own settings beside ``Arguments`` for types that are not one API call: checks, Lambda
    and Callback, e.g. ``{"FunctionArn": …, "Arguments": {…}}``.  ``inputs``, with fingerprints, make a changed file
    under the same path a miss.  ``secrets`` are further ones, which do not count.

    Raises ``KeyError`` for a type that has no cache.
    """
    values = key_values(step_type, request, secrets)
    if inputs is not None:
        values[INPUTS] = sorted(
            [without(artifact.uri, secrets), artifact.sha256, artifact.problem] for artifact in inputs
        )
    attributes = {name: sha256_of(value) for name, value in sorted(values.items())}
    return CacheKey(sha256_of({"type": step_type, "attributes": attributes}), attributes)


def key_values(step_type: str, request: Mapping[str, Any], secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The key attributes that the request has, by name, with their masked values."""
    counted = _counted(step_type, exact(mask(plain(request), {*secrets})))
    names = STEP_TYPES[step_type].cache_key
    if not names:
        raise KeyError(step_type)
    if names == EVERYTHING:
        return {name: value for name, value in counted.items() if not _is_empty(value)}
    values = {name: _at(counted, name) for name in names}
    return {name: value for name, value in values.items() if not _is_empty(value)}


def _counted(step_type: str, request: Mapping[str, Any]) -> dict[str, Any]:
    entry = STEP_TYPES[step_type]
    left_out = _NOT_COUNTED | {entry.name_key, entry.token_key}
    counted = {name: value for name, value in request.items() if name not in left_out}
    # A job's request that stands beside settings; of a function the arguments are the user's own data.
    if entry.settings and entry.arguments_are_request and isinstance(counted.get("Arguments"), Mapping):
        counted["Arguments"] = {name: v for name, v in counted["Arguments"].items() if name not in left_out}
    return counted


def _at(request: Any, path: str) -> Any:
    for name in path.split("."):
        request = request.get(name) if isinstance(request, Mapping) else None
    return request


def _is_empty(value: Any) -> bool:
    return value is None or value in ({}, [], "")
