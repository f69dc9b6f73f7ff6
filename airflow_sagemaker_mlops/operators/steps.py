"""The step operators, one a step type.  What a type does is in ``steps`` and ``execution``; here it gets its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import DownstreamTasksSkipped

from .base import StepOperator


class ProcessingStepOperator(StepOperator):
    """A processing job; arguments as for CreateProcessingJob without the name."""

    step_type = "Processing"


class TrainingStepOperator(StepOperator):
    """A training job; arguments as for CreateTrainingJob without the name."""

    step_type = "Training"


class TransformStepOperator(StepOperator):
    """A batch transform job; arguments as for CreateTransformJob without the name."""

    step_type = "Transform"


class ModelStepOperator(StepOperator):
    """A model; arguments as for CreateModel without the name."""

    step_type = "Model"


class RegisterModelStepOperator(StepOperator):
    """A version in a model package group, made when missing; arguments as for CreateModelPackage."""

    step_type = "RegisterModel"


class EndpointConfigStepOperator(StepOperator):
    """An endpoint configuration; arguments as for CreateEndpointConfig."""

    step_type = "EndpointConfig"


class EndpointStepOperator(StepOperator):
    """An endpoint, created or updated, until it serves; arguments as for CreateEndpoint."""

    step_type = "Endpoint"


class LambdaStepOperator(StepOperator):
    """A Lambda function, invoked synchronously.

    By hand, ``FunctionArn`` and ``OutputParameters`` stand beside the event's members in ``arguments``.
    """

    step_type = "Lambda"


class FailStepOperator(StepOperator):
    """Ends the run as failed with ``ErrorMessage``; never retried."""

    step_type = "Fail"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.retry_failed_steps = False
        self.retries = 0


class ConditionStepOperator(StepOperator):
    """Compares and lets one of two branches run.

    :param branches: {"If": [task ids], "Else": [task ids]} of the direct steps of the branches; given by the factory,
        or by hand.  Tasks downstream that are in neither list run whatever the outcome.
    """

    step_type = "Condition"
    inherits_from_skipmixin = True  # so that a cleared task of the branch not taken stays skipped

    def __init__(self, *, branches: Mapping[str, list[str]] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.branches = branches if branches is not None else dict(self.step.spec.get("Branches") or {})

    def execute(self, context: Context) -> Any:
        """Push the decision, then skip the branch not taken."""
        result = super().execute(context)
        taken = bool(result["Properties"]["Outcome"])
        skipped = list(self.branches.get("Else" if taken else "If") or [])
        if not skipped:
            return result
        ti: Any = context["ti"]
        # Raising ends the task before its return value is pushed; later steps may reference the outcome.
        ti.xcom_push(key="return_value", value=result)
        ti.xcom_push(key="skipmixin_key", value={"skipped": skipped})
        raise DownstreamTasksSkipped(tasks=skipped)
