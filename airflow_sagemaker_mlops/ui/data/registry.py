"""A model package group as the model registry knows it now: versions, champion, its changes, and what endpoints serve.

A few List calls regardless of the group's size, one Get call for each of the latest changes, and three Describe calls
for each endpoint.  Blocking.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...json_types import JsonObject
from ...registry.champion import champion_of, short_name
from ...registry.errors import RegistryError
from ...registry.history import History, history_of
from ...reports.model_view import Registry
from .stores import client_of

if TYPE_CHECKING:
    from ...json_types import AwsShape
    from ...registry.clients import SageMakerRegistry

MAX_VERSIONS = 1_000
MAX_CHANGES = 50
MAX_ENDPOINTS = 10
READERS = 8


def registry_of(group: str, history: str, endpoints: Sequence[str]) -> Registry:
    """What the registry says about ``group``.

    history     S3 prefix of its history, as a run recorded it; "" to use the one that the champion names
    endpoints   names of endpoints that have served it
    Raises :class:`RegistryError`, and whatever the connection raises.
    """
    client = functools.cache(client_of)
    rows = _versions(client("sagemaker"), group)
    champion = champion_of(client, group)
    changes = None
    if history:
        changes = History(client("s3"), history, group)
    elif champion is not None:
        changes = history_of(client("s3"), champion.promotion, group)
    return Registry(
        rows,
        champion.arn if champion is not None else "",
        _entries(changes) if changes is not None else (),
        _serving(client("sagemaker"), endpoints[:MAX_ENDPOINTS]),
    )


def _versions(sagemaker: SageMakerRegistry, group: str) -> list[JsonObject]:
    members: dict[str, Any] = {"ModelPackageGroupName": short_name(group), "MaxResults": 100}
    rows: list[JsonObject] = []
    while len(rows) < MAX_VERSIONS:
        answer = sagemaker.list_model_packages(**members, SortBy="CreationTime", SortOrder="Descending")
        rows += [_row(row) for row in answer.get("ModelPackageSummaryList") or []]
        if not answer.get("NextToken"):
            break
        members["NextToken"] = answer["NextToken"]
    return rows


def _row(row: AwsShape) -> JsonObject:
    created = row.get("CreationTime")
    keys = ("ModelPackageArn", "ModelApprovalStatus", "ModelLifeCycle")
    kept: dict[str, Any] = {key: row[key] for key in keys if key in row}
    return {**kept, "CreationTime": created.isoformat() if isinstance(created, datetime) else ""}


def _entries(history: History) -> list[JsonObject]:
    """The latest changes, newest first; without those that were altered."""

    def read(number: int) -> JsonObject | None:
        try:
            entry = history.read(number)
        except RegistryError:
            return None
        return entry.as_json() if entry is not None else None

    with ThreadPoolExecutor(max_workers=READERS) as readers:
        found = readers.map(read, reversed(history.numbers()[-MAX_CHANGES:]))
        return [entry for entry in found if entry is not None]


def _serving(sagemaker: SageMakerRegistry, endpoints: Sequence[str]) -> dict[str, str]:
    """{endpoint: ARN of its model package}; without endpoints that are gone, or serve several models."""
    found = {}
    for endpoint in endpoints:
        try:
            described = sagemaker.describe_endpoint(EndpointName=endpoint)
            config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
            (model,) = {str(variant.get("ModelName")) for variant in config.get("ProductionVariants") or []}
            container = sagemaker.describe_model(ModelName=model).get("PrimaryContainer") or {}
        except ValueError:  # none or several models
            continue
        except Exception as error:
            if not type(error).__module__.startswith("botocore"):
                raise
            continue
        if package := container.get("ModelPackageName"):
            found[endpoint] = str(package)
    return found
