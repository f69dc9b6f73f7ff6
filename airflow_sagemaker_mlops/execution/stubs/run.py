"""Stubs: stub results of steps that cannot run where a pipeline is rehearsed.

A stub resolves and types the step's request as for AWS, but then returns its result instead of sending the request.
Stubs are declared by step name (``"*"`` for all steps with jobs, and Lambda)::

    Train:
      Properties: {ModelArtifacts: {S3ModelArtifacts: s3://bucket/model.tar.gz}}
      PropertyFiles: {Report: {metrics: {mse: {value: 4.2}}}}   # written to the step's output location
      Files: {results.json: {Result: 1}}                        # below the output path of a training job
      Status: Succeeded                                         # or Failed, Stopped, with FailureReason
      Seconds: 0
    Gate:
      Outcome: true                                             # of a Condition, whatever its comparisons say

Properties that are referenced but not declared are generated, with the type that the API gives them.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ...aws_errors import error_code
from ...definition.expressions import kind_of
from ...definition.model import Key, PathPart
from ...definition.problems import did_you_mean
from ...definition.property_paths import MissingValue, lookup, parse_path
from ...definition.read.strict_json import read_json
from ...s3 import split_uri
from ...steps.s3_members import file_in_output
from ...steps.shapes import operation_output
from ..aws.calls import as_json
from ..aws.clients import Aws
from ..exceptions import JobFailed
from ..request import build_request, name_of, resolved_arguments
from ..runners.base import WaitingRunner, runner_of, typed_outputs
from ..scope_values import NO_ACCOUNT
from ..step_run import StepResult, StepRun, Submitted, now
from ..watch.console_links import facts_about

ZERO: dict[str, Any] = {"Integer": 0, "Float": 0.0, "Boolean": False}
NUMBERS = frozenset({"integer", "long", "float", "double"})
LOOKS_LIKE_A_PLACE = re.compile(r"ur[il]|path|s3|artifact|location|constraints|statistics", re.IGNORECASE)
MEMBERS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "Properties": (Mapping, "an object"),
    "PropertyFiles": (Mapping, "an object"),
    "Files": (Mapping, "an object"),
    "Status": (str, "Succeeded, Failed or Stopped"),
    "FailureReason": (str, "a text"),
    "Seconds": ((int, float), "a number"),
    "Outcome": (bool, "true or false"),
}
BELOW = "Files below properties"  # {property path: {file: content}}; only in generated stubs
STATUSES = ("Succeeded", "Failed", "Stopped")


def read_file(file: Path) -> dict[str, Any]:
    """The stubs of a YAML or JSON file.  Raises ``ValueError`` with a sentence, also for unknown members."""
    from ...definition.read.yaml_source import plain_yaml

    try:
        table = plain_yaml(file.read_text())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{file}: the stubs cannot be read: {reason}") from None
    return checked(table, str(file))


def checked(table: object, file: str) -> dict[str, Any]:
    """``table`` as stubs; ``file`` is its name in messages.  Raises ``ValueError`` for unknown members."""
    if not isinstance(table, dict) or not all(isinstance(value, dict | None) for value in table.values()):
        raise ValueError(f"{file}: stubs must be an object: {{step: {{Properties: ..., Files: ...}}}}")
    for name, entry in table.items():
        wrong = next(_wrong_members(entry or {}), "")
        if wrong:
            raise ValueError(f'{file}: the stub of "{name}" {wrong}')
    return {str(name): value or {} for name, value in table.items()}


def _wrong_members(entry: Mapping[object, object]) -> Iterator[str]:
    for key, value in entry.items():
        if key not in MEMBERS:
            meant = did_you_mean(str(key), MEMBERS)
            if str(key) in ("OutputParameters", "ModelArtifacts") or not meant.startswith("Did"):
                meant = f"A stub can have {', '.join(MEMBERS)}. Did you mean Properties: {{{key}: ...}}?"
            yield f'has the unknown key "{key}". {meant}'
        elif value is not None:
            kind, words = MEMBERS[key]
            fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
            if not fits or (key == "Status" and value not in STATUSES):
                yield f"has {kind_of(value)} as {key}; write {words}."
            elif isinstance(value, Mapping) and not isinstance(value.get("OutputParameters"), Mapping | None):
                yield f"has {kind_of(value['OutputParameters'])} as OutputParameters; write {{name: value}}."


def declared_for(run: StepRun) -> Mapping[str, Any] | None:
    """The stub of the step: by its name, by its name in the body for a child of a loop, or the one for all."""
    table = run.options.stubs
    if not table:
        return None
    name, runner = run.identity.step, runner_of(run.entry)
    if not runner.may_have_stub:
        return None
    found = table.get(name)
    if found is None and run.loop:
        found = table.get(name.rpartition("-")[0])
    if found is None and runner.has_default_stub:
        found = table.get("*")
    return found


class StubRunner(WaitingRunner):
    """Returns the stub result instead of running a step."""

    async def submit(self, run: StepRun) -> Submitted:
        """Build and type the request without sending it."""
        run.log("a stub answers for this step")
        name = name_of(run, 0) if run.entry.name_key else run.identity.step
        arn = f"arn:aws:sagemaker:{run.aws.region}:{NO_ACCOUNT}:stub/{name}"
        await run.publish(facts_about(run, name, arn))
        properties = await _properties(run, name, arn, declared_for(run) or {})
        return Submitted(name, arn, 0, now(), facts={"properties": properties})

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """The stub result."""
        declared, properties = declared_for(run) or {}, job.facts["properties"]
        await asyncio.sleep(float(declared.get("Seconds") or 0))
        await asyncio.to_thread(_write_files, run, properties, declared)
        status = str(declared.get("Status") or "Succeeded")
        reason = str(declared.get("FailureReason") or "the stub says so")
        if status == "Succeeded" and (
            why := await asyncio.to_thread(runner_of(run.entry).why_it_fails, run, properties)
        ):
            status, reason = "Failed", why
        result = StepResult(
            run.identity.step,
            run.step_type,
            job.name,
            job.handle,
            run.pruned(properties),
            job.since,
            now(),
            status=status,
            facts={"Stub": True},
        )
        if status != "Succeeded":
            raise JobFailed(run.identity.step, job.name, status, reason, result.as_json())
        return result

    async def stop(self, run: StepRun, name: str, handle: str) -> bool:
        """Nothing to stop."""
        return False


async def _properties(run: StepRun, name: str, arn: str, declared: Mapping[str, object]) -> dict[str, Any]:
    entry = run.entry
    if runner_of(entry).is_named:
        request = as_json(await build_request(run, 0))
    else:
        request = await resolved_arguments(run)
    opened = {key: read_json(request[key], twice=[]) for key in entry.json_texts if request.get(key)}
    properties: dict[str, Any] = {**request, **opened}
    if entry.name_key:
        properties |= {entry.name_key: name, entry.arn_key: arn}
    if entry.status_key and "." not in entry.status_key:
        properties[entry.status_key] = next(iter(sorted(entry.succeeded)), "")
    properties |= entry.stub(request, name)
    if run.spec.output_parameters:
        kinds = {output.name: output.type for output in run.spec.output_parameters}
        texts = {output: _text(run, output) for output in kinds}
        properties["OutputParameters"] = {output: ZERO.get(kind, texts[output]) for output, kind in kinds.items()}
    properties = _merged(properties, declared.get("Properties") or {})
    if run.spec.output_parameters:
        properties["OutputParameters"] = typed_outputs(run, properties["OutputParameters"])
    for path in () if run.spec.outputs == "all" else run.spec.outputs:
        _fill(run, properties, path)
    return properties


def _merged(one: object, other: object) -> Any:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {**one, **{key: _merged(one.get(key), value) for key, value in other.items()}}
    if isinstance(one, list) and isinstance(other, list):
        padded = [*one, *[None] * (len(other) - len(one))]
        return [_merged(mine, given) for mine, given in zip_longest(padded, other)]
    return one if other in (None, {}) else other


def _fill(run: StepRun, document: dict[str, Any], path: str) -> None:
    """Generate a value at ``path`` if there is none."""
    parts = parse_path(path)
    try:
        lookup(document, parts)
        return
    except MissingValue:
        value = _made_up(run, parts)
    for part in reversed(_positions(document, parts)):
        name = part.name if isinstance(part, Key) else part
        value = [*[{}] * name, value] if isinstance(name, int) else {name: value}
    document.update(_merged(document, value))


def _positions(document: Any, parts: tuple[PathPart, ...]) -> list[PathPart]:
    """``parts`` with names of list items replaced with positions, if the list exists."""
    found: list[PathPart] = []
    for wanted in parts:
        part = wanted
        if isinstance(part, Key) and isinstance(document, list):
            names = [[v for v in item.values() if isinstance(v, str)] for item in document if isinstance(item, Mapping)]
            part = next((index for index, values in enumerate(names) if part.name in values), len(document))
        found.append(part)
        key = part.name if isinstance(part, Key) else part
        try:
            document = document[key]
        except (LookupError, TypeError):
            document = None
    return found


def _made_up(run: StepRun, parts: tuple[Any, ...]) -> Any:
    shape: Any = operation_output(run.entry.service, run.entry.describe) if run.entry.describe else None
    for part in parts:
        kind = getattr(shape, "type_name", "")
        if kind == "structure":
            shape = shape.members.get(part if isinstance(part, str) else "")
        elif kind == "list":
            shape = shape.member
        elif kind == "map":
            shape = shape.value
    kind = getattr(shape, "type_name", "string")
    last = str(parts[-1].name if isinstance(parts[-1], Key) else parts[-1])
    if kind in NUMBERS or kind == "boolean":
        return False if kind == "boolean" else 1
    return _text(run, last)


def _text(run: StepRun, name: str) -> str:
    if LOOKS_LIKE_A_PLACE.search(name):
        return f"s3://stubs/{run.identity.execution_id}/{run.identity.step}/{name}"
    return f"stub-{name}"


def _write_files(run: StepRun, properties: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    """Write the declared files as JSON: property files to their output, others below the output path or at a URI."""
    folder = str(_at(properties, "OutputDataConfig", "S3OutputPath") or "").rstrip("/")
    for name, content in (declared.get("Files") or {}).items():
        _write(run, name if name.startswith("s3://") else f"{folder}/{name}", content)
    for path, files in (declared.get(BELOW) or {}).items():
        for name, content in files.items():
            _write(run, file_in_output(str(lookup(properties, parse_path(path))), name), content)
    outputs = _at(properties, "ProcessingOutputConfig", "Outputs") or []
    places = {item.get("OutputName"): _at(item, "S3Output", "S3Uri") for item in outputs}
    contents = declared.get("PropertyFiles") or {}
    for file in run.spec.property_files:
        uri = places.get(file.output)
        if uri and file.name in contents:
            _write(run, file_in_output(uri, file.path), contents[file.name])


def _at(document: object, *keys: str) -> Any:
    for key in keys:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def _write(run: StepRun, uri: str, content: object) -> None:
    write_file(run.aws, uri, content)
    run.log(f"wrote {uri}")


def write_file(aws: Aws, uri: str, content: object) -> None:
    """Write ``content`` to ``uri``, as JSON unless it is text; creates its bucket if it does not exist."""
    bucket, key = split_uri(uri)
    text = content if isinstance(content, str) else json.dumps(content)
    client = aws.client("s3")
    try:
        client.put_object(Bucket=bucket, Key=key, Body=text.encode())
    except Exception as error:
        if error_code(error) != "NoSuchBucket":
            raise
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key=key, Body=text.encode())
