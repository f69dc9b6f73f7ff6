"""Converts Airflow's names to AWS's narrower character sets: DAG ids have dots, underscores and any letter.

On the service, ``Execution.PipelineName`` is a valid SageMaker name, so definitions use it for experiments, endpoints,
groups and models.  Here it is a DAG id or a file name.  A value that is derived from it and does not fit its slot is
converted; values written by the user are sent unchanged, for AWS to validate.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..definition.model import Get, Join, JsonGet, walk_expressions
from ..steps.model import StepType
from ..steps.shapes import broken_limits, member_of, operation_input
from .identity import digest

if TYPE_CHECKING:
    from ..json_types import ModelShape

NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9])*")
NAME_LIMIT = 63  # of endpoints, their configurations, models, groups
MARK = 6  # characters that distinguish names which would otherwise collide
# Of patterns like [a-zA-Z0-9](-*[a-zA-Z0-9]){0,119} and (arn:...)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-).
_ROOM = re.compile(r"\{0,(\d+)\}\)?(?:\(\?<!-\))?$")
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Naming:
    """Airflow's name of the pipeline, and a function from another pipeline name to an expression's value."""

    name: str
    again: Callable[[Any, str], Any]


def aws_name(name: str, limit: int) -> str:
    """``name`` in at most ``limit`` letters, digits and dashes; if it had to change, it ends in a hash of the name.

    ``churn-training`` stays; ``churn_training`` becomes ``churn-training-`` and six characters, always the same.
    """
    latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    head = re.sub(r"[^a-zA-Z0-9-]+", "-", latin).strip("-")
    if head == name and len(name) <= limit:
        return name
    return f"{head[: max(limit - MARK - 1, 0)].strip('-') or 'p'}-{digest(name)[:MARK]}"[-limit:]


def is_named_by_airflow(value: object) -> bool:
    """Whether the value of the expression ``value`` contains the pipeline's name."""
    named = ("Execution", "PipelineName")
    return any(isinstance(one, Get) and (one.root, one.name) == named for one in walk_expressions(value))


def with_aws_names(arguments: object, resolved: object, naming: Naming, entry: StepType, log: Log) -> Any:
    """The ``resolved`` form of ``arguments``, with names that fit the slots of the Create operation."""
    if not is_named_by_airflow(arguments):
        return resolved
    try:
        shape = operation_input(entry.service, entry.create)
    except KeyError:  # an operation that the installed botocore does not know
        return resolved
    return _fitted(arguments, resolved, shape, naming, log)


def as_name(expression: object, value: object, naming: Naming, limit: int = NAME_LIMIT) -> Any:
    """``value`` of ``expression`` as a name of at most ``limit`` letters, digits and dashes."""
    if not isinstance(value, str) or not is_named_by_airflow(expression):
        return value

    def fits(text: str) -> bool:
        return NAME.fullmatch(text) is not None and len(text) <= limit

    return _fitting(expression, value, naming, limit, fits)


def _fitted(given: object, resolved: Any, shape: ModelShape, naming: Naming, log: Log) -> Any:
    match given:
        case Get() | Join() | JsonGet():
            value = _leaf(given, resolved, shape, naming)
            if value != resolved:
                log(f'"{resolved}" is not a valid {shape.name} in AWS; using "{value}" instead')
            return value
        case Mapping() if shape.type_name == "structure":
            found = ((key, item, member_of(shape, key)[1]) for key, item in given.items())
            made = {key: _fitted(item, resolved[key], member, naming, log) for key, item, member in found if member}
            return {**resolved, **made}
        case Mapping() if shape.type_name == "map":
            return {key: _fitted(item, resolved[key], shape.value, naming, log) for key, item in given.items()}
        case list() if shape.type_name == "list":
            return [_fitted(item, one, shape.member, naming, log) for item, one in zip(given, resolved, strict=True)]
        case _:
            return resolved


def _leaf(expression: object, value: object, shape: ModelShape, naming: Naming) -> Any:
    if shape.type_name != "string" or not isinstance(value, str) or not is_named_by_airflow(expression):
        return value
    return _fitting(expression, value, naming, _limit_of(shape), lambda text: not any(broken_limits(text, shape)))


def _fitting(expression: object, value: str, naming: Naming, limit: int, fits: Callable[[str], bool]) -> str:
    """``value`` if it fits, otherwise ``expression`` with a converted name; ``value`` if that does not fit either."""
    if fits(value):
        return value
    return next((made for made in _candidates(expression, naming, limit) if fits(made)), value)


def _candidates(expression: object, naming: Naming, limit: int) -> Iterator[str]:
    """Values of ``expression`` with the pipeline's name converted, then also shortened to leave room for the rest."""
    room = limit
    for _ in range(2):
        made = aws_name(naming.name, room)
        text = str(naming.again(expression, made))
        yield text
        room -= len(text) - len(made)
        if room <= MARK + 1:
            return


def _limit_of(shape: ModelShape) -> int:
    pattern = _ROOM.search(str(shape.metadata.get("pattern") or "").rstrip("$"))
    limits = [int(shape.metadata.get("max") or 256), *([int(pattern[1]) + 1] if pattern else [])]
    return min(limits)
