"""The policy of a definition against the calls of its run, on the embedded AWS and on canned answers."""

from __future__ import annotations

import asyncio
import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from iam_reference import Call, allows, passed_to

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.callback_inbox import MemoryCallbackInbox
from airflow_sagemaker_mlops.execution.identity import execution_id
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.execution.stop_leftovers import stop_leftovers
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES
from airflow_sagemaker_mlops.steps.permissions import policy

pytestmark = pytest.mark.e2e
ROLE = "arn:aws:iam::123456789012:role/R"
TAGS = [{"Key": "team", "Value": "churn"}]
MISSING = {"Error": {"Code": "ValidationException", "Message": "Could not find it."}}
CLUSTER = {"ClusterConfig": {"ReleaseLabel": "emr-6.6.0", "Instances": {"InstanceCount": 1}, "Tags": TAGS}}
SPARK = {"sparkSubmit": {"entryPoint": "s3://b/e.py"}}
CLUSTER["ClusterConfig"] |= {"JobFlowRole": "EMR_EC2_Role", "ServiceRole": "EMR_Role", "AutoScalingRole": "EMR_Scaling"}
S3 = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/k"}}
RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
TRAINING: dict[str, Any] = {
    "RoleArn": ROLE,
    "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
    "ResourceConfig": {**RESOURCES, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
ROWS = json.loads((Path(__file__).parents[2] / "unit" / "steps" / "requests.json").read_text())
STEP = {"Status": {"State": "COMPLETED"}}
# Types that the embedded AWS does not run, or not in a second: {type: (arguments, {operation: answers})}.  Most are
# rows of requests.json; below are those with arguments of another kind, or with several runs.
CANNED: dict[str, tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]] = {
    **{name: (row["arguments"], row["answers"]) for name, row in ROWS.items() if "answers" in row},
    "Endpoint": (
        {"EndpointName": "Scores", "EndpointConfigName": "Scores-2", "Tags": TAGS},
        {
            "DescribeEndpoint": [MISSING, {"EndpointStatus": "InService", "EndpointConfigName": "Scores-2"}],
            "CreateEndpoint": [{"EndpointArn": "arn"}],
        },
    ),
    "Endpoint updated": (
        {"EndpointName": "scores", "EndpointConfigName": {"Std:Join": {"On": "-", "Values": ["new", 1]}}},
        {
            "DescribeEndpoint": [
                {"EndpointStatus": "InService", "EndpointConfigName": name} for name in ("old", "new-1")
            ],
            "UpdateEndpoint": [{"EndpointArn": "arn"}],
        },
    ),
    "EMR": (
        {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": {"Jar": "x"}}, "ExecutionRoleArn": ROLE},
        {
            "ListSteps": [{"Steps": []}],
            "AddJobFlowSteps": [{"StepIds": ["s-1"]}],
            "DescribeStep": [{"Step": STEP}],
        },
    ),
    "EMR on its own cluster": (
        {**CLUSTER, "StepConfig": {"HadoopJarStep": {"Jar": "x"}}},
        {
            "ListClusters": [{"Clusters": []}],
            "RunJobFlow": [{"JobFlowId": "j-2"}],
            "ListSteps": [{"Steps": []}],
            "AddJobFlowSteps": [{"StepIds": ["s-1"]}],
            "DescribeStep": [{"Step": STEP}],
        },
    ),
    "EMRServerless": (
        {"ApplicationId": "a1", "ExecutionRoleArn": ROLE, "JobConfig": {"jobDriver": SPARK, "tags": {"team": "churn"}}},
        {
            "StartJobRun": [{"applicationId": "a1", "jobRunId": "1", "arn": "arn:x:/applications/a1/jobruns/1"}],
            "GetJobRun": [{"jobRun": {"state": "SUCCESS"}}],
        },
    ),
    "EMRServerless on its own application": (
        {
            "ApplicationConfig": {"releaseLabel": "emr-7.0.0", "type": "SPARK", "tags": {"team": "churn"}},
            "ExecutionRoleArn": ROLE,
            "JobConfig": {"jobDriver": SPARK},
        },
        {
            "CreateApplication": [{"applicationId": "a2"}],
            "GetApplication": [{"application": {"state": "CREATED"}}],
            "StartJobRun": [{"applicationId": "a2", "jobRunId": "1", "arn": "arn:x:/applications/a2/jobruns/1"}],
            "GetJobRun": [{"jobRun": {"state": "SUCCESS"}}],
            "StopApplication": [{}],
            "DeleteApplication": [{}],
        },
    ),
    "x-approval": (
        {"ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1", "Sentence": "better"},
        {
            "DescribeModelPackage": [
                {"ModelApprovalStatus": "PendingManualApproval"},
                {"ModelApprovalStatus": "Approved"},
            ],
            "UpdateModelPackage": [{"ModelPackageArn": "arn"}],
        },
    ),
}


@dataclass(slots=True)
class Edge:
    """What stands between botocore and the network: notes every call, and answers those that have answers."""

    answers: Mapping[str, list[dict[str, Any]]]
    calls: list[Call] = field(default_factory=list)
    given: dict[str, int] = field(default_factory=dict)

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """botocore's event before it builds a request."""
        before = {**self.calls[-1].before, **self.calls[-1].members} if self.calls else {}
        self.calls.append(Call(model.service_model.signing_name, model.name, dict(params), before))

    def answer(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]] | None:
        """botocore's event before it sends a request; an answer is taken instead."""
        if model.name not in self.answers:
            return None
        count = self.given[model.name] = self.given.get(model.name, -1) + 1
        answers = self.answers[model.name]
        answer = answers[min(count, len(answers) - 1)]
        status = 400 if "Error" in answer else 200
        return SimpleNamespace(status_code=status), {**answer, "ResponseMetadata": {"HTTPStatusCode": status}}


class Answered(MemoryCallbackInbox):
    """Every question has been answered."""

    async def answer(self, handle: str) -> dict[str, Any] | None:
        return {"Status": "Succeeded"}


def refused(aws: LocalAws, *steps: Any, answers: Any = None, times: int = 1, **more: Any) -> list[str]:
    """What the definition's policy does not allow of what its runs ask for; they have to succeed."""
    edge, run_id = Edge(answers or {}), uuid.uuid4().hex
    session = aws.session()
    session.events.register("before-parameter-build", edge.note)
    session.events.register("before-call", edge.answer)
    clients = SessionAws(session, aws.region, key=run_id, endpoint_of=lambda _service: aws.endpoint_url)
    pipeline = load_pipeline({"Version": "2020-12-01", **more, "Steps": list(steps)})

    async def whole() -> PipelineRun:
        options = ExecutionOptions(poll_interval_s=0.5)
        for _ in range(times):
            plan, inbox = make_plan(pipeline), Answered()
            done = PipelineRun(plan, "Policy", run_id, clients, {}, options, lambda _step, _line: None, inbox)
            await done.run()
        types, own = [step.type for step in pipeline.steps], execution_id("Policy", run_id)
        if not answers:
            await stop_leftovers(clients, types, own, lambda _line: None, is_own=lambda _task: True, cut_off=False)
        return done

    done = asyncio.run(whole())
    assert done.status == "Succeeded", [step.error for step in done.steps.values()]
    made, asks = policy(pipeline), [ask for call in edge.calls for ask in call.asks()]
    assert edge.calls
    assert passed_to(made) == {ask.passed_to for ask in asks if ask.passed_to}
    return sorted({f"{ask.action} {ask.arns} {ask.passed_to}".strip() for ask in asks if not allows(made, ask)})


@pytest.mark.parametrize("name", sorted(CANNED))
def test_what_a_step_calls_its_policy_allows(aws: LocalAws, name: str) -> None:
    arguments, answers = CANNED[name]
    step = {"Name": "Step", "Type": name.partition(" ")[0], "Arguments": arguments}
    assert not refused(aws, step, answers=answers)


def test_the_training_jobs_of_a_tuning_job_are_listed_where_one_is_referenced(aws: LocalAws) -> None:
    arguments, answers = CANNED["Tuning"]
    found = [{"TrainingJobName": "best", "TrainingJobArn": "a", "TrainingJobStatus": "Completed"}]
    answers = {**answers, "ListTrainingJobsForHyperParameterTuningJob": [{"TrainingJobSummaries": found}]}
    best = {"Get": "Steps.Tune.TrainingJobSummaries[0].TrainingJobName"}
    equal = {"Type": "Equals", "LeftValue": best, "RightValue": "best"}
    which = {"Conditions": [equal], "IfSteps": [], "ElseSteps": []}
    tune = {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}
    assert not refused(aws, tune, {"Name": "Which", "Type": "Condition", "Arguments": which}, answers=answers)


def test_a_champion_is_read_and_replaced(aws: LocalAws, bucket: str) -> None:
    group = f"Group-{uuid.uuid4().hex[:8]}"
    container = {"Image": "i", "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}
    specification = {
        "Containers": [container],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    aws.client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=b"")
    version = {"ModelPackageGroupName": group, "InferenceSpecification": specification}
    place = {"ModelPackageGroupName": group, "HistoryS3Uri": f"s3://{bucket}/history"}
    register = {"Name": "Register", "Type": "RegisterModel", "Arguments": version}
    champion = {"Name": "Champion", "Type": "x-champion", "Arguments": {**place, "GroupMayBeMissing": "true"}}
    promoted = {
        **place,
        "ModelPackageArn": {"Get": "Steps.Register.ModelPackageArn"},
        "Baseline": {"Get": "Steps.Champion.Baseline"},
        "Sentence": "better",
    }
    promote = {"Name": "Promote", "Type": "x-promote-champion", "Arguments": promoted}
    assert not refused(aws, register, champion, promote)
    register["Arguments"] = {**version, "ModelPackageDescription": "the second"}
    assert not refused(aws, register, champion, promote)


def test_records_are_read_and_answers_are_looked_at(aws: LocalAws, bucket: str) -> None:
    for key, lines in (("records/r.csv", b"1,2\n3,4\n"), ("answers/r.csv.out", b"0.5\n0.25\n")):
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=lines)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/records/"}}
    check = {
        "ModelName": "m",
        "TransformInput": {"DataSource": source, "SplitType": "Line", "ContentType": "text/csv"},
        "TransformOutput": {"S3OutputPath": f"s3://{bucket}/answers", "AssembleWith": "Line"},
        "TransformResources": RESOURCES,
    }
    smoke = {"EndpointName": "scores", "Records": f"s3://{bucket}/records/", "ContentType": "text/csv"}
    answers = {
        "CreateTransformJob": [{"TransformJobArn": "arn"}],
        "DescribeTransformJob": [{**check, "TransformJobStatus": "Completed"}],
        "InvokeEndpoint": [{"Body": io.BytesIO(b"0.5")}, {"Body": io.BytesIO(b"0.25")}],
    }
    assert not refused(
        aws,
        {"Name": "CanServe", "Type": "x-serving-check", "Arguments": check},
        {"Name": "Serves", "Type": "x-smoke-test", "Arguments": smoke},
        answers=answers,
    )


def processing(bucket: str, code: str = "pass", **more: Any) -> dict[str, Any]:
    output = {"S3Uri": f"s3://{bucket}/out", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    return {
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": "python:3", "ContainerEntrypoint": ["python3", "-c", code]},
        "ProcessingResources": {"ClusterConfig": {**RESOURCES, "VolumeSizeInGB": 1}},
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": output}]},
        **more,
    }


@pytest.fixture
def bucket(aws: LocalAws) -> str:
    name = f"b{uuid.uuid4().hex}"
    aws.client("s3").create_bucket(Bucket=name)
    return name


def test_jobs_that_are_named_tagged_grouped_and_found_again(aws: LocalAws, bucket: str) -> None:
    code = "import json; json.dump({'n': 1}, open('/opt/ml/processing/output/report.json', 'w'))"
    report = {"PropertyFileName": "Report", "OutputName": "out", "FilePath": "report.json"}
    score = {
        "Name": "Score",
        "Type": "Processing",
        "Arguments": processing(bucket, code, ProcessingJobName=f"My_{'long' * 12}", Tags=TAGS),
        "PropertyFiles": [report],
    }
    read = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Score.PropertyFiles.Report"}, "Path": "n"}}
    equal = {"Type": "Equals", "LeftValue": read, "RightValue": 1}
    entry = {"ContainerEntrypoint": ["python3", "-c", "pass"]}
    training = {**TRAINING, "AlgorithmSpecification": {**TRAINING["AlgorithmSpecification"], **entry}}
    training["OutputDataConfig"] = {"S3OutputPath": f"s3://{bucket}/models"}
    train = {"Name": "Train", "Type": "Training", "Arguments": training}
    clean = {"Name": "Clean", "Type": "Cleanup", "Arguments": {"Resources": {"S3": [{"StepName": "Score"}]}}}
    branch = {"Conditions": [equal], "IfSteps": [train], "ElseSteps": []}
    which = {"Name": "Which", "Type": "Condition", "Arguments": branch}
    experiment = {"ExperimentName": f"e{uuid.uuid4().hex}", "TrialName": {"Get": "Execution.PipelineExecutionId"}}
    clean["DependsOn"] = ["Which"]
    assert not refused(aws, score, which, clean, times=2, PipelineExperimentConfig=experiment)


def test_a_gate_looks_its_champion_up_and_keeps_its_files_as_a_drift_check_does(aws: LocalAws, bucket: str) -> None:
    rows = "id,label,candidate\\n" + "\\n".join(f"{n},{n % 2},{n % 3}" for n in range(9))
    code = f"open('/opt/ml/processing/output/p.csv', 'w').write('{rows}')"
    gate = {
        "Name": "IsBetter",
        "Type": "x-champion-gate",
        "Champion": {"ModelPackageGroup": f"g{uuid.uuid4().hex}", "GroupMayBeMissing": True},
        "Predictions": {"Step": "Score", "Output": "out"},
        "Rules": [{"Metric": "accuracy", "Floor": 0.1}],
    }
    out = {"Step": "Score", "Output": "out"}
    drift = {"Name": "Drift", "Type": "x-drift-check", "Data": out, "Baseline": out, "Columns": {"Ignore": ["id"]}}
    score = {"Name": "Score", "Type": "Processing", "Arguments": processing(bucket, code)}
    assert not refused(aws, score, gate, {**drift, "FailOnDrift": False})


def test_models_versions_and_checks(aws: LocalAws, bucket: str) -> None:
    group = f"Group-{uuid.uuid4().hex[:8]}"
    source = {"ContentType": "application/json", "S3Uri": f"s3://{bucket}/old/constraints.json"}
    aws.client("s3").put_object(Bucket=bucket, Key="config/analysis_config.json", Body=b"{}")
    container = {"Image": "python:3", "ModelDataUrl": f"s3://{bucket}/m.tar.gz"}
    version = {
        "ModelPackageGroupName": group,
        "Tags": TAGS,
        "ModelApprovalStatus": "Approved",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "DriftCheckBaselines": {
            "ModelDataQuality": {"Constraints": source},
            "Bias": {"PostTrainingConstraints": source},
        },
    }
    variant = {"VariantName": "v", "ModelName": {"Get": "Steps.Model.ModelName"}, "InitialInstanceCount": 1}
    config: dict[str, Any] = {
        "InputName": "analysis_config",
        "S3Input": {"S3Uri": f"s3://{bucket}/config/analysis_config.json"},
    }
    config["S3Input"] |= {"LocalPath": "/opt/ml/processing/config", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    aws.client("s3").put_object(Bucket=bucket, Key="old/constraints.json", Body=b"{}")
    check = {"SkipCheck": True, "ModelPackageGroupName": group, "DependsOn": ["Version"]}
    bias = {**check, "CheckType": "MODEL_BIAS", "ModelName": {"Get": "Steps.Model.ModelName"}}
    assert not refused(
        aws,
        {"Name": "Model", "Type": "Model", "Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}},
        {
            "Name": "Config",
            "Type": "EndpointConfig",
            "Arguments": {"ProductionVariants": [{**variant, "InstanceType": "ml.m5.large"}]},
        },
        {"Name": "Version", "Type": "RegisterModel", "Arguments": version},
        {**check, "Name": "Q", "Type": "QualityCheck", "CheckType": "DATA_QUALITY", "Arguments": processing(bucket)},
        {**bias, "Name": "B", "Type": "ClarifyCheck", "Arguments": processing(bucket, ProcessingInputs=[config])},
    )


FORMS = ["{}", "{}:$LATEST", "123456789012:function:{}", "arn:aws:lambda:us-east-1:123456789012:function:{}"]


@pytest.mark.parametrize("form", FORMS)
def test_functions_questions_loops_and_lineage(aws: LocalAws, form: str) -> None:
    name = f"f{uuid.uuid4().hex}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", "def handler(event, context):\n    return {}\n")
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=aws.role_arn,
        Handler="f.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    source = {"SourceUri": f"s3://bucket/{name}"}
    ends = {"Source": {"Name": "data", "Type": "Artifact"}, "Destination": {"Name": name, "Type": "Action"}}
    graph = {
        "Actions": [{"ActionName": name, "ActionType": "Evaluation", "Source": source, "Tags": TAGS}],
        "Artifacts": [{"ArtifactName": "data", "ArtifactType": "DataSet", "Source": source}],
        "Contexts": [{"ContextName": name, "ContextType": "Run", "Source": source}],
        "Associations": [ends],
    }
    invoke = {"Name": "Invoke", "Type": "Lambda", "FunctionArn": form.format(name), "Arguments": {}}
    body = {"IterableItems": [1], "MaxConcurrency": 1, "ForEachBody": [invoke]}
    loop = {"Name": "Loop", "Type": "ForEach", "Arguments": body}
    queue = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    ask = {"Name": "Ask", "Type": "Callback", "SqsQueueUrl": queue, "Arguments": {"RoleArn": "no role of a request"}}
    assert not refused(aws, loop, ask, {"Name": "Graph", "Type": "Lineage", "Arguments": graph}, times=2)


def test_every_type_is_tried() -> None:
    elsewhere = {"Processing", "Training", "Condition", "Cleanup", "Model", "EndpointConfig", "RegisterModel", "Fail"}
    elsewhere |= {"QualityCheck", "ClarifyCheck", "Lambda", "Lineage", "ForEach", "Callback", "x-champion-gate"}
    elsewhere |= {"x-drift-check", "x-champion", "x-promote-champion", "x-serving-check", "x-smoke-test"}
    assert {name.partition(" ")[0] for name in CANNED} | elsewhere == set(STEP_TYPES)
