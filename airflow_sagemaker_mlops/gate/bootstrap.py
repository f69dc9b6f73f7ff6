"""The paired bootstrap of a gain: resamples records, or groups of records, for both models at once.

B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), percentile intervals, chapter 13; p-values from
the same resamples, (1 + contradicting resamples) / (1 + resamples), A. C. Davison, D. V. Hinkley, "Bootstrap Methods
and their Application" (1997), section 4.2.  Below the resolution of one resample, the normal distribution gives the
tail.

A metric of sums needs only weighted sums, not resampled records: over the distinct kinds of records, if they are few
(a confusion table of two models has 8), or over up to ``MAX_PARTS`` parts.  More records than that are first divided
into that many random parts of equal size, and the parts are resampled; the variance of their sums equals that of
the records.

Random numbers come from numpy's PCG64, seeded from the content of the test set.  Sums use one thread and no BLAS,
because BLAS sums depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .comparison import Comparison, Normal
from .metrics import Value
from .user_function import value_of_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES = 1999  # 5 % of (resamples + 1) is a whole number
MAX_PARTS = 4096
MAX_KINDS = 64
FEWEST_RESAMPLES = 199  # for functions that need all records, on large data
MAX_EVALUATED = 20_000_000  # total number of records passed to such a function
_CHUNK = 250


@dataclass(frozen=True, eq=False)
class Resampled(Comparison):
    """A gain and its sorted resamples, without those in which it is undefined."""

    resamples: Any

    def p_above(self, margin: float, or_equal: bool = False) -> float:
        """See :meth:`Comparison.p_above`."""
        against = int(np.searchsorted(self.resamples, margin, side="left" if or_equal else "right"))
        return self._p_value(against, self._normal.p_above(margin, or_equal))

    def p_below(self, margin: float) -> float:
        """See :meth:`Comparison.p_below`."""
        against = len(self.resamples) - int(np.searchsorted(self.resamples, margin, side="left"))
        return self._p_value(against, self._normal.p_below(margin))

    def lower(self, alpha: float) -> float:
        """See :meth:`Comparison.lower`."""
        rank = self._rank(alpha)
        return float(self.resamples[rank - 1]) if rank else min(float(self.resamples[0]), self._normal.lower(alpha))

    def upper(self, alpha: float) -> float:
        """See :meth:`Comparison.upper`."""
        rank = self._rank(alpha)
        return float(self.resamples[-rank]) if rank else max(float(self.resamples[-1]), self._normal.upper(alpha))

    @property
    def _normal(self) -> Normal:
        return Normal(self.gain, self.error, self.records, self.method)

    def _rank(self, alpha: float) -> int:
        return int(alpha * (len(self.resamples) + 1) + 1e-9)

    def _p_value(self, against: int, normal: float) -> float:
        share = (1 + against) / (1 + len(self.resamples))
        return share if against else min(share, normal)


class Weights:
    """Draw counts, shared by the rules of a gate; the same seed gives the same counts."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._equal: tuple[int, Any] = (0, None)

    def generator(self, purpose: int) -> Any:
        """A separate generator per purpose, so that no rule changes the random numbers of another."""
        return np.random.Generator(np.random.PCG64([self._seed, purpose]))

    def equal(self, parts: int) -> Any:
        """Draw counts (resamples, parts); each row sums to ``parts``, and every part is equally likely."""
        if self._equal[0] != parts:
            self._equal = (0, None)  # free the memory first
            generator = self.generator(parts)
            weights = np.empty((RESAMPLES, parts), dtype=np.float32)
            for start in range(0, RESAMPLES, _CHUNK):
                rows = min(_CHUNK, RESAMPLES - start)
                drawn = generator.integers(0, parts, size=(rows, parts), dtype=np.int64)
                drawn += np.arange(rows)[:, None] * parts
                weights[start : start + rows] = np.bincount(drawn.ravel(), minlength=rows * parts).reshape(rows, parts)
            self._equal = (parts, weights)
        return self._equal[1]


@dataclass(frozen=True)
class Draws:
    """How resamples are drawn.

    groups    (n,) group numbers from 0; a group is drawn as a whole; ``None`` to draw records
    """

    weights: Weights
    groups: Any = None


def compare_sums(
    candidate: tuple[tuple[Any, ...], Value],
    champion: tuple[tuple[Any, ...], Value] | None,
    sign: int,
    draws: Draws,
) -> tuple[float, float, Comparison]:
    """The candidate's and the champion's value of a metric of sums, and the gain.

    candidate, champion   columns, each (n,), and the function of their sums; without a champion, the gain is the value
    sign                  1 if greater is better, else -1
    """
    weights, groups = draws.weights, draws.groups
    columns = candidate[0] + (champion[0] if champion else ())
    width, records = len(candidate[0]), len(candidate[0][0])

    def values(sums: NDArray[Any]) -> tuple[Any, Any]:
        other = champion[1](sums[..., width:]) if champion else np.zeros(sums.shape[:-1])
        return candidate[1](sums[..., :width]), other

    mine, other = values(np.array([column.sum() for column in columns]))
    kinds = None if groups is not None else _kinds(columns)
    if kinds is not None:
        table, counts = kinds
        drawn = weights.generator(0).multinomial(records, counts / records, size=RESAMPLES)
        sums = np.einsum("rk,kc->rc", drawn.astype(float), table)
        method = "paired bootstrap" if champion else "bootstrap"
    else:
        table = _parts(columns, groups, weights)
        # einsum without optimize is a plain loop: no BLAS, so the sums do not depend on threads
        sums = np.stack([np.einsum("rk,k->r", weights.equal(len(table)), column) for column in table.T], axis=-1)
        method = ("paired bootstrap" if champion else "bootstrap") + (" over groups" if groups is not None else "")
    mine_drawn, other_drawn = values(sums)
    return (
        float(mine),
        float(other),
        resampled(sign * float(mine - other), sign * (mine_drawn - other_drawn), records, method),
    )


