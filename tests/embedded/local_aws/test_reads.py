"""Reads answer correctly or not at all: filters are applied, and a member that no code reads is refused."""

from __future__ import annotations

import ast
import inspect
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.session
import measure_ignored_members
import pytest
from botocore.exceptions import ClientError

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.local_aws.emr import responses as emr
from airflow_sagemaker_mlops.local_aws.sagemaker import context
from airflow_sagemaker_mlops.local_aws.sagemaker.operations import HANDLERS, IGNORED

pytestmark = pytest.mark.e2e


def test_the_table_of_members_that_moto_ignores_is_as_measured() -> None:
    some = frozenset({"sagemaker", "logs", "athena", "events", "bedrock"})
    table = json.loads(measure_ignored_members.TABLE.read_text())
    assert measure_ignored_members.measured(some) == {service: table[service] for service in some}


def strings(module: Any) -> set[str]:
    tree = ast.parse(inspect.getsource(module))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def is_known(name: str, operation: str, known: set[str]) -> bool:
    """Whether the code contains a member's name, or builds it from the operation's kind: f"{kind.word}Type"."""
    return name in known or any(
        f"{kind}Type" == name and kind in operation for kind in ("Action", "Artifact", "Context")
    )


@pytest.mark.parametrize(("service", "handlers"), [("sagemaker", HANDLERS), ("emr", emr.HANDLERS)])
def test_every_filter_of_our_own_reads_is_applied_or_refused(service: str, handlers: dict[str, Any]) -> None:
    model = botocore.session.Session().get_service_model(service)
    shared, unread = strings(context), {}
    for operation, handler in handlers.items():
        shape = model.operation_model(operation).input_shape
        if not re.match(r"List|Describe|Query|Search|Get", operation) or shape is None:
            continue
        known = shared | strings(inspect.getmodule(handler))
        names = [n for n in shape.members if n not in shape.required_members and not is_known(n, operation, known)]
        left = tuple(n for n in names if not measure_ignored_members.HARMLESS.match(n))
        if left:
            unread[operation] = left
    assert unread == ({name: IGNORED[name] for name in unread} if service == "sagemaker" else {})


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    state_dir = tmp_path_factory.mktemp("reads")
    yield local_aws.start(state_dir)
    local_aws.stop(state_dir)


@pytest.fixture(scope="module")
def client(box: LocalAws) -> Any:
    """SageMaker with two experiments, each with a trial, a component and metrics."""
    client = box.client("sagemaker")
    for name, rate in (("cats", 0.1), ("dogs", 0.2)):
        client.create_experiment(ExperimentName=name, Tags=[{"Key": "pet", "Value": name}])
        client.create_trial(TrialName=f"{name}-trial", ExperimentName=name)
        parameters = {"learning.rate": {"NumberValue": rate}, "kind": {"StringValue": name}}
        client.create_trial_component(TrialComponentName=f"{name}-run", Parameters=parameters)
        client.associate_trial_component(TrialName=f"{name}-trial", TrialComponentName=f"{name}-run")
        data = [{"MetricName": "loss", "Timestamp": 1_700_000_000 + step, "Value": rate * step} for step in (1, 2, 3)]
        box.client("sagemaker-metrics").batch_put_metrics(TrialComponentName=f"{name}-run", MetricData=data)
    return client


def test_trial_components_are_listed_by_experiment_and_by_trial(client: Any) -> None:
    def names(**by: str) -> list[str]:
        return [row["TrialComponentName"] for row in client.list_trial_components(**by)["TrialComponentSummaries"]]

    assert names(ExperimentName="cats") == ["cats-run"]
    assert names(TrialName="dogs-trial") == ["dogs-run"]
    assert names(SortBy="Name", SortOrder="Ascending") == ["cats-run", "dogs-run"]
    assert names(ExperimentName="birds") == []


