"""Which operations are ours, which are moto's, and which nobody has."""

from __future__ import annotations

import re

from . import (
    callbacks,
    experiments,
    feature_store,
    hosting,
    jobs,
    lineage,
    lineage_query,
    pipelines,
    registry,
    search,
    tags,
    tuning,
)
from .context import Handler

HANDLERS: dict[str, Handler] = {
    **jobs.HANDLERS,
    **tuning.HANDLERS,
    **registry.HANDLERS,
    **hosting.HANDLERS,
    **lineage.HANDLERS,
    **lineage_query.HANDLERS,
    **experiments.HANDLERS,
    **feature_store.HANDLERS,
    **pipelines.HANDLERS,
    **search.HANDLERS,
    **callbacks.HANDLERS,
    **tags.HANDLERS,
}

# The services beside the control plane that are signed for "sagemaker", too.
RUNTIMES: dict[str, dict[str, Handler]] = {
    "sagemaker-featurestore-runtime": feature_store.RUNTIME,
    "sagemaker-metrics": {"BatchPutMetrics": experiments.put_metrics},
}

# Members of our read operations that their handlers do not look at; a test keeps the table true.
UNREAD: dict[str, tuple[str, ...]] = {
    "DescribePipeline": ("PipelineVersionId", "PipelineVersionAlias"),
    "ListPipelineExecutions": ("PipelineVersionAlias",),
    "ListPipelines": ("ManagedBy",),
    "ListTrainingJobs": ("WarmPoolStatusEquals", "TrainingPlanArnEquals"),
    "Search": ("VisibilityConditions",),
}

# Families that are ours: an operation on one that is missing above must not be answered out of moto's own store, which
# knows nothing of them.
OWNED = re.compile(
    r"(Processing|Training|Transform|HyperParameterTuning|AutoML|Compilation)Job"
    r"|ModelPackage|Endpoint|InferenceComponent|Tags$"
    r"|^(Create|Describe|Delete|List|Update)Models?$"
    r"|Action|Artifact|Context|Association|Lineage|Pipeline|Experiment|Trial|FeatureGroup|FeatureMetadata|^Search"
)


def is_owned(operation: str) -> bool:
    """Whether ``operation`` belongs to a family that is served here."""
    return OWNED.search(operation) is not None
