"""Search over stored resources: jobs, experiments, the model registry, endpoints, feature groups, pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ...json_types import AwsShape
from ..errors import AwsError, invalid
from . import (
    endpoints,
    experiments,
    feature_store,
    jobs,
    pipelines,
    registry,
    tuning,
)
from .context import Answer, Context, Handler, Request, page

Rows = Callable[[Context], list[Answer]]


def _all(family: str, key: str, describe: Handler) -> Rows:
    """The Describe answer of every resource of a family; ``key`` is the member that holds the name."""
    return lambda context: [describe(context, {key: found.name}) for found in context.store.all(family, context.region)]


def _components(context: Context) -> list[Answer]:
    of = experiments.parents(context)
    rows = experiments.rows(context, experiments.COMPONENT)
    return [{**row, "Parents": of.get(row["TrialComponentName"], [])} for row in rows]


# {Resource of the request: (member of a result, its rows)}
RESOURCES: dict[str, tuple[str, Rows]] = {
    "TrainingJob": ("TrainingJob", _all("training", "TrainingJobName", jobs.HANDLERS["DescribeTrainingJob"])),
    "HyperParameterTuningJob": (
        "HyperParameterTuningJob",
        _all(tuning.FAMILY, "HyperParameterTuningJobName", tuning.HANDLERS["DescribeHyperParameterTuningJob"]),
    ),
    "Experiment": ("Experiment", lambda context: experiments.rows(context, experiments.EXPERIMENT)),
    "ExperimentTrial": ("Trial", lambda context: experiments.rows(context, experiments.TRIAL)),
    "ExperimentTrialComponent": ("TrialComponent", _components),
    "Endpoint": ("Endpoint", _all(endpoints.ENDPOINT, "EndpointName", endpoints.HANDLERS["DescribeEndpoint"])),
    "ModelPackage": (
        "ModelPackage",
        _all(registry.PACKAGE, "ModelPackageName", registry.HANDLERS["DescribeModelPackage"]),
    ),
    "ModelPackageGroup": (
        "ModelPackageGroup",
        _all(registry.GROUP, "ModelPackageGroupName", registry.HANDLERS["DescribeModelPackageGroup"]),
    ),
    "Pipeline": ("Pipeline", pipelines.rows),
    "FeatureGroup": (
        "FeatureGroup",
        _all(feature_store.GROUP, "FeatureGroupName", feature_store.HANDLERS["DescribeFeatureGroup"]),
    ),
}


def _search(context: Context, request: Request) -> Answer:
    resource = str(request["Resource"])
    if resource not in RESOURCES:
        known = ", ".join(RESOURCES)
        raise AwsError(
            "NotImplementedException", f"sagemaker: Search in the embedded AWS finds {known}, but no {resource}.", 501
        )
    member, rows = RESOURCES[resource]
    found = [row for row in _tagged(context, rows(context)) if _fits(row, request.get("SearchExpression") or {})]
    by = str(request.get("SortBy") or "LastModifiedTime")
    descending = str(request.get("SortOrder") or "Descending") == "Descending"
    keyed = [(next(_values(row, by), None), row) for row in found]
    keyed.sort(key=lambda pair: (pair[0] is not None, _comparable(pair[0])), reverse=descending)
    answer = page([{member: row} for _, row in keyed], request, "Results")
    return {**answer, "TotalHits": {"Value": len(found), "Relation": "EqualTo"}}


def _comparable(value: object) -> tuple[bool, Any]:
    number = _number(value)
    return (False, number) if number is not None else (True, str(value))


def _tagged(context: Context, rows: list[Answer]) -> Iterator[Answer]:
    for row in rows:
        arn = next((str(value) for key, value in row.items() if key.endswith("Arn") and value), "")
        yield {**row, "Tags": [{"Key": key, "Value": value} for key, value in context.store.tags(arn).items()]}


def _fits(row: AwsShape, expression: AwsShape) -> bool:
    """Whether an item matches a SearchExpression, whose ``Operator`` (default And) joins its parts."""
    parts = [
        *(_passes(row, item) for item in expression.get("Filters") or ()),
        *(_nested(row, item) for item in expression.get("NestedFilters") or ()),
        *(_fits(row, item) for item in expression.get("SubExpressions") or ()),
    ]
    return any(parts) if expression.get("Operator") == "Or" and parts else all(parts)


def _nested(row: AwsShape, nested: AwsShape) -> bool:
    """Whether one element of a list passes every filter; the filters' names may repeat the name of the list."""
    path = str(nested["NestedPropertyName"])
    inner = [{**item, "Name": str(item["Name"]).removeprefix(f"{path}.")} for item in nested["Filters"]]
    return any(all(_passes(element, item) for item in inner) for element in _values(row, path))


def _values(value: object, path: str) -> Iterator[Any]:
    """The values at a dotted path; names may contain dots, lists yield each element, names select named elements."""
    if not path:
        yield from value if isinstance(value, list) else (value,)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item, path)
            name = item.get("Key") or item.get("MetricName") if isinstance(item, Mapping) else None
            if name and (path == name or path.startswith(f"{name}.")):
                yield from _values(item, path[len(name) + 1 :] or ("Value" if "Key" in item else ""))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if (path == key or path.startswith(f"{key}.")) and item is not None:
                yield from _values(item, path[len(key) + 1 :])


def _passes(row: object, item: AwsShape) -> bool:
    operator, wanted = str(item.get("Operator") or "Equals"), item.get("Value")
    found = list(_values(row, str(item["Name"])))
    if operator in ("Exists", "NotExists"):
        return bool(found) is (operator == "Exists")
    if wanted is None:
        raise invalid(f"The filter {item['Name']} {operator} needs a Value.")
    if operator == "NotEquals":
        return not any(_holds(value, "Equals", str(wanted)) for value in found)
    return any(_holds(value, operator, str(wanted)) for value in found)


def _holds(value: object, operator: str, wanted: str) -> bool:
    if operator == "Contains":
        return wanted in str(value)
    if operator == "In":
        return str(value) in [word.strip() for word in wanted.split(",")]
    left, right = _number(value), _number(wanted)
    if operator == "Equals":
        return left == right if left is not None and right is not None else str(value) == wanted
    if left is None or right is None:
        return False
    return {
        "GreaterThan": left > right,
        "GreaterThanOrEqualTo": left >= right,
        "LessThan": left < right,
        "LessThanOrEqualTo": left <= right,
    }[operator]


def _number(value: object) -> float | None:
    """A number, or an ISO 8601 time as epoch seconds, the form in which times are stored; else ``None``."""
    if isinstance(value, str | int | float):
        with suppress(ValueError):
            return float(value)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


HANDLERS: dict[str, Handler] = {"Search": _search}
