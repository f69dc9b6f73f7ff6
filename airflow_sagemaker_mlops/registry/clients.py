"""The calls to the model registry that this package makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..json_types import AwsShape


class SageMakerRegistry(Protocol):
    """Reads of boto3's SageMaker client about versions and what serves them; members as in the API reference."""

    def describe_model_package_group(self, **members: object) -> AwsShape:
        """A group of versions."""

    def describe_model_package(self, **members: object) -> AwsShape:
        """A version."""

    def list_model_packages(self, **members: object) -> AwsShape:
        """A page of the versions of a group."""

    def describe_model(self, **members: object) -> AwsShape:
        """A model that endpoints serve."""

    def describe_endpoint_config(self, **members: object) -> AwsShape:
        """The configuration of an endpoint."""

    def describe_endpoint(self, **members: object) -> AwsShape:
        """An endpoint."""
