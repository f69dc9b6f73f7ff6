"""The container contract in both sandbox modes, and the control plane around it."""

from __future__ import annotations

import io
import json
import os
import signal
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import waiting
from botocore.exceptions import ClientError
from waiting import until_dead

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.local_aws.container.sandbox import probe_namespaces
from airflow_sagemaker_mlops.local_aws.processes import is_alive

pytestmark = pytest.mark.e2e

PROCESSING = "/opt/ml/processing"


@pytest.fixture(scope="module", params=["namespace", "rewrite"])
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    if request.param == "namespace" and not probe_namespaces():
        pytest.skip("this machine does not allow unprivileged namespaces")
    state_dir = tmp_path_factory.mktemp(request.param)
    yield local_aws.start(state_dir, sandbox=request.param)
    local_aws.stop(state_dir)


def name() -> str:
    return f"job-{uuid.uuid4().hex[:12]}"


def put(box: LocalAws, key: str, body: str | bytes) -> str:
    box.client("s3").put_object(Bucket=box.bucket, Key=key, Body=body)
    return f"s3://{box.bucket}/{key}"


def get(box: LocalAws, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content: bytes = box.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def until(describe: Any, status: str) -> dict[str, Any]:
    """The answer once ``status`` of it is an end."""

    def ended() -> dict[str, Any]:
        answer: dict[str, Any] = describe()
        return {} if answer[status] in ("InProgress", "Stopping", "Creating", "Updating") else answer

    return waiting.until(ended, describe)


def process(box: LocalAws, script: str, **more: Any) -> dict[str, Any]:
    job = name()
    code = put(box, f"{job}/code/script.py", script)
    source = {"S3Uri": code, "LocalPath": f"{PROCESSING}/input/code", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    out = {"S3Uri": f"s3://{box.bucket}/{job}/out", "LocalPath": f"{PROCESSING}/output", "S3UploadMode": "EndOfJob"}
    client = box.client("sagemaker")
    client.create_processing_job(
        ProcessingJobName=job,
        RoleArn=box.role_arn,
        AppSpecification={
            "ImageUri": "sagemaker-scikit-learn:1.2",
            "ContainerEntrypoint": ["python3", f"{PROCESSING}/input/code/script.py"],
            "ContainerArguments": ["--out", f"{PROCESSING}/output"],
        },
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        ProcessingInputs=[{"InputName": "code", "S3Input": source}, *more.pop("inputs", [])],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": out}]},
        **more,
    )
    return until(lambda: client.describe_processing_job(ProcessingJobName=job), "ProcessingJobStatus")


def output(box: LocalAws, job: dict[str, Any], path: str) -> bytes:
    return get(box, f"{job['ProcessingOutputConfig']['Outputs'][0]['S3Output']['S3Uri']}/{path}")


def test_processing_sees_its_inputs_config_environment_and_arguments(box: LocalAws) -> None:
    data = put(box, f"{name()}/data/a b+%ü.csv", "1,2\n").rpartition("/")[0]
    source = {"S3Uri": data, "LocalPath": f"{PROCESSING}/input/data", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    script = (
        "import json, os, pathlib, sys\n"
        "config = json.load(open('/opt/ml/config/processingjobconfig.json'))\n"
        "hosts = json.load(open('/opt/ml/config/resourceconfig.json'))\n"
        "files = sorted(p.name for p in pathlib.Path('/opt/ml/processing/input/data').iterdir())\n"
        "result = {'files': files, 'name': config['ProcessingJobName'], 'hosts': hosts['hosts'],\n"
        "          'env': os.environ['COLOUR'], 'arguments': len(sys.argv)}\n"
        "pathlib.Path('/opt/ml/processing/output/deep').mkdir()\n"
        "pathlib.Path('/opt/ml/processing/output/deep/result.json').write_text(json.dumps(result))\n"
        "pathlib.Path('/opt/ml/output/message').write_text('all well')\n"
    )
    job = process(box, script, inputs=[{"InputName": "data", "S3Input": source}], Environment={"COLOUR": "red"})
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "all well")
    assert json.loads(output(box, job, "deep/result.json")) == {
        "files": ["a b+%ü.csv"],
        "name": job["ProcessingJobName"],
        "hosts": ["algo-1"],
        "env": "red",
        "arguments": 3,
    }


def test_a_failing_script_says_why_in_its_log_and_uploads_nothing(box: LocalAws) -> None:
    job = process(box, "open('/opt/ml/processing/output/x', 'w').write('x')\nraise SystemExit('broken')")
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError")
    logs = box.client("logs")
    group = "/aws/sagemaker/ProcessingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=job["ProcessingJobName"])[
        "logStreams"
    ]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    assert "broken" in [event["message"] for event in events]
    with pytest.raises(ClientError, match="NoSuchKey"):
        output(box, job, "x")


def test_an_input_without_objects_fails_the_job(box: LocalAws) -> None:
    nothing = f"s3://{box.bucket}/nothing/here"
    source = {"S3Uri": nothing, "LocalPath": f"{PROCESSING}/input/x", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    job = process(box, "pass", inputs=[{"InputName": "x", "S3Input": source}])
    assert job["ProcessingJobStatus"] == "Failed"
    assert "Data download failed" in job["FailureReason"]


def test_an_unavailable_image_fails_in_plain_words(box: LocalAws) -> None:
    client, job = box.client("sagemaker"), name()
    client.create_processing_job(
        ProcessingJobName=job,
        RoleArn=box.role_arn,
        AppSpecification={"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )
    found = until(lambda: client.describe_processing_job(ProcessingJobName=job), "ProcessingJobStatus")
    assert found["ProcessingJobStatus"] == "Failed"
    assert "not available in the embedded AWS" in found["FailureReason"]


SCRIPT_MODE = """
import argparse, json, os, sys
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int); parser.add_argument("--name"); parser.add_argument("-q")
given = parser.parse_args()
print("loss=0.5"); print("loss=0.25")
import helper
with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"), "w") as out:
    json.dump({"epochs": given.epochs, "name": given.name, "q": given.q, "channels": os.environ["SM_CHANNELS"],
               "files": os.listdir(os.environ["SM_CHANNEL_TRAIN"]), "hps": json.loads(os.environ["SM_HPS"]),
               "cwd": os.getcwd() == os.path.realpath(os.environ["SM_MODEL_DIR"].replace("model", "code")),
               "raw": json.load(open("/opt/ml/input/config/hyperparameters.json"))["name"], "helper": helper.X}, out)
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "o.txt"), "w") as out:
    out.write("o")
"""


def train(box: LocalAws, files: dict[str, str], **more: Any) -> dict[str, Any]:
    job, packed = name(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    uri = put(box, f"{job}/sourcedir.tar.gz", packed.getvalue())
    data = put(box, f"{job}/train/a.csv", "1,2\n0,1\n").rpartition("/")[0]
    hyperparameters = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": json.dumps(uri)}
    client = box.client("sagemaker")
    client.create_training_job(
        TrainingJobName=job,
        RoleArn=box.role_arn,
        AlgorithmSpecification={
            "TrainingImage": "pytorch-training:2.1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
        },
        HyperParameters={**hyperparameters, **more.pop("hyperparameters", {})},
        InputDataConfig=[
            {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": data, "S3DataType": "S3Prefix"}}}
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{box.bucket}/{job}"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        StoppingCondition=more.pop("stopping", {"MaxRuntimeInSeconds": 60}),
    )
    return until(lambda: client.describe_training_job(TrainingJobName=job), "TrainingJobStatus")


def test_script_mode_behaves_like_the_toolkit(box: LocalAws) -> None:
    hyperparameters = {"epochs": "3", "name": '"abc"', "q": "x"}
    job = train(box, {"train.py": SCRIPT_MODE, "helper.py": "X = 7"}, hyperparameters=hyperparameters)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("loss", 0.25)]
    phases = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert phases == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    with tarfile.open(fileobj=io.BytesIO(get(box, job["ModelArtifacts"]["S3ModelArtifacts"]))) as archive:
        member = archive.extractfile("model.json")
        assert member is not None
        model = json.load(member)
    assert model == {
        "epochs": 3,
        "name": "abc",
        "q": "x",
        "channels": '["train"]',
        "files": ["a.csv"],
        "hps": {"epochs": 3, "name": "abc", "q": "x"},
        "cwd": True,
        "raw": '"abc"',
        "helper": 7,
    }
    assert get(box, job["ModelArtifacts"]["S3ModelArtifacts"].replace("model.tar.gz", "output.tar.gz"))


def test_the_failure_file_becomes_the_reason(box: LocalAws) -> None:
    script = "open('/opt/ml/output/failure', 'w').write('the label column is missing')\nraise SystemExit(4)"
    job = train(box, {"train.py": script})
    assert job["FailureReason"] == "AlgorithmError: the label column is missing, exit code: 4"


def test_an_exception_of_a_script_becomes_the_reason_as_the_framework_toolkits_write_it(
    box: LocalAws,
) -> None:
    """The form is that of ``_CalledProcessError`` in sagemaker-training-toolkit, the suffix that of the service."""
    job = train(
        box, {"train.py": "print('begins')\nraise ValueError('no label column')"}, hyperparameters={"depth": "3"}
    )
    assert job["FailureReason"] == (
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n"
        'ErrorMessage "ValueError: no label column"\nCommand "python train.py --depth 3", exit code: 1'
    )


def test_a_job_that_exceeds_its_time_limit_is_stopped_and_says_so(box: LocalAws) -> None:
    job = train(box, {"train.py": "import time; time.sleep(50)"}, stopping={"MaxRuntimeInSeconds": 1})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_job_whose_supervisor_is_killed_fails_and_its_command_ends(box: LocalAws) -> None:
    client, job = box.client("sagemaker"), name()
    client.create_processing_job(
        ProcessingJobName=job,
        RoleArn=box.role_arn,
        AppSpecification={"ImageUri": "x", "ContainerEntrypoint": ["sleep", "600"]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )
    status = Path(box.state_dir) / "jobs" / "processing" / job / "status.json"
    about = waiting.until(lambda: (now := json.loads(status.read_text())).get("child") and now)
    os.kill(about["pid"], signal.SIGKILL)
    found = until(lambda: client.describe_processing_job(ProcessingJobName=job), "ProcessingJobStatus")
    assert "supervisor was killed" in found["FailureReason"]
    assert not is_alive(about["child"], about["child_start"])


def test_names_are_unique_and_requests_are_validated_by_botocores_model(box: LocalAws) -> None:
    client = box.client("sagemaker")
    members: dict[str, Any] = {
        "ProcessingJobName": name(),
        "RoleArn": box.role_arn,
        "AppSpecification": {"ImageUri": "x", "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.new.type", "VolumeSizeInGB": 1}
        },
    }
    client.create_processing_job(**members)
    with pytest.raises(client.exceptions.ResourceInUse):
        client.create_processing_job(**members)
    with pytest.raises(ClientError, match="regular expression pattern"):
        client.create_processing_job(**{**members, "ProcessingJobName": "not_a_name!"})


def test_lists_filter_sort_and_page(box: LocalAws) -> None:
    client = box.client("sagemaker")
    prefix = f"list-{uuid.uuid4().hex[:6]}"
    for index in range(5):
        client.create_model_package_group(ModelPackageGroupName=f"{prefix}-{index}")
    first = client.list_model_package_groups(NameContains=prefix, SortBy="Name", SortOrder="Ascending", MaxResults=2)
    names = [row["ModelPackageGroupName"] for row in first["ModelPackageGroupSummaryList"]]
    rest = client.list_model_package_groups(
        NameContains=prefix, SortBy="Name", SortOrder="Ascending", MaxResults=100, NextToken=first["NextToken"]
    )
    names += [row["ModelPackageGroupName"] for row in rest["ModelPackageGroupSummaryList"]]
    assert names == [f"{prefix}-{index}" for index in range(5)]


def test_model_versions_are_found_by_the_name_of_their_group_alone(box: LocalAws) -> None:
    client, group = box.client("sagemaker"), f"group-{uuid.uuid4().hex[:6]}"
    client.create_model_package_group(ModelPackageGroupName=group)
    client.create_model_package(ModelPackageGroupName=group)
    counts = {
        text: len(client.list_model_packages(ModelPackageGroupName=group, NameContains=text)["ModelPackageSummaryList"])
        for text in (group, "model-package")
    }
    assert counts == {group: 1, "model-package": 0}


@pytest.mark.parametrize("how", ["RequestResponse", "Event", "DryRun"])
def test_a_missing_function_is_not_invoked(box: LocalAws, how: str) -> None:
    client = box.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="no-such-function", InvocationType=how)


def test_an_operation_that_is_not_emulated_says_so_and_is_not_retried(box: LocalAws) -> None:
    client = box.client("sagemaker")
    with pytest.raises(ClientError) as caught:
        client.list_hubs()
    assert caught.value.response["Error"]["Code"] == "NotImplementedException"
    with pytest.raises(ClientError) as caught:
        client.list_auto_ml_jobs()
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_strangers_are_refused(box: LocalAws) -> None:
    stranger = boto3.client(
        "sts",
        endpoint_url=box.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="SOMEBODY",
        aws_secret_access_key="x",
    )
    with pytest.raises(ClientError, match="not the one of this embedded AWS"):
        stranger.get_caller_identity()


def test_state_survives_a_killed_server(tmp_path: Path) -> None:
    box = local_aws.start(tmp_path)
    try:
        put(box, "kept/ä+%.txt", b"kept")
        put(box, "gone.txt", b"gone")
        box.client("s3").delete_object(Bucket=box.bucket, Key="gone.txt")
        box.client("sqs").create_queue(QueueName="q")
        os.kill(box.pid, signal.SIGKILL)
        until_dead(tmp_path)
        back = local_aws.start(tmp_path)
        assert (back.endpoint_url, back.access_key) == (box.endpoint_url, box.access_key)
        assert get(back, f"s3://{box.bucket}/kept/ä+%.txt") == b"kept"
        keys = back.client("s3").list_objects_v2(Bucket=box.bucket)["Contents"]
        assert [row["Key"] for row in keys] == ["kept/ä+%.txt"]
        assert back.client("sqs").list_queues()["QueueUrls"]
    finally:
        assert local_aws.stop(tmp_path)
        local_aws.reset(tmp_path)
    assert not (tmp_path / "store.sqlite").exists()
