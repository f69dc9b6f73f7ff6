"""The endpoint configuration that serves an earlier champion, and rolling an endpoint back to it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from fake_registry import FakeRegistry

from airflow_sagemaker_mlops.registry.champion import Version, version_of
from airflow_sagemaker_mlops.registry.errors import RegistryError
from airflow_sagemaker_mlops.registry.serving import EndpointBusy, configuration_of, start_endpoint_update

OTHER = {"Image": "i", "ModelDataUrl": "s3://bucket/other.tar.gz"}


class Hosting(FakeRegistry):
    """Endpoint configurations by name, newest first, each with its variants' containers; and one endpoint.

    shows   how the endpoint is described, one answer for each look, before it is InService
    """

    shows: list[dict[str, Any]]
    updates: list[str]
    variants: dict[str, list[str]]

    def serve(self, **configs: list[dict[str, Any]]) -> None:
        self.configs, self.serves = configs, next(iter(configs))
        self.shows, self.updates, self.variants = [], [], {}

    def _variants(self, config: str) -> list[dict[str, Any]]:
        names = self.variants.get(config) or [f"v{index}" for index in range(len(self.configs[config]))]
        return [{"ModelName": f"{config}/{index}", "VariantName": name} for index, name in enumerate(names)]

    def list_endpoint_configs(self, **members: Any) -> dict[str, Any]:
        assert members == {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100}
        return {"EndpointConfigs": [{"EndpointConfigName": name} for name in self.configs]}

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        return {"ProductionVariants": self._variants(EndpointConfigName)}

    def describe_model(self, ModelName: str) -> dict[str, Any]:
        config, _, index = ModelName.partition("/")
        return {"PrimaryContainer": self.configs[config][int(index)]}

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        shown = self.shows.pop(0) if self.shows else {"EndpointStatus": "InService"}
        served = {"EndpointConfigName": self.serves, "ProductionVariants": self._variants(self.serves)}
        return {"EndpointName": EndpointName, **served, **shown}

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str) -> dict[str, Any]:
        self.updates.append(EndpointConfigName)
        return {}


def hosting() -> tuple[Hosting, Version, dict[str, Any]]:
    """The service, a version, and a container of it."""
    fake = Hosting()
    version = version_of(fake.client, fake.version(1))
    return fake, version, {"Image": "i", "ModelDataUrl": version.model_data}


def updating(coming: str, status: str = "Updating") -> dict[str, Any]:
    return {"EndpointStatus": status, "PendingDeploymentSummary": {"EndpointConfigName": coming}}


def give_back(fake: Hosting, version: Version, **options: Any) -> tuple[str, list[str]]:
    told: list[str] = []
    return start_endpoint_update(fake.client, "late", version, told.append, pause=lambda _: None, **options), told


def test_the_newest_configuration_all_of_whose_models_are_the_version_serves_it() -> None:
    fake, version, own = hosting()
    fake.serve(other=[OTHER], mixed=[own, OTHER], newer=[{"ModelPackageName": version.arn}], older=[own])
    assert configuration_of(fake.client, version) == "newer"
    assert give_back(fake, version) == ("newer", [])
    assert fake.updates == ["newer"]


@pytest.mark.parametrize(
    "container",
    [
        {"Image": "another", "ModelDataUrl": "s3://bucket/models/1/model.tar.gz"},
        {"Image": "i", "ModelDataUrl": "s3://bucket/other.tar.gz"},
        {"Image": "i"},
        {"ModelPackageName": "arn:aws:sagemaker:us-east-1:123456789012:model-package/late-flights/2"},
    ],
)
def test_a_model_with_another_image_other_data_or_another_package_is_not_the_version(container: Any) -> None:
    fake, version, own = hosting()
    fake.serve(close=[container], right=[own])
    assert configuration_of(fake.client, version) == "right"


def test_a_version_is_its_image_by_tag_or_by_digest_and_may_have_no_data() -> None:
    fake, _, _ = hosting()
    image = {"Image": "host:5000/team/image:1.2", "ImageDigest": "sha256:abc"}
    version = version_of(fake.client, fake.version(2, InferenceSpecification={"Containers": [image]}))
    fake.serve(other=[{"Image": "host:5000/team/image:1.3"}], right=[{"Image": "host:5000/team/image@sha256:abc"}])
    assert configuration_of(fake.client, version) == "right"


def test_a_configuration_with_the_variants_of_the_endpoint_is_preferred_to_a_newer_one() -> None:
    fake, version, own = hosting()
    fake.serve(now=[OTHER], renamed=[own], same=[own])
    fake.variants = {"now": ["AllTraffic"], "renamed": ["blue"], "same": ["AllTraffic"]}
    assert give_back(fake, version)[0] == "same"
    fake.variants["same"] = ["green"]
    assert give_back(fake, version)[0] == "renamed"


def test_an_endpoint_is_left_alone_if_no_configuration_serves_the_version() -> None:
    fake, version, _ = hosting()
    fake.serve(other=[OTHER])
    with pytest.raises(RegistryError, match="no endpoint configuration of version 1 was found"):
        give_back(fake, version)
    assert fake.updates == []


def test_an_update_to_the_bad_configuration_is_waited_for_though_the_right_one_still_serves() -> None:
    fake, version, own = hosting()
    fake.serve(good=[own], bad=[OTHER])
    fake.shows = [updating("bad"), updating("bad"), {"EndpointStatus": "InService", "EndpointConfigName": "bad"}]
    assert give_back(fake, version) == (
        "good",
        ['late is Updating and moves to "bad"; it is updated to good after that'],
    )
    assert fake.updates == ["good"]


def test_an_update_that_ends_in_the_right_configuration_needs_no_other() -> None:
    fake, version, own = hosting()
    fake.serve(good=[own], bad=[OTHER])
    fake.shows = [updating("bad", "RollingBack")]
    assert give_back(fake, version)[0] == "good"
    fake.shows = [updating("good")]
    assert give_back(fake, version) == ("good", [])
    assert fake.updates == []


def test_an_endpoint_that_stays_busy_is_no_success_and_the_way_out_is_told() -> None:
    fake, version, own = hosting()
    fake.serve(good=[own], bad=[OTHER])
    fake.shows = [updating("bad")] * 3
    with pytest.raises(EndpointBusy) as caught:
        give_back(fake, version, wait_s=0)
    assert 'late is Updating and moves to "bad", so it was not updated.' in str(caught.value)
    assert "aws sagemaker update-endpoint --endpoint-name late --endpoint-config-name good" in str(caught.value)
    assert fake.updates == []


def test_an_update_that_somebody_else_begins_meanwhile_is_waited_for() -> None:
    fake, version, own = hosting()
    fake.serve(bad=[OTHER], good=[own])
    update = fake.update_endpoint

    def forestalled(**members: Any) -> dict[str, Any]:
        if not fake.updates:
            fake.updates.append("refused")
            error: Any = {"Error": {"Code": "ValidationException", "Message": "Cannot update in-progress endpoint"}}
            raise ClientError(error, "UpdateEndpoint")
        return update(**members)

    fake.update_endpoint = forestalled  # type: ignore[method-assign]
    assert give_back(fake, version)[0] == "good"
    assert fake.updates == ["refused", "good"]


@pytest.mark.parametrize("status", ["Failed", "Deleting", "OutOfService"])
def test_an_endpoint_that_cannot_be_updated_is_told(status: str) -> None:
    fake, version, own = hosting()
    fake.serve(good=[own])
    fake.shows = [{"EndpointStatus": status}]
    with pytest.raises(RegistryError, match=f"late is {status}, so it cannot be updated"):
        give_back(fake, version)


def test_a_mix_of_configurations_is_updated_though_it_names_the_right_one() -> None:
    fake, version, own = hosting()
    fake.serve(good=[own])
    fake.shows = [{"EndpointStatus": "UpdateRollbackFailed"}]
    assert give_back(fake, version)[0] == "good"
    assert fake.updates == ["good"]
