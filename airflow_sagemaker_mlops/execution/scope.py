"""Values for the expressions of one step: :class:`Scope` and :func:`resolve`.

References are resolved only here; Jinja never sees a document.
Rules: docs/language/expressions.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..definition.expressions import parse_value
from ..definition.model import Get, Join, JsonGet
from ..definition.property_paths import LONGEST_SHOWN, MissingValue, lookup
from ..definition.read.strict_json import NotJson, read_json
from ..definition.values import as_text
from ..steps.s3_members import file_in_output
from .exceptions import UnresolvedExpression

if TYPE_CHECKING:
    from .aws_names import Naming

EXPERIMENT = {"ExperimentName": "PipelineName", "TrialName": "PipelineExecutionId"}
EXPERIMENT_LIMIT = 120
MAX_READ = 20_000_000  # bytes; largest S3 object from which a run reads values


class Unreadable(Exception):
    """The object at an S3 URI cannot be read, and a retry would not help; the text says why."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything that the expressions of a step may reference.

    step         name of the step, for messages
    parameters   typed values by parameter name
    execution    execution variables by name, except "CurrentDateTime"
    steps        results of the steps that it reads, as pushed by their tasks
    files        {"<step>": {"<property file>": {"OutputName", "FilePath"}}}
    experiment   the pipeline's PipelineExperimentConfig as written, for steps that reference it
    item         ForEach.CurrentItem, in the body of a ForEach step
    read_s3      reads an S3 URI; raises :class:`Unreadable` if that is impossible, and AWS's error if a retry may help
    """

    step: str
    parameters: Mapping[str, Any]
    execution: Mapping[str, str]
    steps: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, Mapping[str, Mapping[str, str]]]
    read_s3: Callable[[str], bytes]
    item: Any = None
    experiment: Mapping[str, Any] = field(default_factory=dict)

    def with_execution(self, **variables: str) -> Scope:
        """A copy with further execution variables (a job's own name)."""
        return replace(self, execution={**self.execution, **variables})


def resolve(value: object, scope: Scope, place: str = "") -> Any:
    """``value`` with every expression replaced with its value; literals stay unchanged.

    Raises :class:`UnresolvedExpression` naming step, place, expression and what was found instead.
    Blocking if a ``JsonGet`` has to be read from S3.
    """
    match value:
        case Get():
            return _get(value, scope, place)
        case Join():
            return value.on.join(as_text(resolve(item, scope, place)) for item in value.values)
        case JsonGet():
            return _json_get(value, scope, place)
        case Mapping():
            return {key: resolve(item, scope, f"{place}.{key}" if place else key) for key, item in value.items()}
        case list() | tuple():
            return [resolve(item, scope, f"{place}[{index}]") for index, item in enumerate(value)]
        case _:
            return value


def _get(reference: Get, scope: Scope, place: str) -> Any:
    match reference.root:
        case "Parameters":
            value = scope.parameters.get(reference.name)
        case "Execution" if reference.name == "CurrentDateTime":
            return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case "Execution":
            value = scope.execution.get(reference.name)
        case "Steps":
            return _property(reference, scope, place)
        case "ForEach":
            return _item(reference, scope, place)
        case "PipelineExperimentConfig":
            value = experiment_of(scope).get(reference.name)
        case _:
            raise UnresolvedExpression(scope.step, reference.text, "cannot be used here.", place=place)
    if value is None:
        raise UnresolvedExpression(scope.step, reference.text, "is undefined.", place=place)
    return value


def experiment_of(scope: Scope) -> dict[str, str]:
    """Names of the experiment and the trial that group a pipeline's jobs; missing ones as in the SDK."""
    block, names = scope.experiment, {}
    for key, variable in EXPERIMENT.items():
        given = as_text(name_in(parse_value(block[key]), scope, key, EXPERIMENT_LIMIT)) if block.get(key) else ""
        own = Get("Execution", variable, (), f"Execution.{variable}")
        names[key] = given or str(name_in(own, scope, key, EXPERIMENT_LIMIT))
    return names


def naming_of(scope: Scope) -> Naming:
    """How names are derived from the pipeline's name in this run."""
    from .aws_names import Naming

    def again(expression: object, name: str) -> Any:
        return resolve(expression, scope.with_execution(PipelineName=name))

    return Naming(str(scope.execution.get("PipelineName", "")), again)


def name_in(expression: object, scope: Scope, place: str, limit: int | None = None) -> Any:
    """The value of ``expression`` as a name for AWS; blocking, like :func:`resolve`."""
    from .aws_names import NAME_LIMIT, as_name

    return as_name(expression, resolve(expression, scope, place), naming_of(scope), limit or NAME_LIMIT)


def _item(reference: Get, scope: Scope, place: str) -> Any:
    """The current item, or a value in it; an item that is JSON text is parsed for that."""
    item = scope.item
    if reference.path and isinstance(item, str):
        try:
            item = read_json(item)
        except NotJson as error:
            why = f"is undefined: the item {item[:80]!r} is not a JSON object: it {error.predicate()}."
            raise UnresolvedExpression(scope.step, reference.text, why, place=place) from None
    if item is None:
        raise UnresolvedExpression(scope.step, reference.text, "is undefined: the item is null.", place=place)
    try:
        return lookup(item, reference.path)
    except MissingValue as missing:
        why = f"is undefined: {missing} in the item, {_there(missing)}."
        raise UnresolvedExpression(scope.step, reference.text, why, place=place) from None


def _property(reference: Get, scope: Scope, place: str) -> Any:
    result = scope.steps.get(reference.name)
    if not result:
        why = f'is undefined: step "{reference.name}" left no result in this run.'
        raise UnresolvedExpression(scope.step, reference.text, why, place=place)
    try:
        return lookup(result.get("Properties") or {}, reference.path)
    except MissingValue as missing:
        why = f'is undefined: {missing} in the result of step "{reference.name}".'
        raise UnresolvedExpression(scope.step, reference.text, why, place=place) from None


def describe_json_get(expression: JsonGet) -> str:
    """A ``JsonGet`` in messages."""
    if expression.step is not None:
        return f"{expression.path_text} of Steps.{expression.step}.PropertyFiles.{expression.property_file}"
    return f"{expression.path_text} of a JSON file"


def _json_get(expression: JsonGet, scope: Scope, place: str) -> Any:
    name = describe_json_get(expression)
    uri = _file_uri(expression, scope, place, name)
    try:
        text = scope.read_s3(uri)
    except Unreadable as error:
        raise UnresolvedExpression(scope.step, name, f"could not be read: {error}", place=place) from None
    try:
        document = read_json(text, most_bytes=MAX_READ)
    except NotJson as error:
        start = text[:60].decode("utf-8", "replace")
        why = f"could not be read: {uri} {error.predicate()}; it begins with {start!r}."
        raise UnresolvedExpression(scope.step, name, why, place=place) from None
    try:
        return lookup(document, expression.path)
    except MissingValue as missing:
        why = f"has an invalid JSON path or is undefined: {missing} in {uri}, {_there(missing)}."
        raise UnresolvedExpression(scope.step, name, why, place=place) from None


def _file_uri(expression: JsonGet, scope: Scope, place: str, name: str) -> str:
    if expression.step is None:
        return str(resolve(expression.s3_uri, scope, place))
    entry = scope.files.get(expression.step, {}).get(expression.property_file or "")
    result = scope.steps.get(expression.step) or {}
    if entry is None or not result:
        why = f'is undefined: step "{expression.step}" left no result in this run.'
        raise UnresolvedExpression(scope.step, name, why, place=place)
    outputs = ((result.get("Properties") or {}).get("ProcessingOutputConfig") or {}).get("Outputs") or []
    for output in outputs:
        if output and output.get("OutputName") == entry["OutputName"]:
            return file_in_output(output["S3Output"]["S3Uri"], entry["FilePath"])
    why = f'is undefined: step "{expression.step}" has no output called "{entry["OutputName"]}".'
    raise UnresolvedExpression(scope.step, name, why, place=place)


def _there(missing: MissingValue) -> str:
    """What is at the place where a path ends: ``which holds the keys "a"``, or ``where a.b holds the value 1``."""
    there = f"where {missing.above} holds" if missing.above else "which holds"
    return f"{there} {_outline(missing.owner)}"


def _outline(document: object) -> str:
    """The keys of ``document``, short enough for a message."""
    if isinstance(document, Mapping):
        keys = ", ".join(f'"{key}"' for key in list(document)[:8])
        return f"the keys {keys}" if keys else "an empty object"
    if isinstance(document, list):
        return f"a list of {len(document)}"
    shown = as_text(document)
    return f"the value {shown if len(shown) <= LONGEST_SHOWN else f'{shown[:LONGEST_SHOWN]}...'}"
