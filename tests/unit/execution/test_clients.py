"""Clients of a session: created once, and by one thread at a time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from airflow_sagemaker_mlops.execution.aws.clients import SessionAws

SERVICES = ("s3", "sagemaker", "lambda")


class Session:
    """Counts what it makes, and how many are made at a time."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.under_way = self.most = 0

    def client(self, service: str, **_members: Any) -> object:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        time.sleep(0.02)
        self.under_way -= 1
        self.made.append(service)
        return object()


def test_threads_that_want_a_client_at_the_same_time_are_given_one_and_the_same() -> None:
    session = Session()
    aws = SessionAws(session, "us-east-1")
    with ThreadPoolExecutor(max_workers=12) as threads:
        given = list(threads.map(aws.client, SERVICES * 4))
    assert sorted(session.made) == sorted(SERVICES)
    assert len(set(map(id, given))) == len(SERVICES)


def test_a_session_is_used_by_one_thread_at_a_time() -> None:
    session = Session()
    aws = SessionAws(session, "us-east-1")
    with ThreadPoolExecutor(max_workers=12) as threads:
        list(threads.map(lambda region: aws.make("ecr", region, None), ("us-east-1", "eu-west-1", "eu-west-3")))
        list(threads.map(aws.client, SERVICES))
    assert session.most == 1


@pytest.mark.parametrize(
    ("service", "attempts", "read_timeout"),
    [("sagemaker", None, 70), ("emr", 1, 70), ("lambda", 1, 620), ("sqs", None, 70)],
)
def test_what_must_not_be_done_twice_is_sent_once(service: str, attempts: int | None, read_timeout: float) -> None:
    config = SessionAws(boto3.Session(), "us-east-1")._config(service)
    assert config.retries.get("total_max_attempts") == attempts
    assert config.read_timeout == read_timeout
