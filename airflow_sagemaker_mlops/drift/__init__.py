"""Drift: tests whether today's data still looks like the champion's training data.

Pure code without Airflow or boto3, like ``gate``.  The command line, the Python function, the step type and its job use
it.  The modules run on Python 3.9 and need numpy and scipy, and pandas to read files.

Public names are imported lazily, because Airflow reads rules while it parses a DAG file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .judge import judge
    from .profile import Profile, profile_of
    from .report import DriftReport, Finding
    from .rules import DriftRule, parse_rules, rule_problems
    from .settings import Columns
    from .table import Table, read_table

__all__ = [
    "Columns",
    "DriftReport",
    "DriftRule",
    "Finding",
    "Profile",
    "Table",
    "judge",
    "parse_rules",
    "profile_of",
    "read_table",
    "rule_problems",
]

_HOMES = {
    "Columns": "settings",
    "DriftReport": "report",
    "DriftRule": "rules",
    "Finding": "report",
    "Profile": "profile",
    "Table": "table",
    "judge": "judge",
    "parse_rules": "rules",
    "profile_of": "profile",
    "read_table": "table",
    "rule_problems": "rules",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
