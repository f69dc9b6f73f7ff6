"""Formats numbers for readers."""

from __future__ import annotations

import math

MAX_DECIMALS = 8


def decimals_for(width: float, values: tuple[float, ...]) -> int:
    """The number of decimals that show three digits of ``width``; at least four for values below 10."""
    least = 4 if all(abs(value) < 10 for value in values) else 0
    wanted = 2 - math.floor(math.log10(width)) if width > 0 and math.isfinite(width) else 4
    return min(max(wanted, least), MAX_DECIMALS)


def number(value: float, decimals: int) -> str:
    """``0.6798``, ``1,234.5``, or ``2.5e+99`` for numbers that nobody counts the digits of."""
    if _is_extreme(value, decimals):
        return f"{value:.4g}"
    text = f"{value:,.{decimals}f}"
    return text.replace("-", "") if float(text.replace(",", "")) == 0 else text


def signed(value: float, decimals: int) -> str:
    """``+0.0432``; also 0 gets a sign, to mark it as a difference."""
    if _is_extreme(value, decimals):
        return f"{value:+.4g}"
    text = f"{value:+,.{decimals}f}"
    return text.replace("-", "+") if float(text.replace(",", "")) == 0 else text


def _is_extreme(value: float, decimals: int) -> bool:
    """Whether ``value`` is huge, or so small that the most decimals show two of its digits at best."""
    return abs(value) >= 1e12 or (decimals >= MAX_DECIMALS and 0 < abs(value) < 10.0 ** (1 - MAX_DECIMALS))


def percent(share: float) -> str:
    """``95 %`` or ``97.5 %``."""
    return f"{share * 100:.4g} %"


def about(count: int) -> str:
    """A count rounded up to two significant digits: ``1,300`` for 1,224."""
    digits = max(len(str(count)) - 2, 0)
    return f"{math.ceil(count / 10**digits) * 10**digits:,}"


def counted(count: int, noun: str) -> str:
    """``6,009 flights``; ``noun`` is a plural."""
    return f"{count:,} {noun[:-1] if count == 1 and noun.endswith('s') else noun}"
