"""Reads ``Parameters``, and checks that defaults and choices have the declared type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .expressions import kind_of
from .location import Place, place_text
from .model import Parameter
from .problems import did_you_mean
from .step_keys import read_name
from .values import PARAMETER_TYPES, as_text, parse_parameter

if TYPE_CHECKING:
    from .report import Reporter

PARAMETER_KEYS = frozenset({"Name", "Type", "DefaultValue", "EnumValues", "Description"})


def read_parameters(out: Reporter, items: Any, written: Mapping[str, str]) -> tuple[Parameter, ...]:
    """The parameters in ``items``, which may be any value; ``written``: see :func:`~.parse.parse`."""
    place = (None, "Parameters")
    if not out.wanted(items, list, place, "a list"):
        return ()
    read = [_parameter(out, item, (place, index), written) for index, item in enumerate(items)]
    return tuple(parameter for parameter in read if parameter is not None)


def _parameter(out: Reporter, item: Any, place: Place, written: Mapping[str, str]) -> Parameter | None:
    if not out.wanted(item, Mapping, place, "a parameter (an object)"):
        if item is None:
            out.report("SM122", place, "expected a parameter (an object), found null.")
        return None
    out.unknown_keys(item, PARAMETER_KEYS, place, "a parameter")
    name = item.get("Name")
    if not read_name(out, name, place, "parameter"):
        return None
    kind: Any = item.get("Type", "String") or "String"
    if kind not in PARAMETER_TYPES:
        hint = did_you_mean(str(kind), PARAMETER_TYPES)
        out.report("SM130", (place, "Type"), f'parameter "{name}" has the type {kind_of(kind)}.', hint)
        kind = "String"
    choices = item.get("EnumValues")
    if not out.wanted(choices, list, (place, "EnumValues"), "a list of strings"):
        choices = []
    default = item.get("DefaultValue")
    if kind == "String":
        choices = _texts(out, name, choices, (place, "EnumValues"), written)
        if default is not None and not isinstance(default, str):
            what = f'the default of the String parameter "{name}"'
            _no_text(out, what, default, (place, "DefaultValue"), written)
            default = None
    if default is not None:
        default = _default(out, Parameter(name, kind, default, (), "", ""), choices, (place, "DefaultValue"))
    about = item.get("Description")
    about = about if out.wanted(about, str, (place, "Description"), "a string") else ""
    return Parameter(name, kind, default, tuple(map(str, choices)), about, place_text(place))


def _default(out: Reporter, parameter: Parameter, choices: list[Any], place: Place) -> Any:
    name, kind = parameter.name, parameter.type
    value: Any = parameter.default
    if isinstance(value, Mapping | list):
        out.wanted(value, str, place, f"a literal {kind}")
        return None
    if value == "" and kind == "String":  # the service accepts it as a default, but not as a value given to a run
        return value
    try:
        typed = parse_parameter(value, kind, (), name)
        if choices and typed not in choices:
            raise ValueError(f'the default of "{name}" is {kind_of(value)}, which is not among its EnumValues.')
    except ValueError as error:
        hint = f"Use one of: {', '.join(map(str, choices))}." if choices else ""
        out.report("SM131", place, str(error), hint)
        return None
    return typed


def _texts(out: Reporter, name: str, choices: list[Any], place: Place, written: Mapping[str, str]) -> list[str]:
    """The strings among the choices of a String parameter; everything else is reported."""
    for index, choice in enumerate(choices):
        if not isinstance(choice, str):
            _no_text(out, f'a choice of the String parameter "{name}"', choice, (place, index), written)
    return [choice for choice in choices if isinstance(choice, str)]


def _no_text(out: Reporter, owner: str, value: object, place: Place, written: Mapping[str, str]) -> None:
    """Report a value that is not a string: ``3.10`` would become "3.1", and the service accepts only strings."""
    if isinstance(value, Mapping | list):
        out.wanted(value, str, place, "a literal String")
        return
    text = written.get(place_text(place)) or as_text(value)
    text = text if len(text) <= 60 else f"{text[:60]}..."
    kind = (
        "a boolean, not a string"
        if isinstance(value, bool)
        else "not a string"
        if value is None
        else "a number, not a string"
    )
    out.report("SM131", place, f"{owner} is {text}, {kind}.", f'Put it in quotation marks: "{text}".')
