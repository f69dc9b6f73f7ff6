"""Types of JSON values, for annotations in every room.

Import them under ``TYPE_CHECKING``: a DAG file does not need this module.  A value that is narrowed step by step
(``isinstance(value, Mapping)``) is :data:`Json`; a value whose members a schema guarantees gets a class of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]

# A request or an answer of an AWS API.  botocore's model has the types of its members, and botocore or the embedded AWS
# has checked them; they are not repeated here.
AwsShape: TypeAlias = Mapping[str, Any]


class ModelShape(Protocol):
    """A shape in botocore's model of an API, for one value of a request or an answer; botocore has no types.

    :ivar type_name: "structure", "list", "map" or a scalar type; the other members depend on it
    :ivar members: shapes of a structure's members by name
    :ivar member: shape of a list's items
    :ivar key, value: shapes of a map's keys and values
    :ivar metadata: limits: "min", "max", "pattern"
    :ivar enum: the known values of a string
    """

    name: str
    type_name: str
    metadata: Mapping[str, Any]
    members: Mapping[str, ModelShape]
    required_members: Sequence[str]
    member: ModelShape
    key: ModelShape
    value: ModelShape
    enum: Sequence[str]
