"""Plan, run and step records -> the record, a plain document; pure.

``schema.json``, beside this file, gives its shape.  ``externalParameters``, ``resolvedDependencies`` and ``byproducts``
have the meaning of SLSA provenance v1: the user's choices, the inputs from outside, the outputs that are no products.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...execution.secret_masking import mask
from ...plan.model import Plan
from .canonical_json import exact_text, plain
from .documents import (
    AnnotationsDocument,
    DecisionDocument,
    DefinitionDocument,
    ParameterDocument,
    RecordDocument,
    ResourceDocument,
    StepDocument,
    TermDocument,
    TotalsDocument,
)
from .prices import Prices
from .producers import Producers
from .run_info import RunInfo
from .secrets import secrets_of_parameters
from .step_record import Artifact, Code, StepRecord
from .timestamps import seconds_between

KIND = "sagemaker-mlops/run-record"
SCHEMA = "2.0"
NO_STEPS = frozenset({"Status", "RunCondition"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A resolved parameter; ``source`` is "default", "conf", "param", "cli", or another word of the caller's."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class DefinitionCopy:
    """The stored copy of the definition.

    masked   whether secrets were removed, so that its hash differs from the definition's
    """

    uri: str
    sha256: str
    masked: bool = False


def assemble(
    plan: Plan,
    run: RunInfo,
    *,
    parameters: Mapping[str, Parameter],
    step_records: Sequence[StepRecord],
    ends: Mapping[str, str] | None = None,
    definition: DefinitionCopy | None = None,
    source_kind: str = "unknown",
    approvals: Sequence[Mapping[str, object]] = (),
    prices: Prices | None = None,
) -> RecordDocument:
    """The record of a run, not sealed yet; masks all secrets, even those that the caller should have masked.

    ends   status of steps that left no record, by name: NotTaken, NotSelected, Stopped, Failed or NotStarted (default)
    """
    secrets = secrets_of_parameters({name: parameter.value for name, parameter in parameters.items()})
    steps = [step_record.masked(*secrets) for step_record in _in_order(plan, step_records, ends or {})]
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "run": plain(run.as_json()),
        "versions": {name: str(version) for name, version in run.versions.items()},
        "definition": _definition(plan, definition, source_kind),
        "externalParameters": _parameters(parameters),
        "resolvedDependencies": list(_dependencies(plan, definition, steps)),
        "byproducts": list(_byproducts(steps)),
        "steps": [_step(step) for step in steps],
        "decisions": [decision_of(step) for step in steps if step.decision],
        "models": [plain({"step": step.step, **model}) for step in steps for model in step.model_packages],
        "approvals": [mask(plain(approval), {*secrets}) for approval in [*_approvals(steps), *approvals]],
        "totals": totals(steps, run, prices),
    }


def _approvals(steps: Sequence[StepRecord]) -> Iterator[Mapping[str, Any]]:
    """What x-approval steps were answered."""
    for step in steps:
        found = (step.result or {}).get("Approval")
        if isinstance(found, Mapping):
            yield {"task": step.step, "step": step.step, **found}


def _in_order(plan: Plan, step_records: Sequence[StepRecord], ends: Mapping[str, str]) -> Iterator[StepRecord]:
    """Step records in the plan's order, then those of loop children; steps without a record get an empty one.

    Children of items that a loop no longer had in its last execution are dropped.
    """
    left = {step_record.step: step_record for step_record in step_records}
    items = {name: _item_count(step_record) for name, step_record in left.items()}
    for task in plan.tasks:
        if task.step_type not in NO_STEPS:
            name = task.task_id
            none = StepRecord(name, task.step_type, ends.get(name, "NotStarted"))
            yield left.pop(name, none)
    yield from (f for f in left.values() if not f.loop or _number(f.step) < items.get(f.loop, math.inf))


def _item_count(step_record: StepRecord) -> float:
    count = ((step_record.result or {}).get("Loop") or {}).get("InputItemCount")
    return float(count) if isinstance(count, int) else math.inf


def _number(child: str) -> int:
    number = child.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _definition(plan: Plan, copy: DefinitionCopy | None, kind: str) -> DefinitionDocument:
    members: DefinitionDocument = {"sha256": plan.definition_hash, "source": plan.source, "source_kind": kind}
    if copy:
        members["copy"] = {"uri": copy.uri, "sha256": copy.sha256, "masked": copy.masked}
    return members


def _parameters(parameters: Mapping[str, Parameter]) -> dict[str, ParameterDocument]:
    values = mask({name: plain(given.value) for name, given in parameters.items()})
    documents: dict[str, ParameterDocument] = {}
    for name, given in parameters.items():
        documents[name] = {"value": values[name], "source": given.source}
        if text := exact_text(values[name]):
            documents[name]["value_json"] = text
    return documents


def _step(step: StepRecord) -> StepDocument:
    """The step's record; with the numbers of its result, which later runs may use, if canonical JSON changes them."""
    document = step.as_json()
    if "result" in document and (text := exact_text(document["result"])):
        document["result_json"] = text
    return document


