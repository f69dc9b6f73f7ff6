"""Secrets never reach step records and run records."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_sagemaker_mlops.execution.engine import stop_current
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.request import resolved_arguments
from airflow_sagemaker_mlops.execution.runners.foreach import ForEachRunner
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.secret_masking import is_secret_name, mask, secrets_in
from airflow_sagemaker_mlops.execution.step_run import StepResult, StepRun, Submitted
from airflow_sagemaker_mlops.plan.spec import StepSpec
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Attempt, StepRecord

KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"  # the example of the IAM documentation
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    "name",
    ["password", "DB_PASSWORD", "dbPassword", "Secret", "client_secret", "token", "HF_TOKEN", "hf-token", "apiKey",
     "API_KEY", "api-key", "AWS_ACCESS_KEY_ID", "aws_secret_access_key", "Credentials", "privateKey", "passphrase",
     "Authorization", "pass", "DB_PASS", "smtp-pass", "dbPass", "DB_PW", "FERNET_KEY", "fernetKey", "SSH_KEY", "sshkey",
     "JWT", "COOKIE", "SESSION_COOKIE", "CONNECTION_STRING", "SENTRY_DSN", "AccountKey", "STRIPE_KEY",
     "OPENAI_KEY", "DD_APP_KEY",
     "SIGNING_KEY", "REDISCLI_AUTH", "MYSQL_PWD", "x-api-key", "XSRF", "OTP", "DB_CREDS", "KUBECONFIG",
     "SNOWFLAKE_PAT", "credential_json", "password_hash", "secret_id", "webhook_url", "keyfile_dict"],
)  # fmt: skip
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["tokenizer", "max_tokens", "num_tokens", "ClientRequestToken", "NextToken", "KmsKeyId", "S3KeyPrefix", "key",
     "author", "passes", "num_round", "bypass", "pass_rate", "first_pass", "num-pass", "compass",
     "PartitionKey", "label_key", "sort_key", "PublicKey", "routing_key", "signature", "monkey"],
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


SHORT = "Zq8xK29v" + "Lm4Tt7R"
HEX = "0123456789abcdef" * 2
# Tokens of services, by the prefixes that they document; put together here, so that no scanner takes them for real.
TOKENS = [
    "glpat-" + SHORT + SHORT[:5], "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "sk_live_" + SHORT, "rk_test_" + SHORT,
    "whsec_" + SHORT, "npm_" + SHORT * 2, "pypi-AgEI" + SHORT * 2, "dckr_pat_" + SHORT * 2,
    "SG." + SHORT * 2 + "." + SHORT * 2,
    "dapi" + HEX, "hvs." + SHORT * 2,
    "xapp-1-" + SHORT, "shpat_" + HEX, "ya29." + SHORT, "GOCSPX-" + SHORT, "SK" + HEX,
    "nvapi-" + SHORT * 2, "gsk_" + SHORT * 2, "r8_" + SHORT * 2, "lsv2_pt_" + SHORT * 2, "8123456789:AA" + SHORT * 3,
    "sk-proj-" + SHORT * 2, "sk-ant-api03-" + SHORT * 2,
    "tskey-auth-" + SHORT * 2, "ghp_" + SHORT * 2, "hf_" + SHORT * 2,
]  # fmt: skip


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:8])
def test_a_token_of_a_well_known_service_is_masked_wherever_it_stands(token: str) -> None:
    assert mask({"Environment": {"X": f"go {token} now"}}) == {"Environment": {"X": "go *** now"}}


@pytest.mark.parametrize(
    "text",
    [
        "https://h/p?page=2&token={}", "https://a.blob.core.windows.net/c?sv=2020&sig={}&se=1", "https://h/?key={}",
        "mysql -u root -p{} db", "mysqldump -p'{}' db", "redis-cli -h h -a {} ping", "sshpass -p {} ssh h",
        "docker login -u u -p {} registry", "unzip -P {} f.zip", "ldapsearch -w {}", "mongosh -u u -p {} h",
        "curl -b sid={} h",
        "curl --user=u:{} h", "smbclient -U u%{} //h/s", "openssl enc -pass pass:{}", "Cookie: a={}; b=c",
        "Set-Cookie: sid={}",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={}==;EndpointSuffix=x", "Server=h;Uid=u;Pwd={};",
        "{{'password': '{}'}}", 'run --config {{"password": "{}"}} x', '{{\\"db_password\\": \\"{}\\"}}', "BEARER {}",
        "//registry.npmjs.org/:_authToken={}", "machine h login u password {}", "os.environ['TOKEN'] = '{}'",
        '"password" => "{}"', "https://api.telegram.org/bot123456789:AA{0}{0}{0}/getMe", "twine upload -u u -p {} d/*",
        "<password>{}</password>", 'the password is "{}"', "https://{}abcdefgh@github.com/x", "conn=h:5432/password={}",
        "export FERNET_KEY={}", "--pw {}", "https://discord.com/api/webhooks/123456/{}",
        "password is {}", "Login failed: the password for user ada was {}.", "db_password is {}", "API key: {}",
        "the pass phrase is: {}", "token is {}", "access key for ada = {}", "password {} was refused",
        "def f(user: str, password: str = '{}') -> None: ...", "password: Optional[str] = {}",
        "openssl enc -aes-256-cbc -k {} -in f", "openssl req -passout 'pass:{}'", "openssl passwd -1 -salt x {}",
        "htpasswd -b f u {}", "htpasswd -nbC 10 u {}", "mosquitto_passwd -b f u {}", "keytool -list -storepass {}",
        "rabbitmqctl add_user u {}", "aws configure set --profile p aws_secret_access_key {}", "vault login {}",
        "dvc remote modify --local r password {}", "wandb login --host h {}", "sqlplus -S u/{}@db", "ldapadd -xw {}",
        "curl -sSu u:{} h", "mc alias set n https://h u {}", "http -a u:{} h", "mysqldump '-p{}' db", "rar a -p{} f",
    ],
)  # fmt: skip
def test_secrets_in_texts_are_masked(text: str) -> None:
    assert SHORT not in mask(text.format(SHORT))


@pytest.mark.parametrize(
    "words",
    [["mysql", "-u", "root", f"-p{SHORT}"], ["docker", "login", "-p", SHORT], ["/usr/bin/redis-cli", "-a", SHORT],
     ["openssl", "enc", "-k", SHORT], ["openssl", "rsa", "-passin", f"pass:{SHORT}"],
     ["htpasswd", "-b", "f", "u", SHORT], ["aws", "configure", "set", "aws_secret_access_key", SHORT],
     ["curl", "-u", f"u:{SHORT}"], ["curl", f"--user=u:{SHORT}"], ["sshpass", "-p", SHORT, "ssh", "h"]],
)  # fmt: skip
def test_passwords_that_programs_take_as_arguments_are_masked(words: list[str]) -> None:
    assert mask(words) == [word.replace(SHORT, "***") for word in words]


def test_a_key_of_an_unknown_service_is_reported_by_its_value() -> None:
    assert mask({"ACME_KEY": "a8f3k2l9d0s7f6g5h4j3k2", "label_key": "target", "LABEL_KEY": "x1"}) == {
        "ACME_KEY": "***",
        "label_key": "target",
        "LABEL_KEY": "x1",
    }


def test_a_known_secret_is_found_in_a_url_too() -> None:
    assert mask(["https://h/a%2Fb%26cd"], {*secrets_in({"password": "a/b&cd"})}) == ["https://h/***"]


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
        "docker run -p 8080:80 image",
        "mysql -P 3306 -u root",
        "the password is required",
        "Password: wrong",
        "unexpected token 0 in JSON at position 12",
        "password must have 8 characters or more",
        "NoCredentialsError: Unable to locate credentials",
        "ExpiredTokenException: The security token included in the request is expired",
        "cookie_cutter=1 cookiecutter_template=x",
        "credential_provider: x, password_file: /run/secrets/db",
        {"cookie_cutter": 1, "CookieCutter": "x", "credentialProvider": "x", "password-min-length": 8},
        "def connect(user: str, password: str, token: Optional[str] = None) -> str: ...",
        "password: SecretStr",
        "openssl req -x509 -key server.pem -passin file:x -passin env:PW",
        "snowsql -p 443",
        "aws configure get aws_secret_access_key",
        'Step "GetToken": ClientError: the function "RotateSecret": was not found',
        "https://h/x?page=2&versionId=3",
        "python train.py --epochs 3 -p 4",
        {"KmsKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "partition_key": "customer_id_0123456789abc"},
        "sk-learn-something-long-enough-0",
        'ExitCode 1 ErrorMessage "ValueError: x" Command "/usr/bin/python3 train.py --max_depth 5"',
    ],
)
def test_what_is_no_secret_is_not_touched(value: Any) -> None:
    assert mask(value) == value


@pytest.mark.parametrize(
    "text",
    [
        "y" * 125_000,
        "eyJ-" * 30_000,
        "a=" * 62_500,
        "://a" * 30_000,
        "{" * 5_000,
        "curl " * 25_000,
        "--a " * 30_000,
        "authorization " * 10_000,
        "mysql -p" * 15_000,
        "password '" * 12_500,
        'password = "' * 12_500,
        "<password>" * 12_500,
        "?key=" * 25_000,
        "-----BEGIN PRIVATE KEY" * 6_000,
        "password for " * 10_000,
        "password: str | " * 8_000,
        "password" + " " * 125_000,
        "openssl enc " * 10_000,
    ],
    ids=lambda text: text[:24],
)
@pytest.mark.timeout(120)  # a pattern that backtracks takes hours
def test_masking_takes_time_in_proportion_to_the_text(text: str) -> None:
    mask({"x": text})


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
    step_record = StepRecord(
        "A",
        "Training",
        "Failed",
        request={"Environment": {"DB_PASSWORD": "correct-horse"}},
        attempts=(Attempt("j", failure_reason="cannot log in with correct-horse"),),
        failure_reason="AlgorithmError: correct-horse was refused",
    ).masked()
    assert "correct-horse" not in json.dumps(step_record.as_json())
    assert step_record.failure_reason == "AlgorithmError: *** was refused"


def test_a_secret_of_the_run_is_taken_out_of_all_that_a_step_record_says() -> None:
    step_record = StepRecord(
        "A",
        "Training",
        "Succeeded",
        request={"Environment": {"CONN": "u;p=correct-horse"}, "Args": ["--conn", "correct-horse"]},
        inputs=(Artifact("s3://b/correct-horse/x", sha256="0" * 64),),
        metrics={"loss": 0.5},
        result={"Properties": {"Note": "correct-horse"}},
    ).masked("correct-horse")
    assert "correct-horse" not in json.dumps(step_record.as_json())
    assert step_record.request == {"Environment": {"CONN": "u;p=***"}, "Args": ["--conn", "***"]}
    assert step_record.inputs == (Artifact("s3://b/***/x", sha256="0" * 64),)
    assert step_record.metrics == {"loss": 0.5}
    assert step_record.masked("correct-horse") == step_record


def test_two_step_records_that_differ_in_a_secret_only_have_the_same_hash() -> None:
    first, second = (
        StepRecord("A", "Training", "Failed", request={"HyperParameters": {"token": secret, "eta": "1"}}).masked()
        for secret in ("1234", "1235")
    )
    assert first.request_sha256 == second.request_sha256


@pytest.mark.parametrize("depth", [100, 600, 900, 3000])
def test_a_secret_in_json_of_any_depth_is_masked(depth: int) -> None:
    text = "[" * depth + '{"password": "hunter2hunter2"}' + "]" * depth
    assert "hunter2" not in str(mask({"P": text}, set()))


def test_secrets_of_the_steps_in_a_loop_are_hidden_in_the_task_log_as_those_of_other_steps_are() -> None:
    body = {"A": {"Type": "Lambda", "FunctionArn": "f", "Arguments": {"db_password": "hunter22"}}}
    spec = StepSpec.from_json({"Arguments": {"IterableItems": [1], "MaxConcurrency": 1}, "Body": body})
    hidden: list[str] = []

    async def hide(secrets: Sequence[str]) -> None:
        hidden.extend(secrets)

    aws: Any = SimpleNamespace(key="masking", is_local=True, region="eu-west-1")
    identity = StepIdentity("p", "Loop", "d", "r", "Loop")
    run = StepRun(
        spec,
        "ForEach",
        identity,
        Scope("Loop", {}, {}, {}, {}, lambda _uri: b""),
        aws,
        str,
        mask=hide,
    )

    async def run_step(child: StepRun) -> StepResult:
        await resolved_arguments(child)
        return StepResult("A-0", "Lambda", None, None, {}, "", "")

    asyncio.run(ForEachRunner(run_step, stop_current).follow(run, Submitted("Loop", "", 0, "")))
    assert hidden == ["hunter22"]
