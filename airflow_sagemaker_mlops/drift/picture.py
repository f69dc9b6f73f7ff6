"""The report as a text picture: two bars for each bin of the columns that changed most.

```text
  hour: share of the baseline (-) and of today (=)
   8 |---------------------- 8.4%
     |======================================== 15.5%
```
"""

from __future__ import annotations

from .report import STABLE, DriftReport

BAR = 40  # length of the longest bar
LONGEST_LABEL = 24
MAX_PICTURES = 3


def picture(report: DriftReport) -> list[str]:
    """The lines; empty if no column exceeded its limit."""
    drawn = [finding for finding in report.findings if finding.verdict != STABLE and finding.labels]
    lines: list[str] = []
    for finding in sorted(drawn, key=lambda one: -(one.value or 0))[:MAX_PICTURES]:
        most = max(*finding.baseline, *finding.current)
        width = min(max(map(len, finding.labels)), LONGEST_LABEL)
        lines += ["", f"  {finding.column}: share of the baseline (-) and of today (=)"]
        for label, before, now in zip(finding.labels, finding.baseline, finding.current):  # noqa: B905 - Python 3.9
            lines.append(f"  {label[:width].rjust(width)} |{'-' * round(before / most * BAR)} {before:.1%}")
            lines.append(f"  {' ' * width} |{'=' * round(now / most * BAR)} {now:.1%}")
    return lines
