"""What a pinned run reads instead of the inputs that its requests name."""

from __future__ import annotations

from airflow_sagemaker_mlops.execution.request_overrides import NO_OVERRIDES, RequestOverrides

OVERRIDES = RequestOverrides(
    {"s3://b/in": "s3://b/copy/in", "s3://b/code.tar.gz": "s3://b/copy/code.tar.gz"},
    {"repo:1": "repo@sha256:0"},
)


def test_places_to_read_from_are_replaced_wherever_the_api_has_them() -> None:
    source = {"S3DataSource": {"S3Uri": "s3://b/in", "S3DataType": "S3Prefix"}}
    replaced = {"S3DataSource": {"S3Uri": "s3://b/copy/in", "S3DataType": "S3Prefix"}}
    assert OVERRIDES.applied(
        {
            "ProcessingInputs": [{"InputName": "day", "S3Input": {"S3Uri": "s3://b/in"}}],
            "TrainingJobDefinition": {"InputDataConfig": [{"ChannelName": "train", "DataSource": source}]},
            "PrimaryContainer": {"Image": "repo:1", "ModelDataUrl": "s3://b/code.tar.gz"},
        }
    ) == {
        "ProcessingInputs": [{"InputName": "day", "S3Input": {"S3Uri": "s3://b/copy/in"}}],
        "TrainingJobDefinition": {"InputDataConfig": [{"ChannelName": "train", "DataSource": replaced}]},
        "PrimaryContainer": {"Image": "repo@sha256:0", "ModelDataUrl": "s3://b/copy/code.tar.gz"},
    }


def test_submitted_code_is_replaced_in_the_quotes_it_has() -> None:
    given = {"HyperParameters": {"sagemaker_submit_directory": '"s3://b/code.tar.gz"', "data": "s3://b/in"}}
    assert OVERRIDES.applied(given) == {
        "HyperParameters": {"sagemaker_submit_directory": '"s3://b/copy/code.tar.gz"', "data": "s3://b/in"}
    }
    bare = {"Environment": {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://b/code.tar.gz"}}
    assert OVERRIDES.applied(bare)["Environment"] == {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://b/copy/code.tar.gz"}


def test_places_to_write_to_and_other_inputs_stay() -> None:
    given = {
        "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": "s3://b/in"}}]},
        "CheckpointConfig": {"S3Uri": "s3://b/in"},
        "ProcessingInputs": [{"S3Input": {"S3Uri": "s3://b/in/deeper"}}],
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    assert OVERRIDES.applied(given) == given
    assert NO_OVERRIDES.applied(given) is given
