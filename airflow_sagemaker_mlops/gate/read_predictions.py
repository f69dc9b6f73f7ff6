"""Reads predictions from files: CSV (plain or gzip), Parquet, or a directory of such parts with the same columns.

The columns are ``id``, ``label``, ``candidate``, ``champion``, and those of slices and units.  Two files, one per
model, are joined by id; the score column is then ``score``, or ``candidate`` in one file and ``champion`` in the other.

Reading is strict: anything but a finite number is refused with its lines, because silently dropping a row would change
the verdict.  Files are read in chunks, and only the needed columns are kept, as arrays.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import read_csv, read_parquet
from .chunk import Chunk
from .problems import BadPredictions, alike, first_few
from .rules import VALUES_FILE
from .table import LONGEST_ID, MAX_RECORDS, Groups, Predictions, joined, table

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDINGS = (".csv", ".csv.gz", ".parquet")
SCORE = "score"
_NO_VALUE = frozenset(["", "null", "none", "na", "n/a", "nil", "<na>", "#n/a", "missing", "-"])
_TRUTH = {"true": 1.0, "false": 0.0}


def read_predictions(path: Path, columns: Sequence[str] = (), champion: Path | None = None) -> Predictions:
    """The predictions in a file or a directory of parts.

    columns   additional columns to read: slices and units
    champion  file or directory of the champion's predictions, if they are separate
    Raises :class:`BadPredictions` with every reason.
    """
    if champion is None:
        return _read(path, columns, ("candidate", "champion"), is_pair=True)
    mine = _read(path, columns, ("candidate", SCORE), is_pair=False)
    other = _read(champion, (), ("champion", SCORE, "candidate"), is_pair=False)
    return joined(mine, other)


@dataclass
class _Collected:
    """Collects columns chunk by chunk, with their problems."""

    name: str
    parts: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)
    arrays: dict[str, list[Any]] = field(default_factory=dict)
    known: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)
    records: int = 0

    def fault(self, column: str, what: str, row: int, example: str = "") -> None:
        if example:
            self.examples.setdefault((column, what), f' (such as "{example[:20]}")')
        found = self.faults.setdefault((column, what), [0])
        found[0] += 1
        if len(found) <= 5:
            found.append(row)

    def where(self, row: int) -> str:
        """``line 7``, with the part's name if there are several."""
        index = bisect_right(self.starts, row) - 1
        position = row - self.starts[index]
        lines = self.lines[index]
        at = f"line {int(lines[position])}" if lines is not None else f"record {position + 1}"
        return at if len(self.parts) == 1 else f"{self.parts[index]} {at}"

    def sentences(self) -> list[str]:
        said = []
        for (column, what), (count, *rows) in self.faults.items():
            places = first_few((self.where(row) for row in rows), count)
            example = self.examples.get((column, what), "")
            said.append(f"{column} is {what}{example} in {count:,} of {self.records:,} records: {places}.")
        return said


def _read(path: Path, columns: Sequence[str], scores: tuple[str, ...], *, is_pair: bool) -> Predictions:
    found = _Collected(str(path))
    wanted: dict[str, str] = {}
    for part in _parts(path):
        reader = _reader(part)
        names, chunks = reader(part)
        mapped = _columns_of_file(part, names, columns, scores, is_pair=is_pair)
        if wanted and set(mapped) != set(wanted):
            differing = ", ".join(sorted(set(mapped) ^ set(wanted)))
            raise BadPredictions([f"{part.name} and {found.parts[0]} differ in their columns: {differing}."])
        wanted = mapped
        found.parts.append(part.name)
        found.starts.append(found.records)
        lines: list[Any] = []
        for chunk in chunks(sorted(set(mapped.values()))):
            _take(found, chunk, mapped)
            lines.append(np.asarray(chunk.lines, dtype=np.int64))
            if found.records > MAX_RECORDS:
                raise BadPredictions([f"{path} has more than {MAX_RECORDS:,} records."])
        found.lines.append(np.concatenate(lines) if lines else np.zeros(0, dtype=np.int64))
    if not found.records:
        raise BadPredictions([f"{path} has no records."])
    wrong = found.sentences()
    if wrong:
        raise BadPredictions(f"{path}: {sentence}" for sentence in wrong)
    return _as_table(found, columns)


def _as_table(found: _Collected, columns: Sequence[str]) -> Predictions:
    # free each chunk once it is joined
    arrays = {name: np.concatenate(found.arrays.pop(name)) for name in list(found.arrays)}
    groups = {name: Groups(tuple(found.known[name]), arrays[name]) for name in columns}
    try:
        return table(
            arrays["label"],
            arrays["candidate"],
            arrays.get("champion"),
            arrays["id"],
            columns=groups,
            where=found.where,
        )
    except BadPredictions as error:
        raise BadPredictions(f"{found.name}: {sentence}" for sentence in error.sentences) from None


