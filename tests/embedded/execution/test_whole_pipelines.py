"""Whole pipelines in one process on the embedded AWS: loops, run conditions, callbacks, tuning, lineage, checks."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import threading
import uuid
from pathlib import Path
from typing import Any

import boto3
import builders
import pytest
from builders import python
from waiting import until

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.problems import PipelineError
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.execution.stubs.generate import made_up
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.spec import StepSpec
from airflow_sagemaker_mlops.runs.callback_inbox import LocalCallbackInbox
from airflow_sagemaker_mlops.runs.clients import local_aws_clients

pytestmark = pytest.mark.e2e


def run(aws: LocalAws, *steps: Any, stubs: Any = None, **more: Any) -> PipelineRun:
    values, name = more.pop("values", {}), more.pop("name", "whole")
    definition = more.pop("definition", None) or {"Version": "2020-12-01", **more, "Steps": list(steps)}
    plan = make_plan(load_pipeline(definition))
    running = PipelineRun(
        plan=plan,
        pipeline=name,
        run_id=uuid.uuid4().hex,
        aws=local_aws_clients(aws),
        parameters=values,
        options=ExecutionOptions(poll_interval_s=0.5, stubs=stubs or {}),
        notify=lambda _step, _line: None,
        inbox=LocalCallbackInbox(Path(aws.state_dir)),
    )
    asyncio.run(running.run())
    return running


def processing(aws: LocalAws, name: str, code: str = "pass", **more: Any) -> dict[str, Any]:
    return builders.processing(aws.role_arn, name, *python(code), **more)


def states(running: PipelineRun) -> dict[str, str]:
    return {name: step.state for name, step in running.steps.items()}


def loop(items: Any, *body: Any, most: Any = 5, **more: Any) -> dict[str, Any]:
    arguments = {"IterableItems": items, "MaxConcurrency": most, "ForEachBody": list(body), **more}
    return {"Name": "Loop", "Type": "ForEach", "Arguments": arguments}


def score(name: str = "Score", **arguments: Any) -> dict[str, Any]:
    outputs = [{"OutputName": "auc", "OutputType": "Float"}]
    given = arguments or {"item": {"Get": "ForEach.CurrentItem"}}
    return {"Name": name, "Type": "Lambda", "FunctionArn": "f", "Arguments": given, "OutputParameters": outputs}


def test_a_step_runs_on_failure_reads_the_reason_and_the_run_completes_with_failures(aws: LocalAws) -> None:
    code = "import os; assert 'AlgorithmError' in os.environ['WHY'], os.environ['WHY']"
    why = {"Environment": {"WHY": {"Get": "Steps.Load.FailureReason"}}}
    on_failure = [{"Step": "Load", "Trigger": "Failed"}]
    done = run(
        aws,
        processing(aws, "Load", "raise SystemExit(1)"),
        processing(aws, "Train", DependsOn=["Load"]),
        processing(aws, "Tell", code, arguments=why, DependsOn=on_failure),
    )
    assert states(done) == {"Load": "Failed", "Train": "NotStarted", "Tell": "Succeeded"}, done.steps["Tell"].error
    assert done.status == "CompletedWithFailures"


@pytest.mark.parametrize(
    ("end", "trigger", "runs"),
    [
        ("Succeeded", "Any", True),
        ("Succeeded", "Failed", False),
        ("Failed", "Failed", True),
        ("Failed", "Stopped", False),
        ("Failed", "Any", True),
        ("Stopped", "Stopped", True),
        ("Stopped", "Failed", False),
        ("Stopped", "Completed", False),
    ],
)
def test_each_trigger_asks_for_its_own_end(aws: LocalAws, end: str, trigger: str, runs: bool) -> None:
    follower = processing(aws, "B", DependsOn=[{"Step": "A", "Trigger": trigger}])
    done = run(aws, processing(aws, "A"), follower, stubs={"A": {"Status": end}, "B": {}})
    assert states(done) == {"A": end, "B": "Succeeded" if runs else "NotStarted"}
    bad = end != "Succeeded"
    assert done.status == ("Succeeded" if not bad else "CompletedWithFailures" if runs else "Failed")


def test_any_does_not_run_behind_a_step_that_never_ran(aws: LocalAws) -> None:
    equal = {"Type": "Equals", "LeftValue": 1, "RightValue": 2}
    branches = {"Conditions": [equal], "IfSteps": [processing(aws, "NotTaken")], "ElseSteps": []}
    which = {"Name": "Which", "Type": "Condition", "Arguments": branches}
    after = processing(aws, "After", DependsOn=[{"Step": "NotTaken", "Trigger": "Any"}])
    done = run(aws, which, after)
    assert states(done) == {"Which": "Succeeded", "NotTaken": "NotTaken", "After": "NotStarted"}
    assert done.status == "Succeeded"


def test_a_loop_runs_its_body_for_each_item_and_the_best_is_selected(aws: LocalAws) -> None:
    selector = {"Pick": "MaxBy", "Field": {"Get": "IterationOutput.Score.OutputParameters['auc']"}}
    echo = "import os; print(os.environ['ITEM'], os.environ['DEPTH']); assert os.environ['WORD'] == 'given'"
    item = {
        "ITEM": {"Get": "ForEach.CurrentItem.name"},
        "DEPTH": {"Std:Join": {"On": "-", "Values": ["d", {"Get": "ForEach.CurrentItem['depth']"}]}},
        "WORD": {"Get": "Parameters.Word"},
    }
    uses = {"job": {"Get": "Steps.Prepare.ProcessingJobName"}}
    after = {
        "BEST": {"Std:Join": {"On": "", "Values": [{"Get": "Steps.Loop.Selected.OutputParameters['auc']"}]}},
        "FIRST": {"Get": "Steps.Loop.IterationOutputs[0].Prepare.ProcessingJobName"},
        "COUNT": {"Std:Join": {"On": "", "Values": [{"Get": "Steps.Loop.SucceededStepCount"}]}},
    }
    check = (
        "import os; e = os.environ; assert (e['BEST'], e['COUNT'], '-Prepare-0-' in e['FIRST']) == ('0.9', '6', True)"
    )
    items = [json.dumps({"name": "a", "depth": 1}), json.dumps({"name": "b", "depth": 2}), '{"name": "c", "depth": 3}']
    aucs = {f"Score-{i}": {"Properties": {"OutputParameters": {"auc": v}}} for i, v in enumerate((0.7, 0.9, 0.9))}
    body = [score("Score", **uses), processing(aws, "Prepare", echo, arguments={"Environment": item})]
    done = run(
        aws,
        loop(items, *body, most=2, Selector=selector),
        processing(aws, "After", check, arguments={"Environment": after}),
        stubs=aucs,
        Parameters=[{"Name": "Word", "Type": "String", "DefaultValue": "default"}],
        values={"Word": "given"},
    )
    assert states(done) == {"Loop": "Succeeded", "After": "Succeeded"}, [s.error for s in done.steps.values()]
    result = done.steps["Loop"].result
    assert result is not None
    assert result["Loop"]["Selector"] == {"StepName": "Score-1", "Index": 1}  # the first of equals
    assert result["Loop"]["TotalStepCount"] == result["Loop"]["SucceededStepCount"] == 6


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_a_loop_takes_any_number_of_items_given_as_json_text(aws: LocalAws, count: int) -> None:
    items = [{"Name": "Items", "Type": "String", "DefaultValue": json.dumps(list(range(count)))}]
    done = run(aws, loop({"Get": "Parameters.Items"}, score(), most=50), Parameters=items, stubs={"Score": {}})
    assert states(done) == {"Loop": "Succeeded"}, done.steps["Loop"].error
    result = done.steps["Loop"].result
    assert result is not None
    assert (result["Loop"]["InputItemCount"], result["Loop"]["SucceededStepCount"]) == (count, count)


def test_max_concurrency_holds_over_the_whole_body(aws: LocalAws) -> None:
    seen: list[int] = []

    class Counting(dict[str, Any]):
        running = 0

        def get(self, name: str, default: Any = None) -> Any:
            return {"Seconds": 0.05} if name.startswith(("One", "Two")) else default

    plan = make_plan(
        load_pipeline({"Steps": [loop(list(range(12)), score("One"), score("Two"), most=3)]}),
    )
    running = PipelineRun(
        plan=plan,
        pipeline="whole",
        run_id=uuid.uuid4().hex,
        aws=local_aws_clients(aws),
        parameters={},
        options=ExecutionOptions(stubs=Counting(x={})),
        notify=lambda _step, _line: seen.append(len(_live(plan))),
    )
    from airflow_sagemaker_mlops.execution.runners import foreach

    runs: list[Any] = []
    original = foreach._loop

    async def spying(*given: Any) -> Any:
        made = await original(*given)
        runs.append(made)
        return made

    def _live(_plan: Any) -> Any:
        return runs[0].run.running_children if runs else ()

    foreach._loop = spying  # type: ignore[assignment]
    try:
        asyncio.run(running.run())
    finally:
        foreach._loop = original
    assert running.status == "Succeeded"
    assert max(seen) == 3


def test_one_bad_child_leaves_the_others_alone_and_fails_the_loop(aws: LocalAws) -> None:
    first, second = score("First"), {**score("Second"), "DependsOn": ["First"]}
    bad = {"First": {}, "Second": {}, "First-1": {"Status": "Failed", "FailureReason": "broken"}}
    done = run(aws, loop([1, 2, 3], first, second), processing(aws, "After", DependsOn=["Loop"]), stubs=bad)
    assert states(done) == {"Loop": "Failed", "After": "NotStarted"}
    assert "1 of 6 steps did not succeed" in done.steps["Loop"].error
    assert "First-1" in done.steps["Loop"].error
    counts = (done.steps["Loop"].result or {})["Loop"]
    assert (counts["SucceededStepCount"], counts["FailedStepCount"], counts["Status"]) == (4, 1, "Failed")


@pytest.mark.parametrize(
    ("items", "words"),
    [("no list", "which is not a JSON list"), ('{"a": 1}', "which is not a JSON list")],
)
def test_items_that_are_no_list_fail_the_loop(aws: LocalAws, items: str, words: str) -> None:
    given = [{"Name": "Items", "Type": "String", "DefaultValue": items}]
    done = run(aws, loop({"Get": "Parameters.Items"}, score()), Parameters=given, stubs={"*": {}})
    assert words in done.steps["Loop"].error


def callback(queue: str) -> dict[str, Any]:
    return {
        "Name": "Ask",
        "Type": "Callback",
        "SqsQueueUrl": queue,
        "Arguments": {"rows": 3, "who": {"Get": "Execution.PipelineName"}},
        "OutputParameters": [
            {"OutputName": "ok", "OutputType": "Boolean"},
            {"OutputName": "n", "OutputType": "Integer"},
        ],
    }


def consume(aws: LocalAws, queue: str, seen: list[Any], answer: Any) -> threading.Thread:
    """A worker written for SageMaker Pipelines: it knows boto3 and an endpoint, and nothing of us."""

    def work() -> None:
        sqs = aws.client("sqs")
        messages = until(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
        body = json.loads(messages[0]["Body"])
        seen.append(body)
        answer(aws.client("sagemaker"), body["token"])

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_callback_step_sends_the_services_message_and_takes_one_answer(aws: LocalAws) -> None:
    queue = aws.client("sqs").create_queue(QueueName=f"q{uuid.uuid4().hex}")["QueueUrl"]
    seen: list[Any] = []

    def answer(client: Any, token: str) -> None:
        outputs = [{"Name": "ok", "Value": "True"}, {"Name": "n", "Value": "7"}, {"Name": "extra", "Value": "x"}]
        client.send_pipeline_execution_step_success(CallbackToken=token, OutputParameters=outputs)
        with pytest.raises(client.exceptions.ClientError, match="no step waiting"):
            client.send_pipeline_execution_step_failure(CallbackToken=token, FailureReason="late")

    worker = consume(aws, queue, seen, answer)
    uses = {"Environment": {"OK": {"Std:Join": {"On": "", "Values": [{"Get": "Steps.Ask.OutputParameters['ok']"}]}}}}
    after = processing(aws, "After", "import os; assert os.environ['OK'] == 'true', os.environ['OK']", arguments=uses)
    done = run(aws, callback(queue), after)
    worker.join()
    assert states(done) == {"Ask": "Succeeded", "After": "Succeeded"}, [s.error for s in done.steps.values()]
    (message,) = seen
    assert set(message) == {"token", "pipelineExecutionArn", "arguments", "status"}
    assert message["arguments"] == {"rows": 3, "who": "whole"}
    assert message["status"] == "Executing"
    assert len(message["token"]) == 10
    assert message["token"].isalnum()


def test_a_callback_that_answers_failure_fails_the_step_with_its_reason(aws: LocalAws) -> None:
    queue = aws.client("sqs").create_queue(QueueName=f"q{uuid.uuid4().hex}")["QueueUrl"]
    fail = lambda client, token: client.send_pipeline_execution_step_failure(  # noqa: E731
        CallbackToken=token, FailureReason="rows are missing"
    )
    worker = consume(aws, queue, [], fail)
    done = run(aws, callback(queue))
    worker.join()
    assert "rows are missing" in done.steps["Ask"].error


TRAIN = """
import argparse, os
given = argparse.ArgumentParser(); given.add_argument("--eta", type=float)
x = given.parse_known_args()[0].eta
print(f"score={-(x - 0.5) ** 2:.6f};")
open(os.path.join(os.environ["SM_MODEL_DIR"], "x"), "w").write(str(x))
"""
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


def source(aws: LocalAws, bucket: str) -> dict[str, str]:
    """Hyperparameters by which a script-mode image finds the training script."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(TRAIN)
        archive.addfile(entry, io.BytesIO(TRAIN.encode()))
    aws.client("s3").put_object(Bucket=bucket, Key="source.tar.gz", Body=packed.getvalue())
    return {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{bucket}/source.tar.gz"}


def tuning(aws: LocalAws, bucket: str) -> dict[str, Any]:
    arguments = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "RandomSeed": 3,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0", "MaxValue": "1"}]},
        },
        "TrainingJobDefinition": {
            "RoleArn": aws.role_arn,
            "StaticHyperParameters": source(aws, bucket),
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*?);"}],
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        },
    }
    return {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}


