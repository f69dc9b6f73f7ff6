"""The champion gate: is a candidate better than the champion, and how sure is that?

Pure code, without Airflow and boto3.  The command line, the Python function :func:`evaluate`, the step type and the
script of its job all use this room; the job takes it along as an archive (:mod:`.zipapp`).  So the modules here
import nothing of the rest of the package, run on Python 3.9, and need numpy and scipy only where data is judged.

Public names are looked up lazily: rules are read while Airflow parses a DAG file.
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
