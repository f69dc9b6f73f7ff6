"""``run --select`` and ``run --resume``: the options, and what is said about the part that runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..plan.model import Plan
from ..record.partial import Choice, Part
from .records_text import safe

NO_RECORDS = "Add --records with the location of the records, and leave out --stand-ins."


def misfit(choice: Choice) -> str:
    """Why the options do not go together; empty when they do."""
    if choice.patterns and choice.resume:
        return "--select and --resume exclude each other: --resume selects by itself. Leave one out."
    if choice.source_run is not None and not choice.patterns:
        return "--source-run says where --select takes results from. Add --select, or use --resume RUN."
    return ""


def announce(part: Part, plan: Plan, values: Mapping[str, Any], *, to: Any = None) -> None:
    """Say what runs and what does not, on ``to``, and on standard error what may be unexpected about it."""
    for line in part.lines():
        print(safe(line), file=to or sys.stdout)
    for remark in part.remarks(plan, values):
        print(safe(remark), file=sys.stderr)
