"""The daily model as code of the SageMaker SDK 3; ``get_pipeline().definition()`` is ``definition.json``.

    sagemaker-mlops compile dags/daily_model/pipeline.py:get_pipeline -o dags/daily_model/definition.json

Nothing here touches the network: code and data lie where the parameters say, put there by ``publish.py``.
The SDK's own job classes look up roles and upload files when they are used; so the requests are written out here.
"""

from __future__ import annotations

from typing import Any

import boto3
from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.workflow.conditions import ConditionGreaterThan
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.properties import Properties, PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, Step, StepTypeEnum

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
FUNCTIONS = "arn:aws:lambda:us-east-1:123456789012:function:daily-model"  # the service takes no expression here
STRING, FLOAT = LambdaOutputTypeEnum.String, LambdaOutputTypeEnum.Float
SHAPES = {
    StepTypeEnum.PROCESSING: "DescribeProcessingJobResponse",
    StepTypeEnum.TRAINING: "DescribeTrainingJobResponse",
    StepTypeEnum.REGISTER_MODEL: "DescribeModelPackageOutput",
}


class RequestStep(Step):
    """A step whose arguments are the API request itself."""

    def __init__(self, name: str, kind: StepTypeEnum, request: dict[str, Any], **options: Any) -> None:
        self.property_files = options.pop("property_files", None)
        self.cache_config = options.pop("cache_config", None)
        super().__init__(name, step_type=kind, **options)
        self._request = request
        self._properties = Properties(step_name=name, step=self, shape_name=SHAPES[kind])
        if kind is StepTypeEnum.PROCESSING:
            self._properties.__dict__["Outputs"] = self._properties.ProcessingOutputConfig.Outputs

    @property
    def arguments(self) -> dict[str, Any]:
        return self._request

    @property
    def properties(self) -> Properties:
        return self._properties

    def to_request(self) -> dict[str, Any]:
        request = super().to_request()
        if self.cache_config:
            request.update(self.cache_config.config)
        if self.property_files:
            request["PropertyFiles"] = [file.expr for file in self.property_files]
        return request


