"""Settings of a whole pipeline for its jobs: the experiment that groups them, and MLflow.

Rules: docs/language/execution.md#experiments and #mlflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..aws_errors import error_code, error_message
from ..definition.expressions import parse_value
from ..definition.step_types import IN_EXPERIMENTS
from .aws.calls import call_with_retries
from .aws.errors import IN_USE
from .aws.threads import in_thread
from .aws_names import aws_name
from .scope import EXPERIMENT_LIMIT, experiment_of, resolve
from .step_run import StepRun

if TYPE_CHECKING:
    from ..json_types import AwsShape

_ENSURED: set[tuple[str, str, str]] = set()  # experiments and trials that exist, as seen by this process


async def shared_by_the_pipeline(run: StepRun, request: AwsShape) -> dict[str, Any]:
    """``ExperimentConfig`` and ``MlflowConfig`` of the request; empty if the pipeline has neither."""
    added: dict[str, Any] = {}
    if run.spec.experiment is not None and run.step_type in IN_EXPERIMENTS:
        config = await _experiment(run)
        if config:
            own = request.get("ExperimentConfig") or {}
            added["ExperimentConfig"] = {**own, **config}
    mlflow = run.spec.mlflow
    if mlflow and not request.get("MlflowConfig"):
        added["MlflowConfig"] = resolve(parse_value(mlflow, "MlflowConfig"), run.scope, "MlflowConfig")
    return added


async def _experiment(run: StepRun) -> dict[str, str]:
    names = await in_thread(run.aws.key, experiment_of, run.scope)
    experiment, trial = names["ExperimentName"], names["TrialName"]
    key = (run.aws.key, experiment, trial)
    if key not in _ENSURED:
        try:
            await _ensure(run, "CreateExperiment", ExperimentName=experiment)
            await _ensure(run, "CreateTrial", TrialName=trial, ExperimentName=experiment)
        except Exception as error:
            # Regions and roles without Experiments are common, and a job also runs without an experiment.
            code = error_code(error)
            if not code:
                raise
            run.log(f"not grouped under the experiment {experiment}: {code}: {error_message(error)}")
            return {}
        _ENSURED.add(key)
    pipeline = run.identity.pipeline
    if experiment != pipeline and aws_name(pipeline, EXPERIMENT_LIMIT) == experiment:
        run.log(f'the experiment of "{pipeline}" is called "{experiment}" in AWS, where that name is not valid')
    return names


async def _ensure(run: StepRun, operation: str, **members: str) -> None:
    try:
        await call_with_retries(run.aws, "sagemaker", operation, **members)
    except Exception as error:
        exists = error_code(error) in IN_USE or "already exist" in error_message(error).lower()
        if not exists:
            raise
