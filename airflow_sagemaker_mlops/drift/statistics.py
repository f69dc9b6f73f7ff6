"""The statistics of a drift check, each with its noise: the level that unchanged data exceeds one time in twenty.

A limit alone would report drift for every small sample.  So a value counts as drift only if it exceeds both its limit
and its noise; see :mod:`.judge`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95


def population_stability_index(baseline: np.ndarray, current: np.ndarray) -> tuple[float, float]:
    """The index of two rows of counts in the same bins, and its noise.

    The index is the sum of ``(q - p) * ln(q / p)`` over the shares of the bins; half a record is added to each bin, so
    that an empty bin has no infinite weight.  Unchanged data gives ``(1/n + 1/m)`` times a chi-squared variable with
    one degree of freedom fewer than the number of bins (Yurdakul and Naranjo, Statistical properties of the population
    stability index, Journal of Risk Model Validation 14(4), 2020).
    """
    n, m, bins = float(current.sum()), float(baseline.sum()), len(baseline)
    if bins < 2 or not n or not m:
        return 0.0, 0.0
    p = (baseline + 0.5) / (m + bins / 2)
    q = (current + 0.5) / (n + bins / 2)
    noise = float(stats.chi2.ppf(LEVEL, bins - 1)) * (1 / n + 1 / m)
    return float(np.sum((q - p) * np.log(q / p))), noise


def kolmogorov_smirnov(quantiles: np.ndarray, count: int, numbers: np.ndarray) -> tuple[float, float]:
    """The largest distance of the two distribution functions, and its noise.

    ``quantiles`` are order statistics of the baseline's ``count`` values at equal steps, so the distance is exact up
    to one step.  The noise is the asymptotic 95 % point of the two-sample test (scipy.stats.kstwobign).
    """
    values, current = np.sort(quantiles), np.sort(numbers)
    points = np.concatenate([values, current])
    below = np.searchsorted(values, points, side="right") / len(values)
    now = np.searchsorted(current, points, side="right") / len(current)
    noise = float(stats.kstwobign.ppf(LEVEL)) * math.sqrt(1 / count + 1 / len(current))
    return float(np.max(np.abs(below - now))), noise


def increase_of_share(before: int, records_before: int, now: int, records: int) -> tuple[float, float]:
    """The increase of a share, and its noise: the one-sided 95 % point of the pooled two-proportion test."""
    pooled = (before + now) / (records_before + records)
    noise = float(stats.norm.ppf(LEVEL)) * math.sqrt(pooled * (1 - pooled) * (1 / records_before + 1 / records))
    return now / records - before / records_before, noise


@dataclass(frozen=True)
class Mean:
    """A mean, with variance and number of values."""

    mean: float
    variance: float
    count: int


def change_of_mean(before: Mean, now: Mean) -> tuple[float, float]:
    """The absolute change of a mean, and its noise: the two-sided 95 % point."""
    error = math.sqrt(before.variance / before.count + now.variance / now.count)
    return abs(now.mean - before.mean), float(stats.norm.ppf((1 + LEVEL) / 2)) * error


def share_of_new(new: int, records: int, singletons: int, records_before: int) -> tuple[float, float]:
    """The share of records with a new category, and its noise.

    The share expected of unchanged data is that of the categories seen once (I. J. Good, The population frequencies of
    species, Biometrika 40, 1953); the noise adds the one-sided 95 % point of its binomial error.
    """
    expected = singletons / records_before
    noise = expected + float(stats.norm.ppf(LEVEL)) * math.sqrt(expected * (1 - expected) / records)
    return new / records, noise
