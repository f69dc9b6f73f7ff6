"""The step table: every step type this package runs, by its AWS name.  A new type is one entry in a family's tuple."""

from __future__ import annotations

from collections.abc import Mapping

from ..definition.step_types import STEP_SYNTAX, StepSyntax
from .analytics import EMR_STEPS, QUERIES
from .bedrock import BEDROCK
from .champions import CHAMPIONS
from .checks import CHECKS
from .control import AIRFLOW_OPERATOR, CALLS_AND_BRANCHES, NOTES_AND_LOOPS
from .jobs import JOBS, JOBS_OF_ANY_CATEGORY
from .model import StepType
from .models import MODELS
from .serving import SERVING
from .verdicts import VERDICTS

# In the order of the docs and of the schema for editors.
STEP_TYPES: dict[str, StepType] = {
    entry.name: entry
    for entry in (
        *JOBS,
        *MODELS,
        *CALLS_AND_BRANCHES,
        *CHECKS,
        *EMR_STEPS,
        *JOBS_OF_ANY_CATEGORY,
        *NOTES_AND_LOOPS,
        *BEDROCK,
        *QUERIES,
        *VERDICTS,
        *CHAMPIONS,
        *SERVING,
    )
}
# Types of the language that this package refuses.
REFUSED: Mapping[str, StepSyntax] = {"HubContent": StepSyntax(supported=False, since="3.30")}


def entry_of(step_type: str) -> StepType | None:
    """The entry of ``step_type``, x-airflow included; ``None`` for a type that this package does not know."""
    return AIRFLOW_OPERATOR if step_type == AIRFLOW_OPERATOR.name else STEP_TYPES.get(step_type)


def register(entry: StepType) -> None:
    """Add a step type.  Raises ``ValueError`` for a name that is already registered.

    Every process that reads definitions has to call this first: the DAG processor, the workers and the triggerer.
    """
    if entry.name in STEP_SYNTAX:
        raise ValueError(f'The step type "{entry.name}" is already registered.')
    STEP_SYNTAX[entry.name] = entry.syntax
    STEP_TYPES[entry.name] = entry
