"""Names of steps and parameters: their letters and lengths (language reference 1 and 2)."""

from __future__ import annotations

import re
from typing import Any, Literal

from .places import Place
from .report import Reporter

_LETTERS = re.compile(r"[A-Za-z0-9\-_]+")
# A step's name is a task's key, of which Airflow takes 250 letters; the key of its gate has 5 more.
LONGEST = {"step": 245, "parameter": 256}
LONGEST_AT_AWS = 64  # of a step; the longest name of a parameter is told in two ways there


def read_name(out: Reporter, name: Any, place: Place, what: Literal["step", "parameter"]) -> bool:
    """Whether ``name`` can be the name of a step or parameter, which ``place`` is; reports what is wrong with it."""
    if name is None:
        out.report("SM121", place, f'this {what} has no "Name".', 'Add "Name".')
        return False
    here, most = (place, "Name"), LONGEST[what]
    fix = f"Use 1 to {most} letters, digits, dashes and underscores."
    if not isinstance(name, str):
        out.wanted(name, str, here, f"the name of a {what}")
        return False
    shown = f'"{name}"' if len(name) <= 60 else f'"{name[:40]}..."'
    if len(name) > most:
        out.report("SM123", here, f"{shown} is too long for the name of a {what}: {len(name)} characters.", fix)
        return False
    if not _LETTERS.fullmatch(name):
        out.report("SM123", here, f"{shown} cannot be the name of a {what}.", fix)
        return False
    if what == "step" and len(name) > LONGEST_AT_AWS:
        long = f"{shown} has {len(name)} characters; SageMaker Pipelines takes {LONGEST_AT_AWS}."
        out.report("SM123", here, long, "Shorten it if the definition is to run there too.", warn=True)
    return True