def test_a_tuning_job_runs_real_training_jobs_and_the_best_is_first(aws: LocalAws) -> None:
    bucket = f"b{uuid.uuid4().hex}"
    aws.client("s3").create_bucket(Bucket=bucket)
    best = {"BEST": {"Get": "Steps.Tune.TrainingJobSummaries[0].TrainingJobName"}}
    best["ALSO"] = {"Get": "Steps.Tune.BestTrainingJob.TrainingJobName"}
    same = "import os; assert os.environ['BEST'] == os.environ['ALSO'], os.environ"
    done = run(aws, tuning(aws, bucket), processing(aws, "After", same, arguments={"Environment": best}))
    assert states(done) == {"Tune": "Succeeded", "After": "Succeeded"}, [s.error for s in done.steps.values()]
    result = done.steps["Tune"].result
    assert result is not None
    client = aws.client("sagemaker")
    found = client.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=result["Name"], SortBy="FinalObjectiveMetricValue", SortOrder="Descending"
    )["TrainingJobSummaries"]
    values = [row["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for row in found]
    assert len(values) == 4
    assert values == sorted(values, reverse=True)
    assert result["Properties"]["TrainingJobSummaries"][0]["TrainingJobName"] == found[0]["TrainingJobName"]
    assert len(result["Name"]) <= 32


def test_lineage_names_are_found_again_and_not_doubled(aws: LocalAws) -> None:
    name = f"n{uuid.uuid4().hex}"
    source = {"SourceUri": f"s3://bucket/{name}"}
    ends = {"Source": {"Name": "data", "Type": "Artifact"}, "Destination": {"Name": name, "Type": "Action"}}
    arguments = {
        "Actions": [{"ActionName": name, "ActionType": "Evaluation", "Source": source}],
        "Artifacts": [{"ArtifactName": "data", "ArtifactType": "DataSet", "Source": source}],
        "Associations": [{**ends, "AssociationType": "ContributedTo"}],
    }
    step = {"Name": "Record", "Type": "Lineage", "Arguments": arguments}
    uses = {"Environment": {"ARN": {"Get": f"Steps.Record.ActionArns['{name}']"}}}
    look = f"import os; assert os.environ['ARN'].endswith('action/{name}'), os.environ['ARN']"
    for _ in range(2):
        done = run(aws, step, processing(aws, "After", look, arguments=uses))
        assert done.status == "Succeeded", [s.error for s in done.steps.values()]
    arn = aws.client("sagemaker").describe_action(ActionName=name)["ActionArn"]
    associations = aws.client("sagemaker").list_associations(DestinationArn=arn)["AssociationSummaries"]
    assert [row["AssociationType"] for row in associations] == ["ContributedTo"]


def test_an_artifact_of_the_same_source_is_used_whatever_its_type(aws: LocalAws) -> None:
    """AWS's template of an LLM as a judge writes two artifacts of one folder."""
    name = f"n{uuid.uuid4().hex}"
    source = {"SourceUri": f"s3://bucket/{name}"}
    ends = [{"Name": f"{name}-{word}", "Type": "Artifact"} for word in ("results", "report")]
    action = {"Name": name, "Type": "Action"}
    arguments = {
        "Actions": [{"ActionName": name, "ActionType": "Evaluation", "Source": source}],
        "Artifacts": [
            {"ArtifactName": ends[0]["Name"], "ArtifactType": "InferenceResults", "Source": source},
            {"ArtifactName": ends[1]["Name"], "ArtifactType": "EvaluationReport", "Source": source},
        ],
        "Associations": [
            {"Source": ends[0], "Destination": action, "AssociationType": "ContributedTo"},
            {"Source": ends[1], "Destination": action, "AssociationType": "ContributedTo"},
            {"Source": ends[0], "Destination": ends[1], "AssociationType": "DerivedFrom"},
        ],
    }
    done = run(aws, {"Name": "Record", "Type": "Lineage", "Arguments": arguments})
    assert done.status == "Succeeded", [s.error for s in done.steps.values()]
    client = aws.client("sagemaker")
    (artifact,) = client.list_artifacts(SourceUri=source["SourceUri"])["ArtifactSummaries"]
    assert artifact["ArtifactType"] == "InferenceResults"
    assert len(client.list_associations(SourceArn=artifact["ArtifactArn"])["AssociationSummaries"]) == 1


def test_cleanup_deletes_what_a_training_step_left_and_nothing_outside(aws: LocalAws) -> None:
    bucket = f"b{uuid.uuid4().hex}"
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="other/file", Body=b"x")
    definition = tuning(aws, bucket)["Arguments"]["TrainingJobDefinition"]
    values = {**definition.pop("StaticHyperParameters"), "eta": "1"}
    train = {"Name": "Train", "Type": "Training", "Arguments": {**definition, "HyperParameters": values}}

    def clean(**more: Any) -> dict[str, Any]:
        return {"Name": "Clean", "Type": "Cleanup", "Arguments": {"Resources": {"S3": [{"StepName": "Train", **more}]}}}

    done = run(aws, train, clean())
    assert done.status == "Succeeded", [s.error for s in done.steps.values()]
    assert (done.steps["Clean"].result or {})["CleanedSteps"] == ["Train"]
    left = [row["Key"] for row in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    assert left == ["other/file", "source.tar.gz"]
    done = run(aws, train, clean(S3Uris=[f"s3://{bucket}/other/file"]))
    assert "is not in the output" in done.steps["Clean"].error


CHECK = """
import json, os
out = "/opt/ml/processing/output/"
json.dump({"n": 3}, open(out + "constraints.json", "w"))
json.dump({}, open(out + "statistics.json", "w"))
old = os.environ.get("baseline_constraints")
if old:
    moved = json.load(open(old))["n"] != 3
    row = {"feature_name": "n", "constraint_check_type": "drift", "description": "n moved"}
    json.dump({"violations": [row] if moved else []}, open(out + "constraint_violations.json", "w"))
"""


def check_step(aws: LocalAws, bucket: str, **keys: Any) -> dict[str, Any]:
    """The container of the test stands for Model Monitor's: it compares when it is given a baseline."""
    aws.client("s3").put_object(Bucket=bucket, Key="code/check.py", Body=CHECK.encode())
    source = {"S3Uri": f"s3://{bucket}/code", "LocalPath": "/opt/ml/processing/code", "S3DataType": "S3Prefix"}
    code = {"InputName": "code", "S3Input": {**source, "S3InputMode": "File"}}
    output = {"S3Uri": f"s3://{bucket}/check", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    outputs = {"Outputs": [{"OutputName": "quality_check_output", "S3Output": output}]}
    arguments = {"ProcessingOutputConfig": outputs, "ProcessingInputs": [code]}
    step = processing(aws, "Check", arguments=arguments)
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = ["python3", "/opt/ml/processing/code/check.py"]
    return {**step, "Type": "QualityCheck", "CheckType": "DATA_QUALITY", **keys}


@pytest.mark.parametrize(
    ("keys", "error", "used"),
    [
        ({"SkipCheck": True, "RegisterNewBaseline": True}, "", "new"),
        ({}, "needs a previous baseline", ""),
        ({"SuppliedBaselineConstraints": "same"}, "", "same"),
        ({"SuppliedBaselineConstraints": "same", "RegisterNewBaseline": True}, "", "new"),
        ({"SuppliedBaselineConstraints": "moved"}, "Quality check failed. See violation report", ""),
        ({"SuppliedBaselineConstraints": "moved", "FailOnViolation": None}, "Quality check failed", ""),
        ({"SuppliedBaselineConstraints": "moved", "FailOnViolation": False}, "", "moved"),
        ({"SuppliedBaselineConstraints": "moved", "SkipCheck": True}, "", "moved"),
    ],
)
def test_a_quality_check_compares_with_the_baseline_before(
    aws: LocalAws, keys: dict[str, Any], error: str, used: str
) -> None:
    bucket = f"b{uuid.uuid4().hex}"
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="same/constraints.json", Body=b'{"n": 3}')
    s3.put_object(Bucket=bucket, Key="moved/constraints.json", Body=b'{"n": 4}')
    places = {
        "same": f"s3://{bucket}/same/constraints.json",
        "moved": f"s3://{bucket}/moved/constraints.json",
        "new": f"s3://{bucket}/check/constraints.json",
    }
    given = {key: places.get(str(value), value) for key, value in keys.items()}
    uses = {"Environment": {"USED": {"Get": "Steps.Check.BaselineUsedForDriftCheckConstraints"}}}
    look = f"import os; assert os.environ['USED'] == {places.get(used)!r}, os.environ['USED']"
    done = run(aws, check_step(aws, bucket, **given), processing(aws, "After", look, arguments=uses))
    assert error in done.steps["Check"].error
    assert bool(error) == (done.steps["Check"].state == "Failed"), done.steps["Check"].error
    if not error:
        assert done.steps["After"].state == "Succeeded", done.steps["After"].error


def test_the_previous_baseline_comes_from_the_latest_approved_version(aws: LocalAws) -> None:
    bucket, group = f"b{uuid.uuid4().hex}", f"g{uuid.uuid4().hex}"
    s3, client = aws.client("s3"), aws.client("sagemaker")
    s3.create_bucket(Bucket=bucket)
    client.create_model_package_group(ModelPackageGroupName=group)
    for key, status in (("old", "Approved"), ("latest", "Approved"), ("pending", "PendingManualApproval")):
        s3.put_object(Bucket=bucket, Key=f"{key}/constraints.json", Body=b'{"n": 3}')
        source = {"ContentType": "application/json", "S3Uri": f"s3://{bucket}/{key}/constraints.json"}
        container = {"Image": "python:3", "ModelDataUrl": f"s3://{bucket}/m.tar.gz"}
        client.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            DriftCheckBaselines={"ModelDataQuality": {"Constraints": source}},
        )
    uses = {"Environment": {"USED": {"Get": "Steps.Check.BaselineUsedForDriftCheckConstraints"}}}
    look = "import os; assert '/latest/' in os.environ['USED'], os.environ['USED']"
    step = check_step(aws, bucket, ModelPackageGroupName=group)
    done = run(aws, step, processing(aws, "After", look, arguments=uses))
    assert done.status == "Succeeded", [s.error for s in done.steps.values()]


def test_jobs_are_grouped_under_the_pipelines_experiment(aws: LocalAws) -> None:
    experiment = {"ExperimentName": f"e{uuid.uuid4().hex}", "TrialName": {"Get": "Execution.PipelineExecutionId"}}
    named = {"Environment": {"E": {"Get": "PipelineExperimentConfig.ExperimentName"}}}
    done = run(aws, processing(aws, "A", arguments=named), PipelineExperimentConfig=experiment)
    result = done.steps["A"].result
    assert result is not None, done.steps["A"].error
    job = aws.client("sagemaker").describe_processing_job(ProcessingJobName=result["Name"])
    assert job["ExperimentConfig"]["ExperimentName"] == experiment["ExperimentName"] == job["Environment"]["E"]
    trials = aws.client("sagemaker").list_trials(ExperimentName=experiment["ExperimentName"])["TrialSummaries"]
    assert [trial["TrialName"] for trial in trials] == [job["ExperimentConfig"]["TrialName"]]


def test_a_pipeline_whose_name_aws_does_not_take_is_grouped_and_registered_all_the_same(
    aws: LocalAws,
) -> None:
    name = f"team_{uuid.uuid4().hex}.v2"
    own = {"Get": "Execution.PipelineName"}
    container = {"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}
    package = {
        "ModelPackageGroupName": own,
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    }
    register = {"Name": "Register", "Type": "RegisterModel", "Arguments": package}
    job = processing(aws, "A", arguments={"Environment": {"NAME": own}})
    done = run(aws, job, register, name=name, PipelineExperimentConfig={"ExperimentName": own})
    assert done.status == "Succeeded", [step.error for step in done.steps.values()]
    client = aws.client("sagemaker")
    described = client.describe_processing_job(ProcessingJobName=done.steps["A"].result["Name"])
    experiment = described["ExperimentConfig"]["ExperimentName"]
    assert described["Environment"]["NAME"] == name
    assert experiment.startswith(name.replace("_", "-").replace(".", "-"))
    assert client.describe_experiment(ExperimentName=experiment)
    assert client.describe_model_package_group(ModelPackageGroupName=experiment)


def test_an_error_that_ends_a_loop_is_reported_as_it_is(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_sagemaker_mlops.execution.runners.lambda_function import LambdaFunctionRunner

    async def broken(_runner: Any, _run: Any) -> Any:
        raise OSError("the network is gone")

    monkeypatch.setattr(LambdaFunctionRunner, "run", broken)
    done = run(aws, loop([1, 2], score()))
    assert done.steps["Loop"].error == "OSError: the network is gone"


def test_emr_steps_are_found_by_name_before_they_are_added() -> None:
    """moto keeps the books of EMR in this process; nothing runs there."""
    from moto import mock_aws

    from airflow_sagemaker_mlops.execution import engine as run_step
    from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
    from airflow_sagemaker_mlops.execution.identity import StepIdentity
    from airflow_sagemaker_mlops.execution.scope import Scope
    from airflow_sagemaker_mlops.execution.scope_values import s3_reader
    from airflow_sagemaker_mlops.execution.step_run import StepRun

    jar = {"Jar": "command-runner.jar", "Args": ["spark-submit"], "Properties": [{"key": "a", "value": "b"}]}
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "region_name": "us-east-1"}
    with mock_aws():
        session = boto3.Session(**keys)
        client, clients = session.client("emr"), SessionAws(session, "us-east-1")
        instances = {"InstanceCount": 1, "MasterInstanceType": "m5.xlarge", "KeepJobFlowAliveWhenNoSteps": True}
        cluster = client.run_job_flow(Name="c", Instances=instances, JobFlowRole="r", ServiceRole="s")["JobFlowId"]
        own = {"Instances": {"InstanceCount": 1, "MasterInstanceType": "m5.xlarge"}, "ReleaseLabel": "emr-6.6.0"}
        own |= {"JobFlowRole": "r", "ServiceRole": "s"}

        def attempt(name: str, where: dict[str, Any]) -> StepRun:
            arguments = {**where, "StepConfig": {"HadoopJarStep": jar}}
            identity = StepIdentity("p", name, "d", "r", name, run_started="2026-01-01T00:00:00Z")
            scope = Scope(name, {}, {}, {}, {}, s3_reader(clients))
            return StepRun(StepSpec(arguments), "EMR", identity, scope, clients, log=lambda *_: None)

        for name, where in (("Running", {"ClusterId": cluster}), ("Own", {"ClusterConfig": own})):
            first = asyncio.run(run_step.submit(attempt(name, where)))
            again = asyncio.run(run_step.submit(attempt(name, where)))  # its journal is lost: the name is the key
            assert first.handle == again.handle
            assert again.adopted
            steps = client.list_steps(ClusterId=first.handle.partition("/")[0])["Steps"]
            assert [row["Name"] for row in steps] == [first.name]
            assert steps[0]["Config"]["Properties"] == {"a": "b"}
        assert len(client.list_clusters()["Clusters"]) == 2


def test_what_was_started_with_a_token_continues_though_the_cleared_run_started_again() -> None:
    """moto takes no notice of Athena's tokens, so that every start sent would be another query."""
    from moto import mock_aws

    from airflow_sagemaker_mlops.execution import engine as run_step
    from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
    from airflow_sagemaker_mlops.execution.identity import StepIdentity
    from airflow_sagemaker_mlops.execution.journal import MemoryJournal
    from airflow_sagemaker_mlops.execution.scope import Scope
    from airflow_sagemaker_mlops.execution.scope_values import s3_reader
    from airflow_sagemaker_mlops.execution.step_run import StepRun

    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "region_name": "us-east-1"}
    with mock_aws():
        session = boto3.Session(**keys)
        clients, journal = SessionAws(session, "us-east-1"), MemoryJournal()
        arguments = {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": "s3://b/o"}}

        def attempt(number: int, started: str) -> StepRun:
            identity = StepIdentity("p", "Ask", "d", "r", "Ask", try_number=number, run_started=started)
            scope = Scope("Ask", {}, {}, {}, {}, s3_reader(clients))
            spec = StepSpec(arguments)
            return StepRun(spec, "Athena", identity, scope, clients, log=lambda *_: None, journal=journal)

        first = asyncio.run(run_step.submit(attempt(1, "2026-01-01T00:00:00Z")))
        assert journal.entry is not None
        journal.entry = journal.entry.advance(JobState.INTERRUPTED)
        second = asyncio.run(run_step.submit(attempt(2, "2026-01-01T01:00:00Z")))
        assert (second.name, second.adopted) == (first.name, True)
        assert session.client("athena").list_query_executions()["QueryExecutionIds"] == [first.name]


ROLE = "arn:aws:iam::123456789012:role/R"
SOURCE = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/k"}}
NOT_EXECUTED: dict[str, dict[str, Any]] = {
    "AutoML": {
        "RoleArn": ROLE,
        "InputDataConfig": [{"DataSource": SOURCE, "TargetAttributeName": "y"}],
        "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
    },
    "BedrockModelImport": {
        "JobName": "j",
        "ImportedModelName": "m",
        "RoleArn": ROLE,
        "ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/m"}},
    },
    "EMRServerless": {
        "ApplicationId": "a1",
        "ExecutionRoleArn": ROLE,
        "JobConfig": {"jobDriver": {"sparkSubmit": {"entryPoint": "s3://b/s.py"}}},
    },
}


