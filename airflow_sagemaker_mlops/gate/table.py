"""Predictions of two models on the same records, as arrays ordered by content.

Rows are sorted by id, so the order of the input does not matter.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .problems import BadPredictions, alike, first_few

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MAX_RECORDS = 50_000_000
LONGEST_ID = 256  # bytes
GREATEST = 1e100  # largest score or regression label; its square must be finite


@dataclass(frozen=True)
class Groups:
    """A column that groups records.

    values  sorted strings; ``codes`` holds positions in it
    codes   (n,)
    """

    values: tuple[str, ...]
    codes: Any


@dataclass(frozen=True)
class Predictions:
    """The input of a gate; every array is (n,) and ordered by id.

    ids          sorted; ``None`` if records have none
    champion     ``None`` without a champion
    columns      of slices and units
    fingerprint  of ids and labels
    """

    ids: Any
    label: Any
    candidate: Any
    champion: Any
    columns: Mapping[str, Groups]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.label)

    @property
    def seed(self) -> int:
        """The seed of the bootstrap, from ids and labels: the same for every candidate on a test set."""
        return int(self.fingerprint[:16], 16)


class Faults:
    """Collects problems of columns as sentences."""

    def __init__(self, where: Callable[[int], str]) -> None:
        self.sentences: list[str] = []
        self._where = where

    def add(self, sentence: str) -> None:
        """Add a problem of a whole column."""
        self.sentences.append(sentence)

    def add_rows(self, name: str, what: str, rows: Sequence[int] | NDArray[Any], records: int) -> None:
        """Add a problem of some rows; does nothing without rows."""
        if len(rows):
            places = first_few((self._where(int(row)) for row in rows[:5]), len(rows))
            self.sentences.append(f"{name} is {what} in {len(rows):,} of {_some(records, 'record')}: {places}.")


def name_of_row(number: int) -> str:
    """The name of an array's row in sentences."""
    return f"row {number}"


def table(
    label: ArrayLike,
    candidate: ArrayLike,
    champion: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    *,
    columns: Mapping[str, ArrayLike | Groups] | None = None,
    where: Callable[[int], str] = name_of_row,
) -> Predictions:
    """Check arrays of equal length and sort them by id.

    columns  strings or numbers by name, or :class:`Groups`
    where    gives the name of a row for its number, from 0
    Raises :class:`BadPredictions` with every reason: no records, different lengths, values that are not
    finite numbers, missing or duplicate ids.
    """
    faults = Faults(where)
    arrays = {"label": numbers("label", label, faults), "candidate": numbers("candidate", candidate, faults)}
    if champion is not None:
        arrays["champion"] = numbers("champion", champion, faults)
    names = None if ids is None else _ids(ids, faults)
    groups = {name: _groups(name, values, faults) for name, values in (columns or {}).items()}
    _require_whole(arrays, names, groups, faults)
    order = np.argsort(names, kind="stable") if names is not None else np.lexsort(tuple(reversed(arrays.values())))
    if names is not None:
        names = names[order]
        _refuse_duplicates(names, order, where)
    arrays = {name: array[order] for name, array in arrays.items()}
    return Predictions(
        ids=names,
        label=arrays["label"],
        candidate=arrays["candidate"],
        champion=arrays.get("champion"),
        columns={name: Groups(one.values, one.codes[order]) for name, one in groups.items()},
        fingerprint=_fingerprint(names, arrays["label"]),
    )


