"""The outputs that a step's request names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .model import Step
from .step_types import syntax_of


def output_names(step: Step) -> list[tuple[str, Any]]:
    """Place and value of every ``OutputName`` of a Processing step; a value may be anything."""
    config = step.arguments.get("ProcessingOutputConfig") if syntax_of(step.type).property_files else None
    outputs = config.get("Outputs") if isinstance(config, Mapping) else None
    rows = outputs if isinstance(outputs, list) else []
    base = f"{step.where}.Arguments.ProcessingOutputConfig.Outputs"
    return [
        (f"{base}[{index}].OutputName", row.get("OutputName"))
        for index, row in enumerate(rows)
        if isinstance(row, Mapping)
    ]
