"""The result of a statistical method: the gain of a candidate over a champion, with p-values and bounds.

A *gain* is the difference in the direction of the goal: candidate - champion for metrics to maximize, champion -
candidate for metrics to minimize.  Every method offers the same one-sided p-values and bounds, and they
agree: ``p_above(m) <= alpha`` exactly when ``lower(alpha)`` is beyond ``m``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

POWER = 0.8  # statistical power for which the number of records is computed
MAX_NEEDED = 1e9  # larger estimates are not reported


@dataclass(frozen=True)
class Comparison(ABC):
    """A gain and its distribution; the subclasses implement the sampling distributions.

    gain     in the unit of the metric
    error    standard error of ``gain``
    records  number of records it was computed from
    method   name of the statistical method
    """

    gain: float
    error: float
    records: int
    method: str

    @abstractmethod
    def p_above(self, margin: float, or_equal: bool = False) -> float:
        """One-sided p-value against "the gain is at most ``margin``".

        or_equal   against "the gain is less than ``margin``": a gain known to be exactly ``margin`` passes
        """

    @abstractmethod
    def p_below(self, margin: float) -> float:
        """One-sided p-value against "the gain is at least ``margin``"."""

    @abstractmethod
    def lower(self, alpha: float) -> float:
        """Lower bound of the gain with confidence 1 - ``alpha``."""

    @abstractmethod
    def upper(self, alpha: float) -> float:
        """Upper bound of the gain with confidence 1 - ``alpha``."""

    def needed(self, margin: float, alpha: float) -> int | None:
        """The number of records that would decide on which side of ``margin`` the gain is, with a power of 80 %.

        From a one-sided z-test with the observed gain and variance; ``None`` if no number of records would decide.
        """
        distance = abs(self.gain - margin)
        if not distance or not math.isfinite(self.error) or not self.error:
            return None
        number = self.records * ((quantile(1 - alpha) + quantile(POWER)) * self.error / distance) ** 2
        return math.ceil(number) if number < MAX_NEEDED else None


@dataclass(frozen=True)
class Normal(Comparison):
    """A gain with a normally distributed estimate."""

    def p_above(self, margin: float, or_equal: bool = False) -> float:
        """See :meth:`Comparison.p_above`."""
        if not self.error:
            return 0.0 if self.gain > margin or (or_equal and self.gain == margin) else 1.0
        return float(ndtr((margin - self.gain) / self.error))

    def p_below(self, margin: float) -> float:
        """See :meth:`Comparison.p_below`."""
        if not self.error:
            return 0.0 if self.gain < margin else 1.0
        return float(ndtr((self.gain - margin) / self.error))

    def lower(self, alpha: float) -> float:
        """See :meth:`Comparison.lower`."""
        return self.gain - quantile(1 - alpha) * self.error

    def upper(self, alpha: float) -> float:
        """See :meth:`Comparison.upper`."""
        return self.gain + quantile(1 - alpha) * self.error


def quantile(share: float) -> float:
    """The quantile of the standard normal distribution."""
    return float(ndtri(share))
