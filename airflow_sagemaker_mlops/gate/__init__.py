"""The champion gate: tests whether a candidate is better than the champion, and with what confidence.

Pure code without Airflow or boto3.  The command line, the Python function :func:`evaluate`, the step type and its job
all use this package; the job gets it as an archive (:mod:`.zipapp`).  So these modules import nothing else of the
package, run on Python 3.9, and import numpy and scipy only to judge data.

Public names are imported lazily, because Airflow reads rules while it parses a DAG file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .judge import evaluate
    from .problems import BadPredictions, InvalidRules, RuleProblem
    from .report import GateReport, RuleResult
    from .rule_reader import parse_rules, rule_problems
    from .rules import Rule
    from .zipapp import archive

__all__ = [
    "BadPredictions",
    "GateReport",
    "InvalidRules",
    "Rule",
    "RuleProblem",
    "RuleResult",
    "archive",
    "evaluate",
    "parse_rules",
    "rule_problems",
]

_HOMES = {
    "archive": "zipapp",
    "evaluate": "judge",
    "BadPredictions": "problems",
    "InvalidRules": "problems",
    "RuleProblem": "problems",
    "GateReport": "report",
    "RuleResult": "report",
    "Rule": "rules",
    "parse_rules": "rule_reader",
    "rule_problems": "rule_reader",
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
