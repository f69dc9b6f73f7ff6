"""Types of JSON values, for annotations in every room.

Import them under ``TYPE_CHECKING``: a DAG file does not need this module.  A value that is narrowed step by step
(``isinstance(value, Mapping)``) is :data:`Json`; a value whose members a schema guarantees gets a class of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]

# A request or an answer of an AWS API.  botocore's model has the types of its members, and botocore or the embedded AWS
# has checked them; they are not repeated here.
AwsShape: TypeAlias = Mapping[str, Any]
