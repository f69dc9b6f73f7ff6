"""Models, endpoint configurations and endpoints, which ``local_aws.serving`` serves from processes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...paths import inside
from .. import serving
from ..errors import AwsError, invalid
from ..locks import NamedLocks
from ..store import NameTaken, Resource
from .context import (
    Answer,
    Context,
    Handler,
    Request,
    page,
    passes_filters,
    sorted_rows,
    tags_of,
)
from .registry import find_package

MODEL, CONFIG, ENDPOINT = "model", "endpoint-config", "endpoint"
ALL_TRAFFIC = "AllTraffic"  # the variant's name in endpoints of the SDK
_CHANGING = NamedLocks()


def _create(family: str, word: str) -> Handler:
    def create(context: Context, request: Request) -> Answer:
        name = str(request[f"{word}Name"])
        arn = context.arn(f"{family}/{name.lower()}")
        if family == CONFIG:
            for variant in request.get("ProductionVariants") or []:
                if variant.get("ModelName"):
                    _find(context, MODEL, "Model", variant["ModelName"])
        try:
            body = {"arn": arn, "request": dict(request)}
            context.store.insert(family, context.region, name, body, tags_of(request))
        except NameTaken:
            raise invalid(f'Cannot create already existing {family.replace("-", " ")} "{arn}".') from None
        return {f"{word}Arn": arn}

    return create


def _find(context: Context, family: str, word: str, name: Any) -> Resource:
    found = context.store.get(family, context.region, str(name))
    if found is None:
        arn = context.arn(f"{family}/{str(name).lower()}")
        raise invalid(f'Could not find {family.replace("-", " ")} "{arn}".')
    return found


def _describe(family: str, word: str) -> Handler:
    def describe(context: Context, request: Request) -> Answer:
        found = _find(context, family, word, request[f"{word}Name"])
        answer: Answer = {**found.body["request"], f"{word}Arn": found.body["arn"], "CreationTime": found.created}
        return answer

    return describe


def _delete(family: str, word: str) -> Handler:
    def delete(context: Context, request: Request) -> Answer:
        found = _find(context, family, word, request[f"{word}Name"])
        context.store.delete(family, context.region, found.name)
        return {}

    return delete


def _list(family: str, word: str) -> Handler:
    keys = {"Name": f"{word}Name", "CreationTime": "CreationTime"}

    def listing(context: Context, request: Request) -> Answer:
        rows = [
            {f"{word}Name": found.name, f"{word}Arn": found.body["arn"], "CreationTime": found.created}
            for found in context.store.all(family, context.region)
            if passes_filters(request, found.name, None, found.created, found.modified)
        ]
        return page(sorted_rows(rows, request, keys, "CreationTime"), request, f"{word}s")

    return listing


def containers_of_model(context: Context, name: str) -> list[dict[str, Any]]:
    """The containers of a model; for a model package, the containers from the registry."""
    request = _find(context, MODEL, "Model", name).body["request"]
    primary = request.get("PrimaryContainer")
    containers = request.get("Containers") or ([primary] if primary else [])
    resolved: list[dict[str, Any]] = []
    for container in containers:
        if container.get("ModelPackageName"):
            package = find_package(context, container["ModelPackageName"]).body["request"]
            inner = (package.get("InferenceSpecification") or {}).get("Containers") or []
            resolved.extend({**item, **_environment(item, container)} for item in inner[:1])
        else:
            resolved.append(dict(container))
    return resolved


def _environment(inner: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any]:
    merged = {**(inner.get("Environment") or {}), **(outer.get("Environment") or {})}
    return {"Environment": merged} if merged else {}


# -- endpoints


def _folder(context: Context, name: str, generation: int) -> Path:
    return _folders(context, name) / str(generation)


def _folders(context: Context, name: str) -> Path:
    return inside(context.region_folder / "endpoints", name)


@dataclass(frozen=True, slots=True)
class _EndpointConfig:
    """The contents of an endpoint configuration.

    variants     names of its variants
    serves       the variant that receives requests: an endpoint serves one model here
    containers   the containers of that variant's model
    """

    variants: list[str]
    serves: str
    containers: list[dict[str, Any]]


def _read_config(context: Context, config: str) -> _EndpointConfig:
    variants = _find(context, CONFIG, "EndpointConfig", config).body["request"].get("ProductionVariants") or []
    served = next((variant for variant in variants if variant.get("ModelName")), None)
    if served is None:
        raise invalid(f"The endpoint configuration {config} names no model.")
    names = [variant["VariantName"] for variant in variants]
    return _EndpointConfig(names, served["VariantName"], containers_of_model(context, served["ModelName"]))


def _create_endpoint(context: Context, request: Request) -> Answer:
    name, config = str(request["EndpointName"]), str(request["EndpointConfigName"])
    endpoint_config = _read_config(context, config)
    arn = context.arn(f"endpoint/{name.lower()}")
    body = {"arn": arn, "request": dict(request), "config": config, "generation": 1, "last": 1, "next": None}
    with _CHANGING.hold(str(_folders(context, name))):
        if context.store.get(ENDPOINT, context.region, name) is not None:
            raise invalid(f'Cannot create already existing endpoint "{arn}".')
        # First, because the status of a stored endpoint is that of its server.
        _launch(context, name, 1, endpoint_config)
        about = {"variants": endpoint_config.variants, "serves": endpoint_config.serves}
        context.store.insert(ENDPOINT, context.region, name, {**body, **about}, tags_of(request))
    return {"EndpointArn": arn}


def _launch(context: Context, name: str, generation: int, endpoint_config: _EndpointConfig) -> None:
    serving.launch(_folder(context, name, generation), endpoint_config.containers, context.aws.environment())


def _update_endpoint(context: Context, request: Request) -> Answer:
    name, config = str(request["EndpointName"]), str(request["EndpointConfigName"])
    with _CHANGING.hold(str(_folders(context, name))):
        found = _settle(context, name)
        endpoint_config = _read_config(context, config)
        state = _state(context, found)
        if state["status"] == "Failed":
            raise invalid(f"Cannot update endpoint {found.body['arn']}: it is Failed and can only be deleted.")
        if state["status"] != "InService" or found.body["next"] is not None:
            raise invalid(f"Cannot update in-progress endpoint {found.body['arn']}.")
        # A generation is used only once: the folder of a failed update contains that update's model.
        generation = int(found.body.get("last") or found.body["generation"]) + 1
        _launch(context, name, generation, endpoint_config)
        upcoming = {
            "generation": generation,
            "config": config,
            "variants": endpoint_config.variants,
            "serves": endpoint_config.serves,
        }
        context.store.update(ENDPOINT, context.region, name, next=upcoming, last=generation)
    return {"EndpointArn": found.body["arn"]}


def _settled(context: Context, name: str) -> Resource:
    """The endpoint, switched to its next generation if that is in service, or back if that has failed."""
    found = _find(context, ENDPOINT, "Endpoint", name)
    if found.body["next"] is None:
        return found
    with _CHANGING.hold(str(_folders(context, name))):
        return _settle(context, name)


def _settle(context: Context, name: str) -> Resource:
    found = _find(context, ENDPOINT, "Endpoint", name)
    upcoming = found.body["next"]
    if upcoming is None:
        return found
    state = serving.read_status(_folder(context, name, upcoming["generation"]))
    if state["status"] == "Creating":
        return found
    if state["status"] == "InService":
        serving.stop(_folder(context, name, found.body["generation"]))
        changes = {**upcoming, "next": None, "reason": None}
    else:
        changes = {"next": None, "reason": state.get("failure_reason")}
    context.store.update(ENDPOINT, context.region, name, **changes)
    return _find(context, ENDPOINT, "Endpoint", name)


def _state(context: Context, found: Resource) -> dict[str, Any]:
    return serving.read_status(_folder(context, found.name, int(found.body["generation"])))


def _describe_endpoint(context: Context, request: Request) -> Answer:
    found = _settled(context, str(request["EndpointName"]))
    state = _state(context, found)
    status = "Updating" if found.body["next"] is not None else state["status"]
    return {
        "EndpointName": found.name,
        "EndpointArn": found.body["arn"],
        "EndpointConfigName": found.body["config"],
        "EndpointStatus": status,
        "FailureReason": found.body.get("reason") or state.get("failure_reason"),
        "CreationTime": found.created,
        "LastModifiedTime": max(found.modified, state.get("last_modified_time") or 0.0),
        "ProductionVariants": [
            {"VariantName": variant, "CurrentInstanceCount": 1, "DesiredInstanceCount": 1}
            for variant in found.body.get("variants") or [ALL_TRAFFIC]
        ],
    }


def _delete_endpoint(context: Context, request: Request) -> Answer:
    name = str(request["EndpointName"])
    folders = _folders(context, name)
    with _CHANGING.hold(str(folders)):
        _find(context, ENDPOINT, "Endpoint", name)
        context.store.delete(ENDPOINT, context.region, name)  # first: a stored endpoint always has its folder
        for folder in sorted(folders.glob("*")):
            serving.stop(folder)
        shutil.rmtree(folders, ignore_errors=True)
    return {}


def _list_endpoints(context: Context, request: Request) -> Answer:
    rows = []
    for found in context.store.all(ENDPOINT, context.region):
        row = _describe_endpoint(context, {"EndpointName": found.name})
        if passes_filters(request, found.name, row["EndpointStatus"], row["CreationTime"], row["LastModifiedTime"]):
            rows.append(row)
    keys = {"Name": "EndpointName", "CreationTime": "CreationTime", "Status": "EndpointStatus"}
    return page(sorted_rows(rows, request, keys, "CreationTime"), request, "Endpoints")


def running_endpoint(context: Context, name: str) -> tuple[dict[str, Any], str]:
    """The state of the endpoint's server, which is restarted if it has died, and the variant that it serves."""
    found = context.store.get(ENDPOINT, context.region, name)
    if found is None:
        raise AwsError("ValidationError", f"Endpoint {name} of account {context.aws.account} not found.")
    found = _settled(context, name)
    folder = _folder(context, name, int(found.body["generation"]))
    state = serving.ensure_running(folder)
    if state["status"] != "InService":
        raise AwsError("ValidationError", f"Endpoint {name} is {state['status']} and accepts no requests.")
    return state, str(found.body.get("serves") or ALL_TRAFFIC)


HANDLERS: dict[str, Handler] = {
    "CreateEndpoint": _create_endpoint,
    "UpdateEndpoint": _update_endpoint,
    "DescribeEndpoint": _describe_endpoint,
    "DeleteEndpoint": _delete_endpoint,
    "ListEndpoints": _list_endpoints,
}
for _family, _word in ((MODEL, "Model"), (CONFIG, "EndpointConfig")):
    HANDLERS[f"Create{_word}"] = _create(_family, _word)
    HANDLERS[f"Describe{_word}"] = _describe(_family, _word)
    HANDLERS[f"Delete{_word}"] = _delete(_family, _word)
    HANDLERS[f"List{_word}s"] = _list(_family, _word)
