"""The difference of two areas under the ROC curve on the same records.

Variance by E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more correlated
receiver operating characteristic curves: a nonparametric approach", Biometrics 44 (1988) 837-845; computed from ranks,
as X. Sun, W. Xu, "Fast implementation of DeLong's algorithm", IEEE Signal Processing Letters 21 (2014) 1389-1393, with
one sort per model, O(n log n).  For records in groups: N. A. Obuchowski, "Nonparametric analysis of clustered ROC curve
data", Biometrics 53 (1997) 567-578.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .comparison import Normal

if TYPE_CHECKING:
    from numpy.typing import NDArray


def areas(positive: NDArray[Any], scores: NDArray[Any]) -> tuple[float, Any]:
    """The area under the ROC curve, and each record's placement.

    positive   (n,) booleans; both classes occur
    scores     (n,) numbers
    The placement of a positive is the share of negatives that it ranks above, with ties counted half; that of a
    negative is the share of positives that rank above it.  The mean placement within each class is the area.
    """
    order = np.argsort(scores, kind="stable")
    ordered, is_positive = scores[order], positive[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    sizes = np.diff(np.append(starts, len(ordered)))
    positives = np.add.reduceat(is_positive.astype(np.int64), starts)
    negatives = sizes - positives
    of_positives, of_negatives = int(positives.sum()), int(negatives.sum())
    below = np.cumsum(negatives) - negatives / 2  # negatives below each value; ties count half
    above = of_positives - np.cumsum(positives) + positives / 2
    placements = np.empty(len(ordered))
    placements[order] = np.where(
        is_positive, np.repeat(below, sizes) / of_negatives, np.repeat(above, sizes) / of_positives
    )
    area = float(np.dot(positives, below)) / (float(of_positives) * of_negatives)
    return area, placements


def compare_areas(
    positive: NDArray[Any], candidate: NDArray[Any], champion: NDArray[Any] | None, groups: NDArray[Any] | None = None
) -> tuple[float, float, Normal]:
    """The candidate's area, the champion's area, and the gain.

    positive, candidate, champion   (n,), on the same records; without a champion, the gain is the candidate's area
    groups                          (n,) group numbers from 0; records of a group are not independent
    """
    area, placements = areas(positive, candidate)
    other = 0.0
    if champion is not None:
        other, others = areas(positive, champion)
        placements = placements - others
    gain = area - other
    count, of_positives = len(positive), int(np.count_nonzero(positive))
    of_negatives = count - of_positives
    centred = placements - gain
    if groups is None:
        squares = centred * centred
        for_positives = (
            float(squares[positive].sum()) / (of_positives - 1) / of_positives if of_positives > 1 else np.nan
        )
        for_negatives = (
            float(squares[~positive].sum()) / (of_negatives - 1) / of_negatives if of_negatives > 1 else np.nan
        )
        variance, method = for_positives + for_negatives, "DeLong"
    else:
        totals = np.bincount(groups, weights=centred / np.where(positive, of_positives, of_negatives))
        number = len(totals)
        variance = float(np.dot(totals, totals)) * number / (number - 1) if number > 1 else np.nan
        method = "DeLong over groups (Obuchowski)"
    error = float(np.sqrt(variance))
    if error < 1e-12:  # rounding error of two equal models
        error = 0.0
        gain = gain if abs(gain) > 1e-12 else 0.0
    return area, other, Normal(gain, error, count, method)
