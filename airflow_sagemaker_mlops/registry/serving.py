"""Finds the endpoint configuration that serves a version, to roll back an endpoint to an earlier champion."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..aws_errors import NOT_FOUND, error_code
from .champion import Client, Log, Version
from .errors import RegistryError

if TYPE_CHECKING:
    from ..json_types import AwsShape
    from .clients import SageMakerRegistry

MAX_CONFIGURATIONS = 100  # configurations to search, newest first
LONGEST_WAIT_S = 3600.0  # for an update that is in progress
PAUSE_S = 5.0
BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
UPDATABLE = frozenset({"InService", "UpdateRollbackFailed"})


class EndpointNotUpdated(RegistryError):
    """The endpoint keeps serving another model than the champion; the registry itself is up to date."""


class EndpointBusy(EndpointNotUpdated):
    """An update of the endpoint is still in progress; a later attempt may succeed."""


def configuration_of(
    client: Client, version: Version, *, variants: frozenset[str] = frozenset(), limit: int = MAX_CONFIGURATIONS
) -> str:
    """The newest endpoint configuration that serves only ``version``; "" if none of the newest ``limit`` does.

    :param variants: names of production variants; a configuration with the same names is preferred to a newer one,
        because auto scaling, alarms and requests name variants
    """
    sagemaker = client("sagemaker")
    known: dict[str, bool] = {}
    newest = ""
    answer = sagemaker.list_endpoint_configs(SortBy="CreationTime", SortOrder="Descending", MaxResults=limit)
    for row in answer.get("EndpointConfigs") or []:
        described = sagemaker.describe_endpoint_config(EndpointConfigName=row["EndpointConfigName"])
        served = described.get("ProductionVariants") or []
        models = [str(variant.get("ModelName") or "") for variant in served]
        for name in models:
            if name not in known:
                known[name] = bool(name) and _is_of(sagemaker, name, version)
        if not models or not all(known[name] for name in models):
            continue
        if not variants or _names(served) == variants:
            return str(row["EndpointConfigName"])
        newest = newest or str(row["EndpointConfigName"])
    return newest


def serves_another(client: Client, endpoint: str, version: Version) -> bool:
    """Whether ``endpoint`` serves other models than ``version``, or is being updated to them.

    An endpoint of inference components does not: its configuration names no models.
    """
    sagemaker = client("sagemaker")
    found = sagemaker.describe_endpoint(EndpointName=endpoint)
    name = _coming(found) or str(found.get("EndpointConfigName"))
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=name).get("ProductionVariants") or []
    models = {str(variant["ModelName"]) for variant in variants if variant.get("ModelName")}
    return not all(_is_of(sagemaker, model, version) for model in models)


def start_endpoint_update(
    client: Client,
    endpoint: str,
    version: Version,
    log: Log,
    *,
    wait_s: float = LONGEST_WAIT_S,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Have ``endpoint`` serve ``version``; return the configuration that it serves or is being updated to.

    AWS accepts no update while another one is in progress, so this waits for an update to another configuration.

    :raises EndpointNotUpdated: if the endpoint will serve another model
    """
    found = client("sagemaker").describe_endpoint(EndpointName=endpoint)
    wanted = configuration_of(client, version, variants=_names(found.get("ProductionVariants") or []))
    if not wanted:
        raise EndpointNotUpdated(
            f"{endpoint} was not updated: no endpoint configuration of version {version.number} was found. "
            f"{_in_registry(version)}"
        )
    deadline, logged = time.monotonic() + wait_s, False
    while not _is_or_comes(found, wanted):
        status = str(found.get("EndpointStatus"))
        if status not in BUSY | UPDATABLE:
            raise EndpointNotUpdated(
                f'{endpoint} is {status}, so it cannot be updated to "{wanted}". '
                f"{_in_registry(version)} Delete the endpoint, and create it with that configuration."
            )
        if status in UPDATABLE and _update(client, endpoint, wanted):
            return wanted
        if time.monotonic() > deadline:
            raise EndpointBusy(_still_busy(endpoint, found, wanted, version))
        if not logged:
            log(f"{_moving(endpoint, found)}; it is updated to {wanted} after that")
            logged = True
        pause(PAUSE_S)
        found = client("sagemaker").describe_endpoint(EndpointName=endpoint)
    return wanted


def _is_or_comes(found: AwsShape, configuration: str) -> bool:
    status = found.get("EndpointStatus")
    serves = status == "InService" and found.get("EndpointConfigName") == configuration
    return serves or (status in ("Creating", "Updating") and _coming(found) == configuration)


def _update(client: Client, endpoint: str, configuration: str) -> bool:
    """Start the update; ``False`` if another one began meanwhile."""
    try:
        client("sagemaker").update_endpoint(EndpointName=endpoint, EndpointConfigName=configuration)
    except Exception as error:
        if "in-progress" not in str(error).lower():
            raise
        return False
    return True


def _still_busy(endpoint: str, found: AwsShape, wanted: str, version: Version) -> str:
    return (
        f"{_moving(endpoint, found)}, so it was not updated. {_in_registry(version)} AWS accepts an update only "
        f"after the one in progress, which one of its alarms ends early (aws cloudwatch set-alarm-state). Afterwards: "
        f"aws sagemaker update-endpoint --endpoint-name {endpoint} --endpoint-config-name {wanted}"
    )


def _in_registry(version: Version) -> str:
    return f"In the registry, version {version.number} is the champion."


def _moving(endpoint: str, found: AwsShape) -> str:
    coming = _coming(found)
    return f"{endpoint} is {found.get('EndpointStatus')}" + (f' and moves to "{coming}"' if coming else "")


def _coming(found: AwsShape) -> str:
    return str((found.get("PendingDeploymentSummary") or {}).get("EndpointConfigName") or "")


def _names(variants: list[AwsShape]) -> frozenset[str]:
    return frozenset(str(variant.get("VariantName")) for variant in variants)


def _is_of(sagemaker: SageMakerRegistry, model: str, version: Version) -> bool:
    """Whether ``model`` was made from the package, or has the images and the model data of all its containers."""
    try:
        described = sagemaker.describe_model(ModelName=model)
    except Exception as error:
        if error_code(error) in NOT_FOUND:  # it was deleted
            return False
        raise
    containers = list(_containers(described))
    packages = [container["ModelPackageName"] for container in containers if container.get("ModelPackageName")]
    if packages:
        return version.arn in packages
    of_package = (version.described.get("InferenceSpecification") or {}).get("Containers") or []
    if len(of_package) != len(containers) or not containers:
        return False
    return all(
        mine.get("Image") in _images(given) and _data(mine) == _data(given)
        for mine, given in zip(containers, of_package, strict=True)
    )


def _containers(described: AwsShape) -> Iterator[AwsShape]:
    if described.get("PrimaryContainer"):
        yield described["PrimaryContainer"]
    yield from described.get("Containers") or []


def _images(container: AwsShape) -> tuple[str, ...]:
    """The image as registered, and by its digest."""
    image, digest = str(container.get("Image") or ""), str(container.get("ImageDigest") or "")
    repository = image.partition("@")[0]
    name = repository.rpartition("/")[2]
    repository = repository.removesuffix(f":{name.partition(':')[2]}") if ":" in name else repository
    return (image, f"{repository}@{digest}") if digest else (image,)


def _data(container: AwsShape) -> str:
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    return str(container.get("ModelDataUrl") or source.get("S3Uri") or "")
