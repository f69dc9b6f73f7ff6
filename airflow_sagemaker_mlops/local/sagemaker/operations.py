"""Which operations are ours, which are moto's, and which nobody has."""

from __future__ import annotations

import re

from . import callbacks, hosting, jobs, lineage, lineage_query, registry, tags, trial_components, tuning
from .context import Handler

HANDLERS: dict[str, Handler] = {
    **jobs.HANDLERS,
    **tuning.HANDLERS,
    **registry.HANDLERS,
    **hosting.HANDLERS,
    **lineage.HANDLERS,
    **lineage_query.HANDLERS,
    **trial_components.HANDLERS,
    **callbacks.HANDLERS,
    **tags.HANDLERS,
}

# Families that are ours: an operation on one that is missing above must not be answered out of moto's own store, which
# knows nothing of them.
OWNED = re.compile(
    r"(Processing|Training|Transform|HyperParameterTuning|AutoML|Compilation)Job"
    r"|ModelPackage|Endpoint|InferenceComponent|Tags$"
    r"|^(Create|Describe|Delete|List|Update)Models?$"
    r"|Action|Artifact|Context|Association|Lineage|PipelineExecution"
)


def is_owned(operation: str) -> bool:
    """Whether ``operation`` belongs to a family that is served here."""
    return OWNED.search(operation) is not None
