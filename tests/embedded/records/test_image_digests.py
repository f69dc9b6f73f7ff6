"""Digests of images from the registry of the embedded AWS (moto's ECR)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.records.capture.background_writes import BackgroundWrites
from airflow_sagemaker_mlops.records.capture.image_digests import Digests, digests_of
from airflow_sagemaker_mlops.records.capture.recorder import Recorder
from airflow_sagemaker_mlops.records.capture.step_start import StepStart
from airflow_sagemaker_mlops.records.model.step_record import Image, StepRecord
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.runs.clients import local_aws_clients

pytestmark = pytest.mark.e2e

PREFIX = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
PINNED = "sha256:" + "a" * 64


@pytest.fixture(scope="module")
def pushed(aws: LocalAws) -> str:
    """The digest of ``trainer:1`` in the registry."""
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="team/trainer")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
    answer = ecr.put_image(repositoryName="team/trainer", imageManifest=json.dumps(manifest), imageTag="1")
    return str(answer["image"]["imageId"]["imageDigest"])


def by_image(aws: Any, *uris: str) -> list[str]:
    images = tuple(Image(uri) for uri in uris)
    (step,) = digests_of(aws).added([StepRecord("Train", "Training", "Succeeded", images=images)])
    return [image.digest for image in step.images]


def test_an_image_in_ecr_has_the_digest_that_ecr_tells(aws: LocalAws, pushed: str) -> None:
    assert pushed.startswith("sha256:")
    assert by_image(local_aws_clients(aws), f"{PREFIX}/team/trainer:1") == [pushed]


def test_images_that_ecr_does_not_tell_of_have_none(aws: LocalAws, pushed: str) -> None:
    others = (f"{PREFIX}/team/trainer:2", f"{PREFIX}/nobody/knows:1", "python:3.11", "ghcr.io/team/trainer:1")
    assert by_image(local_aws_clients(aws), *others) == ["", "", "", ""]


def test_a_digest_that_is_known_stays(aws: LocalAws, pushed: str) -> None:
    image = Image(f"{PREFIX}/team/trainer:1", PINNED)
    step = StepRecord("Train", "Training", "Succeeded", images=(image,))
    assert digests_of(local_aws_clients(aws)).added([step])[0].images == (image,)


def test_a_registry_that_cannot_be_reached_costs_the_digest_and_nothing_else(aws: LocalAws) -> None:
    nowhere = replace(local_aws_clients(aws), endpoint_of=lambda _service: "http://127.0.0.1:9")
    assert by_image(nowhere, f"{PREFIX}/team/trainer:1") == [""]


def test_an_image_is_asked_for_once(aws: LocalAws, pushed: str) -> None:
    ours, asked = digests_of(local_aws_clients(aws)), []
    counting = Digests(lambda region: asked.append(region) or ours.ecr(region))  # type: ignore[func-returns-value]
    counting.ask([Image(f"{PREFIX}/team/trainer:1"), Image(f"{PREFIX}/nobody/knows:1")])
    images = (Image(f"{PREFIX}/team/trainer:1"), Image(f"{PREFIX}/nobody/knows:1"))
    (step,) = counting.added([StepRecord("Train", "Training", "Succeeded", images=images)])
    assert [image.digest for image in step.images] == [pushed, ""]
    assert asked == ["us-east-1"]


def test_digests_are_asked_for_while_the_job_runs(aws: LocalAws, pushed: str, folder: FolderStore) -> None:
    digests, image = digests_of(local_aws_clients(aws)), f"{PREFIX}/team/trainer:1"
    recorder = Recorder(folder, "daily", "r1", None, background=BackgroundWrites(), digests=digests)

    async def submitted() -> None:
        recorder.submitted(StepStart("", request={"AppSpecification": {"ImageUri": image}}))
        await recorder.settled()

    asyncio.run(submitted())
    assert digests.by_image == {image: pushed}
