"""The pipelines of the drill: short jobs of every kind, and their correct outcomes.

A pipeline is one DAG file of two DAGs, ``<name>-triggerer`` and ``<name>-worker``, by where its steps start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_sagemaker_mlops.local_aws import LocalAws

STATUS = "pipeline.status"
WAYS_IN = ("triggerer", "worker")
QUEUE, FUNCTION = "chaos-questions", "chaos-function"
LONG_S = 240

DAG_FILE = """
import os
import signal
from datetime import timedelta

from airflow_sagemaker_mlops import SageMakerPipelineDag


def die(context):  # the failure is noted by then, and Airflow does not know of it yet
    if context["ti"].try_number == 1:
        for process in (os.getppid(), os.getpid()):
            os.kill(process, signal.SIGKILL)


for way_in in {ways}:
    SageMakerPipelineDag(
        f"{name}-{{way_in}}", definition="{name}.json", poll_interval_s=1, start_in=way_in, steps={options}
    )
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One way to run a pipeline, and its correct outcome.

    conf    the run's parameters
    state   of the DAG run
    tasks   {task id: state} at the end, of every task but the status task
    made    {task id in the tags: how many steps of that id complete one resource each}; loops have several
    """

    name: str
    state: str
    tasks: Mapping[str, str]
    made: Mapping[str, int]
    conf: Mapping[str, str] = field(default_factory=dict)

    def dag_id(self, way_in: str) -> str:
        """The DAG whose steps start in ``way_in``."""
        return f"{self.name}-{way_in}"


CASES: tuple[Case, ...] = (
    Case(
        "chain",
        "success",
        {"First": "success", "Second": "success", "Third": "success"},
        {"First": 1, "Second": 1, "Third": 1},
    ),
    Case(
        "parallel",
        "success",
        {"Split": "success", "Left": "success", "Middle": "success", "Right": "success", "Join": "success"},
        {"Split": 1, "Left": 1, "Middle": 1, "Right": 1, "Join": 1},
    ),
    Case(
        "choice",
        "success",
        {"Look": "success", "Which": "success", "Chosen": "success", "Other": "skipped"},
        {"Look": 1, "Chosen": 1},
        {"Mode": "fast"},
    ),
    Case(
        "choice",
        "success",
        {"Look": "success", "Which": "success", "Chosen": "skipped", "Other": "success"},
        {"Look": 1, "Other": 1},
        {"Mode": "slow"},
    ),
    Case(
        "failing",
        "failed",
        {"Good": "success", "Bad": "failed", "Behind": "upstream_failed", "Beside": "success"},
        {"Good": 1, "Beside": 1},
    ),
    Case(
        "handled",
        "success",
        {
            "Load": "failed",
            "Handle.when": "success",
            "Handle": "success",
            "Never.when": "skipped",
            "Never": "skipped",
        },
        {"Handle": 1},
    ),
    Case("dying", "failed", {"Bad": "failed", "Behind": "upstream_failed"}, {}),
    Case("flaky", "success", {"Flaky": "success", "Behind": "success"}, {"Flaky": 1, "Behind": 1}),
    Case("loop", "success", {"Loop": "success", "Behind": "success"}, {"Loop.Each": 4, "Behind": 1}),
    Case(
        "model",
        "success",
        {"Train": "success", "Model": "success", "Config": "success"},
        {"Train": 1, "Model": 1, "Config": 1},
    ),
    Case("question", "success", {"Ask": "success", "Behind": "success"}, {"Behind": 1}),
    Case("function", "success", {"Compute": "success", "Behind": "success"}, {"Behind": 1}),
)
# For users' actions: a step long enough to be caught while running, and one that only ends when a user ends it.
SLOW = Case("slow", "success", {"Slow": "success", "Behind": "success"}, {"Slow": 1, "Behind": 1})
LONG = Case("long", "failed", {"Long": "failed"}, {})

OPTIONS = {
    "dying": '{"Bad": {"on_failure_callback": die}}',
    # The flaky job fails once; the other retries are for interruptions and outages.
    "flaky": '{"Flaky": {"retry_failed_steps": True, "retry_delay": timedelta(seconds=2)}}',
}


def write(dags: Path, aws: LocalAws, markers: Path) -> list[str]:
    """Write the DAG files and definitions; returns the ids of the DAGs.

    markers   a folder in which the flaky job records its first run
    """
    made = _documents(aws, markers)
    for name, document in made.items():
        options = OPTIONS.get(name, "{}")
        (dags / f"{name}.json").write_text(json.dumps(document))
        (dags / f"{name}.py").write_text(DAG_FILE.format(ways=WAYS_IN, name=name, options=options))
    return [f"{name}-{way_in}" for name in made for way_in in WAYS_IN]


def _documents(aws: LocalAws, markers: Path) -> dict[str, Any]:
    fails = _script("echo no data today; exit 1")
    once = _script(f'mkdir "{markers}/$RUN" && echo not yet && exit 1; sleep 1')
    run = {"RUN": {"Get": "Execution.PipelineExecutionId"}}
    either = {"Type": "Equals", "LeftValue": {"Get": "Parameters.Mode"}, "RightValue": "fast"}
    branches = {
        "Conditions": [either],
        "IfSteps": [_job(aws, "Chosen", 2)],
        "ElseSteps": [_job(aws, "Other", 2)],
    }
    mode = {"Name": "Mode", "Type": "String", "DefaultValue": "slow", "EnumValues": ["slow", "fast"]}
    item = {"ITEM": {"Get": "ForEach.CurrentItem"}}
    loop = {
        "IterableItems": ["a", "b", "c", "d"],
        "MaxConcurrency": 2,
        "ForEachBody": [_job(aws, "Each", 2, environment=item)],
    }
    return {
        "chain": _document(_job(aws, "First", 2), _job(aws, "Second", 3, "First"), _job(aws, "Third", 2, "Second")),
        "parallel": _document(
            _job(aws, "Split", 1),
            _job(aws, "Left", 5, "Split"),
            _job(aws, "Middle", 3, "Split"),
            _job(aws, "Right", 2, "Split"),
            _job(aws, "Join", 1, "Left", "Middle", "Right"),
        ),
        "choice": _document(
            _job(aws, "Look", 1),
            {"Name": "Which", "Type": "Condition", "Arguments": branches, "DependsOn": ["Look"]},
            parameters=[mode],
        ),
        "failing": _document(
            _job(aws, "Good", 1),
            _job(aws, "Bad", fails, "Good"),
            _job(aws, "Behind", 1, "Bad"),
            _job(aws, "Beside", 6, "Good"),
        ),
        "handled": _document(
            _job(aws, "Load", fails),
            _job(aws, "Handle", 1, {"Step": "Load", "Trigger": "Failed"}),
            _job(aws, "Never", 1, {"Step": "Load", "Trigger": "Stopped"}),
        ),
        "dying": _document(_job(aws, "Bad", fails), _job(aws, "Behind", 1, "Bad")),
        "flaky": _document(_job(aws, "Flaky", once, environment=run), _job(aws, "Behind", 1, "Flaky")),
        "loop": _document(
            {"Name": "Loop", "Type": "ForEach", "Arguments": loop},
            _job(aws, "Behind", 1, "Loop"),
        ),
        "model": _document(_training(aws), *_model(aws)),
        "question": _document(_question(aws), _job(aws, "Behind", 1, environment=_said("Ask"))),
        "function": _document(_function(aws), _job(aws, "Behind", 1, environment=_said("Compute"))),
        "slow": _document(_job(aws, "Slow", 15), _job(aws, "Behind", 1, "Slow")),
        "long": _document(_job(aws, "Long", LONG_S)),
    }


def _document(*steps: Mapping[str, Any], parameters: list[Any] | None = None) -> dict[str, Any]:
    return {"Version": "2020-12-01", "Parameters": parameters or [], "Steps": list(steps)}


def _script(code: str) -> list[str]:
    return ["sh", "-c", code]


def _job(
    aws: LocalAws, name: str, work: int | list[str], *after: Any, environment: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A processing job that sleeps for ``work`` seconds, or runs the command ``work``."""
    command = ["sleep", str(work)] if isinstance(work, int) else work
    arguments = {
        "RoleArn": aws.role_arn,
        "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": command},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
        "Environment": dict(environment or {}),
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, "DependsOn": list(after)}


