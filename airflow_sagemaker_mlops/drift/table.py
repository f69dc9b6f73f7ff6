"""Reads the data of a drift check: CSV or Parquet, a file or a folder of parts, column by column.

Values are read as strings and converted to numbers here, so that every version of pandas gives the same result.
Memory is bounded by the numbers (8 bytes each) and by the distinct strings of a column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..gate.problems import first_few
from .settings import Columns

if TYPE_CHECKING:
    import pandas as pd

NUMERIC, CATEGORICAL, TEXT = "numeric", "categorical", "text"
CHUNK = 100_000  # records
MAX_CATEGORIES = 100_000  # distinct strings that are counted; a column with more is not categorical
FREE_TEXT = 1_000  # distinct strings; an undeclared column with more, mostly distinct, is an id or free text
SUFFIXES = (".csv", ".csv.gz", ".parquet")


class BadData(ValueError):
    """Data that cannot be judged; ``sentences`` has every reason and is never empty."""

    def __init__(self, *sentences: str) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


@dataclass
class Column:
    """The values of one column.

    kind      ``numeric``, ``categorical`` or ``text`` (ids and free text, whose values are not compared)
    numbers   finite values of a numeric column
    counts    how often each text occurs; empty for numbers
    missing   number of missing values
    infinite  number of values that are not finite
    example   for undeclared text columns: the first value that is not a number
    """

    kind: str
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0))
    counts: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    infinite: int = 0
    example: str = ""


@dataclass(frozen=True)
class Table:
    """Records by column, in the order of the file."""

    records: int
    columns: dict[str, Column]
    label: str = ""


def read_table(path: str | Path, columns: Columns | None = None) -> Table:
    """The table in ``path``: a ``.csv``, ``.csv.gz`` or ``.parquet`` file, or a folder of them.

    Raises :class:`BadData` for no records, repeated or differing columns, and text in a column declared numeric.
    """
    columns = columns or Columns()
    texts: set[str] = set()
    while True:  # repeats at most once per column that turns out to be text
        reader = _Reader(columns, texts)
        for chunk in _chunks(Path(path), columns):
            reader.add(chunk)
        if not reader.new_texts:
            return reader.table(str(path))
        texts |= reader.new_texts


class _Reader:
    """Collects the columns in one pass."""

    def __init__(self, columns: Columns, texts: set[str]) -> None:
        self.declared = columns
        self.texts = texts
        self.new_texts: set[str] = set()
        self.names: list[str] = []
        self.records = 0
        self.parts: dict[str, list[np.ndarray]] = {}
        self.columns: dict[str, Column] = {}

    def add(self, chunk: pd.DataFrame) -> None:
        names = [str(name) for name in chunk.columns]
        if not self.names:
            self._begin(names)
        elif names != self.names:
            missing = [name for name in self.names if name not in names] or names
            raise BadData(
                f"the parts have different columns; one of them lacks or adds {first_few(missing, len(missing))}."
            )
        self.records += len(chunk)
        for name in self.columns:
            self._add_column(name, chunk[name])

    def _begin(self, names: Sequence[str]) -> None:
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise BadData(f"a column occurs more than once: {first_few(twice, len(twice))}.")
        declared = self.declared.numeric | self.declared.categorical | ({self.declared.label} - {""})
        absent = sorted(declared - set(names))
        if absent:
            raise BadData(
                f"there is no column {first_few(absent, len(absent))}; there are {first_few(names, len(names), 12)}."
            )
        self.names = list(names)
        for name in names:
            if name not in self.declared.ignored:
                is_text = name in self.declared.categorical or name in self.texts
                self.columns[name] = Column(CATEGORICAL if is_text else NUMERIC)
                self.parts[name] = []

    def _add_column(self, name: str, values: pd.Series) -> None:
        column = self.columns[name]
        stripped = values.astype(str).str.strip()
        present = ~(values.isna() | stripped.isin(self.declared.missing))
        column.missing += int(len(values) - present.sum())
        kept = stripped[present].to_numpy(dtype=object)
        if column.kind == CATEGORICAL:
            if len(column.counts) <= MAX_CATEGORIES:
                column.counts.update(kept.tolist())
            return
        try:
            numbers = kept.astype(float)
        except (TypeError, ValueError):
            self._is_text(name, kept)
            return
        finite = np.isfinite(numbers)
        column.infinite += int((~finite).sum())
        self.parts[name].append(numbers[finite])

    def _is_text(self, name: str, values: np.ndarray) -> None:
        example = next(str(value) for value in values if not _is_number(value))
        if name in self.declared.numeric or name == self.declared.label:
            raise BadData(f'the column "{name}" is declared numeric, but holds "{example[:60]}".')
        self.new_texts.add(name)

    def table(self, source: str) -> Table:
        if not self.records:
            raise BadData(f"{source} holds no records.")
        for name, column in self.columns.items():
            if column.kind == NUMERIC:
                parts = self.parts[name]
                column.numbers = np.concatenate(parts) if parts else np.empty(0)
                if not len(column.numbers) and name not in self.declared.numeric:
                    column.kind = CATEGORICAL  # only missing values
            elif name in self.texts:
                column.example = next(iter(column.counts), "")
                distinct = len(column.counts)
                if distinct > MAX_CATEGORIES or (distinct > FREE_TEXT and distinct * 2 > self.records):
                    column.kind, column.counts = TEXT, Counter()
            elif len(column.counts) > MAX_CATEGORIES:
                raise BadData(f'the column "{name}" is declared categorical, but has over {MAX_CATEGORIES:,} values.')
        return Table(self.records, self.columns, self.declared.label)


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _chunks(path: Path, columns: Columns) -> Iterator[Any]:
    """DataFrames of at most ``CHUNK`` records, file by file."""
    import pandas as pd

    for file in _files(path):
        try:
            if file.name.endswith(".parquet"):
                yield pd.read_parquet(file)
                continue
            options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "na_filter": False, "chunksize": CHUNK}
            options |= {"encoding": "utf-8-sig", "skipinitialspace": True, "index_col": False}
            if not columns.header:
                options["header"] = None
            with pd.read_csv(file, **options) as chunks:
                for chunk in chunks:
                    if not columns.header:
                        chunk.columns = [f"c{number}" for number in range(chunk.shape[1])]
                    yield chunk
        except pd.errors.EmptyDataError:
            continue
        except BadData:
            raise
        except (ValueError, OSError) as error:  # ParserError and ArrowInvalid are ValueErrors
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            raise BadData(f"{file.name} cannot be read: {reason}") from error


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadData(f"there is no file or folder {path}.")
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and not file.name.startswith((".", "_"))]
    # SageMaker's channels and Spark's parts often have no suffix; they are CSV then
    strange = [file.name for file in files if not file.name.endswith(SUFFIXES) and "." in file.name]
    if strange:
        raise BadData(f"{path} has more than CSV and Parquet files: {first_few(strange, len(strange))}.")
    if not files:
        raise BadData(f"{path} has no {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file.")
    return files
