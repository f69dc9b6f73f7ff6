"""Formats numbers, times and sizes for readers."""

from __future__ import annotations

from ..gate.numbers_text import decimals_for, number, percent, signed
from ..records.model.timestamps import parse_time
from .shapes import RuleView

NONE = "–"
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def size(value: float | None) -> str:
    """``4.5 MB``; powers of 1,000, as S3's prices have them."""
    if value is None:
        return NONE
    left, unit = float(value), 0
    while left >= 999.5 and unit < len(_UNITS) - 1:
        left, unit = left / 1000, unit + 1
    return f"{left:.3g} {_UNITS[unit]}"


def duration(seconds: float | None) -> str:
    """``4.2 s``, ``1 min 25 s``, ``2 h 05 min``, ``3 d 4 h``."""
    if seconds is None:
        return NONE
    if seconds < 0:
        return f"−{duration(-seconds)}"
    if seconds < 59.95:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    if hours >= 24:
        return f"{hours // 24:,} d {hours % 24} h"
    return f"{hours} h {left:02} min" if hours else f"{minutes} min {rest:02} s"


def when(time: str) -> str:
    """``2026-11-30 07:36:59 UTC``."""
    found = parse_time(time) if time else None
    return f"{found:%Y-%m-%d %H:%M:%S} UTC" if found else NONE


def money(amount: float | None, currency: str) -> str:
    """``0.0123 USD``; two digits of small amounts."""
    if amount is None:
        return NONE
    decimals = 2 if abs(amount) >= 1 or not amount else 4
    return f"{amount:,.{decimals}f} {currency}".strip()


def hashed(value: str) -> str:
    """The beginning of a hash."""
    return value if len(value) <= 16 else value[:12]


def plural(count: int, noun: str) -> str:
    """``1 step``, ``12 steps``."""
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


class RuleTexts:
    """The numbers of a rule with as many decimals as its interval needs."""

    def __init__(self, rule: RuleView) -> None:
        low, high = rule["low"], rule["high"]
        width = high - low if low is not None and high is not None else abs(rule["difference"] or 0.0)
        shown = tuple(value for value in (rule["candidate"], rule["champion"]) if value is not None)
        self._decimals = decimals_for(width, shown)
        self.compares = rule["difference"] is not None
        self.candidate = self._plain(rule["candidate"])
        self.champion = self._plain(rule["champion"])
        self.difference = self._signed(rule["difference"])
        ends = [self._signed(end) if self.compares else self._plain(end) for end in (low, high)]
        self.interval = f"{ends[0]} to {ends[1]}" if low is not None and high is not None else ""
        self.level = percent(rule["level"]) if rule["level"] is not None else ""
        self.margin = self._signed(rule["margin"]) if rule["margin"] else "0"
        self.floor = f"{rule['floor']:g}" if rule["floor"] is not None else ""
        self.ceiling = f"{rule['ceiling']:g}" if rule["ceiling"] is not None else ""

    def _plain(self, value: float | None) -> str:
        return NONE if value is None else number(value, self._decimals)

    def _signed(self, value: float | None) -> str:
        return NONE if value is None else signed(value, self._decimals)
