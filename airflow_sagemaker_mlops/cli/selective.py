"""``run --select`` and ``run --resume``: the options, and what is said about the part that runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..records.reuse.selective_run import SelectivePlan, SelectiveRequest
from .terminal import say

NO_RECORDS = "Add --records with the location of the records, and leave out --stand-ins."


def misfit(request: SelectiveRequest) -> str:
    """Why the options do not go together; empty when they do."""
    if request.patterns and request.resume:
        return "--select and --resume exclude each other: --resume selects by itself. Leave one out."
    if request.source_run is not None and not request.patterns:
        return "--source-run says where --select takes results from. Add --select, or use --resume RUN."
    return ""


def announce(selective: SelectivePlan, values: Mapping[str, Any], *, err: bool = False) -> None:
    """Say what runs and what does not, and on standard error what may be unexpected about it."""
    for line in selective.lines():
        say(line, err=err)
    for remark in selective.remarks(values):
        say(remark, err=True)
