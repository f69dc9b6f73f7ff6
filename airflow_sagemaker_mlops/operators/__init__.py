"""One operator per step type, ``<Type>StepOperator``; also usable without a definition in any DAG.

Names are imported lazily, so a DAG file loads only the modules of the operators that it uses.
"""

from __future__ import annotations

from typing import Any

from ..definition.step_types import SUPPORTED, operator_name, type_of_operator

_OTHERS = {
    "ApprovedModelsOperator": "model_registry",
    "ChampionGateOperator": "verdict_steps",
    "ChampionRollbackOperator": "model_registry",
    "DriftCheckOperator": "verdict_steps",
    "RunConditionOperator": "pipeline_tasks",
    "PipelineStatusOperator": "status",
    "StopRunningJobsOperator": "stop_jobs",
}
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
    globals()[name] = found  # next time Python finds it without this function
    return found