def get_pipeline() -> Pipeline:
    """The pipeline object."""
    bucket = ParameterString("Bucket", default_value="sagemaker-us-east-1-123456789012")
    role = ParameterString("RoleArn", default_value="arn:aws:iam::123456789012:role/SageMakerRole")
    day = ParameterString("Day", default_value="day-1", enum_values=["day-1", "day-2", "day-3"])
    rounds = ParameterInteger("NumRound", default_value=30)
    floor = ParameterFloat("AucFloor", default_value=0.9)
    instance = ParameterString("InstanceType", default_value="ml.m5.large")
    group = ParameterString("ModelPackageGroup", default_value="daily-model")
    endpoint = ParameterString("EndpointName", default_value="daily-model")
    cache = CacheConfig(enable_caching=True, expire_after="P30D")
    stopping = {"MaxRuntimeInSeconds": 900}

    def at(*parts: Any) -> Join:
        return Join(on="/", values=["s3:/", bucket, "daily-model", *parts])

    def function(name: str) -> Lambda:
        return Lambda(function_arn=f"{FUNCTIONS}-{name}")

    def source(name: str, uri: Any) -> dict[str, Any]:
        target = {"LocalPath": f"/opt/ml/processing/input/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
        return {"InputName": name, "S3Input": {"S3Uri": uri, **target}}

    def result(name: str) -> dict[str, Any]:
        uri = at("runs", ExecutionVariables.PIPELINE_EXECUTION_ID, name)
        target = {"LocalPath": f"/opt/ml/processing/output/{name}", "S3UploadMode": "EndOfJob"}
        return {"OutputName": name, "S3Output": {"S3Uri": uri, **target}}

    def processing(script: str, image: str, inputs: list[Any], outputs: list[str]) -> dict[str, Any]:
        return {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": 10}
            },
            "AppSpecification": {
                "ImageUri": image,
                "ContainerEntrypoint": ["python3", f"/opt/ml/processing/input/code/{script}"],
            },
            "RoleArn": role,
            "ProcessingInputs": [source("code", at("code", script)), *inputs],
            "ProcessingOutputConfig": {"Outputs": [result(name) for name in outputs]},
            "StoppingCondition": stopping,
        }

    process = RequestStep(
        "ProcessDay",
        StepTypeEnum.PROCESSING,
        processing("preprocess.py", SKLEARN, [source("day", at("data", day))], ["train", "validation"]),
        display_name="Process the day's data",
        description="Splits the day's records into what is trained on and what training is watched with.",
        cache_config=cache,
    )
    processed = process.properties.ProcessingOutputConfig.Outputs

    def channel(name: str) -> dict[str, Any]:
        data = {
            "S3DataType": "S3Prefix",
            "S3Uri": processed[name].S3Output.S3Uri,
            "S3DataDistributionType": "FullyReplicated",
        }
        return {"ChannelName": name, "DataSource": {"S3DataSource": data}, "ContentType": "text/csv"}

    train = RequestStep(
        "TrainModel",
        StepTypeEnum.TRAINING,
        {
            "AlgorithmSpecification": {
                "TrainingImage": XGBOOST,
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    {"Name": f"{name}:auc", "Regex": f".*\\[[0-9]+\\].*#011{name}-auc:([-+]?[0-9]*\\.?[0-9]+).*"}
                    for name in ("train", "validation")
                ],
            },
            "HyperParameters": {
                "objective": "binary:logistic",
                "eval_metric": "auc",
                "max_depth": "3",
                "eta": "0.2",
                "seed": "7",
                "nthread": "1",
                "num_round": rounds.to_string(),
            },
            "InputDataConfig": [channel("train"), channel("validation")],
            "OutputDataConfig": {"S3OutputPath": at("models")},
            "ResourceConfig": {"InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": 10},
            "RoleArn": role,
            "StoppingCondition": stopping,
        },
        display_name="Train",
        description="XGBoost on the day's records.",
        cache_config=cache,
    )
    model = train.properties.ModelArtifacts.S3ModelArtifacts

    report = PropertyFile(name="Report", output_name="report", path="evaluation.json")
    evaluate = RequestStep(
        "EvaluateModel",
        StepTypeEnum.PROCESSING,
        processing(
            "evaluate.py",
            XGBOOST,
            [source("model", model), source("holdout", at("data", "holdout"))],
            ["report"],
        ),
        display_name="Evaluate",
        description="Scores the model on records that no day ever trains on.",
        property_files=[report],
        cache_config=cache,
    )
    auc = JsonGet(step_name=evaluate.name, property_file=report, json_path="binary_classification_metrics.auc.value")

    production = LambdaStep(
        name="ProductionMetric",
        display_name="Metric in production",
        description="The AUC of the latest approved model in the registry; 0 when there is none.",
        lambda_func=function("production-metric"),
        inputs={"model_package_group": group},
        outputs=[LambdaOutput("auc", FLOAT), LambdaOutput("model_package_arn", STRING)],
    )
    in_production = production.properties.Outputs["auc"]

    register = RequestStep(
        "RegisterModel",
        StepTypeEnum.REGISTER_MODEL,
        {
            "ModelPackageGroupName": group,
            "ModelApprovalStatus": "PendingManualApproval",
            "ModelPackageDescription": Join(on=" ", values=["Trained on", day]),
            "InferenceSpecification": {
                "Containers": [{"Image": XGBOOST, "ModelDataUrl": model}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {
                        "ContentType": "application/json",
                        "S3Uri": Join(
                            on="/",
                            values=[
                                evaluate.properties.ProcessingOutputConfig.Outputs["report"].S3Output.S3Uri,
                                "evaluation.json",
                            ],
                        ),
                    }
                }
            },
            "CustomerMetadataProperties": {"auc": Join(on="", values=[auc]), "day": day},
        },
        display_name="Register",
        description="A new version in the model package group.",
    )
    deploy = LambdaStep(
        name="ApproveAndDeploy",
        display_name="Approve and deploy",
        description="Approves the version and has the endpoint serve it.",
        lambda_func=function("deploy"),
        inputs={
            "model_package_arn": register.properties.ModelPackageArn,
            "endpoint_name": endpoint,
            "instance_type": instance,
            "role_arn": role,
            "reason": Join(on=" ", values=["auc", auc, "beats", in_production]),
        },
        outputs=[LambdaOutput("endpoint_name", STRING), LambdaOutput("endpoint_config_name", STRING)],
    )
    predict = LambdaStep(
        name="Predict",
        display_name="Ask the endpoint",
        description="One prediction for a record of the holdout, from the endpoint that serves now.",
        lambda_func=function("predict"),
        inputs={
            "endpoint_name": deploy.properties.Outputs["endpoint_name"],
            "endpoint_config_name": deploy.properties.Outputs["endpoint_config_name"],
            "records": at("data", "holdout", "holdout.csv"),
        },
        outputs=[LambdaOutput("score", FLOAT), LambdaOutput("label", FLOAT)],
    )
    keep = LambdaStep(
        name="KeepProduction",
        display_name="Keep what is in production",
        description="Says why the new model was not let through; the run ends well all the same.",
        lambda_func=function("keep-production"),
        inputs={
            "auc": auc,
            "production_auc": in_production,
            "floor": floor,
            "model_package_arn": production.properties.Outputs["model_package_arn"],
        },
        outputs=[LambdaOutput("reason", STRING)],
    )
    better = ConditionStep(
        name="IsBetter",
        display_name="Better than production?",
        description="Only a model that beats the one in production, and the floor, goes on.",
        conditions=[
            ConditionGreaterThan(left=auc, right=in_production),
            ConditionGreaterThan(left=auc, right=floor),
        ],
        if_steps=[register, deploy, predict],
        else_steps=[keep],
    )
    parameters = [bucket, role, day, rounds, floor, instance, group, endpoint]
    return Pipeline(
        name="daily-model",
        parameters=parameters,
        pipeline_experiment_config=None,
        steps=[process, train, evaluate, production, better],
        sagemaker_session=_NoSession(),
    )


class _NoSession:
    """A pipeline asks its session for these when it writes its definition; no call is ever made."""

    boto_region_name = "us-east-1"
    boto_session = boto3.Session(region_name="us-east-1")
    sagemaker_config = None
    settings = None
    local_mode = False

    def default_bucket(self) -> str:
        raise RuntimeError("this pipeline names its bucket itself")


if __name__ == "__main__":
    print(get_pipeline().definition())