@pytest.mark.parametrize("kind", sorted(NOT_EXECUTED))
def test_what_is_not_executed_here_fails_in_plain_words_and_a_stand_in_answers_for_it(aws: LocalAws, kind: str) -> None:
    step = {"Name": "Heavy", "Type": kind, "Arguments": NOT_EXECUTED[kind]}
    done = run(aws, step)
    assert "is not available in the embedded AWS" in done.steps["Heavy"].error
    assert "--stubs" in done.steps["Heavy"].error
    assert run(aws, step, stubs={"Heavy": {}}).status == "Succeeded"


def test_an_airflow_operator_as_a_step_runs_under_airflow_only(aws: LocalAws) -> None:
    note = {"Name": "Note", "Type": "x-airflow", "Operator": "a.b.C"}
    uses = {"Environment": {"X": {"Get": "Steps.Note.Output.rows"}}}
    look = processing(aws, "Look", "import os; assert os.environ['X'] == '7'", arguments=uses)
    assert "runs under Airflow only" in run(aws, note, look).steps["Note"].error
    done = run(aws, note, look, stubs={"Note": {"Properties": {"Output": {"rows": 7}}}})
    assert done.status == "Succeeded", [step.error for step in done.steps.values()]


NOT_TO_ITS_END = {
    # Placeholders that the capture of the corpus put where a value was not known.
    "ANUPRIYAR-sagemaker_pipelines.xgboost_drift.pipeline.json": "'example-mock' at 'primaryContainer.modelDataUrl'",
    "aws-samples-asset-prediction-sagemaker-pipelines-example.packages.-inf.894cf867.json": '"example-container-env"',
    "index-66582744174.tf-endpoint-template.json": "Invalid length for parameter ExecutionRoleArn, value: 11",
}


