"""Malformed requests are refused without server errors, and leave no memory allocated."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_sagemaker_mlops.local_aws import LocalAws
from chaos.malformed import MAX_GROWTH, bombard, requests

pytestmark = pytest.mark.e2e


def test_no_malformed_request_is_a_fault_of_the_server(aws: LocalAws) -> None:
    outcome = bombard(aws, 120, seed=7)  # which also loads the services that it asks
    assert [(status, request.what) for status, request in outcome.wrong] == []
    assert sum(outcome.answers.values()) == 120
    assert bombard(aws, 60, seed=7).growth < MAX_GROWTH
    assert aws.client("sts").get_caller_identity()["Account"] == aws.account


def test_a_seed_makes_the_same_requests_of_every_kind(aws: LocalAws) -> None:
    kinds = [Counter(request.what for request in requests(aws, 300, seed=3)) for _ in range(2)]
    assert kinds[0] == kinds[1]
    assert len(kinds[0]) > 30