def _dependencies(plan: Plan, copy: DefinitionCopy | None, steps: Sequence[StepRecord]) -> Iterator[ResourceDocument]:
    """What the run read but did not produce: definition, inputs, code, images."""
    uri, sha256 = (copy.uri, copy.sha256) if copy else (plan.source, plan.definition_hash)
    yield {"name": "definition", "uri": uri, "digest": {"sha256": sha256}, "annotations": {"role": "definition"}}
    producers = Producers(steps)
    found: dict[tuple[str, str], ResourceDocument] = {}
    for step in steps:
        for artifact in step.inputs:
            if not producers.made_before(step, artifact.uri):
                _add(found, resource(artifact), step.step)
        for image in step.images:
            item: ResourceDocument = {"uri": f"docker://{image.uri}", "annotations": {"role": "image"}}
            if image.digest:
                item["digest"] = {"sha256": image.digest.removeprefix("sha256:")}
            _add(found, item, step.step)
        listed = {artifact.uri for artifact in step.inputs}
        for code in step.code:
            if code.commit:
                _add(found, _commit(code), step.step)
            elif code.uri and code.uri not in listed:
                artifact = Artifact(code.uri, role="code", version=code.version, content_sha256=code.sha256)
                _add(found, resource(artifact), step.step)
    yield from found.values()


def _commit(code: Code) -> ResourceDocument:
    item: ResourceDocument = {"digest": {"gitCommit": code.commit}, "annotations": {"role": "code"}}
    if code.dirty is not None:
        item["annotations"]["dirty"] = code.dirty
    if code.repository:
        item["uri"] = code.repository
    return item


def _add(found: dict[tuple[str, str], ResourceDocument], item: ResourceDocument, step: str) -> None:
    """Add ``item`` once, however many steps read it."""
    key = (item.get("uri", ""), json.dumps(item.get("digest", {}), sort_keys=True))
    steps = found.setdefault(key, item)["annotations"].setdefault("steps", [])
    if step not in steps:
        steps.append(step)


def _byproducts(steps: Sequence[StepRecord]) -> Iterator[ResourceDocument]:
    """The run's outputs in S3 other than its models."""
    for step in steps:
        for artifact in step.outputs:
            if artifact.role != "model":
                item = resource(replace(artifact, name=f"{step.step}/{artifact.name}" if artifact.name else step.step))
                item["annotations"]["steps"] = [step.step]
                yield item


def resource(artifact: Artifact) -> ResourceDocument:
    """An artifact as an in-toto ResourceDescriptor.

    ``digest.sha256`` is the hash of the content.  The hash of a listing is ``s3ListingSha256``: in-toto requires
    another name for digests that are not over the bytes.
    """
    digest = {}
    if artifact.content_sha256:
        digest["sha256"] = artifact.content_sha256
    if artifact.sha256:
        digest["s3ListingSha256"] = artifact.sha256
    annotations: AnnotationsDocument = {}
    for text in ("role", "etag", "version", "problem"):
        if value := getattr(artifact, text):
            annotations[text] = value
    for number in ("objects", "bytes"):
        if (count := getattr(artifact, number)) is not None:
            annotations[number] = count
    descriptor: ResourceDocument = {"uri": artifact.uri, "annotations": annotations}
    if artifact.name:
        descriptor["name"] = artifact.name
    if digest:
        descriptor["digest"] = digest
    return descriptor


def decision_of(step: StepRecord) -> DecisionDocument:
    """The decision of a Condition step."""
    decision = step.decision or {}
    terms: list[TermDocument] = [
        {
            "expression": str(term.get("Text", "")),
            "left": term.get("Left"),
            "operator": str(term.get("Op", "")),
            "right": term.get("Right"),
            "result": bool(term.get("Result")),
        }
        for term in decision.get("Terms") or []
    ]
    sentence = str(decision.get("Sentence", ""))
    return {"step": step.step, "outcome": bool(decision.get("Outcome")), "sentence": sentence, "terms": terms}


def totals(steps: Sequence[StepRecord], run: RunInfo, prices: Prices | None = None) -> TotalsDocument:
    """Counts and sums over the steps.  Seconds are billable instance seconds, except ``seconds``: elapsed time.

    Children of a loop are not counted as steps.  Their jobs count once: for the children, or for the loop if the
    children left no records.
    """
    by_type: dict[str, float] = {}
    for step in steps:
        if step.billable_seconds:
            kind = step.instance_type or "unknown"
            by_type[kind] = round(by_type.get(kind, 0.0) + step.billable_seconds, 3)
    hits = [step.cache for step in steps if step.cache is not None and step.cache.result == "hit"]
    loops_with_children = {step.loop for step in steps}
    own = [step for step in steps if not step.loop]
    counted: TotalsDocument = {
        "steps": len(own),
        "succeeded": sum(step.status == "Succeeded" for step in own),
        "failed": sum(step.status == "Failed" for step in own),
        "cached": len(hits),
        "jobs_started": sum(step.jobs_started for step in steps if step.step not in loops_with_children),
        "billable_seconds": round(sum(by_type.values()), 3),
        "saved_seconds": round(sum(hit.saved_seconds or 0.0 for hit in hits), 3),
        "billable_by_instance_type": by_type,
    }
    if prices is not None:
        counted["cost"] = prices.cost(by_type)
    took = seconds_between(run.started, run.ended)
    if took is not None:
        counted["seconds"] = took
    return counted
