"""Names of the step types: all that a definition may hold, and those this package runs."""

from __future__ import annotations

SUPPORTED = frozenset(
    {
        "Processing",
        "Training",
        "Transform",
        "Model",
        "RegisterModel",
        "EndpointConfig",
        "Endpoint",
        "Lambda",
        "Condition",
        "Fail",
    }
)

# Types that take minutes or hours: they are watched from the triggerer.
WAITING = frozenset({"Processing", "Training", "Transform", "Endpoint"})

# Types whose arguments are the user's own data, where an object may hold a key called "Get".
FREE_ARGUMENTS = frozenset({"Lambda", "Callback"})

KNOWN = SUPPORTED | {
    "Tuning",
    "AutoML",
    "InferenceComponent",
    "Callback",
    "QualityCheck",
    "ClarifyCheck",
    "EMR",
    "EMRServerless",
    "Job",
    "Lineage",
    "Cleanup",
    "ForEach",
    "BedrockCustomModel",
    "BedrockCustomModelDeployment",
    "BedrockModelImport",
    "BedrockProvisionedModelThroughput",
    "Athena",
    "HubContent",
}
