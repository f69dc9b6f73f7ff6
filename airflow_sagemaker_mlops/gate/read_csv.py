"""Rows of a CSV file with commas, in UTF-8, also gzip; strict about everything that could shift a column."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .chunk import Chunk
from .problems import BadPredictions, first_few

ROWS_OF_A_CHUNK = 50_000
LONGEST_LINE = 1_000_000  # characters
MOST_COLUMNS = 10_000
MOST_RAGGED = 1_000
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def open_part(part: Path) -> tuple[list[str], Callable[[list[str]], Iterator[Chunk]]]:
    """The names of the columns, and a function that reads the chunks of those wanted."""
    lines = _lines(part)
    reader = csv.reader(lines, strict=True, skipinitialspace=True)
    names = _header(part, reader)

    def chunks(wanted: list[str]) -> Iterator[Chunk]:
        return _chunks(part, reader, names, wanted)

    return names, chunks


def _lines(part: Path) -> Iterator[str]:
    """The lines, bounded; every error of reading is a sentence."""
    number = 0
    try:
        with part.open("rb") as raw:
            start = raw.read(4)
            raw.seek(0)
            if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise BadPredictions([f"{part.name} is UTF-16. Write it in UTF-8."])
            data: Any = gzip.GzipFile(fileobj=raw) if start[:2] == b"\x1f\x8b" else raw
            with io.TextIOWrapper(data, encoding="utf-8-sig", newline="") as text:
                while line := text.readline(LONGEST_LINE):
                    number += 1
                    if len(line) == LONGEST_LINE:
                        raise BadPredictions([f"{part.name} line {number} has more than {LONGEST_LINE:,} characters."])
                    if "\0" in line:
                        raise BadPredictions([f"{part.name} line {number} has a null byte; it is no text."])
                    yield line
    except UnicodeDecodeError as error:
        what = f"near line {number + 1} is the byte 0x{error.object[error.start]:02x}"
        raise BadPredictions([f"{part.name} is not UTF-8: {what}."]) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadPredictions([f"{part.name} is a damaged gzip file after line {number:,}."]) from error
    except OSError as error:
        raise BadPredictions([f"{part} cannot be read: {error.strerror or error}."]) from error


def _header(part: Path, reader: Any) -> list[str]:
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise _malformed(part, reader, error) from error
    if not any(names):
        raise BadPredictions([f"{part.name} is empty; its first line has to name the columns."])
    if len(names) > MOST_COLUMNS:
        raise BadPredictions([f"{part.name} has {len(names):,} columns; the most is {MOST_COLUMNS:,}."])
    for delimiter, called in _OTHER_DELIMITERS.items():
        if len(names) == 1 and delimiter in names[0]:
            raise BadPredictions([f"{part.name} separates its columns by {called}. Write it with commas."])
    return names


def _chunks(part: Path, reader: Any, names: list[str], wanted: list[str]) -> Iterator[Chunk]:
    positions = [names.index(name) for name in wanted]
    ragged: list[str] = []
    width, strange = len(names), 0
    while True:
        rows: list[list[str]] = []
        numbers: list[int] = []
        try:
            for row in reader:
                if len(row) != width:
                    if row:  # an empty line says nothing
                        strange += 1
                        ragged += [f"line {reader.line_num} ({len(row)})"] if strange <= 5 else []
                        if strange >= MOST_RAGGED:
                            break
                    continue
                rows.append(row)
                numbers.append(reader.line_num)
                if len(rows) == ROWS_OF_A_CHUNK:
                    break
        except csv.Error as error:
            raise _malformed(part, reader, error) from error
        if strange >= MOST_RAGGED or (strange and not rows):
            break
        if not rows:
            return
        if not strange:
            by_column = list(zip(*rows))
            yield Chunk(numbers, {name: list(by_column[at]) for name, at in zip(wanted, positions)})
    many = f"{strange:,} lines have" if strange > 1 else "one line has"
    at_least = "at least " if strange >= MOST_RAGGED else ""
    fields = f"another number of fields than the header ({width}): {first_few(ragged, strange)}"
    raise BadPredictions([f"{part.name}: {at_least}{many} {fields}."])


def _malformed(part: Path, reader: Any, error: csv.Error) -> BadPredictions:
    return BadPredictions([f"{part.name} line {reader.line_num}: {error}. Is a quote or a comma missing?"])
