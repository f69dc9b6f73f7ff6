"""The cache: the latest success of a step under its key, one object each, so that a look-up is one read.

It follows the service (docs/language/caching.md): same pipeline, same step, equal key attributes, younger than
``ExpireAfter``; the most recent success wins; failed and running steps never match.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from ...definition.property_paths import select
from ...definition.values import parse_duration
from ...execution.secret_masking import MASK, mask, without
from ...json_types import AwsShape
from ..model.canonical_json import compact_json, plain
from ..model.record import SCHEMA
from ..model.step_record import Artifact, CacheOutcome, StepRecord
from ..model.timestamps import moment, parse_time
from ..store.keys import cache_key_of
from ..store.protocol import Store
from ..store.sealed import is_readable
from ..store.stored_json import read_stored
from .key import CacheKey

TRIES = 5
Outputs = Sequence[str] | Literal["all"]


@dataclass(frozen=True, slots=True)
class Lookup:
    """The result of a look-up: ``outcome`` for the step record; on a hit, also the ``result`` for later steps."""

    outcome: CacheOutcome
    result: Mapping[str, Any] | None = None
    outputs: tuple[Artifact, ...] = ()
    ended: str = ""

    @property
    def sentence(self) -> str:
        """For the task log."""
        match self.outcome.result:
            case "hit":
                saved = self.outcome.saved_seconds
                cost = f", saved {saved:.0f} billable seconds" if saved else ""
                return f'cache hit: taken from run "{self.outcome.source_run}", which ended {self.ended}{cost}'
            case "expired":
                return f'no cache hit: run "{self.outcome.source_run}" ended {self.ended}, longer ago than ExpireAfter'
            case _:
                return "no cache hit: this step did not succeed before with these attributes"


def look_up(
    store: Store,
    dag_id: str,
    step: str,
    key: CacheKey,
    *,
    expire_after: str | None = None,
    wanted: Outputs = (),
    at: datetime | None = None,
) -> Lookup:
    """The latest success of this step with this key.  One read.

    ``wanted`` holds the property paths that later steps reference now (the spec's "Outputs"); an entry without them is
    a miss, and so is an unreadable entry.

    Raises ``ValueError`` if ``expire_after`` is not a duration.
    """
    longest = parse_duration(expire_after) if expire_after else None
    miss = CacheOutcome(key.key, key.attributes, "miss")
    entry = _entry(store, dag_id, step, key.key)
    ended = parse_time(entry.get("ended")) if entry else None
    result = _result(entry, wanted) if entry is not None else None
    if entry is None or ended is None or result is None:
        return Lookup(miss)
    outcome = replace(miss, source_run=str(entry.get("run_id", "")), source_arn=str(entry.get("arn", "")))
    if longest is not None and (at or datetime.now(UTC)) - ended >= longest:
        return Lookup(replace(outcome, result="expired"), ended=str(entry["ended"]))
    hit = replace(outcome, result="hit", saved_seconds=entry.get("billable_seconds"))
    outputs = StepRecord.from_json({**entry, "type": "", "status": ""}).outputs
    return Lookup(hit, reused(result, hit, str(entry["ended"])), outputs, str(entry["ended"]))


def reused(result: Mapping[str, object], outcome: CacheOutcome, ended: str) -> dict[str, Any]:
    """The result of an earlier run, as this run passes it to later steps."""
    source = {"SourceRunId": outcome.source_run, "SourceArn": outcome.source_arn, "SourceEndTime": ended}
    return {**result, "Reused": True, "CacheHitResult": source}


def store_result(
    store: Store,
    dag_id: str,
    run_id: str,
    step_record: StepRecord,
    *,
    properties: AwsShape | None = None,
    kept: Outputs = (),
    secrets: Iterable[str] = (),
) -> bool:
    """Store a success for later runs; ``False`` if there is nothing to store, or a later success is stored already.

    A result with a secret is not stored, nor one with a secret in an output URI: a masked one would be wrong, and a
    plain one must not be stored.

    properties   the complete property document, if known: a later run may reference more of it
    kept         the property paths that the result was pruned to
    secrets      additional secrets, besides those found in the request
    """
    outcome, result = step_record.cache, step_record.result
    if (
        outcome is None
        or not outcome.key
        or outcome.result == "hit"
        or step_record.status != "Succeeded"
        or result is None
    ):
        return False
    known = _secrets(step_record).union(secrets)
    stored, outputs = plain(result), step_record.as_json().get("outputs", [])
    if mask(stored, {*known}) != stored or without(outputs, known) != outputs:
        return False
    entry: dict[str, Any] = {
        "schema": SCHEMA,
        "dag_id": dag_id,
        "run_id": run_id,
        "step": step_record.step,
        "key": outcome.key,
        "attributes": dict(outcome.attributes),
        "ended": step_record.ended,
        "arn": step_record.made_by,
        "billable_seconds": step_record.billable_seconds,
        "outputs": outputs,
        "result": stored,
        "kept": kept if kept == "all" else sorted(kept),
    }
    if properties is not None:
        entry["properties"] = mask(plain(properties), known)
    place, data = cache_key_of(dag_id, step_record.step, outcome.key), compact_json(entry)
    if store.create(place, data):
        return True
    for _ in range(TRIES):
        found = store.read(place)
        there = _parse(found.data, dag_id, step_record.step, outcome.key) if found else None
        if there is not None and moment(there.get("ended")) > moment(step_record.ended):
            return False
        if store.replace(place, data, found.tag if found else None):
            return True
    return False


def _result(entry: Mapping[str, Any], wanted: Outputs) -> dict[str, Any] | None:
    """The result with the ``wanted`` properties; ``None`` if the entry does not have them."""
    result, properties, kept = entry.get("result"), entry.get("properties"), entry.get("kept", ())
    if not isinstance(result, dict):
        return None
    if isinstance(properties, dict):
        chosen = properties if wanted == "all" else select(properties, list(wanted))
        return None if MASK in json.dumps(chosen) else {**result, "Properties": chosen}
    if kept == "all" or (wanted != "all" and set(wanted) <= set(kept)):
        return result
    return None


def _secrets(step_record: StepRecord) -> set[str]:
    known: set[str] = set()
    if step_record.request is not None:
        mask(plain(step_record.request), known)
    return known


def _entry(store: Store, dag_id: str, step: str, key: str) -> dict[str, Any] | None:
    found = store.read(cache_key_of(dag_id, step, key))
    return _parse(found.data, dag_id, step, key) if found is not None else None


def _parse(data: bytes, dag_id: str, step: str, key: str) -> dict[str, Any] | None:
    """The entry; ``None`` if it is truncated, of an unsupported schema, or of another step."""
    try:
        entry = read_stored(data)
    except ValueError:
        return None
    right = {"dag_id": dag_id, "step": step, "key": key}
    if not isinstance(entry, dict) or any(entry.get(name) != value for name, value in right.items()):
        return None
    return entry if is_readable(entry) else None