def compare_by_function(
    function: Callable[[Any, Any], float],
    label: NDArray[Any],
    scores: tuple[Any, Any | None],
    sign: int,
    draws: Draws,
) -> tuple[float, float, Comparison]:
    """The same for a function of (labels, scores), called once per resample."""
    weights, groups = draws.weights, draws.groups
    candidate, champion = scores
    records = len(label)
    number = min(RESAMPLES, max(FEWEST_RESAMPLES, MAX_EVALUATED // records))
    generator = weights.generator(1)
    members = None if groups is None else _members(groups)

    def draw() -> Any:
        if members is None:
            return generator.integers(0, records, size=records)
        order, starts, sizes = members
        chosen = generator.integers(0, len(sizes), size=len(sizes))
        lengths = sizes[chosen]
        begins = np.repeat(starts[chosen] - (np.cumsum(lengths) - lengths), lengths)
        return order[begins + np.arange(int(lengths.sum()))]

    def gains(rows: NDArray[Any]) -> float:
        other = 0.0 if champion is None else function(label[rows], champion[rows])
        return sign * (function(label[rows], candidate[rows]) - other)

    mine = value_of_all(function, label, candidate)
    other = 0.0 if champion is None else value_of_all(function, label, champion)
    drawn = np.array([gains(draw()) for _ in range(number)])
    method = f"{'paired ' if champion is not None else ''}bootstrap{' over groups' if groups is not None else ''}"
    return mine, other, resampled(sign * (mine - other), drawn, records, method)


def resampled(gain: float, drawn: NDArray[Any], records: int, method: str) -> Comparison:
    """The comparison from the resamples; its error is NaN if too many of them are undefined."""
    defined = np.sort(drawn[np.isfinite(drawn)])
    if not len(defined) or len(defined) < 0.99 * len(drawn):
        return Normal(gain, float("nan"), records, method)
    if np.ptp(defined) < 1e-12 * max(1.0, abs(gain)):  # rounding error of two equal models
        gain = 0.0 if abs(gain) < 1e-12 else gain
        return Normal(gain, 0.0, records, method)
    return Resampled(gain, float(defined.std(ddof=1)), records, method, defined)


def _kinds(columns: tuple[Any, ...]) -> tuple[Any, Any] | None:
    """The distinct records and their counts; ``None`` if there are too many."""
    if len(columns) <= 6 and all(_is_binary(column) for column in columns):
        codes = np.zeros(len(columns[0]), dtype=np.int64)
        for column in columns:
            codes = 2 * codes + column.astype(np.int64)
        counts = np.bincount(codes, minlength=2 ** len(columns))
        kinds = np.flatnonzero(counts)
        bits = np.arange(len(columns) - 1, -1, -1)
        return ((kinds[:, None] >> bits) & 1).astype(float), counts[kinds]
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values = np.unique(column[:1000])
        if len(values) > MAX_KINDS:
            return None
        values = np.unique(column)
        if len(values) > MAX_KINDS or int(codes.max()) * len(values) > 10**6:
            return None
        codes = np.unique(codes * len(values) + np.searchsorted(values, column), return_inverse=True)[1].reshape(-1)
    first, counts = np.unique(codes, return_index=True, return_counts=True)[1:]
    if len(first) > MAX_KINDS:
        return None
    return np.stack([column[first] for column in columns], axis=-1), counts


def _is_binary(column: NDArray[Any]) -> bool:
    return bool(((column[:1000] == 0) | (column[:1000] == 1)).all() and ((column == 0) | (column == 1)).all())


def _parts(columns: tuple[Any, ...], groups: NDArray[Any] | None, weights: Weights) -> Any:
    """Sums (parts, columns) over the records that are drawn as a whole."""
    records = len(columns[0])
    units = records if groups is None else int(groups.max()) + 1
    if units > MAX_PARTS:
        part = np.empty(units, dtype=np.int64)
        part[weights.generator(2).permutation(units)] = np.arange(units) % MAX_PARTS
        groups = part if groups is None else part[groups]
    elif groups is None:
        return np.stack(columns, axis=-1)
    number = min(units, MAX_PARTS)
    return np.stack([np.bincount(groups, weights=column, minlength=number) for column in columns], axis=-1)


def _members(groups: NDArray[Any]) -> tuple[Any, Any, Any]:
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    return order, np.cumsum(sizes) - sizes, sizes
