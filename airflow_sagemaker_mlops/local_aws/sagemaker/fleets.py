"""A fleet: the servers of one endpoint configuration, one process for each variant.

An endpoint has one fleet, and a second one while it is updated.  A fleet is plain JSON in the endpoint's stored body:
``{"generation", "config", "variants": [variant], "capture": DataCaptureConfig or None}``; a variant is ``{"name",
"weight", "instances", "shadow", "serverless": ServerlessConfig or None, "model"}``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...json_types import AwsShape
from ...paths import inside
from .. import serving
from ..errors import invalid
from .context import Context
from .hosting import CONFIG, containers_of_model, find

Fleet = dict[str, Any]
Variant = dict[str, Any]
RETAINED = {"DesiredInstanceCount": "instances", "DesiredWeight": "weight"}  # by RetainAllVariantProperties
ALL_TRAFFIC = "AllTraffic"  # the variant's name in endpoints of the SDK


def folders(context: Context, endpoint: str) -> Path:
    """The folder of an endpoint."""
    return inside(context.region_folder / "endpoints", endpoint)


def folder(context: Context, endpoint: str, fleet: Fleet, index: int) -> Path:
    """The folder of the server of a fleet's variant."""
    suffix = f"-{index}" if index else ""
    return folders(context, endpoint) / f"{fleet['generation']}{suffix}"


def read(context: Context, config: str, generation: int) -> Fleet:
    """The fleet that an endpoint configuration describes; none of it runs yet.

    Raises :class:`AwsError` if the configuration or one of its models does not exist.
    """
    request = find(context, CONFIG, "EndpointConfig", config).body["request"]
    variants = [
        _variant(variant, shadow=shadow)
        for key, shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True))
        for variant in request.get(key) or []
    ]
    if not any(variant["model"] for variant in variants):
        raise invalid(f"The endpoint configuration {config} names no model.")
    variants = [variant for variant in variants if variant["model"]]
    for variant in variants:
        containers_of_model(context, variant["model"])  # refused before anything starts
    capture = request.get("DataCaptureConfig")
    return {"generation": generation, "config": config, "variants": variants, "capture": capture}


def _variant(request: AwsShape, *, shadow: bool) -> Variant:
    weight = request.get("InitialVariantWeight")
    return {
        "name": request["VariantName"],
        "model": request.get("ModelName"),
        "weight": 1.0 if weight is None else float(weight),
        "instances": int(request.get("InitialInstanceCount") or 1),
        "serverless": request.get("ServerlessConfig"),
        "shadow": shadow,
    }


def stored(body: AwsShape) -> Fleet:
    """The fleet in an endpoint's body; earlier versions stored the names of the variants only."""
    if "fleet" in body:
        fleet: Fleet = body["fleet"]
        return fleet
    served = {"model": None, "weight": 1.0, "instances": 1, "serverless": None, "shadow": False}
    variants = [{**served, "name": str(body.get("serves") or ALL_TRAFFIC)}]
    return {"generation": body["generation"], "config": body["config"], "variants": variants, "capture": None}


def retain(fleet: Fleet, old: Fleet, excluded: list[str]) -> Fleet:
    """``fleet`` with the properties of the variants of ``old`` that have the same names, except ``excluded``."""
    before = {variant["name"]: variant for variant in old["variants"]}
    kept = [key for member, key in RETAINED.items() if member not in excluded]
    variants = [
        {**variant, **{key: before[variant["name"]][key] for key in kept}} if variant["name"] in before else variant
        for variant in fleet["variants"]
    ]
    capture = fleet["capture"] if "DataCaptureConfig" in excluded else old["capture"]
    return {**fleet, "variants": variants, "capture": capture}


def launch(context: Context, endpoint: str, fleet: Fleet) -> None:
    """Start the servers of a fleet; returns at once."""
    for index, variant in enumerate(fleet["variants"]):
        containers = containers_of_model(context, variant["model"])
        serving.launch(folder(context, endpoint, fleet, index), containers, context.aws.environment())


def status(context: Context, endpoint: str, fleet: Fleet) -> dict[str, Any]:
    """``{"status", "failure_reason", "last_modified_time"}`` of all servers of a fleet together."""
    states = [
        {**serving.read_status(folder(context, endpoint, fleet, index)), "variant": variant["name"]}
        for index, variant in enumerate(fleet["variants"])
    ]
    changed = max(float(state.get("last_modified_time") or 0.0) for state in states)
    for wanted in ("Failed", "Creating"):
        for state in states:
            if state["status"] == wanted:
                return {**state, "last_modified_time": changed}
    return {"status": "InService", "failure_reason": None, "last_modified_time": changed}


def stop(context: Context, endpoint: str, fleet: Fleet) -> None:
    """Stop the servers of a fleet as soon as they have answered the requests that they have."""
    for index in range(len(fleet["variants"])):
        serving.retire(folder(context, endpoint, fleet, index))
