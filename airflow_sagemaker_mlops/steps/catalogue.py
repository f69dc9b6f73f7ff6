"""The step table: every step type this package runs, by its AWS name.  A new type is one entry."""

from __future__ import annotations

from .analytics import ATHENA, EMR, EMR_SERVERLESS
from .bedrock import BEDROCK
from .control import (
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
    CLARIFY_CHECK,
    JOB,
    PROCESSING,
    QUALITY_CHECK,
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
    )
}
