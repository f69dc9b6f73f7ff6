"""Reads a comma-separated UTF-8 file, plain or gzip; strict about everything that could shift a column.

Most files have no quotes.  Their rows are split in blocks, which is four times as fast.  From the first block
with a quote, an empty line or a row of another length, Python's own reader takes over.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .chunk import Chunk
from .problems import BadPredictions, first_few

if TYPE_CHECKING:
    from _csv import Reader as CsvReader  # named for type checkers only

BLOCK = 4_000_000  # bytes
ROWS_OF_A_CHUNK = 50_000
LONGEST_LINE = 1_000_000  # bytes
MAX_COLUMNS = 10_000
MAX_RAGGED = 1_000
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_BOM = b"\xef\xbb\xbf"


def open_part(part: Path) -> tuple[list[str], Callable[[list[str]], Iterator[Chunk]]]:
    """The column names, and a function that reads the wanted columns in chunks."""
    rows = _Rows(part)
    return rows.names, rows.chunks


class _Rows:
    """The rows of one file."""

    def __init__(self, part: Path) -> None:
        self.part = part
        self.line = 0  # lines read so far
        self._stream = self._blocks()
        first = next(self._stream, b"")
        if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise BadPredictions([f"{part.name} is UTF-16. Write it in UTF-8."])
        first = first[3:] if first.startswith(_BOM) else first
        head, newline, rest = first.partition(b"\n")
        if b'"' in head or b"\r" in head[:-1]:
            self._reader: CsvReader | None = self._slow(first)
            self.names = self._header(self._reader)
        else:
            self._reader = None
            self.names = self._header(csv.reader([self._text(head)], skipinitialspace=True))
            self.line = 1
            self._stream = chain([rest] if newline else [], self._stream)

    def chunks(self, wanted: list[str]) -> Iterator[Chunk]:
        """The rows after the header."""
        positions = {name: self.names.index(name) for name in wanted}
        if self._reader is None:
            for block in self._stream:
                fields = self._split(block)
                if fields is None:
                    self._reader = self._slow(block)
                    break
                if not fields:
                    continue
                width = len(self.names)
                numbers = range(self.line + 1, self.line + 1 + len(fields) // width)
                self.line += len(numbers)
                yield Chunk(numbers, {name: fields[at::width] for name, at in positions.items()})
        if self._reader is not None:
            yield from self._chunks(self._reader, positions)

    # -- bytes

    def _blocks(self) -> Iterator[bytes]:
        """Whole lines, in blocks; every read error is reported as a sentence."""
        part, number = self.part, 0
        try:
            with part.open("rb") as raw:
                start = raw.read(2)
                raw.seek(0)
                data: Any = gzip.GzipFile(fileobj=raw) if start == b"\x1f\x8b" else raw
                while block := data.read(BLOCK):
                    end = data.readline(LONGEST_LINE)
                    block += end
                    if len(end) == LONGEST_LINE or len(block) - block.rfind(b"\n", 0, -1) > LONGEST_LINE:
                        at = number + block.count(b"\n") + 1
                        raise BadPredictions([f"{part.name} line {at} has more than {LONGEST_LINE:,} bytes."])
                    if b"\0" in block and start not in (b"\xff\xfe", b"\xfe\xff"):
                        at = number + block.count(b"\n", 0, block.index(b"\0")) + 1
                        raise BadPredictions([f"{part.name} line {at} has a null byte; it is not text."])
                    number += block.count(b"\n")
                    yield block
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadPredictions([f"{part.name} is a damaged gzip file after line {number:,}."]) from error
        except OSError as error:
            raise BadPredictions([f"{part} cannot be read: {error.strerror or error}."]) from error

    def _text(self, block: bytes) -> str:
        try:
            return block.decode()
        except UnicodeDecodeError as error:
            at = self.line + block.count(b"\n", 0, error.start) + 1
            what = f"line {at} has the byte 0x{block[error.start]:02x}"
            raise BadPredictions([f"{self.part.name} is not UTF-8: {what}."]) from error

    def _split(self, block: bytes) -> list[str] | None:
        """All fields of a block's rows in one list; ``None`` if the block needs the full reader."""
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        if not block:
            return []
        if b'"' in block or b"\r" in block or b", " in block or b",\t" in block or b"\n " in block:
            return None
        if not block.endswith(b"\n"):
            block += b"\n"
        codes = np.frombuffer(block, dtype=np.uint8)
        ends = np.flatnonzero(codes == ord("\n"))
        commas = np.searchsorted(np.flatnonzero(codes == ord(",")), ends)
        width = len(self.names)
        starts = np.concatenate(([-1], ends[:-1]))
        if (np.diff(commas, prepend=0) != width - 1).any() or (ends - starts == 1).any():
            return None
        return self._text(block[:-1]).replace("\n", ",").split(",")

    # -- Python's reader

    def _slow(self, block: bytes) -> CsvReader:
        return csv.reader(self._lines(block), strict=True, skipinitialspace=True)

    def _lines(self, first: bytes) -> Iterator[str]:
        for block in chain([first], self._stream):
            text = self._text(block)
            yield from io.StringIO(text, newline="")
            self.line += block.count(b"\n")

    def _header(self, reader: CsvReader) -> list[str]:
        part = self.part
        try:
            names = [name.strip() for name in next(reader, [])]
        except csv.Error as error:
            raise self._malformed(reader, error) from error
        if not any(names):
            raise BadPredictions([f"{part.name} is empty; its first line has to name the columns."])
        if len(names) > MAX_COLUMNS:
            raise BadPredictions([f"{part.name} has {len(names):,} columns; the maximum is {MAX_COLUMNS:,}."])
        for delimiter, called in _OTHER_DELIMITERS.items():
            if len(names) == 1 and delimiter in names[0]:
                raise BadPredictions([f"{part.name} separates its columns by {called}. Write it with commas."])
        return names

    def _chunks(self, reader: CsvReader, positions: dict[str, int]) -> Iterator[Chunk]:
        width, strange, before = len(self.names), 0, self.line if reader.line_num == 0 else 0
        ragged: list[str] = []
        is_over = False
        while not is_over and strange < MAX_RAGGED:
            rows: list[list[str]] = []
            numbers: list[int] = []
            try:
                for row in reader:
                    if len(row) == width:
                        rows.append(row)
                        numbers.append(before + reader.line_num)
                        if len(rows) == ROWS_OF_A_CHUNK:
                            break
                    elif row:  # an empty line is skipped
                        strange += 1
                        ragged += [f"line {before + reader.line_num} ({len(row)})"] if strange <= 5 else []
                        if strange == MAX_RAGGED:
                            break
                else:
                    is_over = True
            except csv.Error as error:
                raise self._malformed(reader, error, before) from error
            if rows and not strange:
                by_column = list(zip(*rows))
                yield Chunk(numbers, {name: list(by_column[at]) for name, at in positions.items()})
        if strange:
            many = f"{strange:,} lines have" if strange > 1 else "one line has"
            at_least = "at least " if strange == MAX_RAGGED else ""
            fields = f"another number of fields than the header ({width}): {first_few(ragged, strange)}"
            raise BadPredictions([f"{self.part.name}: {at_least}{many} {fields}."])

    def _malformed(self, reader: CsvReader, error: csv.Error, before: int = 0) -> BadPredictions:
        at = before + reader.line_num
        return BadPredictions([f"{self.part.name} line {at}: {error}. Is a quote or a comma missing?"])
