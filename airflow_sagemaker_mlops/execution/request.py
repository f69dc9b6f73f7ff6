"""Builds the request of a step: resolves its arguments, types them by botocore's shapes, and adds name and tags."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..definition.expressions import parse_value
from ..definition.read.strict_json import NotJson, read_json
from ..definition.step_types import FREE_ARGUMENTS
from ..steps.shapes import fit_request
from .aws.threads import in_thread
from .aws_names import with_aws_names
from .exceptions import StepFailed
from .experiments import shared_by_the_pipeline
from .identity import digest, resource_name
from .scope import Scope, name_in, naming_of, resolve
from .secret_masking import mask, secrets_in
from .step_run import StepRun

MAX_SHOWN = 32_768  # characters; nobody reads a longer request in a user interface


async def resolved_arguments(run: StepRun, **execution: str) -> dict[str, Any]:
    """The step's ``Arguments`` with every expression resolved; reads property files from S3 in a thread."""
    free = run.step_type in FREE_ARGUMENTS
    arguments = parse_value(run.spec.arguments, "Arguments", free=free)
    scope = run.scope.with_execution(**execution)
    resolved = dict(await in_thread(run.aws.key, _resolved, run, arguments, scope))
    if not free:
        resolved = run.options.overrides.applied(resolved)
    secrets = secrets_in(resolved)
    if secrets:
        await run.mask(secrets)
    return resolved


def _resolved(run: StepRun, arguments: object, scope: Scope) -> Any:
    resolved, entry = resolve(arguments, scope), run.entry
    if not entry.arguments_are_request:
        return resolved
    return with_aws_names(arguments, resolved, naming_of(scope), entry, run.log)


Change = Callable[[dict[str, Any], str], Awaitable[dict[str, Any]]]


async def unchanged(arguments: dict[str, Any], _name: str) -> dict[str, Any]:
    """No change: the arguments are the request."""
    return arguments


async def build_request(run: StepRun, ordinal: int, change: Change = unchanged) -> dict[str, Any]:
    """The create request of the ``ordinal``-th resource of this step, ready to send.

    ``change`` gets the resolved arguments and the name, and returns the arguments to send.

    Raises :class:`StepFailed` naming the place if a value does not fit its slot.
    """
    entry = run.entry
    name = name_of(run, ordinal)
    variables = {entry.name_key: name} if entry.name_key.endswith("JobName") else {}
    request = entry.prepare(await change(await resolved_arguments(run, **variables), name))
    request = {**request, **await shared_by_the_pipeline(run, request)}
    if entry.name_key:
        request[entry.name_key] = request.get(entry.name_key) if _is_verbatim(run) else name
    ready = await fitted(run, request)
    _check_json_texts(run, ready)
    if entry.tagged:
        own = run.identity.tags(request_digest(ready))
        ready["Tags"] = _merged_tags(ready.get("Tags") or [], own)
    await show_request(run, ready)
    return ready


def _check_json_texts(run: StepRun, request: Mapping[str, object]) -> None:
    """Refuse JSON text that a value in it has broken, before AWS does."""
    for key in sorted(run.entry.json_texts):
        try:
            read_json(str(request.get(key) or "{}"), twice=[])  # AWS may take a repeated key
        except NotJson as error:
            why = f"the text {error.predicate()}. A quotation mark or a backslash in a value that is joined breaks it."
            raise StepFailed(f'Step "{run.identity.step}" at Arguments.{key}: {why}') from None


async def show_request(run: StepRun, request: Mapping[str, object]) -> None:
    """Publish the request, with every expression resolved and every secret masked."""
    text = json.dumps(mask(dict(request)), ensure_ascii=False, default=str)
    if len(text) <= MAX_SHOWN:
        await run.publish({"request": text})


async def fitted(run: StepRun, request: Mapping[str, object], operation: str = "") -> dict[str, Any]:
    """``request`` with every value converted to the type of its slot in the create operation (or in ``operation``).

    Raises :class:`StepFailed` naming the place if a value does not fit.
    """
    entry = run.entry
    operation = operation or entry.create
    later = {} if operation == entry.update else {key: request[key] for key in entry.update_only if key in request}
    parts = [(operation, {key: value for key, value in request.items() if key not in later})]
    ready: dict[str, Any] = {}
    for name, members in [*parts, *([(entry.update, later)] if later else [])]:
        try:
            fit, unknown = await asyncio.to_thread(fit_request, entry.service, name, members)
        except ValueError as error:
            raise StepFailed(f'Step "{run.identity.step}" at Arguments.{error}') from None
        for path in unknown:
            run.log(f"Arguments.{path} is not a member of {name} in the installed botocore and was left out")
        ready |= fit
    return ready


def name_of(run: StepRun, ordinal: int) -> str:
    """Name of the ``ordinal``-th resource; does not resolve expressions, but uses a literal prefix in the document."""
    entry = run.entry
    given = run.spec.arguments.get(entry.name_key) if entry.name_key else None
    if given is not None and not isinstance(given, str):
        expression = parse_value(given, entry.name_key)
        given = str(
            name_in(expression, run.scope, entry.name_key) if entry.verbatim else resolve(expression, run.scope)
        )
    if given and entry.verbatim:
        return given
    return resource_name(run.identity, ordinal, prefix=given or "", limit=entry.name_limit)


def _is_verbatim(run: StepRun) -> bool:
    return run.entry.verbatim and bool(run.spec.arguments.get(run.entry.name_key))


def request_digest(request: Mapping[str, object]) -> str:
    """Short hash of a request, to check whether an adopted job had the same request."""
    body = {key: value for key, value in request.items() if key != "Tags"}
    return digest(json.dumps(body, sort_keys=True, default=str))[:16]


def _merged_tags(theirs: list[dict[str, str]], ours: list[dict[str, str]]) -> list[dict[str, str]]:
    """The document's tags and ours; AWS allows 50, and ours take precedence because jobs are found by them."""
    keys = {tag["Key"] for tag in ours}
    return [tag for tag in theirs if tag.get("Key") not in keys][: 50 - len(ours)] + ours