def test_metrics_of_a_trial_component_have_statistics(client: Any) -> None:
    (metric,) = client.describe_trial_component(TrialComponentName="cats-run")["Metrics"]
    assert (metric["Count"], metric["MetricName"]) == (3, "loss")
    assert metric["Last"] == metric["Max"] == pytest.approx(0.3)
    assert metric["Avg"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([{"Name": "Parameters.learning.rate.NumberValue", "Operator": "GreaterThan", "Value": "0.15"}], ["dogs-run"]),
        ([{"Name": "Parents.ExperimentName", "Value": "cats"}], ["cats-run"]),
        ([{"Name": "TrialComponentName", "Operator": "Contains", "Value": "run"}], ["cats-run", "dogs-run"]),
        ([{"Name": "TrialComponentName", "Operator": "In", "Value": "dogs-run,birds-run"}], ["dogs-run"]),
        ([{"Name": "Metrics.loss.Max", "Operator": "LessThan", "Value": "0.5"}], ["cats-run"]),
        ([{"Name": "Parameters.kind.StringValue", "Operator": "NotEquals", "Value": "cats"}], ["dogs-run"]),
        ([{"Name": "CreationTime", "Operator": "LessThan", "Value": "2020-01-01T00:00:00Z"}], []),
        ([{"Name": "StartTime", "Operator": "NotExists"}], ["cats-run", "dogs-run"]),
    ],
)
def test_search_applies_filters(client: Any, filters: list[dict[str, str]], found: list[str]) -> None:
    answer = client.search(
        Resource="ExperimentTrialComponent",
        SearchExpression={"Filters": filters},
        SortBy="TrialComponentName",
        SortOrder="Ascending",
    )
    assert [row["TrialComponent"]["TrialComponentName"] for row in answer["Results"]] == found
    assert answer["TotalHits"]["Value"] == len(found)


def test_search_joins_its_parts_and_reads_tags(client: Any) -> None:
    one = {"Filters": [{"Name": "ExperimentName", "Value": "cats"}]}
    other = {"Filters": [{"Name": "Tags.pet", "Value": "dogs"}]}
    expression = {"SubExpressions": [one, other], "Operator": "Or"}
    answer = client.search(Resource="Experiment", SearchExpression=expression, SortBy="ExperimentName")
    assert [row["Experiment"]["ExperimentName"] for row in answer["Results"]] == ["dogs", "cats"]
    assert client.search(Resource="Experiment", SearchExpression={**expression, "Operator": "And"})["Results"] == []


def test_resources_of_sagemaker_are_found_by_their_tags(client: Any, box: LocalAws) -> None:
    def found(**filters: Any) -> list[str]:
        answer = box.client("resourcegroupstaggingapi").get_resources(**filters)
        return [row["ResourceARN"].rpartition(":")[2] for row in answer["ResourceTagMappingList"]]

    dogs = [{"Key": "pet", "Values": ["dogs"]}]
    assert found(TagFilters=dogs) == ["experiment/dogs"]
    card = {"ModelCardName": "cats", "Content": "{}", "ModelCardStatus": "Draft"}  # moto's
    arn = client.create_model_card(**card, Tags=[{"Key": "kind", "Value": "card"}])["ModelCardArn"]
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "kind", "Value": "card"}]
    assert found(TagFilters=[{"Key": "pet"}], ResourceTypeFilters=["sagemaker:experiment"]) == [
        "experiment/cats",
        "experiment/dogs",
    ]
    assert found(TagFilters=dogs, ResourceTypeFilters=["s3"]) == []


def test_an_experiment_that_has_trials_is_not_deleted(client: Any) -> None:
    with pytest.raises(ClientError, match="has trials"):
        client.delete_experiment(ExperimentName="cats")


