"""Secrets do not get into fragments and records."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from airflow_sagemaker_mlops.execution.masking import is_secret_name, mask, secrets_in
from airflow_sagemaker_mlops.record.fragment import Artifact, Attempt, StepFragment

KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"  # the example of the IAM documentation
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    "name",
    ["password", "DB_PASSWORD", "dbPassword", "Secret", "client_secret", "token", "HF_TOKEN", "hf-token", "apiKey",
     "API_KEY", "api-key", "AWS_ACCESS_KEY_ID", "aws_secret_access_key", "Credentials", "privateKey", "passphrase",
     "Authorization", "pass", "DB_PASS", "smtp-pass", "dbPass"],
)  # fmt: skip
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["tokenizer", "max_tokens", "num_tokens", "ClientRequestToken", "NextToken", "KmsKeyId", "S3KeyPrefix", "key",
     "author", "passes", "num_round", "bypass", "pass_rate", "first_pass", "num-pass", "compass"],
)  # fmt: skip
def test_names_that_only_sound_like_secrets_are_left_alone(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ({"HyperParameters": {"api_key": "abc", "eta": "1"}}, {"HyperParameters": {"api_key": "***", "eta": "1"}}),
        ({"Environment": {"DB_PASSWORD": "12"}}, {"Environment": {"DB_PASSWORD": "***"}}),
        ([{"Name": "DB_PASSWORD", "Value": "12"}], [{"Name": "DB_PASSWORD", "Value": "***"}]),
        ({"credentials": {"user": "a", "pw": "b"}}, {"credentials": {"user": "***", "pw": "***"}}),
        (["--db-password", "hunter2", "--depth", "3"], ["--db-password", "***", "--depth", "3"]),
        (["--db-password=hunter2"], ["--db-password=***"]),
        ("PASSWORD=hunter2 python train.py", "PASSWORD=*** python train.py"),
        ("postgres://ada:hunter2@host/db", "postgres://***@host/db"),
        ({"DB_PASS": "hunter2", "pass": "x"}, {"DB_PASS": "***", "pass": "***"}),
        ("Authorization: Basic dXNlcjpwdw==", "Authorization: ***"),
        ("curl -H 'Authorization: Digest username=ada, response=1f2e' https://h", "curl -H 'Authorization: ***' https://h"),
        ({"Authorization": "Basic dXNlcjpwdw==", "x": "got dXNlcjpwdw=="}, {"Authorization": "***", "x": "got ***"}),
        ("curl -s -u ada:hunter2 https://h", "curl -s -u ada:*** https://h"),
        (["curl", "-u", "ada:hunter2", "https://h"], ["curl", "-u", "ada:***", "https://h"]),
        ("see https://hooks.slack.com/services/T0/B0/abcDEF123", "see https://hooks.slack.com/***"),
        (["--password", "-abcdef", "--depth", "3"], ["--password", "***", "--depth", "3"]),
        ("train --password -abcdef --depth 3", "train --password *** --depth 3"),
        (f"key {KEY_ID} is used", "key *** is used"),
        (SECRET_KEY, "***"),
        ('{"password": "hunter2", "x": 1}', '{"password": "***", "x": 1}'),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "***"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Signature=abc123&x=1", "https://b.s3.amazonaws.com/k?X-Amz-Signature=***&x=1"),
    ],
)  # fmt: skip
def test_secrets_are_masked(value: Any, masked: Any) -> None:
    assert mask(value) == masked


@pytest.mark.parametrize(
    "value",
    [
        {"SecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf"},
        {"max_token": "512", "pad_token_id": 50256},
        {"UseToken": True},
        {"password": None},
        {"S3Uri": "s3://bucket/daily-model/runs/pipelines-abcdefghijkl/Train-0123456789/output/x"},
        {"commit": "0123456789abcdef0123456789abcdef01234567"},
        [1, 2.5, None, True],
        ["--use-auth", "--verbose", "--auth", "-v"],
        ["docker", "-u", "1000:1000"],
        "train --auth --verbose",
    ],
)
def test_what_is_no_secret_is_not_touched(value: Any) -> None:
    assert mask(value) == value


@pytest.mark.parametrize(
    "text",
    [
        "y" * 1_000_000,
        "eyJ-" * 250_000,
        "a=" * 500_000,
        "://a" * 250_000,
        "{" * 10_000,
        "curl " * 200_000,
        "--a " * 250_000,
        "authorization " * 70_000,
    ],
)
def test_masking_a_long_text_takes_no_time(text: str) -> None:
    began = time.perf_counter()
    mask({"x": text})
    assert time.perf_counter() - began < 5


def test_what_is_known_to_be_secret_is_taken_out_wherever_it_stands() -> None:
    known = set(secrets_in({"DbPassword": 'hun"ter2', "Pin": 1, "ApiToken": 12345678}))
    value = {"CONN": 'u;p=hun"ter2', "Body": '{"c": "hun\\"ter2"}', "Number": 12345678, "Other": 1234567, "One": 1}
    assert mask(value, known) == {
        "CONN": "u;p=***",
        "Body": '{"c": "***"}',
        "Number": "***",
        "Other": 1234567,
        "One": 1,
    }


def test_masking_again_changes_nothing() -> None:
    once = mask({"password": "hunter2", "text": "hunter2 was refused"})
    assert once == {"password": "***", "text": "*** was refused"}
    assert mask(once) == once


def test_a_secret_of_the_request_is_masked_in_failure_reasons_too() -> None:
    fragment = StepFragment(
        "A",
        "Training",
        "Failed",
        request={"Environment": {"DB_PASSWORD": "correct-horse"}},
        attempts=(Attempt("j", failure_reason="cannot log in with correct-horse"),),
        failure_reason="AlgorithmError: correct-horse was refused",
    ).masked()
    assert "correct-horse" not in json.dumps(fragment.as_json())
    assert fragment.failure_reason == "AlgorithmError: *** was refused"


def test_a_secret_of_the_run_is_taken_out_of_all_that_a_fragment_says() -> None:
    fragment = StepFragment(
        "A",
        "Training",
        "Succeeded",
        request={"Environment": {"CONN": "u;p=correct-horse"}, "Args": ["--conn", "correct-horse"]},
        inputs=(Artifact("s3://b/correct-horse/x", sha256="0" * 64),),
        metrics={"loss": 0.5},
        result={"Properties": {"Note": "correct-horse"}},
    ).masked("correct-horse")
    assert "correct-horse" not in json.dumps(fragment.as_json())
    assert fragment.request == {"Environment": {"CONN": "u;p=***"}, "Args": ["--conn", "***"]}
    assert fragment.inputs == (Artifact("s3://b/***/x", sha256="0" * 64),)
    assert fragment.metrics == {"loss": 0.5}
    assert fragment.masked("correct-horse") == fragment


def test_two_fragments_that_differ_in_a_secret_only_have_the_same_hash() -> None:
    first, second = (
        StepFragment("A", "Training", "Failed", request={"HyperParameters": {"token": secret, "eta": "1"}}).masked()
        for secret in ("1234", "1235")
    )
    assert first.request_sha256 == second.request_sha256