def _require_whole(
    arrays: Mapping[str, NDArray[Any]], names: NDArray[Any] | None, groups: Mapping[str, Groups], faults: Faults
) -> None:
    """Raise :class:`BadPredictions` for columns of different lengths, for no records, and for ``faults``."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if names is not None:
        lengths["id"] = len(names)
    lengths.update({name: len(one.codes) for name, one in groups.items()})
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise BadPredictions([f"the columns differ in length: {listed}.", *faults.sentences])
    if not lengths["label"]:
        raise BadPredictions(["there are no records."])
    if faults.sentences:
        raise BadPredictions(faults.sentences)


def joined(mine: Predictions, other: Predictions) -> Predictions:
    """Join the candidate's predictions with the champion's, which are the candidate column of ``other``.

    Raises :class:`BadPredictions` for ids that only one of them has, and for different labels.
    """
    if mine.ids is None or other.ids is None:
        raise BadPredictions(["predictions of two files are joined by id, and one of them has no ids."])
    if mine.ids.dtype.kind != other.ids.dtype.kind:
        mine_ids, other_ids = _as_texts(mine.ids), _as_texts(other.ids)
    else:
        mine_ids, other_ids = mine.ids, other.ids
    if len(mine_ids) != len(other_ids) or not np.array_equal(mine_ids, other_ids):
        wrong = []
        for has, lacks, ours, theirs in (
            ("champion", "candidate", mine_ids, other_ids),
            ("candidate", "champion", other_ids, mine_ids),
        ):
            missing = np.setdiff1d(theirs, ours)
            if len(missing):
                wrong.append(
                    f"{_some(len(missing), 'id')} of the {has}'s predictions "
                    f"{'is' if len(missing) == 1 else 'are'} missing in the {lacks}'s: "
                    f"{first_few(map(id_text, missing[:5]), len(missing))}."
                )
        raise BadPredictions(wrong)
    differing = np.flatnonzero(mine.label != other.label)
    if len(differing):
        shown = (
            f"{id_text(mine.ids[index])} ({mine.label[index]:g} and {other.label[index]:g})" for index in differing[:5]
        )
        raise BadPredictions(
            [
                f"the label differs between the candidate's and the champion's predictions for "
                f"{_some(len(differing), 'id')}: {first_few(shown, len(differing))}."
            ]
        )
    columns = {**other.columns, **mine.columns}
    return Predictions(mine.ids, mine.label, mine.candidate, other.candidate, columns, mine.fingerprint)


def id_text(value: object) -> str:
    """An id as the user wrote it."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def numbers(name: str, values: ArrayLike, faults: Faults) -> Any:
    """(n,) finite numbers; other values are added to ``faults`` with their rows."""
    array = np.asarray(np.ma.filled(values.astype(float), np.nan) if np.ma.isMaskedArray(values) else values)
    if array.dtype.kind in "US" and not hasattr(values, "dtype"):
        array = np.asarray(values, dtype=object)  # numpy turned numbers among strings into strings
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1:
        faults.add(f"{name} has {array.ndim} dimensions {array.shape}; it must be one number per record.")
        return np.zeros(0)
    array = as_doubles(array) if array.dtype.kind in "buif" else _from_objects(name, array, faults)
    for what, bad in (("not a number (NaN)", np.isnan(array)), ("infinite", np.isinf(array))):
        faults.add_rows(name, what, np.flatnonzero(bad), len(array))
    faults.add_rows(
        name,
        f"beyond ±{GREATEST:g}",
        np.flatnonzero(np.isfinite(array) & (np.abs(array) > GREATEST)),
        len(array),
    )
    return array + 0.0  # of -0.0 too


def as_doubles(array: NDArray[Any]) -> Any:
    """Numbers as float64; those of less precision as the decimal that they are written as.

    So 0.7 as float32, which is a little less than 0.7, reaches a threshold of 0.7, as it does in a CSV file.
    """
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return array.astype("S32").astype(np.float64)
    return array.astype(np.float64)


def _from_objects(name: str, array: NDArray[Any], faults: Faults) -> Any:
    """Numbers from Python objects; reports missing values and strings."""
    made = np.zeros(len(array))
    missing, text = [], []
    for index, value in enumerate(array.tolist()):
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            missing.append(index)
        elif isinstance(value, (bool, int, float)) or type(value).__name__ == "Decimal":
            try:
                made[index] = float(value)
            except OverflowError:
                made[index] = np.inf
        else:
            text.append(index)
    faults.add_rows(name, "missing", missing, len(array))
    faults.add_rows(name, "not a number", text, len(array))
    return made


