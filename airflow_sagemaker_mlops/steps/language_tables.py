"""The tables of ``definition/`` that follow from the entries: ``python -m`` with this module writes them.

A parse reads them, and imports neither the entries nor botocore.  They stand in modules that it imports anyway, because
it pays for every further file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..definition import number_members, step_types
from ..definition.step_types import StepSyntax
from .catalogue import REFUSED, STEP_TYPES
from .control import AIRFLOW_OPERATOR
from .shapes import operation_input

if TYPE_CHECKING:
    from ..json_types import ModelShape

TYPES = Path(step_types.__file__)
NUMBERS = Path(number_members.__file__)
BEGIN = "# -- generated from the entries in steps/ by make docs: change them instead "
END = "# -- end of what is generated "
WIDTH = 120


def sources() -> dict[Path, str]:
    """{module of ``definition``: its source, with the table as the entries give it}.

    Raises ``ValueError`` if a module lacks the comments around its table.
    """
    return {
        TYPES: _with_table(TYPES, "STEP_SYNTAX: dict[str, StepSyntax] = ", syntax_table()),
        NUMBERS: _with_table(NUMBERS, "NUMBER_MEMBERS = ", members_with_numbers()),
    }


def syntax_table() -> dict[str, StepSyntax]:
    """The rows of all types, those that this package refuses included."""
    entries = (*STEP_TYPES.values(), AIRFLOW_OPERATOR)
    return {**{entry.name: entry.syntax for entry in entries}, **REFUSED}


def members_with_numbers() -> frozenset[str]:
    """Members of requests that take numbers or booleans, without ``Value``, which is mostly the text of a tag."""
    found: set[str] = set()
    for entry in STEP_TYPES.values():
        if entry.service not in ("lambda", "sqs", "s3"):  # what they take is the user's own
            for operation in filter(None, (entry.create, entry.update, entry.extra)):
                found.update(_numbers(operation_input(entry.service, operation), "", frozenset()))
    return frozenset(found - {"Value"})


def _numbers(shape: ModelShape, name: str, above: frozenset[str]) -> Iterator[str]:
    match shape.type_name:
        case "structure" if shape.name not in above:
            for key, member in shape.members.items():
                yield from _numbers(member, key, above | {shape.name})
        case "list":
            yield from _numbers(shape.member, name, above)
        case "integer" | "long" | "float" | "double" | "boolean":
            yield name


# -- source code, formatted as ruff does -------------------------------------------------------------------------------


def _with_table(file: Path, name: str, table: object) -> str:
    before, begin, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f'{file} lacks "{BEGIN}..." or "{END}...".')
    line = "-" * (WIDTH - len(BEGIN))
    return f"{before}{begin}{line}\n{name}{_source(table, 0, len(name))}\n{end}{after}"


def _source(value: object, indent: int, start: int, end: str = "") -> str:
    """``value`` as an expression.

    :param indent: of the line on which it starts
    :param start: column in which it starts
    :param end: what follows it
    """
    opening, items, closing = _parts(value)
    flat = _flat(value)
    if not items or start + len(flat) + len(end) <= WIDTH:
        return flat
    inner = indent + 4
    comma = "" if isinstance(value, frozenset) else ","  # the only argument of a call has none
    lines = [f"{' ' * inner}{name}{_source(item, inner, inner + len(name), comma)}{comma}" for name, item in items]
    return "\n".join([opening, *lines, f"{' ' * indent}{closing}"])


def _flat(value: object) -> str:
    opening, items, closing = _parts(value)
    return opening + ", ".join(name + _flat(item) for name, item in items) + closing


def _parts(value: object) -> tuple[str, list[tuple[str, object]], str]:
    """What opens the expression, its parts with what precedes each, and what closes it."""
    match value:
        case StepSyntax():
            said = {field.name: getattr(value, field.name) for field in fields(value)}
            changed = {name: one for name, one in said.items() if one != getattr(_PLAIN, name)}
            return "StepSyntax(", [(f"{name}=", one) for name, one in changed.items()], ")"
        case Mapping():
            return "{", [(f"{json.dumps(key)}: ", one) for key, one in value.items()], "}"
        case frozenset():
            return "frozenset(", [("", set(value))], ")"
        case Set():
            return "{", [("", one) for one in sorted(value)], "}"
        case tuple():
            return "(", [("", one) for one in value], ",)" if len(value) == 1 else ")"
        case str():
            return json.dumps(value, ensure_ascii=False), [], ""
        case _:
            return repr(value), [], ""


_PLAIN = StepSyntax()


if __name__ == "__main__":
    for module, text in sources().items():
        module.write_text(text, encoding="utf-8")
