"""Names of the step types: all that a definition may hold, and those this package runs."""

from __future__ import annotations

# Types that take minutes or hours: they are watched from the triggerer.
WAITING = frozenset(
    {
        "Processing",
        "Training",
        "Tuning",
        "Transform",
        "AutoML",
        "Endpoint",
        "InferenceComponent",
        "Callback",
        "QualityCheck",
        "ClarifyCheck",
        "EMR",
        "EMRServerless",
        "Job",
        "ForEach",
        "BedrockCustomModel",
        "BedrockCustomModelDeployment",
        "BedrockModelImport",
        "BedrockProvisionedModelThroughput",
        "Athena",
    }
)
INSTANT = frozenset({"Model", "RegisterModel", "EndpointConfig", "Lambda", "Condition", "Fail", "Lineage", "Cleanup"})

# A step that is any Airflow operator; only in documents written for Airflow.
AIRFLOW = "x-airflow"

SUPPORTED = WAITING | INSTANT
KNOWN = SUPPORTED | {"HubContent", AIRFLOW}

# What step types are called elsewhere, in the API and the SDK, without regard to case.
MEANT = {
    **{kind.casefold(): kind for kind in KNOWN},
    "createmodel": "Model",
    "createmodelpackage": "RegisterModel",
    "modelpackage": "RegisterModel",
    "hyperparametertuning": "Tuning",
    "batchtransform": "Transform",
    "createendpoint": "Endpoint",
    "createendpointconfig": "EndpointConfig",
    "automljob": "AutoML",
}

# Types whose arguments are the user's own data, where an object may hold a key called "Get".
FREE_ARGUMENTS = frozenset({"Lambda", "Callback", AIRFLOW})

# Types whose jobs are grouped under the pipeline's experiment.
IN_EXPERIMENTS = frozenset({"Processing", "Training", "Transform"})

# What a ForEach body may not hold.
NOT_IN_A_BODY = frozenset({"Condition", "Fail", "ForEach", AIRFLOW})

# Types whose property document has a fixed set of members; all others answer what their Describe call does.
PROPERTIES = {
    "Condition": ("Outcome",),
    "Lambda": ("OutputParameters",),
    "Callback": ("OutputParameters",),
    "QualityCheck": (
        "CalculatedBaselineConstraints",
        "CalculatedBaselineStatistics",
        "BaselineUsedForDriftCheckConstraints",
        "BaselineUsedForDriftCheckStatistics",
    ),
    "ClarifyCheck": ("CalculatedBaselineConstraints", "BaselineUsedForDriftCheckConstraints"),
    "Lineage": ("ActionArns", "ArtifactArns", "ContextArns", "Associations"),
    "Cleanup": (),
    "ForEach": (
        "Status",
        "InputItemCount",
        "TotalStepCount",
        "SucceededStepCount",
        "FailedStepCount",
        "StoppedStepCount",
        "IterationOutputs",
        "Selected",
    ),
    AIRFLOW: ("Output",),
}
