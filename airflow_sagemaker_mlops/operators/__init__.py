"""One operator a step type; usable by hand in any DAG.

Names are looked up lazily, so that a DAG file loads the module of an operator and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .steps import (
        ConditionStepOperator,
        EndpointConfigStepOperator,
        EndpointStepOperator,
        FailStepOperator,
        LambdaStepOperator,
        ModelStepOperator,
        ProcessingStepOperator,
        RegisterModelStepOperator,
        TrainingStepOperator,
        TransformStepOperator,
    )
    from .verdict import PipelineVerdictOperator

__all__ = [
    "ConditionStepOperator",
    "EndpointConfigStepOperator",
    "EndpointStepOperator",
    "FailStepOperator",
    "LambdaStepOperator",
    "ModelStepOperator",
    "PipelineVerdictOperator",
    "ProcessingStepOperator",
    "RegisterModelStepOperator",
    "TrainingStepOperator",
    "TransformStepOperator",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "PipelineVerdictOperator":
        from . import verdict

        return getattr(verdict, name)
    from . import steps

    return getattr(steps, name)
