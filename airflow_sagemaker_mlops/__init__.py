"""Amazon SageMaker Pipelines as native Apache Airflow DAGs.

Public names are imported lazily, so a DAG file pays only for what it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assets import model_asset
    from .definition import load_pipeline
    from .definition.problems import InvalidPipeline, PipelineError, UnsupportedPipeline
    from .factory.approved_models import approved_models_dag
    from .factory.champion_rollback import champion_rollback_dag
    from .factory.dag import SageMakerPipelineDag
    from .factory.task_group import SageMakerPipelineTaskGroup
    from .failures import failure_of
    from .records.model.errors import RecordError
    from .runs.errors import RunError, RunFailed
    from .runs.observer import RunObserver
    from .runs.reproduce import Reproduction, reproduce
    from .runs.result import RunResult
    from .runs.run_pipeline import rehearse, run_pipeline
    from .triggers.status import StatusTrigger
    from .triggers.step import StepTrigger
    from .version import __version__ as __version__

__all__ = [
    "InvalidPipeline",
    "PipelineError",
    "RecordError",
    "Reproduction",
    "RunError",
    "RunFailed",
    "RunObserver",
    "RunResult",
    "SageMakerPipelineDag",
    "SageMakerPipelineTaskGroup",
    "StatusTrigger",
    "StepTrigger",
    "UnsupportedPipeline",
    "approved_models_dag",
    "champion_rollback_dag",
    "failure_of",
    "load_pipeline",
    "model_asset",
    "rehearse",
    "reproduce",
    "run_pipeline",
]

_HOMES = {
    "__version__": "version",
    "SageMakerPipelineDag": "factory.dag",
    "SageMakerPipelineTaskGroup": "factory.task_group",
    "StepTrigger": "triggers.step",  # every serialized step has this import path, so it should be short
    "StatusTrigger": "triggers.status",
    "approved_models_dag": "factory.approved_models",
    "champion_rollback_dag": "factory.champion_rollback",
    "failure_of": "failures",
    "load_pipeline": "definition",
    "model_asset": "assets",
    "run_pipeline": "runs.run_pipeline",
    "rehearse": "runs.run_pipeline",
    "reproduce": "runs.reproduce",
    "RunResult": "runs.result",
    "RunObserver": "runs.observer",
    "Reproduction": "runs.reproduce",
    "RunError": "runs.errors",
    "RunFailed": "runs.errors",
    "RecordError": "records.model.errors",
    "InvalidPipeline": "definition.problems",
    "PipelineError": "definition.problems",
    "UnsupportedPipeline": "definition.problems",
}


def __getattr__(name: str) -> Any:
    if name.endswith("StepOperator"):
        from . import operators

        return getattr(operators, name)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