def _ids(values: ArrayLike, faults: Faults) -> Any:
    """Ids as integers if all are integers, otherwise as bytes, so that an id is equal in any input format."""
    array = np.asarray(values)
    if array.ndim != 1:
        faults.add(f"id has {array.ndim} dimensions; it must be one value per record.")
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind in "iu" and (array.dtype.kind == "i" or not len(array) or int(array.max()) < 2**63):
        return array.astype(np.int64)
    texts: Any = array
    if array.dtype.kind != "S":
        items = [b"" if _is_missing(value) else str(value).encode("utf-8", "surrogatepass") for value in array.tolist()]
        lengths = np.fromiter((len(item) for item in items), dtype=np.int64, count=len(items))
        long = np.flatnonzero(lengths > LONGEST_ID)
        if len(long):
            faults.add_rows("id", f"longer than {LONGEST_ID} bytes", long, len(items))
            return np.zeros(len(items), dtype=np.int64)
        texts = np.array(items, dtype=np.bytes_) if items else np.zeros(0, dtype="S1")
    faults.add_rows("id", "missing", np.flatnonzero(texts == b""), len(texts))
    return _whole_numbers(texts)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ == "NAType"


def _whole_numbers(texts: NDArray[Any]) -> Any:
    """The strings as integers, if every one is an integer in its usual notation."""
    if not len(texts) or texts.dtype.itemsize > 19:
        return texts
    try:
        made = texts.astype(np.int64)
    except (ValueError, OverflowError):
        return texts
    return made if np.array_equal(made.astype(texts.dtype), texts) else texts


def _as_texts(ids: NDArray[Any]) -> Any:
    return ids if ids.dtype.kind == "S" else ids.astype("S20")


def _refuse_duplicates(names: NDArray[Any], order: NDArray[Any], where: Callable[[int], str]) -> None:
    again = np.flatnonzero(names[1:] == names[:-1])
    if not len(again):
        return
    twice = np.unique(names[again])
    shown = []
    for name in twice[:5]:
        rows = sorted(int(row) for row in order[np.flatnonzero(names == name)])
        shown.append(f"{id_text(name)} ({', '.join(where(row) for row in rows[:3])})")
    stand = "stands" if len(twice) == 1 else "stand"
    raise BadPredictions([f"{_some(len(twice), 'id')} {stand} more than once: {first_few(shown, len(twice))}."])


def _groups(name: str, values: ArrayLike | Groups, faults: Faults) -> Groups:
    if isinstance(values, Groups):
        texts, codes = values.values, np.asarray(values.codes)
    else:
        given: Any = values  # any library's column, or a sequence
        items = given.tolist() if hasattr(given, "tolist") else list(given)
        known: dict[Any, int] = {}
        codes = np.fromiter((known.setdefault(_group_text(item), len(known)) for item in items), np.int64, len(items))
        texts = tuple(known)
    if "" in texts:
        faults.add_rows(name, "missing", np.flatnonzero(codes == texts.index("")), len(codes))
    ordered = sorted(range(len(texts)), key=lambda index: texts[index])
    rank = np.empty(len(texts), dtype=np.int64)
    rank[ordered] = np.arange(len(texts))
    return Groups(tuple(texts[index] for index in ordered), rank[codes] if len(codes) else codes)


def _group_text(value: object) -> str:
    if _is_missing(value):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _fingerprint(ids: NDArray[Any] | None, label: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    if ids is not None:
        digest.update(str(ids.dtype.kind).encode())
        digest.update(np.ascontiguousarray(ids, dtype=ids.dtype.newbyteorder("<")).tobytes())
    digest.update(np.ascontiguousarray(label, dtype="<f8").tobytes())
    return digest.hexdigest()


def column_named(name: str, columns: Collection[str]) -> str:
    """The problem of a missing column ``name``."""
    near = alike(name, columns)
    has = first_few(columns, len(columns), 12)
    hint = f'Did you mean "{near}"?' if near else f"There are {has}." if columns else "There are none."
    return f'there is no column "{name}". {hint}'


def _some(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
