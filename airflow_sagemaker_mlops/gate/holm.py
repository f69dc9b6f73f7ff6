"""Several rules at once.

S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979) 65-70:
of m tests, the one with the smallest p-value is held against alpha / m, the next against alpha / (m - 1), and so on
until one fails; the others then fail as well.
"""

from __future__ import annotations

from collections.abc import Sequence


def holm_levels(p_values: Sequence[float], alphas: Sequence[float]) -> list[float]:
    """The level that each test is held against, in the order given.

    Once a test has failed, those behind it are held against its divisor too, which they fail: their p-values are
    greater in relation to their alpha.  So "p-value <= level" is Holm's decision for every test.
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
