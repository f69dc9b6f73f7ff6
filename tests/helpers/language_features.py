"""The features of the definition language that a document uses, as short texts.

Read from the JSON alone, without the package.  ``tests/pipelines/valid`` has every feature that real definitions have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

EXPRESSIONS = ("Get", "Std:Join", "Std:JsonGet")
BODIES = ("IfSteps", "ElseSteps", "ForEachBody")
# Members of the requests of jobs that others' generators write and that this package treats in a way of its own.
MEMBERS = ("RetryStrategy", "ServerlessJobConfig", "ModelPackageConfig", "WarmStartConfig", "TrainingJobDefinitions")
MEMBERS += ("TrainingJobDefinition", "ExperimentConfig", "PrimaryContainer", "Containers", "ClusterConfig", "VpcConfig")
MEMBERS += ("ApplicationId", "ApplicationConfig", "DriftCheckBaselines", "ModelMetrics", "MetricDefinitions", "Tags")
MARKS = {
    "a @step function": "sagemaker_remote_function_bootstrap/job_driver.sh",
    "a notebook job": "SM_INPUT_NOTEBOOK_NAME",
    "a repack of a model": "_repack_",
}


def features(document: Any) -> set[str]:
    """All features of a document, which is taken to be valid."""
    steps = list(_steps(document["Steps"]))
    found = set(_of_the_top(document))
    places = {step["Name"]: (index, where) for index, (step, where) in enumerate(steps)}
    types = {step["Name"]: step["Type"] for step, _ in steps}
    for index, (step, where) in enumerate(steps):
        found |= set(_of_a_step(step, where, places))
        for expression in _expressions(_without_bodies(step)):
            found |= set(_of_an_expression(expression, index, where, places, types))
    return found


def _steps(steps: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Every step, and the branches and bodies that it stands in."""
    for step in steps or ():
        yield step, where
        arguments = step.get("Arguments")
        for body in BODIES if isinstance(arguments, dict) else ():
            yield from _steps(arguments.get(body), (*where, f"{step['Name']}.{body}"))


def _of_the_top(document: Any) -> Iterator[str]:
    for key in ("Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig"):
        there = "absent" if key not in document else "null" if document[key] is None else "given"
        yield f"top: {key} {'empty' if there == 'given' and not document[key] else there}"
    for parameter in document.get("Parameters") or ():
        yield f"parameter: {parameter['Type']}"
        default = parameter.get("DefaultValue", "absent")
        yield f"parameter: default {'empty' if default == '' else 'absent' if default == 'absent' else 'given'}"
        yield from (f"parameter: {key}" for key in parameter if key not in ("Name", "Type", "DefaultValue"))


def _of_a_step(step: Any, where: tuple[str, ...], places: dict[str, Any]) -> Iterator[str]:
    kind, arguments = step["Type"], step.get("Arguments")
    inside = "" if not where else " in a body" if where[-1].endswith("ForEachBody") else " in a branch"
    yield f"step: {kind}{inside}"
    if len(where) > 1:
        yield "step: in a branch of a branch"
    if not re.fullmatch("[A-Za-z0-9-]+", step["Name"]):
        yield "step: a name with other characters than letters, digits and dashes"
    for key in set(step) - {"Name", "Type", "Arguments"}:
        yield f"{kind if key not in ('DisplayName', 'Description') else 'step'}: {key} {_kind(step[key])}"
    for one in step.get("DependsOn") or ():
        name, trigger = (one, "") if isinstance(one, str) else (one["Step"], one.get("Trigger", "Completed"))
        theirs = places[name][1]
        yield f"depends: {trigger}" if trigger else "depends: a name"
        if theirs != where[: len(theirs)]:
            yield "depends: on a step of a branch, from outside of it"
    for policy in step.get("RetryPolicies") or ():
        yield from (f"retry: {key}" for key in policy)
        causes = policy["ExceptionType"]
        yield from (f"retry: {cause}" for cause in ([causes] if isinstance(causes, str) else causes))
        yield f"retry: {'several causes' if len(causes) > 1 and not isinstance(causes, str) else 'one cause'}"
    if len(step.get("RetryPolicies") or ()) > 1:
        yield "retry: several policies"
    if cache := step.get("CacheConfig"):
        expires = cache.get("ExpireAfter")
        form = (
            "no end"
            if expires is None
            else "an ISO 8601 duration"
            if expires == expires.upper() and expires[0] == "P"
            else "other text"
        )
        yield f"cache: {cache.get('Enabled')}, {form}"
    yield from (f"output parameter: {one.get('OutputType', 'no type')}" for one in step.get("OutputParameters") or ())
    if "CheckType" in step:
        yield f"check: {kind} {step['CheckType']}"
    if isinstance(arguments, dict):
        yield from _of_arguments(kind, arguments)


