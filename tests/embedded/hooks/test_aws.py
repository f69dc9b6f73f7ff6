"""The clients of a connection: with its own credentials, an assumed role, or another region."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from airflow_sagemaker_mlops.hooks.aws import SESSION_NAME, aws_for
from airflow_sagemaker_mlops.hooks.connection import AwsConnection
from airflow_sagemaker_mlops.local_aws import LocalAws

pytestmark = pytest.mark.e2e

ROLE = "arn:aws:iam::210987654321:role/Deployer"


@pytest.fixture(autouse=True)
def connection(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws.connection()))


def test_a_role_is_assumed_with_the_credentials_of_the_connection(aws: LocalAws) -> None:
    clients = aws_for(AwsConnection("aws_default", None, ROLE))
    me = clients.client("sts").get_caller_identity()
    assert me["Arn"] == f"arn:aws:sts::210987654321:assumed-role/Deployer/{SESSION_NAME}"
    assert clients.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"] is not None
    assert aws.access_key != clients.session.get_credentials().access_key


def test_steps_of_different_roles_and_regions_never_share_clients() -> None:
    as_itself = aws_for(AwsConnection("aws_default", None))
    assert aws_for(AwsConnection("aws_default", None)) is as_itself
    others = [aws_for(AwsConnection("aws_default", "eu-west-1")), aws_for(AwsConnection("aws_default", None, ROLE))]
    assert len({clients.key for clients in (as_itself, *others)}) == 3  # nor a poller
    assert others[0].client("sagemaker").meta.region_name == "eu-west-1"


def test_a_connection_is_looked_up_once_in_a_while_and_its_new_keys_are_taken_then(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_sagemaker_mlops.hooks import aws as module

    monkeypatch.setattr(module, "_SEEN", {})
    before = aws_for(AwsConnection("aws_default", None))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({**aws.connection(), "login": "ROTATED"}))
    assert aws_for(AwsConnection("aws_default", None)) is before
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    after = aws_for(AwsConnection("aws_default", None))
    assert (before.session.get_credentials().access_key, after.session.get_credentials().access_key) == (
        aws.access_key,
        "ROTATED",
    )
    module._SEEN.clear()


def test_clients_that_are_made_again_are_those_that_others_have_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step may wait for days with clients that it was given when it began."""
    from airflow_sagemaker_mlops.hooks import aws as module

    before = aws_for(AwsConnection("aws_default", None))
    session, client = before.session, before.client("sagemaker")
    monkeypatch.setattr(module, "KEEP_S", 0.0)
    assert aws_for(AwsConnection("aws_default", None)) is before
    assert before.session is not session
    assert before.client("sagemaker") is not client


def test_renewed_clients_have_the_connections_keys_of_now(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_sagemaker_mlops.triggers.clients import open_aws

    async def rotated() -> tuple[str, str]:
        clients = await open_aws(AwsConnection("aws_default", None, None))
        before = clients.session.get_credentials().access_key
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({**aws.connection(), "login": "ROTATED"}))
        assert clients.renew is not None
        await clients.renew()
        return before, clients.session.get_credentials().access_key

    assert asyncio.run(rotated()) == (aws.access_key, "ROTATED")


def test_an_external_id_is_sent_with_the_role_that_asks_for_it(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, list[str]]] = []

    class Sts(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            text = (
                b'<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
                b"<AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
                b"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_words: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = aws.connection()
    endpoint = {"service_config": {"sts": {"endpoint_url": f"http://127.0.0.1:{server.server_port}"}}}
    connection["extra"] = {**connection["extra"], **endpoint}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_STS", json.dumps(connection))
    with_id = aws_for(AwsConnection("aws_sts", None, ROLE, "tenant-7"))
    without = aws_for(AwsConnection("aws_sts", None, ROLE))
    try:
        assert {clients.session.get_credentials().access_key for clients in (with_id, without)} == {"ASIAX"}
    finally:
        server.shutdown()
        server.server_close()
    assert {one.get("ExternalId", [""])[0] for one in asked} == {"tenant-7", ""}
    assert with_id.key != without.key


def test_an_external_id_without_a_role_is_refused() -> None:
    with pytest.raises(ValueError, match="assume_role_arn"):
        aws_for(AwsConnection("aws_default", None, None, "tenant-7"))


def test_a_role_without_credentials_to_assume_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_sagemaker_mlops.hooks import aws as module

    class Nobody:
        def get_credentials(self) -> None:
            return None

    with pytest.raises(NoCredentialsError):
        module._assuming(ROLE, None, Nobody(), "us-east-1", {})


def test_a_key_that_the_embedded_aws_did_not_give_out_is_refused(aws: LocalAws) -> None:
    import boto3

    stranger = boto3.client(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id="ASIASTRANGER00000000",
        aws_secret_access_key="x",
        aws_session_token="y",
    )
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        stranger.list_models()
