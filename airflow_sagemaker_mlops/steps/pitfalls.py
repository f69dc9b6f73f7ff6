"""What is well-formed and cannot be what was meant: warnings of ``check`` that need no model of the API.

One rule, one function, as in ``definition.checks.references``; a definition with any of this is run all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..definition.expressions import ROOTS
from ..definition.location import Place, key_text, place_text
from ..definition.model import Get, JsonGet, Pipeline, Step, walk_expressions
from ..definition.problems import Problem
from ..definition.step_types import AIRFLOW
from .arns import FUNCTION, QUEUE
from .typed_slots import known_text, least_length

LONGEST_MESSAGE = 3072  # FailStepMetadata.ErrorMessage of the SageMaker API
_ROOT = "|".join(ROOTS)
PYTHON_TEXT = re.compile(
    r"<[\w.]+(?:\[[\w., ]+\])? object at 0x[0-9a-fA-F]+>"
    r"|<(?:bound method|function) [\w.<>]+ (?:at 0x|of <)"
    r"|\bParameter(?:String|Integer|Float|Boolean)\(name='[^']*', parameter_type=<"
    r"|\bExecutionVariable\(name="
    r"|\bJoin\(on='[^']*', values=\["
    r"|\bJsonGet\(step_name=|\bPropertyFile\(name='"
    rf"|\{{'Get': '(?:{_ROOT})\."
    r"|\{'Std:(?:Join|JsonGet)': \{"
)
_NAMED = re.compile(r"\bParameter\w*\(name='([\w-]+)'|'Get': '([\w.\[\]'-]+)'")
ENDS = {"Failed": "failed", "Stopped": "was stopped"}
NO_RESULT = frozenset({"Lambda", "Callback", "Condition", AIRFLOW})  # types that leave nothing behind when they fail
Rule = Callable[[Pipeline], Iterator[Problem]]


def _warning(code: str, where: str, what: str, fix: str = "") -> Problem:
    return Problem(code, where, what, fix, severity="warning")


def no_text_is_a_python_object(pipeline: Pipeline) -> Iterator[Problem]:
    """No string holds what ``str()`` or an f-string makes of an expression of the SDK."""
    for key in ("Parameters", "Steps"):
        for place, text in _texts(pipeline.document.get(key), (None, key)):
            found = PYTHON_TEXT.search(text)
            if found is None:
                continue
            named = _NAMED.search(text)
            parameter, reference = (named[1], named[2]) if named else (None, None)
            reference = f"Parameters.{parameter}" if parameter in pipeline.parameters_by_name else reference
            fix = "Give the SDK the object itself; Join of sagemaker.workflow.functions puts it into a text."
            if reference:
                fix = (
                    f'Write {{"Get": "{reference}"}}, or a Std:Join with it: pass the object to the SDK, not its text.'
                )
            shown = _cut(text[found.start() :] if found.start() > 20 else text)
            what = f'"{shown}" has the text of a Python object in it.'
            yield _warning("SM110", place_text(place), what, fix)


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    stack: list[tuple[Any, Place]] = [(value, place)]
    while stack:
        item, where = stack.pop()
        if isinstance(item, str):
            yield where, item
        elif isinstance(item, Mapping):
            stack.extend((child, (where, key)) for key, child in item.items())
        elif isinstance(item, list):
            stack.extend((child, (where, index)) for index, child in enumerate(item))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def messages_are_short_enough(pipeline: Pipeline) -> Iterator[Problem]:
    """The message of a Fail step has room in the service's metadata."""
    for step in pipeline.steps:
        message = step.arguments.get("ErrorMessage") if step.type == "Fail" else None
        text = known_text(message, pipeline.parameters_by_name)
        least = least_length(message)
        size = len(text) if text is not None else least
        if size <= LONGEST_MESSAGE:
            continue
        part = "the text in it" if text is None else "it"
        with_defaults = " with the parameters' defaults" if text is not None and size > least else ""
        what = f'the message of "{step.name}" is too long: {part} has {size} characters{with_defaults}.'
        fix = f"SageMaker Pipelines takes {LONGEST_MESSAGE}."
        yield _warning("SM221", f"{step.where}.Arguments.ErrorMessage", what, fix)


def models_have_containers(pipeline: Pipeline) -> Iterator[Problem]:
    """A Model step names the container, or the containers, of its model; one of the two."""
    for step in pipeline.steps:
        if step.type != "Model":
            continue
        has = [key for key in ("PrimaryContainer", "Containers") if step.arguments.get(key)]
        if not has:
            what = f'step "{step.name}" makes a model without a container, which CreateModel refuses.'
            yield _warning("SM222", f"{step.where}.Arguments", what, 'Add "PrimaryContainer" or "Containers".')
        elif len(has) == 2:
            what = f'step "{step.name}" has both "PrimaryContainer" and "Containers", which CreateModel refuses.'
            yield _warning("SM222", f"{step.where}.Arguments", what, "Keep one of them.")


def packages_are_named_once(pipeline: Pipeline) -> Iterator[Problem]:
    """A version of a model package group has no name of its own."""
    for step in pipeline.steps:
        arguments = step.arguments
        if step.type != "RegisterModel" or not arguments.get("ModelPackageGroupName"):
            continue
        for key, why in (
            ("ModelPackageName", "CreateModelPackage takes a group or a name"),
            ("CertifyForMarketplace", "a version in a group is never for the Marketplace"),
        ):
            if arguments.get(key):
                what = f'step "{step.name}" names a group, so "{key}" is left out: {why}.'
                fix = f'Remove "{key}"; SageMaker Pipelines refuses it beside "ModelPackageGroupName".'
                yield _warning("SM223", f"{step.where}.Arguments.{key}", what, fix)


