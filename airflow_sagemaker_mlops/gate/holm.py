"""Holm's procedure for several rules.

S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979) 65-70:
of m tests, the one with the smallest p-value is tested at alpha / m, the next at alpha / (m - 1), and so on
until one fails; the remaining tests then fail as well.
"""

from __future__ import annotations

from collections.abc import Sequence


def holm_levels(p_values: Sequence[float], alphas: Sequence[float]) -> list[float]:
    """The level of each test, in the order given.

    After the first failed test, the remaining ones use its divisor, too, and fail: their p-values are greater in
    relation to their alpha.  So "p-value <= level" is Holm's decision for every test.
    """
    order = sorted(range(len(p_values)), key=lambda index: (p_values[index] / alphas[index], index))
    levels = [0.0] * len(p_values)
    divisor, has_failed = len(p_values), False
    for index in order:
        levels[index] = alphas[index] / divisor
        has_failed = has_failed or p_values[index] > levels[index]
        if not has_failed:
            divisor -= 1
    return levels
