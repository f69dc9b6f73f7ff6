"""The difference of two accuracies on the same records.

Against a margin of 0, McNemar's exact test: of the records that exactly one model gets right, the candidate gets half
if the models are equal (Q. McNemar, Psychometrika 12 (1947) 153-157; conditional binomial test).  Against another
margin, the score test of T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
paired-sample design", Statistics in Medicine 17 (1998) 891-908.

The interval is Tango's, widened to the exact conditional interval (Clopper-Pearson for the candidate's share) where
that one reaches further, and cut at 0 where it would contradict the exact test.  So it covers the difference as Tango's
does, and it excludes 0 exactly when the exact test does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betainc, betaincinv, ndtr

from .comparison import Comparison, quantile


@dataclass(frozen=True)
class Paired(Comparison):
    """A difference of accuracies.

    better   records that only the candidate gets right
    worse    records that only the champion gets right
    """

    better: int
    worse: int
    margin: float  # of the rule; it selects the test

    def p_above(self, margin: float, or_equal: bool = False) -> float:
        """See :meth:`Comparison.p_above`."""
        if or_equal and not self.better + self.worse and margin <= 0:
            return 0.0  # no record tells the models apart
        if margin == 0:
            return exact_tail(self.better, self.worse)
        return float(ndtr(-tango_z(self.better, self.worse, self.records, margin)))

    def p_below(self, margin: float) -> float:
        """See :meth:`Comparison.p_below`."""
        if margin == 0:
            return exact_tail(self.worse, self.better)
        return float(ndtr(tango_z(self.better, self.worse, self.records, margin)))

    def lower(self, alpha: float) -> float:
        """See :meth:`Comparison.lower`."""
        return _lower(self.better, self.worse, self.records, alpha, is_exact=self.margin == 0)

    def upper(self, alpha: float) -> float:
        """See :meth:`Comparison.upper`."""
        return -_lower(self.worse, self.better, self.records, alpha, is_exact=self.margin == 0)


def compare_proportions(better: int, worse: int, records: int, margin: float) -> Paired:
    """The gain in accuracy, from the numbers of records that exactly one model gets right."""
    gain = (better - worse) / records
    error = math.sqrt(max((better + worse) / records - gain * gain, 0.0) / records)
    return Paired(gain, error, records, "exact McNemar" if margin == 0 else "Tango", better, worse, margin)


def exact_tail(better: int, worse: int) -> float:
    """Probability of ``better`` or more of ``better + worse`` records if either is equally likely."""
    return float(betainc(better, worse + 1, 0.5)) if better else 1.0


def tango_z(better: int, worse: int, records: int, difference: float) -> float:
    """Tango's score statistic of the hypothesis that the difference of the proportions is ``difference``."""
    linear = -better - worse + (2 * records - better + worse) * difference
    constant = -worse * difference * (1 - difference)
    share = (math.sqrt(max(linear * linear - 8 * records * constant, 0.0)) - linear) / (4 * records)
    variance = records * (2 * share + difference * (1 - difference))
    distance = better - worse - records * difference
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _lower(better: int, worse: int, records: int, alpha: float, *, is_exact: bool) -> float:
    score = _tango_lower(better, worse, records, alpha)
    if not is_exact:
        return score
    discordant = better + worse
    if not discordant:
        return 0.0
    share = float(betaincinv(better, worse + 1, alpha)) if better else 0.0
    exact = (2 * share - 1) * discordant / records
    return min(score, exact) if exact <= 0 else max(min(score, exact), math.ulp(0.0))


def _tango_lower(better: int, worse: int, records: int, alpha: float) -> float:
    """The smallest difference that the score test does not reject, by bisection: the statistic decreases in it."""
    critical = quantile(1 - alpha)
    low, high = -1.0, (better - worse) / records
    for _ in range(60):
        middle = (low + high) / 2
        if tango_z(better, worse, records, middle) > critical:
            low = middle
        else:
            high = middle
    return high