def run_with_stubs(aws: LocalAws, file: Path) -> str:
    """Errors of the steps of a definition, in a run with made-up stubs; Fail steps have theirs."""
    values = {"String": "text", "Integer": 1, "Float": 1.0, "Boolean": True}
    plan = make_plan(load_pipeline(file))
    given = {p.name: values[p.type] for p in plan.parameters if p.required}
    running = run(aws, definition=file, stubs=made_up(plan), values=given)
    return "; ".join(step.error for step in running.steps.values() if step.error and step.type != "Fail")


VALID = sorted((Path(__file__).parents[2] / "pipelines" / "valid").glob("*.json"))


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_our_definitions_run_to_their_end_with_stubs(aws: LocalAws, file: Path) -> None:
    aws.client("s3").create_bucket(Bucket="churn-data")  # where their steps would leave what they make
    assert run_with_stubs(aws, file) == ""


def test_every_real_definition_runs_to_its_end_with_stubs(aws: LocalAws, corpus: Path) -> None:
    ended: dict[str, str] = {}
    refused = 0
    for line in (corpus / "INDEX.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 8 or cells[2] != "real":
            continue
        try:
            ended[cells[1]] = run_with_stubs(aws, corpus / cells[1])
        except PipelineError:
            refused += 1
    assert refused == 1  # a parameter that is not declared
    assert len(ended) == 28
    for name, error in ended.items():
        assert (NOT_TO_ITS_END[name] in error) if name in NOT_TO_ITS_END else not error, (name, error)
