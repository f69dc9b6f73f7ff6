"""Refuses operations that start work which the embedded AWS does not do, before moto can fake a success.

The rule reads the names of operations, in every service.  ``STARTS`` matches those that start work and ``HOSTS`` those
that create machines.  ``EXECUTED`` lists exceptions whose work is really done, ``ALSO_START_WORK`` operations that
start work under another name.  ``VALUE_CHECKS`` refuse a request that could be stored now but would have no effect when
its time comes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..json_types import AwsShape
from .api_call import ApiCall
from .errors import AwsError, not_available

STARTS = re.compile(
    r"^(Batch)?(Start|Run|Submit|Execute|Invoke|Launch|Resume|Restart|Retry|Redrive|Replay|Reboot|Restore|Failover)"
    r"|^(Initiate|Converse|Detect|Compare|Synthesize|Analyze|Recognize|Classify|Translate|Infer)"
    r"|^Send(Command|\w*Email|\w*Messages?$)|^(Request|Import|Export)\w*(Spot\w+|Table\w*|Model|Image|Snapshot|Volume)$"
    r"|^(Create|Put)\w*(Job|Task|Run|Execution|Deployment|Backup|Schedule|Pipe|Ingestion)s?(V\d)?$"
)
HOSTS = re.compile(
    r"^Create\w*(Cluster|Instance|Fleet|Broker|Environment|DevEndpoint|Throughput|AutoScalingGroup)s?(V\d)?$"
    r"|^Create(Service|App|MlflowApp|MlflowTrackingServer|PartnerApp|Space)$"
)


def _patterns(operations: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    return {service: re.compile(f"^({names})$") for service, names in operations.items()}


EXECUTED = _patterns(
    {
        "apigateway": "CreateDeployment",
        "apigatewayv2": "CreateDeployment",
        "appconfig": "CreateEnvironment",
        "appsync": "StartSchemaCreation",
        "cloudformation": "ExecuteChangeSet",
        "cloudtrail": "StartLogging",
        "cognito-idp": "InitiateAuth",
        "config": "StartConfigurationRecorder",
        "databrew": r"Create\w+Job",  # only a definition, as in Glue: StartJobRun runs it
        "datasync": "CreateTask",
        "dynamodb": r"(Batch)?Execute(Statement|Transaction)|CreateBackup|RestoreTable\w+",
        "ec2": "ImportKeyPair",
        "ecr": "InitiateLayerUpload",
        "ecs": "CreateCluster",  # only a namespace for services and tasks
        "emr": "RunJobFlow",
        "events": "StartReplay",
        "firehose": "StartDeliveryStreamEncryption",
        "glue": "CreateJob",
        "kinesis": "StartStreamEncryption",
        "lambda": "Invoke",
        "payment-cryptography": "StartKeyUsage",
        "pinpoint": "CreateApp",
        "resiliencehub": "CreateApp",
        "s3": ".*",
        "sagemaker": r"Create(Processing|Training|Transform|HyperParameterTuning)Job|SendPipelineExecutionStep\w+",
        "sagemaker-runtime": "InvokeEndpoint",
        "secretsmanager": "RestoreSecret",
        "servicediscovery": "CreateService",
        "sqs": r"SendMessage(Batch)?",
        "stepfunctions": r"SendTask\w+",
        "swf": "StartWorkflowExecution",
        "vpc-lattice": "CreateService",
    }
)
ALSO_START_WORK = _patterns(
    {
        "athena": "CreateCapacityReservation",
        "bedrock": "CreateCustomModel",
        "emr-serverless": "CreateApplication",
        "glue": "CreateSession",
        "lambda": "CreateEventSourceMapping|CreateFunctionUrlConfig",  # moto would need Docker when a message arrives
        "logs": "CreateDelivery|PutMetricFilter",
        "opensearch": "CreateDomain",
        "es": "CreateElasticsearchDomain",
        "sagemaker": "CreateDomain|CreateInferenceComponent",
        "timestream-query": "Query",
    }
)

_DECLARE_RESULTS = (
    "In a pipeline, declare the results of the step: sagemaker-mlops run --stubs FILE (in Airflow: stubs)"
)
_MACHINE = "It creates no machines: omit the call here, or create the machine in an AWS account"
_SCHEDULE = "Nothing runs on a schedule there: set schedule= of the DAG, or call the target yourself"
# Advice by "service:operation"; the first match applies.
_ADVICE = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (
            r"sagemaker:(Start|Stop|Retry)PipelineExecution",
            "Run the definition with sagemaker-mlops run FILE, or as a DAG",
        ),
        (r"\w+:Create\w*Schedule", _SCHEDULE),
        (r"logs:StartQuery", "Read the events with FilterLogEvents"),
        (r"(ses|sesv2|pinpoint):Send", "It sends no messages to the outside: omit the call here"),
        (r"lambda:Invoke", "Use Invoke instead"),
        (r"lambda:CreateEventSourceMapping", "Receive the messages in your code and invoke the function with them"),
        (r"sagemaker-runtime:", "Call InvokeEndpoint, or create a transform job"),
        (r"(ec2|rds|redshift|elasticache|sagemaker):\w+(Instances?|Fleet|Clusters?)$", _MACHINE),
        (r"sagemaker:Create(InferenceComponent|AutoMLJob|Job)", _DECLARE_RESULTS),
    )
)


def refuse_starting_work(call: ApiCall, request: Callable[[], Mapping[str, Any]]) -> None:
    """Raise :class:`AwsError` for an operation that would start work which the embedded AWS does not do.

    :param request: returns the members of the request; called only if their values decide.
    """
    name = f"{call.service}:{call.operation}"
    if starts_work(call.service, call.operation):
        raise refusal(call.service, call.operation)
    check = VALUE_CHECKS.get(name)
    if check is not None:
        reason = check(request())
        if reason:
            raise AwsError("NotImplementedException", f"{name.replace(':', ': ')}: {reason}", 501)


def starts_work(service: str, operation: str) -> bool:
    """Whether an operation starts work that the embedded AWS does not do."""
    if service in ALSO_START_WORK and ALSO_START_WORK[service].match(operation):
        return True
    if service in EXECUTED and EXECUTED[service].match(operation):
        return False
    return bool(STARTS.search(operation) or HOSTS.search(operation))


def refusal(service: str, operation: str) -> AwsError:
    """The error for an operation that is not available, with its name and advice."""
    name = f"{service}:{operation}"
    advice = next((text for pattern, text in _ADVICE if pattern.match(name)), "")
    if not advice and HOSTS.search(operation):
        advice = _MACHINE
    if not advice and starts_work(service, operation):
        advice = _DECLARE_RESULTS
    return not_available(service, operation, advice)


def _rule(request: AwsShape) -> str:
    if request.get("ScheduleExpression"):
        return f"a rule with a ScheduleExpression never fires in the embedded AWS. {_SCHEDULE}."
    return ""


_DELIVERED = frozenset({"sqs", "logs", "events"})


def _targets(request: AwsShape) -> str:
    for target in request.get("Targets") or ():
        arn = str(target.get("Arn") if isinstance(target, Mapping) else "")
        if arn.count(":") >= 5 and arn.split(":")[2] not in _DELIVERED:
            return f"events do not reach {arn} in the embedded AWS. Send them to a queue (SQS) or a log group."
    return ""


def _subscription(request: AwsShape) -> str:
    protocol = request.get("Protocol")
    if protocol in ("sqs", "http", "https"):
        return ""
    way_out = "Subscribe a queue (SQS) or an HTTP address."
    return f"messages do not reach a subscriber by {protocol} in the embedded AWS. {way_out}"


def _tagging(request: AwsShape) -> str:
    arns = [arn for arn in request.get("ResourceARNList") or () if ":sagemaker:" in str(arn)]
    return f"it does not tag {arns[0]} in the embedded AWS. Call AddTags or DeleteTags of SageMaker." if arns else ""


def _publication(request: AwsShape) -> str:
    return "the embedded AWS sends no text messages. Publish to a topic." if request.get("PhoneNumber") else ""


def _stack(request: AwsShape) -> str:
    found = re.search(
        r"AWS::(SageMaker|EMR|Batch|StepFunctions|Scheduler|Athena)::\w+", str(request.get("TemplateBody") or "")
    )
    if found is None:
        return ""
    return f"a stack creates no {found[0]} in the embedded AWS. Create it with its own API, or omit it from the stack."


def _trigger(request: AwsShape) -> str:
    if request.get("Type") == "SCHEDULED" or request.get("StartOnCreation") not in (None, False):
        return f"a trigger starts nothing in the embedded AWS. {_SCHEDULE}."
    return ""


def _crawler(request: AwsShape) -> str:
    return (
        f"a crawler with a Schedule never starts in the embedded AWS. {_SCHEDULE}." if request.get("Schedule") else ""
    )


def _receiver(request: AwsShape) -> str:
    arn = str(request.get("destinationArn") or "")
    if ":lambda:" not in arn:
        return ""
    return f"log events do not reach {arn} in the embedded AWS. Read them with FilterLogEvents."


def _package(request: AwsShape) -> str:
    if not request.get("ValidationSpecification"):
        return ""
    return "the jobs of a ValidationSpecification do not run in the embedded AWS. Omit it, or run a transform job."


VALUE_CHECKS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "cloudformation:CreateStack": _stack,
    "cloudformation:UpdateStack": _stack,
    "cloudformation:CreateChangeSet": _stack,
    "events:PutRule": _rule,
    "events:PutTargets": _targets,
    "glue:CreateCrawler": _crawler,
    "glue:CreateTrigger": _trigger,
    "logs:PutSubscriptionFilter": _receiver,
    "resourcegroupstaggingapi:TagResources": _tagging,
    "resourcegroupstaggingapi:UntagResources": _tagging,
    "sagemaker:CreateModelPackage": _package,
    "sns:Publish": _publication,
    "sns:Subscribe": _subscription,
}
