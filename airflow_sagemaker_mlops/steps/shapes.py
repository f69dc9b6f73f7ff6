"""Checks and fits a request against botocore's model of its operation.

:func:`check_arguments` checks a document before the run; expressions are assumed to fit any scalar slot.
:func:`fit_request` converts every leaf of resolved arguments to the type of its slot, as
docs/language/expressions.md#types-of-slots says.  botocore's bundled service models are read lazily, once per process;
no client is created and the network is not used.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..definition.expressions import as_written, expression_meant
from ..definition.model import Expression, Get, Join, JsonGet
from ..definition.problems import did_you_mean, key_text
from ..definition.values import as_text, coerce

if TYPE_CHECKING:
    from types import ModuleType

    from ..json_types import ModelShape

SCALARS = frozenset({"string", "integer", "long", "float", "double", "boolean", "timestamp", "blob", "character"})


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something in a request that its operation does not accept.

    path     place below the arguments, e.g. ``ProcessingResources.ClusterConfig.InstanceCount``
    what     a sentence quoting the value
    fix      how to fix it, or empty
    severity "error": the value has a wrong type.  "warning": a missing member, a length, a pattern or an enumeration;
             the installed botocore may be older than the service, so it is not authoritative
    code     problem code, if not the default of the severity
    """

    path: str
    what: str
    fix: str = ""
    severity: Literal["error", "warning"] = "error"
    code: str = ""


# Checks an expression in a scalar slot with that shape; the misfits' paths are empty.
SlotRule: TypeAlias = "Callable[[Expression, ModelShape], Iterator[Misfit]]"


def any_expression(_expression: Expression, _shape: object) -> Iterator[Misfit]:
    """The rule of callers without a document: an expression fits every scalar slot."""
    return iter(())


@functools.cache
def operation_input(service: str, operation: str) -> ModelShape:
    """botocore's input shape of ``operation``; raises ``KeyError`` if this botocore does not know it."""
    import botocore.session
    from botocore.model import OperationNotFoundError

    try:
        shape: ModelShape = _service_model(botocore.session, service).operation_model(operation).input_shape
        return shape
    except OperationNotFoundError:
        raise KeyError(f"{service}:{operation}") from None


@functools.cache
def _service_model(session_module: ModuleType, service: str) -> Any:
    return session_module.Session().get_service_model(service)


def check_arguments(
    service: str,
    operation: str,
    arguments: Mapping[str, object],
    given: frozenset[str],
    rule: SlotRule = any_expression,
) -> list[Misfit]:
    """Everything in ``arguments`` (as in the document) that ``operation`` would refuse.

    given   members that are supplied at run time (the job's name), so they may be missing here
    rule    checks the expressions in scalar slots
    """
    shape = operation_input(service, operation)
    return list(_Check(rule).value(arguments, shape, "", given))


@dataclass(frozen=True, slots=True)
class Part:
    """An argument that is the request of an operation, or an item of the request's list ``member``.

    given   members that are supplied at run time
    each    the argument is a list of such requests
    """

    argument: str
    service: str
    operation: str
    member: str = ""
    given: frozenset[str] = frozenset()
    each: bool = False


def check_part(part: Part, arguments: Mapping[str, object], rule: SlotRule = any_expression) -> list[Misfit]:
    """Everything in one of the ``arguments`` that its operation would refuse."""
    shape = operation_input(part.service, part.operation)
    if part.member:
        shape = shape.members[part.member].member
    check, argument = _Check(rule), arguments.get(part.argument)
    if not part.each:
        return list(check.value(argument, shape, part.argument, part.given))
    requests = argument if isinstance(argument, list) else []
    return [
        misfit
        for index, request in enumerate(requests)
        for misfit in check.value(request, shape, f"{part.argument}[{index}]", part.given)
    ]


def member_of(shape: ModelShape, key: str) -> tuple[str, ModelShape | None]:
    """The member of a structure for ``key`` in a document: its name in the API, and its shape or ``None``.

    Documents write AWS's names in PascalCase, but EMR's ``key`` and ``value`` in lower case; the APIs of Bedrock and
    EMR have it the other way round.
    """
    spellings = [key, key[:1].lower() + key[1:]]
    if shape.name == "KeyValue":
        spellings.append(key[:1].upper() + key[1:])
    name = next((name for name in spellings if name in shape.members), None)
    return (key, None) if name is None else (name, shape.members[name])