def _training(aws: LocalAws) -> dict[str, Any]:
    arguments = {
        "RoleArn": aws.role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": "image",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": _script("echo weights > /opt/ml/model/weights; sleep 2"),
        },
        "OutputDataConfig": {"S3OutputPath": f"s3://{aws.bucket}/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    return {"Name": "Train", "Type": "Training", "Arguments": arguments}


def _model(aws: LocalAws) -> list[dict[str, Any]]:
    container = {"Image": "image", "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Get": "Steps.Model.ModelName"},
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": 1,
    }
    return [
        {
            "Name": "Model",
            "Type": "Model",
            "Arguments": {"ExecutionRoleArn": aws.role_arn, "PrimaryContainer": container},
        },
        {"Name": "Config", "Type": "EndpointConfig", "Arguments": {"ProductionVariants": [variant]}},
    ]


def _question(aws: LocalAws) -> dict[str, Any]:
    queue = aws.client("sqs").create_queue(QueueName=QUEUE)["QueueUrl"]
    output = [{"OutputName": "word", "OutputType": "String"}]
    return {"Name": "Ask", "Type": "Callback", "SqsQueueUrl": queue, "Arguments": {}, "OutputParameters": output}


def _function(aws: LocalAws) -> dict[str, Any]:
    arn = f"arn:aws:lambda:{aws.region}:{aws.account}:function:{FUNCTION}"
    output = [{"OutputName": "word", "OutputType": "String"}]
    # Whether a killed process had invoked it is unknown: the document allows that it runs twice.
    again = [{"ExceptionType": ["Step.SERVICE_FAULT"], "IntervalSeconds": 1, "MaxAttempts": 5}]
    step = {"Name": "Compute", "Type": "Lambda", "FunctionArn": arn, "Arguments": {}, "OutputParameters": output}
    return {**step, "RetryPolicies": again}


def _said(step: str) -> dict[str, Any]:
    return {"WORD": {"Get": f"Steps.{step}.OutputParameters['word']"}}


def publish(aws: LocalAws) -> None:
    """Put the Lambda function where the definitions expect it."""
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("work.py", "def handler(event, context):\n    return {'word': 'fine'}\n")
    aws.client("lambda").create_function(
        FunctionName=FUNCTION,
        Runtime="python3.11",
        Role=aws.role_arn,
        Handler="work.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=60,
    )
