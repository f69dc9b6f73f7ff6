"""Which endpoint configuration serves an earlier champion, and an endpoint that is given back to it."""

from __future__ import annotations

from typing import Any

import pytest
from fake_registry import FakeRegistry

from airflow_sagemaker_mlops.registry.champion import Version, version_of
from airflow_sagemaker_mlops.registry.errors import RegistryError
from airflow_sagemaker_mlops.registry.serving import configuration_of, update_endpoint


class Hosting(FakeRegistry):
    """Endpoint configurations by name, newest first, each with its variants' containers; and one endpoint."""

    def serve(self, **configs: list[dict[str, Any]]) -> None:
        self.configs, self.serves = configs, next(iter(configs))

    def list_endpoint_configs(self, **members: Any) -> dict[str, Any]:
        assert members == {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100}
        return {"EndpointConfigs": [{"EndpointConfigName": name} for name in self.configs]}

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        count = len(self.configs[EndpointConfigName])
        return {"ProductionVariants": [{"ModelName": f"{EndpointConfigName}/{index}"} for index in range(count)]}

    def describe_model(self, ModelName: str) -> dict[str, Any]:
        config, _, index = ModelName.partition("/")
        return {"PrimaryContainer": self.configs[config][int(index)]}

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        return {"EndpointConfigName": self.serves}

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str) -> dict[str, Any]:
        self.serves = EndpointConfigName
        return {}


def hosting() -> tuple[Hosting, Version]:
    fake = Hosting()
    return fake, version_of(fake.client, fake.version(1))


def test_the_newest_configuration_all_of_whose_models_are_the_version_serves_it() -> None:
    fake, version = hosting()
    own, other = {"ModelDataUrl": version.model_data}, {"ModelDataUrl": "s3://bucket/other.tar.gz"}
    fake.serve(other=[other], mixed=[own, other], newer=[{"ModelPackageName": version.arn}], older=[own])
    assert configuration_of(fake.client, version) == "newer"
    assert update_endpoint(fake.client, "late", version) == fake.serves == "newer"


def test_an_endpoint_is_left_alone_if_no_configuration_serves_the_version() -> None:
    fake, version = hosting()
    fake.serve(other=[{"ModelDataUrl": "s3://bucket/other.tar.gz"}])
    with pytest.raises(RegistryError, match="no endpoint configuration of version 1 was found"):
        update_endpoint(fake.client, "late", version)
    assert fake.serves == "other"
