"""Names what a version of the SageMaker SDK and of botocore has, and this package does not know; exits with 1 for that.

``make tripwire`` reads the installed versions, ``make tripwire SITE=FOLDER`` those in another ``site-packages`` folder.
"""

from __future__ import annotations

import argparse
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from airflow_sagemaker_mlops.definition.checks.references import EXECUTION_VARIABLES
from airflow_sagemaker_mlops.definition.conditions import TYPES
from airflow_sagemaker_mlops.definition.expressions import MARKS
from airflow_sagemaker_mlops.definition.keys import TRIGGERS
from airflow_sagemaker_mlops.definition.parse import COMMON_KEYS
from airflow_sagemaker_mlops.definition.retry_policy import RETRY_CAUSES
from airflow_sagemaker_mlops.definition.step_types import KNOWN, STEP_SYNTAX
from airflow_sagemaker_mlops.definition.values import PARAMETER_TYPES

from .api import Models
from .api import differences as api_differences
from .known import EXPRESSION_CLASSES, STEP_CLASSES
from .sdk import NoSdk, Vocabulary, read_sdk

# Enumerations of the SDK, and what this package calls their values.
ENUMS = {
    "StepTypeEnum": ("step type", frozenset(KNOWN)),
    "ConditionTypeEnum": ("condition type", frozenset(TYPES)),
    "ParameterTypeEnum": ("parameter type", frozenset(PARAMETER_TYPES)),
    "TriggerCondition": ("trigger", frozenset(TRIGGERS)),
    "StepExceptionTypeEnum": ("exception type of retry policies", frozenset(RETRY_CAUSES)),
    "SageMakerJobExceptionTypeEnum": ("exception type of retry policies", frozenset(RETRY_CAUSES)),
}
NEEDED = ("StepTypeEnum", "ConditionTypeEnum", "ParameterTypeEnum")


def sdk_differences(sdk: Vocabulary) -> Iterator[str]:
    """Sentences about everything in the SDK that this package does not know."""
    for name in NEEDED:
        if not sdk.enums.get(name):
            yield f"The SDK has no {name} any more, so its values cannot be compared."
    for name, (noun, known) in ENUMS.items():
        yield from _new(noun, sdk.enums.get(name, set()) - known)
    yield from _new("expression", sdk.marks - MARKS)
    yield from _new("execution variable", sdk.variables - EXECUTION_VARIABLES)
    yield from _new("class of expressions", sdk.below("PipelineVariable") - EXPRESSION_CLASSES)
    yield from _new("class of steps", sdk.below("Step") - STEP_CLASSES)
    settings = {key for row in STEP_SYNTAX.values() for key in row.settings}
    yield from _new("key of steps", sdk.step_keys - COMMON_KEYS - settings)


def _new(noun: str, names: set[str] | frozenset[str]) -> Iterator[str]:
    yield from (f'The SDK has the {noun} "{name}", which this package does not know.' for name in sorted(names))


def main(arguments: list[str] | None = None) -> int:
    """Exits with 1 if something is new, and with 2 if there is nothing to compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, default=Path(sysconfig.get_path("purelib")), help="site-packages folder")
    site = parser.parse_args(arguments).site
    versions = {one.name: one.version for one in distributions(path=[str(site)])}
    for name in ("sagemaker", "botocore"):
        print(f"{name} {versions.get(name, 'of an unknown version')}")
    try:
        found = [*sdk_differences(read_sdk(site)), *api_differences(Models(site))]
    except NoSdk as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(found) if found else "Nothing is new.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
