"""Parameter values on the command line: ``-p Name=value``, and those of the run that another one follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..definition.problems import did_you_mean
from ..definition.values import parse_parameter
from ..plan.model import Plan
from ..records.reuse.selective_run import merge_parameters


def parse_values(plan: Plan, given: Sequence[str], *, may_miss: bool = False) -> dict[str, Any]:
    """``Name=value`` words as typed values; ``may_miss``: what has no default may come from elsewhere.

    Raises ``ValueError`` with a sentence.
    """
    declared = {parameter.name: parameter for parameter in plan.parameters}
    values: dict[str, Any] = {}
    for word in given:
        name, separator, text = word.partition("=")
        if not separator:
            raise ValueError(f'"{word}" is not Name=value.')
        if name not in declared:
            raise ValueError(f'there is no parameter "{name}". {did_you_mean(name, declared)}'.strip())
        values[name] = parse_parameter(text, declared[name].type, declared[name].enum, name)
    if not may_miss:
        _check(plan, values)
    return values


def values_after(plan: Plan, given: Mapping[str, Any], inherited: Mapping[str, Any]) -> dict[str, Any]:
    """Every value of a run that follows another one: ``given`` ones before the ``inherited`` ones of that run.

    Raises ``ValueError`` with a sentence for a secret, which no record has, and for what has neither value nor default.
    """
    values = merge_parameters(plan, given, inherited)
    _check(plan, values)
    return values


def _check(plan: Plan, values: Mapping[str, Any]) -> None:
    missing = [p.name for p in plan.parameters if p.required and p.name not in values]
    if missing:
        words = " ".join(f"-p {name}=..." for name in missing)
        raise ValueError(f"these parameters have no default: {', '.join(missing)}. Add {words}.")
