"""One operator a step type, ``<Type>StepOperator``; usable by hand in any DAG.

Names are looked up lazily, so that a DAG file loads the module of an operator and nothing else.
"""

from __future__ import annotations

from typing import Any

from ..definition.step_types import SUPPORTED, operator_name, type_of_operator

_OTHERS = {"PipelineGateOperator": "gate", "PipelineStatusOperator": "status", "StopRunningJobsOperator": "stop_jobs"}
__all__ = [*sorted(map(operator_name, SUPPORTED)), *_OTHERS]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _OTHERS:
        from importlib import import_module

        found = getattr(import_module(f"{__name__}.{_OTHERS[name]}"), name)
    else:
        from .steps import operator_class

        kind = type_of_operator(name)
        if not kind:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = operator_class(kind)
    globals()[name] = found  # the next time Python finds it by itself
    return found
