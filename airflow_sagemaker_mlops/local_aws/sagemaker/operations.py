"""Decides which operations our own code answers, which moto answers, and which are unavailable."""

from __future__ import annotations

import re

from . import (
    callbacks,
    endpoints,
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
    **endpoints.HANDLERS,
    **lineage.HANDLERS,
    **lineage_query.HANDLERS,
    **experiments.HANDLERS,
    **feature_store.HANDLERS,
    **pipelines.HANDLERS,
    **search.HANDLERS,
    **callbacks.HANDLERS,
    **tags.HANDLERS,
}

# The services beside the control plane whose requests are signed for "sagemaker", too.
RUNTIME_HANDLERS: dict[str, dict[str, Handler]] = {
    "sagemaker-featurestore-runtime": feature_store.RUNTIME,
    "sagemaker-metrics": {"BatchPutMetrics": experiments.put_metrics},
}

# Members of our read operations that their handlers ignore; a test keeps the table true.
IGNORED: dict[str, tuple[str, ...]] = {
    "DescribePipeline": ("PipelineVersionId", "PipelineVersionAlias"),
    "ListPipelineExecutions": ("PipelineVersionAlias",),
    "ListPipelines": ("ManagedBy",),
    "ListTrainingJobs": ("WarmPoolStatusEquals", "TrainingPlanArnEquals"),
    "Search": ("VisibilityConditions",),
}

# Families that our store holds.  moto must not answer an operation on them that is missing above, because its own store
# does not know them.
OWNED = re.compile(
    r"(Processing|Training|Transform|HyperParameterTuning|AutoML|Compilation)Job"
    r"|ModelPackage|Endpoint|InferenceComponent|Tags$"
    r"|^(Create|Describe|Delete|List|Update)Models?$"
    r"|Action|Artifact|Context|Association|Lineage|Pipeline|Experiment|Trial|FeatureGroup|FeatureMetadata|^Search"
)


def is_owned(operation: str) -> bool:
    """Whether ``operation`` belongs to a family that our own code serves."""
    return OWNED.search(operation) is not None
