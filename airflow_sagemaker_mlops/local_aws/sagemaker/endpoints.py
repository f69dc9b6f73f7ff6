"""Endpoints: fleets of model servers, and the updates that replace one fleet by another while requests go on."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from typing import Any

from ...json_types import AwsShape
from .. import serving
from ..errors import invalid
from ..locks import NamedLocks
from ..moto_backend import alarm_states
from ..state import LocalAws, read_config
from ..store import Resource, Store
from . import deployments, fleets
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
from .fleets import Fleet, Variant
from .hosting import find

ENDPOINT = "endpoint"
STEP_S = 0.1  # between two looks at an update
_CHANGING = NamedLocks()
ROUTING = threading.Lock()  # held while a request chooses a server, and while servers are taken out of the choice
_UPDATES = threading.Event()  # there may be an update to drive


def _create_endpoint(context: Context, request: Request) -> Answer:
    name, config = str(request["EndpointName"]), str(request["EndpointConfigName"])
    fleet = fleets.read(context, config, 1)
    deployment = request.get("DeploymentConfig")
    if deployment:
        deployments.check(deployment, fleet, fleet)
    arn = context.arn(f"endpoint/{name.lower()}")
    body = {
        "arn": arn,
        "request": dict(request),
        "fleet": fleet,
        "last": 1,
        "update": None,
        "deployment": deployment,
        "reason": None,
    }
    with _CHANGING.hold(str(fleets.folders(context, name))):
        if context.store.get(ENDPOINT, context.region, name) is not None:
            raise invalid(f'Cannot create already existing endpoint "{arn}".')
        # First, because the status of a stored endpoint is that of its servers.
        fleets.launch(context, name, fleet)
        context.store.insert(ENDPOINT, context.region, name, body, tags_of(request))
    return {"EndpointArn": arn}


def _update_endpoint(context: Context, request: Request) -> Answer:
    name, config = str(request["EndpointName"]), str(request["EndpointConfigName"])
    with _CHANGING.hold(str(fleets.folders(context, name))):
        found = _changeable(context, name, "update")
        body, old = found.body, fleets.stored(found.body)
        # A generation is used only once: the folder of a failed update contains that update's model.
        generation = int(body.get("last") or old["generation"]) + 1
        fleet = fleets.read(context, config, generation)
        excluded = [item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties") or []]
        if request.get("RetainAllVariantProperties"):
            fleet = fleets.retain(fleet, old, excluded)
        deployment = request.get("DeploymentConfig")
        if not deployment and request.get("RetainDeploymentConfig"):
            deployment = body.get("deployment")
        if deployment:
            deployments.check(deployment, old, fleet)
            _check_alarms(context, deployment)
        fleets.launch(context, name, fleet)
        speedup = float(read_config(context.state_dir).get("deployment_speedup") or deployments.SPEEDUP)
        update = deployments.begin(fleet, deployment, time.time(), speedup)
        changes = {"fleet": old, "update": update, "last": generation, "reason": None, "broken": False}
        context.store.update(ENDPOINT, context.region, name, **changes)
    _UPDATES.set()
    return {"EndpointArn": found.body["arn"]}


def _check_alarms(context: Context, deployment: AwsShape) -> None:
    names = deployments.alarms({"deployment": deployment})
    missing = [name for name in names if name not in alarm_states(context.region)]
    if missing:
        raise invalid(f"The CloudWatch alarm {missing[0]} of AutoRollbackConfiguration does not exist.")


def _changeable(context: Context, name: str, verb: str) -> Resource:
    """The endpoint, unless it is being changed or has failed.  The caller holds its lock."""
    found = _settle(context, name)
    status = _status(context, found)["status"]
    if status == "Failed":
        raise invalid(f"Cannot {verb} endpoint {found.body['arn']}: it is Failed and can only be deleted.")
    if status not in ("InService", "UpdateRollbackFailed"):
        raise invalid(f"Cannot {verb} in-progress endpoint {found.body['arn']}.")
    return found


def _update_weights(context: Context, request: Request) -> Answer:
    name = str(request["EndpointName"])
    with _CHANGING.hold(str(fleets.folders(context, name))):
        found = _changeable(context, name, "update")
        fleet = fleets.stored(found.body)
        variants = {variant["name"]: dict(variant) for variant in fleet["variants"] if not variant["shadow"]}
        for row in request["DesiredWeightsAndCapacities"]:
            variant = variants.get(row["VariantName"])
            if variant is None:
                raise invalid(f"Could not find variant {row['VariantName']} of endpoint {found.body['arn']}.")
            if row.get("DesiredWeight") is not None:
                variant["weight"] = float(row["DesiredWeight"])
            if row.get("DesiredInstanceCount") is not None:
                variant["instances"] = int(row["DesiredInstanceCount"])
        changed = [variants.get(variant["name"], variant) for variant in fleet["variants"]]
        context.store.update(ENDPOINT, context.region, name, fleet={**fleet, "variants": changed})
    return {"EndpointArn": found.body["arn"]}


# -- the progress of updates


def settled(context: Context, name: str) -> Resource:
    """The endpoint with its update as far as it has come by now."""
    found = find(context, ENDPOINT, "Endpoint", name)
    if found.body.get("update") is None:
        return found
    with _CHANGING.hold(str(fleets.folders(context, name))):
        return _settle(context, name)


def _settle(context: Context, name: str) -> Resource:
    found = find(context, ENDPOINT, "Endpoint", name)
    before = found.body.get("update")
    if before is None:
        return found
    names = deployments.alarms(before)
    states = alarm_states(context.region) if names else {}
    alarm = next((name for name in names if states.get(name) == "ALARM"), "")
    status = fleets.status(context, name, before["fleet"])
    update, outcome = deployments.advance(before, status, alarm if before["at"] >= 0 else "", time.time())
    changes: dict[str, Any] = {"update": update}
    leaves: Fleet | None = None
    match outcome:
        case "serves":
            leaves = fleets.stored(found.body)
            changes = {"fleet": update["fleet"], "update": None, "reason": None, "deployment": update["deployment"]}
        case "rolled back":
            leaves = update["fleet"]
            old = fleets.status(context, name, fleets.stored(found.body))
            changes = {"update": None, "reason": update["reason"], "broken": old["status"] != "InService"}
    if changes != {"update": before}:
        with ROUTING:  # a request that has chosen a server of the fleet that leaves is known as using it by now
            context.store.update(ENDPOINT, context.region, name, **changes)
    if leaves is not None:
        fleets.stop(context, name, leaves)
    return find(context, ENDPOINT, "Endpoint", name)


def drive(store: Store, aws: LocalAws) -> None:
    """Drive the updates of all endpoints for ever: also those that nobody asks for, and those of before a restart."""
    _UPDATES.set()
    while True:
        _UPDATES.wait()
        _UPDATES.clear()
        for region in store.regions(ENDPOINT):
            context = Context(store, aws, region)
            for found in store.all(ENDPOINT, region):
                if found.body.get("update") is not None:
                    _UPDATES.set()
                    try:
                        settled(context, found.name)
                    except Exception as error:  # deleted meanwhile, or its folder is
                        sys.stderr.write(f"update of endpoint {found.name}: {type(error).__name__}: {error}\n")
        time.sleep(STEP_S)


# -- what one sees of them


def _status(context: Context, found: Resource) -> dict[str, Any]:
    update = found.body.get("update")
    state = fleets.status(context, found.name, fleets.stored(found.body))
    if update is not None:
        state["status"] = "RollingBack" if update["back"] else "Updating"
    elif found.body.get("broken"):
        state["status"] = "UpdateRollbackFailed"
    return state


def _describe_endpoint(context: Context, request: Request) -> Answer:
    found = settled(context, str(request["EndpointName"]))
    state, body = _status(context, found), found.body
    update, fleet = body.get("update"), fleets.stored(body)
    answer = {
        "EndpointName": found.name,
        "EndpointArn": body["arn"],
        "EndpointConfigName": fleet["config"],
        "EndpointStatus": state["status"],
        "FailureReason": (update or {}).get("reason") or body.get("reason") or state.get("failure_reason"),
        "CreationTime": found.created,
        "LastModifiedTime": max(found.modified, state.get("last_modified_time") or 0.0),
        "LastDeploymentConfig": body.get("deployment"),
        "DataCaptureConfig": _capture(fleet),
        **_variants(fleet, _stage(update)),
    }
    if update is not None:
        pending = update["fleet"]
        summary = {"EndpointConfigName": pending["config"], "StartTime": update["begun"]}
        answer["PendingDeploymentSummary"] = {**summary, **_variants(pending, _stage(update), update["begun"])}
    return {key: value for key, value in answer.items() if value is not None}


def _stage(update: deployments.Update | None) -> str:
    """The status of the variants of an update."""
    if update is None:
        return ""
    return "Creating" if update["at"] < 0 else "Baking"


def _variants(fleet: Fleet, stage: str, since: float | None = None) -> Answer:
    answer: Answer = {}
    for key, shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True)):
        rows = [_variant(variant, stage, since) for variant in fleet["variants"] if variant["shadow"] is shadow]
        if rows:
            answer[key] = rows
    return answer


def _variant(variant: Variant, stage: str, since: float | None) -> Answer:
    row: Answer = {
        "VariantName": variant["name"],
        "CurrentWeight": variant["weight"],
        "DesiredWeight": variant["weight"],
    }
    if variant["serverless"]:
        row |= {"CurrentServerlessConfig": variant["serverless"], "DesiredServerlessConfig": variant["serverless"]}
    else:
        row |= {"CurrentInstanceCount": variant["instances"], "DesiredInstanceCount": variant["instances"]}
    if stage and since is not None:
        row["VariantStatus"] = [{"Status": stage, "StartTime": since}]
    return row


def _capture(fleet: Fleet) -> Answer | None:
    capture = fleet["capture"]
    if not capture:
        return None
    enabled = capture.get("EnableCapture") is not False
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId") or "",
    }


def _delete_endpoint(context: Context, request: Request) -> Answer:
    name = str(request["EndpointName"])
    folder = fleets.folders(context, name)
    with _CHANGING.hold(str(folder)):
        find(context, ENDPOINT, "Endpoint", name)
        context.store.delete(ENDPOINT, context.region, name)  # first: a stored endpoint always has its folder
        for server in sorted(folder.glob("*")):
            serving.stop(server)
        shutil.rmtree(folder, ignore_errors=True)
    return {}


def _list_endpoints(context: Context, request: Request) -> Answer:
    rows = []
    for found in context.store.all(ENDPOINT, context.region):
        row = _describe_endpoint(context, {"EndpointName": found.name})
        if passes_filters(request, found.name, row["EndpointStatus"], row["CreationTime"], row["LastModifiedTime"]):
            rows.append(row)
    keys = {"Name": "EndpointName", "CreationTime": "CreationTime", "Status": "EndpointStatus"}
    return page(sorted_rows(rows, request, keys, "CreationTime"), request, "Endpoints")


HANDLERS: dict[str, Handler] = {
    "CreateEndpoint": _create_endpoint,
    "UpdateEndpoint": _update_endpoint,
    "UpdateEndpointWeightsAndCapacities": _update_weights,
    "DescribeEndpoint": _describe_endpoint,
    "DeleteEndpoint": _delete_endpoint,
    "ListEndpoints": _list_endpoints,
}