def with_capitals(value: object, shape: ModelShape) -> Any:
    """Convert a camelCase API response to the PascalCase names in documents; keys of the user's maps stay."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return {
            key[:1].upper() + key[1:]: with_capitals(item, shape.members[key]) if key in shape.members else item
            for key, item in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [with_capitals(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: with_capitals(item, shape.value) for key, item in value.items()}
    return value


@functools.cache
def operation_output(service: str, operation: str) -> ModelShape:
    """botocore's output shape of ``operation``."""
    import botocore.session

    shape: ModelShape = _service_model(botocore.session, service).operation_model(operation).output_shape
    return shape


@dataclass(frozen=True, slots=True)
class _Check:
    """Walks a value together with its expected shape."""

    rule: SlotRule

    def value(
        self, value: object, shape: ModelShape, path: str, given: frozenset[str] = frozenset()
    ) -> Iterator[Misfit]:
        if value is None:
            return
        if isinstance(value, Get | Join | JsonGet):
            yield from self._expression(value, shape, path)
            return
        match shape.type_name:
            case "structure" if getattr(shape, "is_document_type", False):
                return
            case "structure":
                yield from self._structure(value, shape, path, given)
            case "list":
                yield from self._list(value, shape, path)
            case "map":
                yield from self._map(value, shape, path)
            case _:
                yield from _check_scalar(value, shape, path)

    def _expression(self, expression: Expression, shape: ModelShape, path: str) -> Iterator[Misfit]:
        if getattr(shape, "is_document_type", False):
            return
        if shape.type_name in SCALARS:
            yield from (replace(misfit, path=path) for misfit in self.rule(expression, shape))
            return
        wanted = "list" if shape.type_name == "list" else "object"
        yield Misfit(
            path,
            f"an expression cannot replace a whole {wanted} here.",
            f"Write the {wanted} itself and use expressions inside it.",
        )

    def _list(self, value: object, shape: ModelShape, path: str) -> Iterator[Misfit]:
        if not isinstance(value, list):
            yield _wrong(path, value, "a list")
            return
        yield from _check_count(len(value), shape, path, "item")
        for index, item in enumerate(value):
            yield from self.value(item, shape.member, f"{path}[{index}]")

    def _map(self, value: object, shape: ModelShape, path: str) -> Iterator[Misfit]:
        if not isinstance(value, Mapping):
            yield _wrong(path, value, "an object")
            return
        yield from _check_count(sum(item is not None for item in value.values()), shape, path, "entry")
        for key, item in value.items():
            below = f"{path}['{key}']"
            if shape.value.type_name == "string" and isinstance(item, list):
                yield Misfit(below, "expected a string, found a list; its JSON text is sent.", severity="warning")
            else:
                yield from self.value(item, shape.value, below)

    def _structure(self, value: object, shape: ModelShape, path: str, given: frozenset[str]) -> Iterator[Misfit]:
        if not isinstance(value, Mapping):
            yield _wrong(path, value, "an object")
            return
        for key, item in value.items():
            _, member = member_of(shape, key)
            below = (path + key_text(key)).removeprefix(".")
            if member is None:
                hint = did_you_mean(key, shape.members)
                yield Misfit(below, f'"{key}" is not a member of {shape.name}.', hint, severity="warning")
            else:
                yield from self.value(item, member, below)
        there = {member_of(shape, key)[0] for key, item in value.items() if item is not None}
        for key in shape.required_members:
            if key not in there and key not in given:
                what = f'required member "{key}" is missing.'
                yield Misfit(path, what, f'Add "{key}".', severity="warning")


def _check_count(count: int, shape: ModelShape, path: str, word: str) -> Iterator[Misfit]:
    words = (
        f"{count} {word}" if count == 1 else f"{count} {word.removesuffix('y') + 'ie' if word[-1] == 'y' else word}s"
    )
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    has = f"{path.rpartition('.')[2]} has {words if count else f'no {word}'};"
    if high is not None and count > high:
        yield Misfit(path, f"{has} at most {high} are allowed.", severity="warning")
    if low is not None and count < low:
        yield Misfit(path, f"{has} at least {low} {'is' if low == 1 else 'are'} required.", severity="warning")


