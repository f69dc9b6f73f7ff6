"""Image digests from ECR; SageMaker's answers do not have them.

``BatchGetImage`` is called in the registry's region: while the job runs, for a run in one process, otherwise during
sealing.  If a tag was moved between pull and query, the digest is that of the query.
An image that ECR does not return has no digest; that is not an error of the run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Protocol

from ...execution.aws.clients import SessionAws
from ...json_types import AwsShape
from ..model.step_record import Image, StepRecord

ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^:@]+))?"
)


class Registry(Protocol):
    """The part of boto3's ECR client that this module calls."""

    def batch_get_image(self, *, registryId: str, repositoryName: str, imageIds: list[dict[str, str]]) -> AwsShape:
        """Images of a repository, with their digests."""


Clients = Callable[[str], Registry]


@dataclass(frozen=True, slots=True)
class Digests:
    """Image digests; each image is queried once.  Blocking.

    ecr        region -> ECR client
    by_image   digest by image; "" for an image that is not in ECR or that ECR does not return
    """

    ecr: Clients
    by_image: dict[str, str] = field(default_factory=dict)

    def ask(self, images: Iterable[Image]) -> None:
        """Query the digests of the images that have none and were not queried before."""
        uris = sorted({image.uri for image in images if not image.digest} - self.by_image.keys())
        if uris:
            self.by_image.update({**dict.fromkeys(uris, ""), **_digests(uris, self.ecr)})

    def added(self, steps: Iterable[StepRecord]) -> list[StepRecord]:
        """``steps`` with the digests of their images."""
        given = list(steps)
        self.ask(image for step in given for image in step.images)
        return [
            replace(
                step, images=tuple(replace(i, digest=i.digest or self.by_image.get(i.uri, "")) for i in step.images)
            )
            for step in given
        ]


def digests_of(aws: SessionAws) -> Digests:
    """Digests from the ECR of ``aws``; its clients have short time-outs."""

    @cache
    def client(region: str) -> Registry:
        from botocore.config import Config

        quick = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"})
        config = quick if aws.config is None else aws.config.merge(quick)
        registry: Registry = aws.make("ecr", region, config)
        return registry

    return Digests(client)


def _digests(uris: Iterable[str], ecr: Clients) -> dict[str, str]:
    """{image: "sha256:…" or ""} for the images in ECR."""
    images = {uri: match for uri in uris if (match := ECR.fullmatch(uri)) is not None}
    regions = sorted({match["region"] for match in images.values()})
    clients = {region: ecr(region) for region in regions}

    def ask(match: re.Match[str]) -> str:
        return _digest(clients[match["region"]], match)

    with ThreadPoolExecutor(max_workers=8) as askers:
        return dict(zip(images, askers.map(ask, images.values()), strict=True))


def _digest(client: Registry, image: re.Match[str]) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client.batch_get_image(
            registryId=image["account"],
            repositoryName=image["repository"],
            imageIds=[{"imageTag": image["tag"] or "latest"}],
        )
    except (ClientError, BotoCoreError):  # access denied, not found, or unreachable
        return ""
    return next((str(found["imageId"].get("imageDigest", "")) for found in answer.get("images", ())), "")
