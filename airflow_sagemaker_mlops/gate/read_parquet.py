"""Reads a Parquet file; only this needs pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .chunk import Chunk
from .problems import BadPredictions
from .table import as_doubles

ROWS_OF_A_CHUNK = 100_000


def open_part(part: Path) -> tuple[list[str], Callable[[list[str]], Iterator[Chunk]]]:
    """The column names, and a function that reads the wanted columns in chunks."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise BadPredictions([f"{part.name} is Parquet, which needs pyarrow. Install it, or write CSV."]) from None
    try:
        file = pyarrow.parquet.ParquetFile(part)
        names = list(file.schema_arrow.names)
    except (OSError, pyarrow.ArrowException) as error:
        raise BadPredictions([f"{part.name} is not a readable Parquet file: {_first_line(error)}."]) from error

    def chunks(wanted: list[str]) -> Iterator[Chunk]:
        start = 0
        try:
            for batch in file.iter_batches(batch_size=ROWS_OF_A_CHUNK, columns=wanted):
                made = {name: _column(part, name, batch.column(name)) for name in wanted}
                yield Chunk(range(start + 1, start + 1 + batch.num_rows), made)
                start += batch.num_rows
        except (OSError, pyarrow.ArrowException) as error:
            raise BadPredictions([f"{part.name} cannot be read: {_first_line(error)}."]) from error

    return names, chunks


def _column(part: Path, name: str, values: Any) -> Any:
    """``(numbers, mask)`` for label and scores; an array or strings for ids; strings for others, empty for null."""
    import pyarrow

    types = pyarrow.types
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind)
    if name in ("label", "candidate", "champion", "score"):
        if not is_number:
            raise BadPredictions([f"{part.name}: {name} has the type {kind} instead of numbers."])
        mask = values.is_null().to_numpy(zero_copy_only=False)
        if types.is_float16(kind):
            return as_doubles(values.fill_null(0).to_numpy(zero_copy_only=False)), mask
        if types.is_float32(kind):  # like `as_doubles`, and three times as fast
            values = values.cast(pyarrow.string())
        return values.cast(pyarrow.float64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False), mask
    if name == "id" and types.is_integer(kind) and not values.null_count and not types.is_uint64(kind):
        return values.cast(pyarrow.int64()).to_numpy(zero_copy_only=False).astype(np.int64)
    if types.is_floating(kind) and name == "id":
        raise BadPredictions([f"{part.name}: id has the type {kind}; a name is a text or a whole number."])
    return ["" if value is None else _text(value) for value in values.to_pylist()]


def _text(value: object) -> str:
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN, which pandas means as missing
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
