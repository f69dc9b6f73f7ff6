"""What editors show about the keys that every step or document has, and about those inside the keys of a step type.

``words`` of a type's entry describes its own keys.  The names of the keys come from the tables of the language.

A key without a line here, and a line without a key in the tables, stop the generation of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping

DOCUMENT = {
    "Version": 'Version of the definition language: "2020-12-01".',
    "Metadata": "Any object; it has no effect.",
    "Parameters": "Values that a run can be given. Read one with !Get Parameters.NAME.",
    "PipelineExperimentConfig": "Experiment and trial of the jobs of a run.",
    "MlflowConfig": "MLflow tracking server and experiment of the training jobs.",
    "Steps": "The steps. Their order follows from references and DependsOn, not from the list.",
    "x-airflow": "What only Airflow uses; SageMaker Pipelines does not get it.",
}
BLOCKS: Mapping[str, Mapping[str, str]] = {
    "PipelineExperimentConfig": {
        "ExperimentName": "Name of the experiment.",
        "TrialName": "Name of the trial.",
    },
    "MlflowConfig": {
        "MlflowResourceArn": "ARN of the tracking server or MLflow app.",
        "MlflowExperimentName": "Name of the MLflow experiment.",
    },
}
AIRFLOW_BLOCK = {"Description": "Description of the DAG."}
PARAMETER = {
    "Name": "Letters, digits, dashes and underscores; unique in the definition.",
    "Type": "String if absent.",
    "DefaultValue": "A literal of the type. Without one, every run has to give a value.",
    "EnumValues": "The allowed values.",
    "Description": "Help in Airflow's trigger form.",
}
STEP = {
    "Name": "Unique in the definition. It is the id of the task.",
    "Type": "What the step does.",
    "Arguments": "The request of the step; for most types, of an AWS API.",
    "DependsOn": "Steps to wait for, in addition to those that the step refers to.",
    "DisplayName": "Name of the task in Airflow's interface.",
    "Description": "Documentation of the task.",
    "RetryPolicies": "Errors after which the step is tried again.",
    "CacheConfig": "Whether the step may take the result of an earlier run with the same arguments.",
    "PropertyFiles": "JSON files in the step's outputs, for Std:JsonGet.",
    "OutputParameters": "Values that the Lambda function or the answer to the Callback has.",
    "x-airflow": "What only Airflow uses.",
}
DEPENDENCY = {
    "Step": "Name of the step.",
    "Trigger": "The end of the step to wait for; Completed if absent.",
}
PROPERTY_FILE = {
    "PropertyFileName": "Name in references: Steps.STEP.PropertyFiles.NAME.",
    "OutputName": "Name of the processing output with the file.",
    "FilePath": "Path of the file, relative to the output.",
}
OUTPUT = {"OutputName": "Name of the value.", "OutputType": "String if absent."}
CACHE = {
    "Enabled": "Whether results are reused.",
    "ExpireAfter": "Age of the oldest result that is reused, as an ISO 8601 duration such as P30D or T12H.",
}
RETRY_POLICY = {
    "ExceptionType": "The error, or a list of errors.",
    "IntervalSeconds": "Seconds before the first retry.",
    "BackoffRate": "Factor by which the interval grows.",
    "MaxAttempts": "Number of attempts. Not together with ExpireAfterMin.",
    "ExpireAfterMin": "Minutes after which retries end. Not together with MaxAttempts.",
}
EXPECT = {
    "Minimum": "Least number in an answer.",
    "Maximum": "Greatest number in an answer.",
    "Keys": "Members that every answer has.",
}
CHAMPION = {
    "ModelPackageGroup": "Name or ARN of the model package group.",
    "GroupMayBeMissing": "Whether a missing group counts as having no champion.",
}
SOURCE = {"Step": "Name of a Processing step.", "Output": "Name of one of its outputs."}
JOB = {
    "ImageUri": "Image of the job.",
    "RoleArn": "Execution role of the job.",
    "InstanceType": "Instance type of the job.",
    "VolumeSizeInGB": "Size of the job's volume.",
    "VolumeKmsKeyId": "KMS key of the job's volume.",
    "OutputKmsKeyId": "KMS key of the report.",
    "MaxRuntimeInSeconds": "Time after which the job is stopped.",
    "NetworkConfig": "Network of the job.",
    "Tags": "Tags of the job.",
    "Environment": "Environment variables of the job.",
    "S3Uri": "S3 folder for the program, the rules and the reports.",
}
GATE_RULE = {
    "Metric": "A known metric, a function (module:function), or the name of a value that is measured elsewhere.",
    "Goal": "Whether the metric should be great or small; implied for known metrics.",
    "Must": "improve: better beyond chance. not_worsen: not worse by more than By.",
    "By": "Margin: a number, or a percentage of the champion's value.",
    "Confidence": "Level of the decision; 0.95 if absent.",
    "Slice": "Column; the rule is applied to each of its values.",
    "Values": "Values of Slice that must occur.",
    "MinRecords": "Least number of records for a decision.",
    "Floor": "Lower limit of the candidate's value.",
    "Ceiling": "Upper limit of the candidate's value.",
    "AlarmAbove": "Value of the candidate that is too good to be true.",
    "AlarmBelow": "Value of the candidate that is too good to be true, if small is better.",
    "Unit": "Column of groups that are resampled as a whole, such as customer.",
    "Compare": "rows: both models on the same records.",
    "Threshold": "Score from which a record counts as positive; 0.5 if absent.",
    "Cost": "Costs of mistakes, for the metric cost.",
    "DryRun": "Whether the rule is reported without effect on the verdict.",
}
DRIFT_RULE = {
    "Check": "What is compared.",
    "Max": "Largest value that is not drift.",
    "MaxIncrease": "Largest increase that is not drift.",
    "MaxChange": "Largest change that is not drift.",
    "Min": "Least number of records.",
    "Columns": "Columns that the rule applies to; all if absent.",
    "Ignore": "Columns that the rule leaves out.",
    "DryRun": "Whether the rule is reported without effect on the verdict.",
}
COLUMNS = {
    "Label": "Column of the label.",
    "Numeric": "Columns that must be numeric.",
    "Categorical": "Columns that are categories although they look like numbers.",
    "Ignore": "Columns that are left out.",
    "Missing": "Texts that mean a missing value, in addition to the usual ones.",
    "Header": "Whether the first line of a CSV file has the names.",
}
CONDITION = {
    "Type": "How the values are compared.",
    "LeftValue": "A scalar or an expression.",
    "RightValue": "A scalar or an expression.",
    "QueryValue": "The value that is looked for.",
    "Values": "The values that it is looked for in.",
    "Value": "As QueryValue, in the spelling of the published schema.",
    "In": "As Values, in the spelling of the published schema.",
    "Condition": "The condition that must not hold.",
    "Conditions": "The conditions one of which must hold.",
}