def _check_scalar(value: object, shape: ModelShape, path: str) -> Iterator[Misfit]:
    if isinstance(value, Mapping | list):
        yield _wrong(path, value, plain(shape.type_name))
        return
    try:
        fitted = coerce(value, shape.type_name)
    except ValueError:
        yield _wrong(path, value, plain(shape.type_name))
        return
    for phrase, fix in broken_limits(fitted, shape):
        # Quote the whole value of an enumeration: AWS adds instance types faster than this botocore is updated.
        shown = f'"{value}"' if isinstance(value, str) and "botocore" in phrase else quote(fitted)
        yield Misfit(path, f"{shown} {phrase}.", fix, severity="warning")


def broken_limits(value: object, shape: ModelShape) -> Iterator[tuple[str, str]]:
    """The limits of its slot that a scalar violates: the predicate of a sentence, and the fix or ""."""
    rules = shape.metadata
    if isinstance(value, str):
        size: float = len(value)
        unit = " characters"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        size, unit = value, ""
    else:
        return
    low, high = rules.get("min"), rules.get("max")
    if low is not None and size < float(low):
        yield f"is below the minimum of {low}{unit}", ""
    if high is not None and size > float(high):
        yield f"is above the maximum of {high}{unit}", ""
    if isinstance(value, str):
        choices = shape.enum if hasattr(shape, "enum") else None
        if choices and value not in choices:
            yield f"is not a {shape.name} that this botocore knows", did_you_mean(value, choices)
        pattern = rules.get("pattern")
        if pattern and not matches(pattern, value):
            yield f"does not match the pattern {pattern}", ""


def matches(pattern: str, value: str) -> bool:
    """Whether ``value`` fits one of botocore's patterns, as far as Python supports it."""
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:  # patterns are written for Java; leave the few that Python cannot compile to the service
        return True


def fit_request(service: str, operation: str, request: Mapping[str, object]) -> tuple[dict[str, Any], list[str]]:
    """``request`` with every leaf in the type of its slot, and the paths of unknown members.

    Raises ``ValueError`` with path and value if a leaf cannot be converted, and with the intended member if one is
    misspelt: without it the request would differ from what the document asks for.
    """
    unknown: list[str] = []
    fitted = _fit(request, operation_input(service, operation), "", unknown)
    return fitted, unknown


def _fit(value: object, shape: ModelShape, path: str, unknown: list[str]) -> Any:
    if getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure" and isinstance(value, Mapping):
        out = {}
        for key, item in value.items():
            if item is None:
                continue
            below = f"{path}.{key}" if path else key
            name, member = member_of(shape, key)
            if member is None:
                if meant := _misspelt(key, shape):
                    raise ValueError(f'{below}: not a member of {shape.name}; did you mean "{meant}"?')
                unknown.append(below)
            else:
                out[name] = _fit(item, member, below, unknown)
        return out
    if shape.type_name == "list" and isinstance(value, list):
        return [_fit(item, shape.member, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    if shape.type_name == "map" and isinstance(value, Mapping):
        # Maps of strings (HyperParameters, Environment) are the user's own; SDK templates put lists there.
        texts = shape.value.type_name == "string"
        return {
            key: as_text(item)
            if texts and isinstance(item, list)
            else _fit(item, shape.value, f"{path}['{key}']", unknown)
            for key, item in value.items()
            if item is not None
        }
    try:
        if isinstance(value, Mapping | list) or shape.type_name not in SCALARS:
            raise ValueError
        return coerce(value, shape.type_name)
    except ValueError:
        raise ValueError(f"{path}: {quote(value)} is not {plain(shape.type_name)}") from None


def _misspelt(key: str, shape: ModelShape) -> str:
    import difflib

    return next(iter(difflib.get_close_matches(key, shape.members, n=1, cutoff=0.85)), "")


def _wrong(path: str, value: object, wanted: str) -> Misfit:
    return Misfit(path, f"expected {wanted}, found {quote(value)}.", expression_meant(value))


def quote(value: object) -> str:
    """``value`` for a message, truncated if it is long."""
    text = f'"{value}"' if isinstance(value, str) else json.dumps(as_written(value), ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def plain(type_name: str) -> str:
    """``an integer``: a botocore type in messages."""
    plain = {"structure": "object", "map": "object", "long": "integer", "double": "number", "float": "number"}
    word = plain.get(type_name, type_name)
    return f"{'an' if word[0] in 'aio' else 'a'} {word}"
