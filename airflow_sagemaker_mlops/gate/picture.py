"""The report as a text picture: one line per rule, better to the right.

```text
                                        worse          |          better
  auc                +0.0432                           |     [==(===*======]        better
  auc origin=EWR     -0.0012                     : [===*====]                       not worse
```

``*`` is the difference and ``[ ]`` its interval, ``(`` the one-sided bound that decided or would have to pass the
margin, ``:`` the margin, and ``|`` no difference.  Rules on the same metric share a scale.
"""

from __future__ import annotations

from collections.abc import Sequence

from .numbers_text import decimals_for, signed
from .report import SKIPPED, GateReport, RuleResult
from .rules import MINIMIZE

WIDTH = 49  # of the scale; odd, so that 0 has its own column
LEGEND = "* difference  [ ] interval  ( ) bound that decides  : margin  | no difference; better is to the right"
LONGEST_NAME = 32


def picture(report: GateReport) -> list[str]:
    """The lines; empty if no rule compares with a champion by an interval."""
    drawn = [result for result in report.rules if result.interval is not None and result.difference is not None]
    if not drawn:
        return []
    names = [_name(result) for result in drawn]
    amounts = [_amount(result) for result in drawn]
    widths = max(map(len, names)), max(map(len, amounts))
    reach = {result.metric: 0.0 for result in drawn}
    for result in drawn:
        reach[result.metric] = max(reach[result.metric], *(abs(value) for value in _gains(result)))
    half = WIDTH // 2
    head = " " * (widths[0] + widths[1] + 6) + "worse".ljust(half) + "|" + "better".rjust(half)
    lines = [head]
    for result, name, amount in zip(drawn, names, amounts):
        bar = bar_of(result, reach[result.metric])
        lines.append(f"  {name.ljust(widths[0])}  {amount.rjust(widths[1])}  {bar}  {_word(result)}")
    return [*lines, f"  {LEGEND}"]


def bar_of(result: RuleResult, reach: float) -> str:
    """The scale from -reach to +reach, in gains."""
    cells = [" "] * WIDTH
    low, high, gain, bound, margin = _gains(result)
    places = [_place(value, reach) for value in (low, high, gain, bound, margin)]
    for place in range(places[0], places[1] + 1):
        cells[place] = "="
    cells[WIDTH // 2] = "|"
    if margin:
        cells[places[4]] = ":"
    cells[places[0]], cells[places[1]] = "[", "]"
    if places[3] not in places[:3]:
        cells[places[3]] = "(" if bound <= gain else ")"
    cells[places[2]] = "*"
    return "".join(cells)


def _gains(result: RuleResult) -> tuple[float, float, float, float, float]:
    """Both ends of the interval, difference, bound and margin, with better to the right."""
    sign = -1.0 if result.goal == MINIMIZE else 1.0
    ends = sorted(sign * end for end in result.interval or (0.0, 0.0))
    others = (sign * (value or 0.0) for value in (result.difference, result.bound, result.margin))
    difference, bound, margin = others
    return ends[0], ends[1], difference, bound, margin


def _place(value: float, reach: float) -> int:
    half = WIDTH // 2
    return half if not reach else min(max(half + round(value / reach * (half - 1)), 0), WIDTH - 1)


def _name(result: RuleResult) -> str:
    name = f"{result.metric} {result.slice}" if result.slice else result.metric
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _amount(result: RuleResult) -> str:
    low, high = result.interval or (0.0, 0.0)
    values = tuple(value for value in (result.candidate, result.champion) if value is not None)
    return signed(result.difference or 0.0, decimals_for(high - low, values))


def _word(result: RuleResult) -> str:
    return result.finding + (" (dry run)" if result.dry_run else "")


def words(results: Sequence[RuleResult]) -> list[str]:
    """One line per rule with its result, because the verdict's sentence may leave some out."""
    return [
        f"{result.rule} {result.sentence}" + (" (dry run: no effect)" if result.dry_run else "")
        for result in results
        if result.verdict != SKIPPED or result.sentence
    ]