def test_a_pipeline_is_stored_and_has_no_executions(client: Any, box: LocalAws) -> None:
    text = json.dumps({"Version": "2020-12-01", "Steps": []})
    box.client("s3").put_object(Bucket=box.bucket, Key="p.json", Body=text)
    members = {"ClientRequestToken": "t" * 32, "RoleArn": box.role_arn}
    place = {"Bucket": box.bucket, "ObjectKey": "p.json"}
    client.create_pipeline(PipelineName="Stored", PipelineDefinitionS3Location=place, **members)
    with pytest.raises(ClientError, match=r"names must be unique .* already exists"):
        client.create_pipeline(PipelineName="Stored", PipelineDefinition=text, **members)
    assert client.describe_pipeline(PipelineName="Stored")["PipelineDefinition"] == text
    assert [row["PipelineName"] for row in client.list_pipelines(PipelineNamePrefix="St")["PipelineSummaries"]] == [
        "Stored"
    ]
    assert client.list_pipeline_executions(PipelineName="Stored")["PipelineExecutionSummaries"] == []


def test_log_events_are_filtered_by_the_prefix_of_their_streams(box: LocalAws) -> None:
    logs, now = box.client("logs"), int(time.time() * 1000)
    logs.create_log_group(logGroupName="/jobs")
    for number, stream in enumerate(("a/1", "a/2", "b/1")):
        logs.create_log_stream(logGroupName="/jobs", logStreamName=stream)
        events = [{"timestamp": now - 100 * number, "message": stream}]
        logs.put_log_events(logGroupName="/jobs", logStreamName=stream, logEvents=events)

    def found(**members: Any) -> list[str]:
        return [event["message"] for event in logs.filter_log_events(**members)["events"]]

    assert found(logGroupName="/jobs", logStreamNamePrefix="a/") == ["a/2", "a/1"]
    assert found(logGroupName="/jobs", logStreamNamePrefix="c/") == []
    arn = f"arn:aws:logs:us-east-1:{box.account}:log-group:/jobs"
    assert found(logGroupIdentifier=arn, logStreamNamePrefix="b/") == ["b/1"]
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="/none", logStreamNamePrefix="a/")


@pytest.mark.parametrize(
    ("service", "operation", "members", "named"),
    [
        ("bedrock", "list_custom_models", {"isOwned": True}, "isOwned"),
        ("cloudwatch", "describe_alarms_for_metric", {"MetricName": "m", "Namespace": "n", "Period": 60}, "Period"),
        ("ec2", "describe_regions", {"Filters": [{"Name": "region-name", "Values": ["x"]}]}, "Filters"),
        ("emr", "describe_job_flows", {}, ""),
        ("iam", "list_groups", {"PathPrefix": "/a/"}, "PathPrefix"),
        ("logs", "describe_log_groups", {"logGroupNamePattern": "a"}, "logGroupNamePattern"),
        ("sagemaker", "list_training_jobs", {"WarmPoolStatusEquals": "InUse"}, "WarmPoolStatusEquals"),
    ],
)
def test_a_member_that_no_code_reads_is_refused(
    box: LocalAws, service: str, operation: str, members: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError, match=f"does not take .*{named}" if named else "is not available"):
        getattr(box.client(service), operation)(**members)


def test_updates_of_a_model_package_at_the_same_time_all_count(client: Any) -> None:
    client.create_model_package_group(ModelPackageGroupName="crowded")
    arn = client.create_model_package(ModelPackageGroupName="crowded")["ModelPackageArn"]

    def note(number: int) -> None:
        client.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={f"note-{number}": "x"})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(note, range(24)))
    assert len(client.describe_model_package(ModelPackageName=arn)["CustomerMetadataProperties"]) == 24
    with pytest.raises(ClientError, match="at most 50"):
        client.update_model_package(
            ModelPackageArn=arn, CustomerMetadataProperties={f"more-{number}": "x" for number in range(30)}
        )
    # The API's pattern: letters, separators, numbers and _.:/=+-@
    with pytest.raises(ClientError, match="regular expression"):
        client.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"gate": "better, by 95 %"})
