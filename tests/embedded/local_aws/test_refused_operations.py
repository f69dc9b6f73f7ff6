"""Operations that start work and are not implemented are refused, in every service and protocol."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import botocore.session
import pytest
from botocore.awsrequest import prepare_request_dict
from botocore.exceptions import ClientError
from botocore.serialize import create_serializer

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.local_aws.api_call import SIGNING_NAMES, ApiCall, members, parse_call
from airflow_sagemaker_mlops.local_aws.refused_operations import starts_work

ROLE = "arn:aws:iam::123456789012:role/R"


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("athena", "StartQueryExecution"),
        ("batch", "SubmitJob"),
        ("bedrock", "CreateCustomModel"),
        ("bedrock", "CreateModelImportJob"),
        ("bedrock", "CreateProvisionedModelThroughput"),
        ("bedrock-runtime", "Converse"),
        ("codebuild", "StartBuild"),
        ("ecs", "CreateService"),
        ("ecs", "RunTask"),
        ("emr-serverless", "StartJobRun"),
        ("glue", "StartJobRun"),
        ("redshift-data", "ExecuteStatement"),
        ("sagemaker", "CreateAutoMLJobV2"),
        ("sagemaker", "CreateCluster"),
        ("sagemaker", "CreateCompilationJob"),
        ("sagemaker", "CreateMonitoringSchedule"),
        ("sagemaker", "StartPipelineExecution"),
        ("scheduler", "CreateSchedule"),
        ("stepfunctions", "StartExecution"),
        ("transcribe", "StartTranscriptionJob"),
    ],
)
def test_an_operation_that_starts_work_elsewhere_is_refused(service: str, operation: str) -> None:
    assert starts_work(service, operation)


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("athena", "CreateWorkGroup"),
        ("dynamodb", "ExecuteStatement"),
        ("emr", "RunJobFlow"),
        ("glue", "CreateJob"),
        ("glue", "GetJobRun"),
        ("lambda", "CreateFunction"),
        ("lambda", "Invoke"),
        ("logs", "PutLogEvents"),
        ("s3", "RestoreObject"),
        ("sagemaker", "CreatePipeline"),
        ("sagemaker", "CreateTrainingJob"),
        ("sagemaker", "StopTrainingJob"),
        ("sagemaker-runtime", "InvokeEndpoint"),
        ("sqs", "SendMessage"),
        ("sts", "AssumeRole"),
    ],
)
def test_an_operation_that_is_executed_or_only_stored_is_not_refused(service: str, operation: str) -> None:
    assert not starts_work(service, operation)


@functools.cache
def model_of(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def sent(service: str, operation: str, request: Mapping[str, Any]) -> tuple[str, dict[str, Any], bytes]:
    """A request as botocore sends it: its signing name, WSGI environment and body."""
    model = model_of(service)
    made = create_serializer(model.resolved_protocol, include_validation=False).serialize_to_request(
        dict(request), model.operation_model(operation)
    )
    prepare_request_dict(made, "http://127.0.0.1:1")
    url = urlsplit(made["url"])
    body = made["body"] if isinstance(made["body"], bytes) else str(made["body"] or "").encode()
    if isinstance(made["body"], dict):
        body = urlencode(made["body"]).encode()
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in made["headers"].items()}
    environ = {"REQUEST_METHOD": made["method"], "PATH_INFO": url.path, "QUERY_STRING": url.query, **headers}
    return str(model.signing_name), environ, body


def served() -> list[tuple[str, str]]:
    wanted = [
        "athena",
        "batch",
        "bedrock",
        "bedrock-runtime",
        "cloudwatch",
        "emr-serverless",
        "lambda",
        "sagemaker-featurestore-runtime",
        "sagemaker-metrics",
        "sagemaker-runtime",
        "scheduler",
        "sesv2",
        "sns",
        "sts",
    ]
    return [(service, name) for service in wanted for name in model_of(service).operation_names]


def test_every_operation_is_recognized_in_every_protocol() -> None:
    wrong = []
    for service, operation in served():
        shape = model_of(service).operation_model(operation).input_shape
        labels = {
            name: "x"
            for name, member in (shape.members if shape is not None else {}).items()
            if member.serialization.get("location") == "uri"
        }
        signed, environ, body = sent(service, operation, labels)
        call = parse_call(signed, environ, body)
        if (call.service, call.operation) != (service, operation):
            wrong.append((service, operation, call))
    assert wrong == []


def test_services_that_are_signed_for_another_name_are_in_the_table() -> None:
    listed = {service: signed for signed, services in SIGNING_NAMES.items() for service in services}
    assert listed == {service: model_of(service).signing_name for service in listed}


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("glue", "GetJobRun", {"JobName": "a", "RunId": "b"}),
        ("sns", "Subscribe", {"TopicArn": "a", "Protocol": "b"}),
        ("emr-serverless", "ListJobRuns", {"applicationId": "a", "mode": "BATCH"}),
        ("bedrock", "CreateCustomModel", {"modelName": "a", "roleArn": "b"}),
        ("cloudwatch", "ListMetrics", {"Namespace": "a", "MetricName": "b"}),
    ],
)
def test_the_members_of_a_request_are_read_in_every_protocol(
    service: str, operation: str, request_: dict[str, Any]
) -> None:
    signed, environ, body = sent(service, operation, request_)
    found = members(parse_call(signed, environ, body), environ, body)
    assert {name: found.get(name) for name in request_ if name != "applicationId"} == {
        name: value for name, value in request_.items() if name != "applicationId"
    }


def test_an_unknown_service_is_called_by_its_method_and_path() -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/things/a"}
    assert parse_call("nobody", environ, b"") == ApiCall("nobody", "GET:things", "rest-json")


CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("athena", "start_query_execution", {"QueryString": "SELECT 1"}, "--stubs"),  # json
    ("batch", "submit_job", {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}, "--stubs"),  # rest-json
    ("bedrock", "delete_guardrail", {"guardrailIdentifier": "abcdefgh"}, "not available"),
    ("cloudwatch", "start_metric_streams", {"Names": ["x"]}, "not available"),  # cbor
    ("ec2", "run_instances", {"MinCount": 1, "MaxCount": 1}, "creates no machines"),  # ec2
    ("events", "put_rule", {"Name": "r", "ScheduleExpression": "rate(1 day)"}, "schedule="),
    ("events", "put_targets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": f"{ROLE}"}]}, "do not reach"),
    ("kendra", "list_indices", {}, "not available"),  # moto has no such service
    ("neptune-graph", "list_graphs", {}, "not available"),
    ("route53", "list_cidr_collections", {}, "not available"),  # rest-xml
    ("sns", "publish", {"PhoneNumber": "+3212345678", "Message": "m"}, "no text message"),
    ("sns", "subscribe", {"TopicArn": "arn:aws:sns:us-east-1:1:t", "Protocol": "email"}, "by email"),  # query
]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    state_dir = tmp_path_factory.mktemp("unexecuted")
    yield local_aws.start(state_dir)
    local_aws.stop(state_dir)


@pytest.mark.e2e
@pytest.mark.parametrize(("service", "operation", "request_", "told"), CALLS)
def test_a_refusal_names_the_operation_gives_advice_and_is_not_retried(
    box: LocalAws, service: str, operation: str, request_: dict[str, Any], told: str
) -> None:
    client = box.client(service)
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**request_)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "NotImplementedException"
    assert client.meta.method_to_api_mapping[operation] in answer["Error"]["Message"]
    assert told in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


@pytest.mark.e2e
def test_the_caller_is_a_session_of_the_execution_role(box: LocalAws) -> None:
    arn = box.client("sts").get_caller_identity()["Arn"]
    assert arn == "arn:aws:sts::123456789012:assumed-role/SageMakerRole/embedded-aws"
    role = box.client("iam").get_role(RoleName=arn.split("/")[1])["Role"]["Arn"]
    assert role == box.role_arn
