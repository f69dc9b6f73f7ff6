"""Classes of the SDK whose output this package reads, and which no table of the language names."""

from __future__ import annotations

# Each emits one of the known step types.
STEP_CLASSES = frozenset(
    {
        "AutoMLStep",
        "CallbackStep",
        "ClarifyCheckStep",
        "CleanupStep",
        "CompiledStep",
        "ConditionStep",
        "ConfigurableRetryStep",
        "EMRServerlessStep",
        "EMRStep",
        "EndpointConfigStep",
        "EndpointStep",
        "FailStep",
        "ForEachStep",
        "InferenceComponentStep",
        "JobStep",
        "LambdaStep",
        "LineageStep",
        "ModelStep",
        "NotebookJobStep",
        "ProcessingStep",
        "QualityCheckStep",
        "TrainingStep",
        "TransformStep",
        "TuningStep",
    }
)
# Each emits one of the known expressions.
EXPRESSION_CLASSES = frozenset(
    {
        "CurrentItem",
        "DelayedReturn",
        "ExecutionVariable",
        "IterationOutput",
        "Join",
        "JsonGet",
        "Parameter",
        "ParameterBoolean",
        "ParameterFloat",
        "ParameterInteger",
        "ParameterString",
        "PipelineExperimentConfigProperty",
        "Properties",
        "PropertiesList",
        "PropertiesMap",
        "PropertyFile",
        "StepOutput",
    }
)