def _of_arguments(kind: str, arguments: Any) -> Iterator[str]:
    if kind == "Condition":
        for condition in arguments["Conditions"]:
            yield from _of_a_condition(condition, "")
        yield f"condition: {'several' if len(arguments['Conditions']) > 1 else 'one'}"
        yield from (f"condition: no {branch}" for branch in BODIES[:2] if not arguments.get(branch))
        return
    if kind == "Fail":
        yield f"fail: {_kind(arguments.get('ErrorMessage'))}"
    if kind == "ForEach":
        yield f"loop: over {_kind(arguments['IterableItems'])}"
        if selector := arguments.get("Selector"):
            yield f"loop: {selector.get('Pick')}"
    if kind == "EMR" and "ClusterId" in arguments:
        yield f"emr: ClusterId {_kind(arguments['ClusterId'])}"
    if any(key.endswith(("JobName", "NamePrefix")) for key in arguments):
        yield f"{kind}: a name in the request"
    for key, value in _members(arguments):
        if key in MEMBERS:
            yield f"{kind}: {key}"
        if key == "Containers" and len(value) > 1:
            yield f"{kind}: several containers"
    for value in _leaves(arguments):
        yield from _of_a_leaf(value)
        yield from (f"{kind}: {name}" for name, mark in MARKS.items() if isinstance(value, str) and mark in value)
    yield from (f"{kind}: {name}" for name, mark in MARKS.items() if any(mark == key for key, _ in _members(arguments)))


def _of_a_leaf(value: Any) -> Iterator[str]:
    if value is None:
        yield "value: null"
    if isinstance(value, float):
        yield "value: a fraction"
    if isinstance(value, str) and "\n" in value:
        yield "value: text of several lines"
    if isinstance(value, str) and ("{{" in value or "${" in value):
        yield "value: text like a template"


def _of_a_condition(condition: Any, inside: str) -> Iterator[str]:
    kind = condition["Type"]
    yield f"condition: {kind}{inside}"
    inner = [*condition.get("Conditions", ()), *([condition["Condition"]] if "Condition" in condition else [])]
    for one in inner:
        yield from _of_a_condition(one, " in another")
    for side in ("LeftValue", "RightValue", "QueryValue"):
        if side in condition:
            yield f"condition: {side} {_kind(condition[side])}"
    yield from (f"condition: one of Values {_kind(value)}" for value in condition.get("Values", ()))


def _of_an_expression(
    expression: Any, index: int, where: tuple[str, ...], places: dict[str, Any], types: dict[str, str]
) -> Iterator[str]:
    ((kind, given),) = expression.items()
    if kind == "Std:Join":
        values = given["Values"]
        yield "join: one value" if len(values) == 1 else "join: several values"
        yield from (f"join: of {_kind(value)}" for value in values)
    elif kind == "Std:JsonGet":
        yield f"json: from {'a property file' if 'PropertyFile' in given else _kind(given['S3Uri'])}"
        yield f"json: a path with{' ' if '[' in given['Path'] else 'out '}brackets"
    else:
        root, _, rest = given.partition(".")
        if root != "Steps":
            yield f"get: {given if root == 'Execution' else root}"
            return
        name, dot, path = rest.partition(".")
        name = name if name in types else name.partition("[")[0]
        if name not in types:  # of a loop's own
            return
        first = re.split(r"[.\[]", path)[0]
        yield f"get: {types[name]}.{first}" if dot else "get: a whole step"
        if "['" in path or '["' in path:
            yield "get: a path with a name in brackets"
        if re.search(r"\[\d+\]", path):
            yield "get: a path with a number in brackets"
        at, inside = places[name]
        if at > index:
            yield "get: of a step further below"
        if inside != where[: len(inside)]:
            yield "get: of a step of a branch, from outside of it"


def _without_bodies(step: Any) -> dict[str, Any]:
    arguments = step.get("Arguments")
    if not isinstance(arguments, dict):
        return dict(step)
    return {**step, "Arguments": {key: value for key, value in arguments.items() if key not in BODIES}}


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return next((f"an expression ({key})" for key in EXPRESSIONS if set(value) == {key}), "an object")
    names = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list", type(None): "null"}
    return names[type(value)]


def _expressions(value: Any) -> Iterator[Any]:
    """Expressions, those inside of expressions included."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in EXPRESSIONS:
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _expressions(inner)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _members(inner)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value