def _parts(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            entries = (one for one in path.iterdir() if not one.name.startswith((".", "_")))
            found = sorted(one for one in entries if one.name != VALUES_FILE)
            parts = [one for one in found if one.is_file() and one.name.lower().endswith(ENDINGS)]
            strange = [one.name for one in found if one not in parts]
            if strange:
                shown = first_few(strange, len(strange))
                raise BadPredictions([f"{path} has more than CSV and Parquet files: {shown}."])
            if not parts:
                raise BadPredictions([f"{path} has no predictions: no file ends in {', '.join(ENDINGS)}."])
            return parts
        if not path.exists():
            raise BadPredictions([f"there is no file {path}."])
    except OSError as error:
        raise BadPredictions([f"{path} cannot be read: {error.strerror or error}."]) from error
    return [path]


Reader = Callable[[Path], "tuple[list[str], Callable[[list[str]], Iterator[Chunk]]]"]


def _reader(part: Path) -> Reader:
    try:
        with part.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise BadPredictions([f"{part} cannot be read: {error.strerror or error}."]) from error
    if start == b"PAR1" or part.name.lower().endswith(".parquet"):
        return read_parquet.open_part
    if start[:2] == b"PK":
        raise BadPredictions([f"{part} is a zip archive or a workbook. Write CSV, CSV with gzip, or Parquet."])
    return read_csv.open_part


def _columns_of_file(
    part: Path, names: Sequence[str], columns: Sequence[str], scores: tuple[str, ...], *, is_pair: bool
) -> dict[str, str]:
    """The file's column name for each needed column."""
    twice = [name for index, name in enumerate(names) if name in names[:index]]
    if twice:
        raise BadPredictions([f"{part.name} has two columns called {first_few(twice, len(twice))}."])
    mapped = {name: name for name in ("id", "label", *columns)}
    if is_pair:
        mapped["candidate"] = "candidate"
        if "champion" in names:
            mapped["champion"] = "champion"
    else:
        mapped["candidate"] = next((name for name in scores if name in names), scores[0])
    missing = [name for name in dict.fromkeys(mapped.values()) if name not in names]
    if missing:
        has = first_few(names, len(names), 12)
        said = []
        for name in missing:
            near = alike(name, names)
            said.append(f'"{name}"' + (f' (did you mean "{near}"?)' if near else ""))
        raise BadPredictions([f"{part.name} has no column {', '.join(said)}. Its columns are {has}."])
    return mapped


def _take(found: _Collected, chunk: Chunk, mapped: dict[str, str]) -> None:
    """Append a chunk's columns."""
    for name, column in mapped.items():
        values = chunk.columns[column]
        if name == "id":
            made = _ids(found, values)
        elif name in ("label", "candidate", "champion"):
            made = _numbers(found, column, values) if isinstance(values, list) else _array(found, column, values)
        else:
            known = found.known.setdefault(name, {})
            made = np.fromiter((known.setdefault(value.strip(), len(known)) for value in values), np.int64, len(values))
        found.arrays.setdefault(name, []).append(made)
    found.records += len(chunk.lines)


def _numbers(found: _Collected, column: str, texts: list[str]) -> Any:
    whole = "".join(texts)
    if whole.isascii() and "_" not in whole:  # float() accepts 1_000 and digits of any script
        try:
            made = np.array(list(map(float, texts)))
        except ValueError:
            made = None
        if made is not None and np.isfinite(made).all():
            return made
    return np.fromiter((_number(found, column, text, index) for index, text in enumerate(texts)), float, len(texts))


def _number(found: _Collected, column: str, text: str, index: int) -> float:
    plain = text.strip().lower()
    row = found.records + index
    if column == "label" and plain in _TRUTH:
        return _TRUTH[plain]
    if plain in _NO_VALUE:
        found.fault(column, "missing", row)
        return 0.0
    try:
        value = float(plain) if plain.isascii() and "_" not in plain else None
    except ValueError:
        value = None
    if value is None:
        comma = plain.replace(",", ".").replace(".", "", 1).isdigit() and "," in plain
        found.fault(column, "a number with a comma" if comma else "a text", row, "" if comma else text)
        return 0.0
    if value != value:  # noqa: PLR0124 - NaN
        found.fault(column, "not a number (NaN)", row)
    elif value in (float("inf"), float("-inf")):
        found.fault(column, "infinite", row)
    else:
        return value
    return 0.0


def _array(found: _Collected, column: str, values: tuple[NDArray[Any], NDArray[Any]]) -> Any:
    """The numbers of a typed file, in which missing ones are NaN and marked by a mask."""
    data, mask = values
    for what, bad in (
        ("missing", mask),
        ("not a number (NaN)", np.isnan(data) & ~mask),
        ("infinite", np.isinf(data)),
    ):
        for index in np.flatnonzero(bad):
            found.fault(column, what, found.records + int(index))
    return np.where(np.isfinite(data) & ~mask, data, 0.0)


def _ids(found: _Collected, values: list[str] | NDArray[Any]) -> Any:
    if not isinstance(values, list):
        return values
    try:
        made = np.array(values, dtype=np.bytes_)
    except UnicodeEncodeError:
        made = np.array([value.encode("utf-8", "surrogatepass") for value in values], dtype=np.bytes_)
    if made.dtype.itemsize > LONGEST_ID:
        lengths = np.char.str_len(made)
        for index in np.flatnonzero(lengths > LONGEST_ID):
            found.fault("id", f"longer than {LONGEST_ID} bytes", found.records + int(index))
        made = made.astype(f"S{LONGEST_ID}")
    return made