def targets_can_be_ones(pipeline: Pipeline) -> Iterator[Problem]:
    """A Lambda step names something that can be a function, a Callback step something that can be a queue."""
    for step in pipeline.steps:
        key = {"Lambda": "FunctionArn", "Callback": "SqsQueueUrl"}.get(step.type, "")
        text = known_text(step.settings.get(key), pipeline.parameters_by_name) if key in step.settings else None
        if text is None or (FUNCTION if key == "FunctionArn" else QUEUE).fullmatch(text):
            continue
        default = "" if isinstance(step.settings[key], str) else ", which its expressions give by default,"
        if key == "FunctionArn":
            what = f'"{_cut(text)}"{default} is neither the name nor the ARN of a Lambda function.'
            fix = "Write one like arn:aws:lambda:us-east-1:123456789012:function:name."
        else:
            what = f'"{_cut(text)}"{default} is not the URL of an SQS queue.'
            fix = "Write one like https://sqs.us-east-1.amazonaws.com/123456789012/name."
        yield _warning("SM224", f"{step.where}.{key}", what, fix)


def outputs_of_failures_are_not_read(pipeline: Pipeline) -> Iterator[Problem]:
    """A step that waits for the failure of another does not read what that one gives only when it succeeds."""
    steps = pipeline.by_name
    for step in pipeline.steps:
        read = {r.name: r.text for r in step.references if isinstance(r, Get) and r.root == "Steps"}
        for dependency in step.depends_on:
            target = steps.get(dependency.step)
            if target is None or target.type not in NO_RESULT or dependency.trigger not in ENDS:
                continue
            if dependency.step in read:
                what = (
                    f'"{step.name}" runs when "{target.name}" {ENDS[dependency.trigger]}, and reads '
                    f"{read[dependency.step]}: a {target.type} step that did not succeed has none."
                )
                fix = 'Wait for "Completed", or do without the value.'
                yield _warning("SM225", dependency.where, what, fix)


def property_files_lie_in_their_output(pipeline: Pipeline) -> Iterator[Problem]:
    """The path of a property file is that of a file below the output."""
    for step in pipeline.steps:
        for index, file in enumerate(step.property_files):
            if "://" in file.path or ".." in file.path.split("/") or file.path.endswith("/"):
                why = "is not the path of a file below the output"
            elif file.path.startswith("/"):
                why = "begins with a slash, which is left out: the path is relative to the output"
            else:
                continue
            where = f"{step.where}.PropertyFiles[{index}].FilePath"
            local = next((path for path in _local_paths(step, file.output) if file.path.startswith(f"{path}/")), "")
            meant = file.path.removeprefix(local).strip("/").rpartition("://")[2]
            fix = f'Write "{meant}".' if ".." not in meant and meant and "://" not in file.path else ""
            yield _warning("SM226", where, f'"{file.path}" {why}.', fix)


def _local_paths(step: Step, output: str) -> Iterator[str]:
    """Where the container writes ``output``; people give the path in the container as that of the file."""
    config = step.arguments.get("ProcessingOutputConfig")
    rows = config.get("Outputs") if isinstance(config, Mapping) else None
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping) and row.get("OutputName") == output:
            target = row.get("S3Output")
            path = target.get("LocalPath") if isinstance(target, Mapping) else None
            if isinstance(path, str):
                yield path.rstrip("/")


# Arguments of operators that something reads as a program.
PROGRAMS = re.compile(r"(?:^|_)(?:commands?|cmds?|sql|hql|pyspark|script|query|queries|statements?|code|callable)$")
VALUES = frozenset(
    {"env", "env_vars", "environment", "op_kwargs", "parameters", "params", "conf"}
)  # keys of the user's
QUERIES = re.compile(r"sql|hql|quer|statement")


def programs_hold_no_expressions(pipeline: Pipeline) -> Iterator[Problem]:
    """No value of a run becomes a part of a command, a query or a program of an x-airflow step."""
    for step in pipeline.steps:
        for place, key, value in _programs(step.arguments, "") if step.type == AIRFLOW else ():
            if any(isinstance(one, Get | JsonGet) for one in walk_expressions(value)):
                what = (
                    f'an expression stands in "{key}": whoever starts a run, or answers a callback, writes a part of '
                    "what is executed."
                )
                fix = 'Pass the value in "env", and write "$NAME" in quotation marks here.'
                if QUERIES.search(key):
                    fix = 'Pass the value in "parameters", and write a placeholder of the database here.'
                yield _warning("SM227", f"{step.where}.Arguments{place}", what, fix)


def _programs(value: Any, place: str) -> Iterator[tuple[str, str, Any]]:
    """(place, key, value) of what looks like a program, also inside of other arguments (``overrides`` of a task)."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if PROGRAMS.search(key):
                yield f"{place}{key_text(key)}", key, item
            elif key not in VALUES:
                yield from _programs(item, f"{place}{key_text(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _programs(item, f"{place}[{index}]")


RULES: tuple[Rule, ...] = (
    no_text_is_a_python_object,
    messages_are_short_enough,
    models_have_containers,
    packages_are_named_once,
    targets_can_be_ones,
    outputs_of_failures_are_not_read,
    property_files_lie_in_their_output,
    programs_hold_no_expressions,
)
