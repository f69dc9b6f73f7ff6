"""The profile of a table: the baseline of later checks, small enough to store for every run.

Each check writes a profile.  The profile of the champion's run is the baseline of later runs, even if the data itself
no longer exists.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..gate.report import rounded
from .table import CATEGORICAL, NUMERIC, TEXT, Column, Table

SCHEMA = "1.0"
BINS = 10  # deciles of the baseline, the usual choice for a population stability index
FEW_VALUES = 24  # a numeric column with at most this many values has a bin for each, e.g. the hour
QUANTILES = 4097  # order statistics kept per column; a Kolmogorov-Smirnov distance is exact to 1/4096
KEPT_CATEGORIES = 1000  # the most common; the others are counted together


@dataclass(frozen=True)
class ColumnProfile:
    """The profile of a column.

    kind        ``numeric``, ``categorical`` or ``text``
    count       number of values that are present and finite
    missing     number of missing values
    infinite    number of values that are not finite
    mean        of a numeric column
    variance    of a numeric column
    quantiles   order statistics at equal steps, including minimum and maximum; at most ``QUANTILES``
    edges       inner edges of the bins, ascending; a bin includes its upper edge
    bins        number of values in each bin; one more than ``edges``
    categories  counts of the ``KEPT_CATEGORIES`` most common categories
    others      count of all other categories together
    singletons  number of categories that occur once; estimates how often new ones appear (Good-Turing)
    """

    kind: str
    count: int
    missing: int
    infinite: int = 0
    mean: float = math.nan
    variance: float = math.nan
    quantiles: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()
    bins: tuple[int, ...] = ()
    categories: Mapping[str, int] = field(default_factory=dict)
    others: int = 0
    singletons: int = 0

    @property
    def missing_share(self) -> float:
        """Share of records without a value."""
        total = self.count + self.missing + self.infinite
        return (self.missing + self.infinite) / total if total else 0.0


@dataclass(frozen=True)
class Profile:
    """The profile of a table."""

    records: int
    columns: Mapping[str, ColumnProfile]
    label: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON, which :meth:`from_json` reads."""
        columns = {name: _column_json(column) for name, column in self.columns.items()}
        return {"schema": SCHEMA, "records": self.records, "label": self.label, "columns": columns}

    @classmethod
    def from_json(cls, value: Any) -> Profile:
        """Read a profile written by :meth:`to_json`; raises :class:`ValueError` for anything else."""
        try:
            columns = {str(name): _column_of(column) for name, column in value["columns"].items()}
            profile = cls(int(value["records"]), columns, str(value.get("label") or ""))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                "this is not the profile of a drift check: its columns or its records are missing."
            ) from error
        if profile.records < 1:
            raise ValueError("the profile is of no records.")
        return profile


def profile_of(table: Table) -> Profile:
    """The profile of ``table``."""
    return Profile(table.records, {name: _profile(column) for name, column in table.columns.items()}, table.label)


def bin_counts(numbers: np.ndarray, edges: tuple[float, ...]) -> np.ndarray:
    """Count ``numbers`` in each bin of ``edges``; a value on an edge belongs to the bin below it."""
    return np.bincount(np.searchsorted(np.asarray(edges), numbers, side="left"), minlength=len(edges) + 1)


def _profile(column: Column) -> ColumnProfile:
    if column.kind == TEXT:
        return ColumnProfile(TEXT, 0, column.missing)
    if column.kind == CATEGORICAL:
        ordered = sorted(column.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        total = sum(column.counts.values())
        kept = dict(ordered[:KEPT_CATEGORIES])
        return ColumnProfile(
            CATEGORICAL,
            total,
            column.missing,
            categories=kept,
            others=total - sum(kept.values()),
            singletons=sum(1 for count in column.counts.values() if count == 1),
        )
    numbers = np.sort(column.numbers)
    if not len(numbers):
        return ColumnProfile(NUMERIC, 0, column.missing, column.infinite)
    edges = _edges(numbers)
    places = np.unique(np.linspace(0, len(numbers) - 1, min(len(numbers), QUANTILES)).round().astype(int))
    return ColumnProfile(
        NUMERIC,
        len(numbers),
        column.missing,
        column.infinite,
        mean=float(numbers.mean()),
        variance=float(numbers.var()),
        quantiles=tuple(float(number) for number in numbers[places]),
        edges=edges,
        bins=tuple(int(count) for count in bin_counts(numbers, edges)),
    )


def _edges(numbers: np.ndarray) -> tuple[float, ...]:
    """Inner bin edges of sorted ``numbers``: their distinct values if they are few, else their deciles."""
    values = np.unique(numbers)
    if len(values) > FEW_VALUES:
        values = np.unique(np.quantile(numbers, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    return tuple(float(value) for value in values if value < numbers[-1])


def _column_json(column: ColumnProfile) -> dict[str, Any]:
    value: dict[str, Any] = {"kind": column.kind, "count": column.count, "missing": column.missing}
    if column.kind == NUMERIC:
        value |= {"infinite": column.infinite, "mean": rounded(column.mean), "variance": rounded(column.variance)}
        value |= {"quantiles": list(column.quantiles), "edges": list(column.edges), "bins": list(column.bins)}
    elif column.kind == CATEGORICAL:
        value |= {"categories": dict(column.categories), "others": column.others, "singletons": column.singletons}
    return value


def _column_of(value: Mapping[str, Any]) -> ColumnProfile:
    kind = value["kind"]
    if kind not in (NUMERIC, CATEGORICAL, TEXT):
        raise ValueError(kind)
    column = ColumnProfile(
        kind,
        int(value["count"]),
        int(value["missing"]),
        int(value.get("infinite") or 0),
        mean=_float(value.get("mean")),
        variance=_float(value.get("variance")),
        quantiles=tuple(float(number) for number in value.get("quantiles") or ()),
        edges=tuple(float(edge) for edge in value.get("edges") or ()),
        bins=tuple(int(count) for count in value.get("bins") or ()),
        categories={str(name): int(count) for name, count in (value.get("categories") or {}).items()},
        others=int(value.get("others") or 0),
        singletons=int(value.get("singletons") or 0),
    )
    fits = not column.count or kind != NUMERIC or (column.quantiles and len(column.bins) == len(column.edges) + 1)
    if not fits or min(column.count, column.missing) < 0:
        raise ValueError("bins")
    return column


def _float(value: object) -> float:
    return math.nan if value is None else float(value)  # type: ignore[arg-type]
