"""The step table: every step type this package runs, by its AWS name."""

from __future__ import annotations

from .control import CONDITION, FAIL, LAMBDA
from .jobs import PROCESSING, TRAINING, TRANSFORM
from .model import StepType
from .models import ENDPOINT, ENDPOINT_CONFIG, MODEL, REGISTER_MODEL

STEP_TYPES: dict[str, StepType] = {
    entry.name: entry
    for entry in (
        PROCESSING,
        TRAINING,
        TRANSFORM,
        MODEL,
        REGISTER_MODEL,
        ENDPOINT_CONFIG,
        ENDPOINT,
        LAMBDA,
        CONDITION,
        FAIL,
    )
}
