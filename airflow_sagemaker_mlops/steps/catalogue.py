"""The step table: every step type this package runs, by its AWS name.  A new type is one entry."""

from __future__ import annotations

from ..definition.step_types import STEP_SYNTAX, StepSyntax
from .analytics import ATHENA, EMR, EMR_SERVERLESS
from .bedrock import BEDROCK
from .champions import APPROVAL, CHAMPION, PROMOTE_CHAMPION
from .checks import CLARIFY_CHECK, QUALITY_CHECK
from .control import (
    AIRFLOW_OPERATOR,
    CALLBACK,
    CLEANUP,
    CONDITION,
    FAIL,
    FOR_EACH,
    LAMBDA,
    LINEAGE,
)
from .jobs import (
    AUTO_ML,
    JOB,
    PROCESSING,
    TRAINING,
    TRANSFORM,
    TUNING,
)
from .model import StepType
from .models import (
    ENDPOINT,
    ENDPOINT_CONFIG,
    INFERENCE_COMPONENT,
    MODEL,
    REGISTER_MODEL,
)
from .serving import SERVING_CHECK, SMOKE_TEST
from .verdicts import CHAMPION_GATE_STEP, DRIFT_CHECK_STEP

STEP_TYPES: dict[str, StepType] = {
    entry.name: entry
    for entry in (
        PROCESSING,
        TRAINING,
        TUNING,
        TRANSFORM,
        AUTO_ML,
        MODEL,
        REGISTER_MODEL,
        ENDPOINT_CONFIG,
        ENDPOINT,
        INFERENCE_COMPONENT,
        LAMBDA,
        CALLBACK,
        CONDITION,
        FAIL,
        QUALITY_CHECK,
        CLARIFY_CHECK,
        EMR,
        EMR_SERVERLESS,
        JOB,
        LINEAGE,
        CLEANUP,
        FOR_EACH,
        *BEDROCK,
        ATHENA,
        CHAMPION_GATE_STEP,
        DRIFT_CHECK_STEP,
        CHAMPION,
        PROMOTE_CHAMPION,
        APPROVAL,
        SERVING_CHECK,
        SMOKE_TEST,
    )
}


def entry_of(step_type: str) -> StepType | None:
    """The entry of ``step_type``, x-airflow included; ``None`` for a type that this package does not know."""
    return AIRFLOW_OPERATOR if step_type == AIRFLOW_OPERATOR.name else STEP_TYPES.get(step_type)


def register(entry: StepType, syntax: StepSyntax) -> None:
    """Add a step type.  Raises ``ValueError`` for a name that is already registered.

    Every process that reads definitions has to call this first: the DAG processor, the workers and the triggerer.
    If the type needs its own runner, register that with ``execution.runners.register``.
    """
    if entry.name in STEP_SYNTAX:
        raise ValueError(f'The step type "{entry.name}" is already registered.')
    STEP_SYNTAX[entry.name] = syntax
    STEP_TYPES[entry.name] = entry
