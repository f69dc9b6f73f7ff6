"""Whether endpoint, registry and champion agree after a run; pure functions over what was read, and the reading."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.registry.champion import APPROVED, PRODUCTION, champion_of
from airflow_sagemaker_mlops.registry.errors import NoSuchGroup
from airflow_sagemaker_mlops.registry.history import History

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
IDLE_S = 120.0


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the lane's group; ``run`` is the run that registered it."""

    arn: str
    run: str
    approval: str
    stage: str


@dataclass(frozen=True, slots=True)
class Lane:
    """What AWS says about a lane.

    champion    ARN of the champion, by the rule of the registry; "" if there is none
    history     ARNs of the versions that were made the champion, oldest first
    pointer     ARN in ``champion.json``
    status      of the endpoint; "" if there is none
    serves      ARNs of the packages of all its models
    answer      what it answers
    expected    what the champion's model answers
    """

    versions: tuple[Version, ...]
    champion: str
    history: tuple[str, ...]
    pointer: str
    status: str
    serves: tuple[str, ...]
    answer: str
    expected: str


def disagreements(lane: Lane, promoted: list[str], registered: list[str]) -> Iterator[str]:
    """Sentences about everything that does not agree.

    promoted     runs whose versions have become the champion, oldest first
    registered   runs that have registered a version
    """
    by_run = {version.run: version.arn for version in lane.versions}
    should_be = [by_run.get(run, f"the version of {run}, which is not there") for run in promoted]
    champion = should_be[-1] if should_be else ""
    production = [version.arn for version in lane.versions if version.stage == f"{PRODUCTION}/{APPROVED}"]
    for what, has, wanted in (
        ("versions by run", sorted(version.run for version in lane.versions), sorted(registered)),
        ("the champion", lane.champion, champion),
        ("versions in production", production, [champion] if champion else []),
        ("the history", list(lane.history), should_be),
        ("champion.json", lane.pointer, champion),
        ("the endpoint's status", lane.status, "InService" if champion else ""),
        ("packages that the endpoint serves", list(lane.serves), [champion] if champion else []),
        ("the endpoint's answer", lane.answer, lane.expected),
    ):
        if has != wanted:
            yield f"{what}: {has}, and not {wanted}"


def read_lane(aws: LocalAws, name: str) -> Lane:
    """Read everything about the lane, once its endpoint is not being changed."""
    sagemaker = aws.client("sagemaker")
    versions = tuple(_versions(sagemaker, name))
    try:
        champion = champion_of(aws.client, name)
    except NoSuchGroup:
        champion = None
    history = History(aws.client("s3"), f"s3://{aws.bucket}/history", name)
    newest_first = list(history.entries())
    status, config = _endpoint(sagemaker, name)
    return Lane(
        versions=versions,
        champion=champion.arn if champion else "",
        history=tuple(entry.model_package for entry in reversed(newest_first)),
        pointer=_pointer(aws, name),
        status=status,
        serves=tuple(_packages(sagemaker, config)) if config else (),
        answer=ask(aws, name) if status == "InService" else "",
        expected=_answer_of(aws, champion.model_data) if champion else "",
    )


def ask(aws: LocalAws, name: str) -> str:
    """The endpoint's answer to one record."""
    answer = aws.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"1,2", ContentType="text/csv")
    return str(answer["Body"].read().decode().strip())


def _versions(sagemaker: Any, group: str) -> Iterator[Version]:
    try:
        pages = list(sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group))
    except sagemaker.exceptions.ClientError:  # no run has registered one
        return
    for row in (row for page in pages for row in page["ModelPackageSummaryList"]):
        found = sagemaker.describe_model_package(ModelPackageName=row["ModelPackageArn"])
        cycle = found.get("ModelLifeCycle") or {}
        yield Version(
            arn=found["ModelPackageArn"],
            run=found.get("ModelPackageDescription", ""),
            approval=found["ModelApprovalStatus"],
            stage=f"{cycle.get('Stage', '')}/{cycle.get('StageStatus', '')}",
        )


def _endpoint(sagemaker: Any, name: str) -> tuple[str, str]:
    """(status, configuration) of the endpoint; empty if there is none."""
    deadline = time.monotonic() + IDLE_S
    while True:
        try:
            found = sagemaker.describe_endpoint(EndpointName=name)
        except sagemaker.exceptions.ClientError:
            return "", ""
        if found["EndpointStatus"] not in BUSY or time.monotonic() > deadline:
            return found["EndpointStatus"], found["EndpointConfigName"]
        time.sleep(1)


def _packages(sagemaker: Any, config: str) -> Iterator[str]:
    described = sagemaker.describe_endpoint_config(EndpointConfigName=config)
    for variant in described["ProductionVariants"]:
        model = sagemaker.describe_model(ModelName=variant["ModelName"])
        yield model["PrimaryContainer"].get("ModelPackageName", "")


def _pointer(aws: LocalAws, name: str) -> str:
    s3 = aws.client("s3")
    try:
        content = s3.get_object(Bucket=aws.bucket, Key=f"history/champions/{name}/champion.json")["Body"].read()
    except s3.exceptions.NoSuchKey:
        return ""
    return str(json.loads(content)["model_package"])


def _answer_of(aws: LocalAws, model_data: str) -> str:
    bucket, _, key = model_data.removeprefix("s3://").partition("/")
    content = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        member = archive.extractfile("answer")
        assert member is not None
        return member.read().decode()
