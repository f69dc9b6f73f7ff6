"""Steps that create no SageMaker resource.

Sources: docs/language/steps/ (calls, lineage, cleanup, foreach, fail), docs/language/control-flow.md#branches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..definition.arguments import ENTITIES
from ..definition.model import Get, JsonGet, Pipeline, Step, walk_expressions
from ..definition.problems import Problem, key_text, warning
from ..definition.step_types import AIRFLOW, DECLARED, StepSyntax
from .arns import FUNCTION, QUEUE, Place
from .iam import objects, sagemaker_grants, target_grants
from .known_text import known_text, least_length
from .model import EVERYTHING, Grant, StepType, Target
from .shapes import Part

LAMBDA = StepType(
    name="Lambda",
    runner=".lambda_function.LambdaFunctionRunner",
    syntax=StepSyntax(
        settings=frozenset({"FunctionArn"}),
        needs="FunctionArn",
        free_arguments=True,
        properties={"OutputParameters": DECLARED},
    ),
    words={"FunctionArn": "ARN of the Lambda function."},
    about="a Lambda function, invoked synchronously",
    service="lambda",
    create="Invoke",
    sent_once=True,  # a repeated invocation would run the function twice
    answers_in_s=620.0,  # SageMaker Pipelines lets a function run for 10 minutes
    tagged=False,
    outside=True,
    own_arguments=True,
    settings=("FunctionArn", "OutputParameters"),
    cache_key=EVERYTHING,
    empty_on_failure=True,
    grants=target_grants,
    roles_go_to="",
    target=Target(
        key="FunctionArn",
        form=FUNCTION,
        action="lambda:InvokeFunction",
        arn=Place.function,
        noun="Lambda function",
        opened="any function may be invoked",
        misfit="is neither the name nor the ARN of a Lambda function.",
        example="arn:aws:lambda:us-east-1:123456789012:function:name",
    ),
    local_aws="runs the function's Python code",
)
CALLBACK = StepType(
    name="Callback",
    runner=".callback.CallbackRunner",
    syntax=StepSyntax(
        waits=True,
        settings=frozenset({"SqsQueueUrl"}),
        needs="SqsQueueUrl",
        free_arguments=True,
        properties={"OutputParameters": DECLARED},
    ),
    words={"SqsQueueUrl": "URL of the SQS queue that gets the message with the token."},
    about="a message with a token to an SQS queue; waits for the answer with that token",
    service="sqs",
    create="SendMessage",
    tagged=False,
    outside=True,
    own_arguments=True,
    settings=("SqsQueueUrl", "OutputParameters"),
    cache_key=EVERYTHING,
    empty_on_failure=True,
    grants=target_grants,
    roles_go_to="",
    target=Target(
        key="SqsQueueUrl",
        form=QUEUE,
        action="sqs:SendMessage",
        arn=Place.queue,
        noun="queue",
        opened="messages may be sent to any queue",
        misfit="is not the URL of an SQS queue.",
        example="https://sqs.us-east-1.amazonaws.com/123456789012/name",
    ),
    local_aws="SQS queue; answered by SendPipelineExecutionStepSuccess",
)


def _lineage_grants(step: Step, _entry: StepType, place: Place) -> Iterator[Grant]:
    for member, (kind, _) in ENTITIES.items():
        entities = objects(step.arguments.get(member))
        if entities:
            # An existing artifact is found by its source with a List call.
            operations = [f"Create{kind}", *([f"Describe{kind}"] if kind != "Artifact" else [])]
            operations += ["AddTags"] if any(entity.get("Tags") for entity in entities) else []
            yield from sagemaker_grants(place, operations, [f"{kind.lower()}/*"])
    if step.arguments.get("Artifacts"):
        yield "sagemaker:ListArtifacts", "*"
    if step.arguments.get("Associations"):  # between entities of any kind
        yield "sagemaker:AddAssociation", "*"


LINEAGE = StepType(
    name="Lineage",
    runner=".lineage.LineageRunner",
    syntax=StepSyntax(
        argument_rules=True, properties={"ActionArns": "", "ArtifactArns": "", "ContextArns": "", "Associations": ""}
    ),
    words={
        "Actions": "Actions to create: requests of CreateAction.",
        "Artifacts": "Artifacts to create: requests of CreateArtifact.",
        "Contexts": "Contexts to create: requests of CreateContext.",
        "Associations": "Associations between entities: ends and type.",
    },
    about="actions, artifacts, contexts and associations in the lineage graph",
    create="AddAssociation",
    tagged=False,
    outside=True,
    parts=tuple(
        Part(member, "sagemaker", f"Create{kind}", each=True, given=frozenset({"ArtifactName"}))
        for member, (kind, _) in ENTITIES.items()
    ),
    grants=_lineage_grants,
    local_aws="stored",
)


def _any_object(_step: Step, _entry: StepType, _place: Place) -> Iterator[Grant]:
    yield "s3:DeleteObject", "*"


CLEANUP = StepType(
    name="Cleanup",
    runner=".cleanup.CleanupRunner",
    syntax=StepSyntax(argument_rules=True, properties={}),
    words={"Resources": "What is deleted."},
    about="deletes S3 outputs of earlier steps",
    service="s3",
    create="DeleteObject",
    tagged=False,
    own_arguments=True,
    grants=_any_object,
    roles_go_to="",
    too_wide="any object may be deleted.",
    local_aws="deletes",
)
FOR_EACH = StepType(
    name="ForEach",
    runner=".foreach.ForEachRunner",
    syntax=StepSyntax(
        waits=True,
        in_body=False,
        properties={
            "Status": "",
            "InputItemCount": "Integer",
            "TotalStepCount": "Integer",
            "SucceededStepCount": "Integer",
            "FailedStepCount": "Integer",
            "StoppedStepCount": "Integer",
            "IterationOutputs": "",
            "Selected": "",
        },
    ),
    words={
        "IterableItems": "The items: a list, or an expression for a JSON list.",
        "MaxConcurrency": "How many items are worked on at a time: 1 to 50.",
        "Selector": "Which iteration's results Steps.NAME.Selected has.",
        "ForEachBody": "Steps that run for each item. Read it with !Get ForEach.CurrentItem.",
    },
    about="runs its body once per item of a list",
    tagged=False,
    local_aws="runs",
)
CONDITION = StepType(
    name="Condition",
    runner=".condition.ConditionRunner",
    syntax=StepSyntax(
        arguments=frozenset({"Conditions", "IfSteps", "ElseSteps"}), in_body=False, properties={"Outcome": "Boolean"}
    ),
    words={
        "Conditions": "The conditions, all of which must hold for IfSteps.",
        "IfSteps": "Steps that run if the conditions hold.",
        "ElseSteps": "Steps that run otherwise.",
    },
    about="evaluates conditions and runs one of two branches",
    tagged=False,
    empty_on_failure=True,
    local_aws="evaluated",
)

LONGEST_MESSAGE = 3072  # FailStepMetadata.ErrorMessage of the SageMaker API


def _message_is_short_enough(step: Step, pipeline: Pipeline) -> Iterator[Problem]:
    """The message of a Fail step fits the service's metadata."""
    message = step.arguments.get("ErrorMessage")
    text = known_text(message, pipeline.parameters_by_name)
    least = least_length(message)
    size = len(text) if text is not None else least
    if size <= LONGEST_MESSAGE:
        return
    part = "its literal text" if text is None else "it"
    with_defaults = " with the parameters' defaults" if text is not None and size > least else ""
    what = f'the message of "{step.name}" is too long: {part} has {size} characters{with_defaults}.'
    fix = f"SageMaker Pipelines allows {LONGEST_MESSAGE}."
    yield warning("SM221", f"{step.where}.Arguments.ErrorMessage", what, fix)


