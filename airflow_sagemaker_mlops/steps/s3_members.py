"""Members of SageMaker's requests with S3 locations and container images; spelled as in the API reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..definition.model import Step
from ..definition.read.strict_json import NotJson, read_json

S3_SOURCES = frozenset({"S3Input", "S3DataSource"})  # objects whose S3Uri is read
MODEL_KEYS = frozenset({"ModelDataUrl", "S3ModelArtifacts"})
CODE_KEYS = frozenset({"sagemaker_submit_directory", "SAGEMAKER_SUBMIT_DIRECTORY"})  # the SDK's own variables
IMAGE_KEYS = frozenset({"ImageUri", "TrainingImage", "Image"})


def unquoted(text: str) -> str:
    """The value of a hyperparameter, which the SDK writes as JSON text."""
    try:
        value = read_json(text)
    except NotJson:
        return text
    return value if isinstance(value, str) else text


def file_in_output(uri: str, path: str) -> str:
    """The URI of a property file; joins with exactly one slash, like the SDK's ``s3_path_join``."""
    return f"{uri.rstrip('/')}/{path.lstrip('/')}"


def processing_outputs(step: Step) -> dict[str, Any]:
    """{name of an output: its URI} of a processing job, as in the definition."""
    config = step.arguments.get("ProcessingOutputConfig")
    rows = config.get("Outputs") if isinstance(config, Mapping) else None
    found: dict[str, Any] = {}
    for row in rows if isinstance(rows, list) else []:
        target = row.get("S3Output") if isinstance(row, Mapping) else None
        if isinstance(target, Mapping):
            found[str(row.get("OutputName"))] = target.get("S3Uri")
    return found
