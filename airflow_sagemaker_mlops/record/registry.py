"""Digests of images, asked of ECR while a record is sealed: no answer of SageMaker has them.

By ``BatchGetImage`` in the registry's own region, as the job pulled it.  A tag that was moved between the pull and the
sealing is told as it is then.  What ECR does not tell stays without a digest: that is no error of the run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..execution.aws import SessionAws
from .fragment import StepFragment

ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^:@]+))?"
)
Clients = Callable[[str], Any]
NO_DIGESTS: Mapping[str, str] = MappingProxyType({})


def ecr_of(aws: SessionAws) -> Clients:
    """Region -> ECR client with the credentials of ``aws``; one that does not keep a sealing waiting."""

    def client(region: str) -> Any:
        from botocore.config import Config

        quick = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"})
        config = quick if aws.config is None else aws.config.merge(quick)
        endpoint = aws.endpoint_of("ecr")
        return aws.session.client("ecr", region_name=region, endpoint_url=endpoint, config=config, verify=aws.verify)

    return client


def with_digests(
    steps: Iterable[StepFragment], ecr: Clients, asked: Mapping[str, str] = NO_DIGESTS
) -> list[StepFragment]:
    """``steps`` with the digests that ECR tells of their images; of those ``asked`` for before, what it told then.

    Blocking.
    """
    given = list(steps)
    unknown = {image.uri for step in given for image in step.images if not image.digest}
    digests = {**asked, **digests_of(unknown - asked.keys(), ecr)}
    return [
        replace(step, images=tuple(replace(i, digest=i.digest or digests.get(i.uri, "")) for i in step.images))
        for step in given
    ]


def digests_of(uris: Iterable[str], ecr: Clients) -> dict[str, str]:
    """{image: "sha256:…"} of ``uris``; "" for what is not in ECR, or what it does not tell of.  Blocking."""
    uris = sorted(uris)
    images = {uri: match for uri in uris if (match := ECR.fullmatch(uri)) is not None}
    regions = sorted({match["region"] for match in images.values()})
    clients = {region: ecr(region) for region in regions}

    def ask(match: re.Match[str]) -> str:
        return _digest(clients[match["region"]], match)

    with ThreadPoolExecutor(max_workers=8) as askers:
        found: Sequence[str] = list(askers.map(ask, images.values()))
    return {**dict.fromkeys(uris, ""), **dict(zip(images, found, strict=True))}


def _digest(client: Any, image: re.Match[str]) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client.batch_get_image(
            registryId=image["account"],
            repositoryName=image["repository"],
            imageIds=[{"imageTag": image["tag"] or "latest"}],
        )
    except (ClientError, BotoCoreError):  # not granted, not there, not reachable
        return ""
    return next((str(found["imageId"].get("imageDigest", "")) for found in answer.get("images", ())), "")