FAIL = StepType(
    name="Fail",
    runner=".fail.FailRunner",
    syntax=StepSyntax(arguments=frozenset({"ErrorMessage"}), in_body=False),
    words={"ErrorMessage": "Why the run fails."},
    about="ends the run as failed, with a message",
    tagged=False,
    pitfalls=(_message_is_short_enough,),
    local_aws="fails",
)

# Operator arguments that are executed as a program.
PROGRAMS = re.compile(r"(?:^|_)(?:commands?|cmds?|sql|hql|pyspark|script|query|queries|statements?|code|callable)$")
VALUES = frozenset(
    {"env", "env_vars", "environment", "op_kwargs", "parameters", "params", "conf"}
)  # maps with the user's keys
QUERIES = re.compile(r"sql|hql|quer|statement")


def _no_expression_in_a_program(step: Step, _pipeline: Pipeline) -> Iterator[Problem]:
    """No run-time value becomes part of a command, a query or a program of an x-airflow step."""
    for place, key, value in _programs(step.arguments, ""):
        if any(isinstance(one, Get | JsonGet) for one in walk_expressions(value)):
            what = (
                f'an expression in "{key}" lets anyone who starts a run or answers a callback write part of what is '
                "executed."
            )
            fix = 'Pass the value in "env", and write "$NAME" in quotation marks here instead.'
            if QUERIES.search(key):
                fix = 'Pass the value in "parameters", and write a database placeholder here instead.'
            yield warning("SM227", f"{step.where}.Arguments{place}", what, fix)


def _programs(value: object, place: str) -> Iterator[tuple[str, str, Any]]:
    """(place, key, value) of every program argument, also inside other arguments (``overrides`` of a task)."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if PROGRAMS.search(key):
                yield f"{place}{key_text(key)}", key, item
            elif key not in VALUES:
                yield from _programs(item, f"{place}{key_text(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _programs(item, f"{place}[{index}]")


CALLS_AND_BRANCHES = (LAMBDA, CALLBACK, CONDITION, FAIL)
NOTES_AND_LOOPS = (LINEAGE, CLEANUP, FOR_EACH)

# Not in the table: such a step is an Airflow operator; ``execution`` sees it only in runs without Airflow.
AIRFLOW_OPERATOR = StepType(
    name=AIRFLOW,
    runner=".airflow_operator.AirflowOperatorRunner",
    syntax=StepSyntax(
        supported=False,
        settings=frozenset({"Operator"}),
        needs="Operator",
        free_arguments=True,
        in_body=False,
        properties={"Output": ""},
    ),
    words={"Operator": "Dotted path of the operator's class; Arguments are its keyword arguments."},
    about="any Airflow operator, by the dotted path in `Operator`",
    tagged=False,
    outside=True,
    pitfalls=(_no_expression_in_a_program,),
    empty_on_failure=True,
    local_aws="runs under Airflow only",
)
