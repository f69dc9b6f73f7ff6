"""What botocore's models of the APIs have, from the files of a given version of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel

from airflow_sagemaker_mlops.definition.step_types import KNOWN
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES
from airflow_sagemaker_mlops.steps.model import StepType
from airflow_sagemaker_mlops.steps.shapes import member_of, operation_input, operation_output

METADATA = "PipelineExecutionStepMetadata"  # of an execution's step: a member for each step type


class Models:
    """The service models in the ``site-packages`` folder ``site``; the parser is the installed botocore."""

    def __init__(self, site: Path) -> None:
        self._loader = Loader(extra_search_paths=[str(site / "botocore" / "data")], include_default_search_paths=False)
        self._read: dict[str, ServiceModel] = {}

    def of(self, service: str) -> ServiceModel:
        """The model of ``service``.  Raises botocore's ``UnknownServiceError``."""
        if service not in self._read:
            self._read[service] = ServiceModel(self._loader.load_service_model(service, "service-2"), service)
        return self._read[service]


def differences(models: Models) -> Iterator[str]:
    """Sentences about everything that is new, or gone, in what this package relies on."""
    yield from _step_metadata(models)
    compared: set[tuple[str, str]] = set()
    for entry in STEP_TYPES.values():
        if entry.create and (entry.service, entry.create) not in compared:
            compared.add((entry.service, entry.create))
            yield from _step_type(models, entry)


def _step_metadata(models: Models) -> Iterator[str]:
    for member in models.of("sagemaker").shape_for(METADATA).members:
        if member not in KNOWN and member.removesuffix("Job") not in KNOWN:
            yield f'{METADATA} has "{member}": a step type that this package does not know.'


def _step_type(models: Models, entry: StepType) -> Iterator[str]:
    try:
        model = models.of(entry.service)
        created = model.operation_model(entry.create)
        described = model.operation_model(entry.describe) if entry.describe else None
        for name in filter(None, (entry.stop, entry.listing, entry.update, entry.extra)):
            model.operation_model(name)
    except (UnknownServiceError, OperationNotFoundError) as error:
        yield f"{entry.name}: the API {entry.service} has changed: {error}"
        return
    known = operation_input(entry.service, entry.create)
    yield from _members(f"{entry.name}: the request of {entry.create}", created.input_shape, known)
    for key in filter(None, (entry.name_key, entry.token_key)):
        if member_of(created.input_shape, key)[1] is None:
            yield f"{entry.name}: {entry.create} no longer has {key}."
    if described is not None:
        known = operation_output(entry.service, entry.describe)
        yield from _members(f"{entry.name}: the response of {entry.describe}", described.output_shape, known)
        for status in sorted(_statuses(entry, described.output_shape) - _statuses(entry, known)):
            yield f'{entry.name}: {entry.describe} has the new status "{status}".'


def _members(owner: str, shape: Any, known: Any) -> Iterator[str]:
    """Compared with the installed botocore, with which the tables are tested."""
    for word, names in (("new", shape.members.keys() - known.members), ("gone", known.members.keys() - shape.members)):
        if names:
            yield f"{owner}: {word}: {', '.join(sorted(names))}."


def _statuses(entry: StepType, shape: Any) -> set[str]:
    for key in filter(None, (entry.wrapped, *entry.status_key.split("."))):
        shape = member_of(shape, key)[1] if getattr(shape, "type_name", "") == "structure" else None
    return set(getattr(shape, "enum", ()))
