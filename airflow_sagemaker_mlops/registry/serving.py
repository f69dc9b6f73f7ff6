"""Finds the endpoint configuration that serves a version, to roll back an endpoint to an earlier champion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..aws_errors import NOT_FOUND, error_code
from .champion import Client, Version
from .errors import RegistryError

MOST = 100  # configurations to search, newest first


def configuration_of(client: Client, version: Version, *, most: int = MOST) -> str:
    """The newest endpoint configuration that serves only ``version``; "" if none of the newest ``most`` does."""
    sagemaker = client("sagemaker")
    known: dict[str, bool] = {}
    answer = sagemaker.list_endpoint_configs(SortBy="CreationTime", SortOrder="Descending", MaxResults=most)
    for row in answer.get("EndpointConfigs") or []:
        described = sagemaker.describe_endpoint_config(EndpointConfigName=row["EndpointConfigName"])
        models = [str(variant.get("ModelName") or "") for variant in described.get("ProductionVariants") or []]
        for name in models:
            if name not in known:
                known[name] = bool(name) and _is_of(sagemaker, name, version)
        if models and all(known[name] for name in models):
            return str(row["EndpointConfigName"])
    return ""


def update_endpoint(client: Client, endpoint: str, version: Version, configuration: str | None = None) -> str:
    """Update ``endpoint`` to the newest configuration that serves ``version``; return the configuration's name.

    :param configuration: what :func:`configuration_of` gave, if it was called already
    :raises RegistryError: if there is none; the registry has been rolled back by then
    """
    configuration = configuration_of(client, version) if configuration is None else configuration
    if not configuration:
        raise RegistryError(
            f"{endpoint} was not updated: no endpoint configuration of version {version.number} was found. The "
            f"registry was rolled back."
        )
    sagemaker = client("sagemaker")
    if sagemaker.describe_endpoint(EndpointName=endpoint).get("EndpointConfigName") != configuration:
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=configuration)
    return configuration


def _is_of(sagemaker: Any, model: str, version: Version) -> bool:
    try:
        described = sagemaker.describe_model(ModelName=model)
    except Exception as error:
        if error_code(error) in NOT_FOUND:  # it was deleted
            return False
        raise
    return any(
        container.get("ModelPackageName") == version.arn
        or (bool(version.model_data) and version.model_data in _data(container))
        for container in _containers(described)
    )


def _containers(described: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield described.get("PrimaryContainer") or {}
    yield from described.get("Containers") or []


def _data(container: Mapping[str, Any]) -> tuple[str, str]:
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    return str(container.get("ModelDataUrl") or ""), str(source.get("S3Uri") or "")
