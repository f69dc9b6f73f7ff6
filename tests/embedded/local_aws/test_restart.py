"""The state of the embedded AWS is the same after its server was killed and restarted."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from waiting import until_dead

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.local_aws import LocalAws

pytestmark = pytest.mark.e2e

RULE = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
WRITERS, WRITES = 4, 12


@dataclass(slots=True)
class Restarted:
    """A server that was killed and restarted, and the state observed before."""

    aws: LocalAws
    before: dict[str, Any] = field(default_factory=dict)

    def seen(self, what: str, now: Any) -> tuple[Any, Any]:
        return self.before[what], now


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarted]:
    state_dir = tmp_path_factory.mktemp("restart")
    found = Restarted(local_aws.start(state_dir))
    try:
        for fill in (buckets, functions, queues):
            fill(found.aws, found.before)
        os.kill(found.aws.pid, signal.SIGKILL)
        until_dead(state_dir)
        with (state_dir / "journal.jsonl").open("a") as journal:
            journal.write('{"environ": {"REQUEST_METHOD": "PO')
        found.aws = local_aws.start(state_dir)
        found.aws.client("sqs").create_queue(QueueName="made-after-half-a-line")
        yield found
    finally:
        local_aws.stop(state_dir)


def buckets(aws: LocalAws, before: dict[str, Any]) -> None:
    s3 = aws.client("s3")
    for name in ("plain-bucket", "versioned-bucket", "suspended-bucket"):
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket="plain-bucket", Key="kept", Body=b"kept")
    s3.put_bucket_cors(Bucket="plain-bucket", CORSConfiguration={"CORSRules": [RULE]})
    s3.delete_bucket_cors(Bucket="plain-bucket")
    s3.put_object_tagging(Bucket="plain-bucket", Key="kept", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object_tagging(Bucket="plain-bucket", Key="kept")
    for name in ("versioned-bucket", "suspended-bucket"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=name, Key="old", Body=b"1")
        s3.put_object(Bucket=name, Key="old", Body=b"2")
    s3.put_object(Bucket="suspended-bucket", Key="replaced", Body=b"1")
    s3.put_bucket_versioning(Bucket="suspended-bucket", VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket="suspended-bucket", Key="replaced", Body=b"2")
    s3.put_object(Bucket="versioned-bucket", Key="back", Body=b"1")
    s3.delete_objects(Bucket="versioned-bucket", Delete={"Objects": [{"Key": "back"}, {"Key": "old"}]})
    markers = s3.list_object_versions(Bucket="versioned-bucket")["DeleteMarkers"]
    (marker,) = [item["VersionId"] for item in markers if item["Key"] == "back"]
    s3.delete_object(Bucket="versioned-bucket", Key="back", VersionId=marker)
    before["multipart"] = {bucket: upload_in_parts(s3, bucket) for bucket in ("plain-bucket", "versioned-bucket")}
    write_at_once(aws, "plain-bucket")
    write_at_once(aws, "versioned-bucket")
    before["versions"] = versions(s3)
    before["raced"] = s3.get_object(Bucket="plain-bucket", Key="raced")["Body"].read()


def upload_in_parts(s3: Any, bucket: str) -> str:
    """Upload an object in parts; returns its ETag."""
    upload = {"Bucket": bucket, "Key": "multipart"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    parts = []
    for number, body in ((1, b"a" * 5 * 2**20), (2, b"b")):
        etag = s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    return str(s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["ETag"])


def write_at_once(aws: LocalAws, bucket: str) -> None:
    def write(number: int) -> None:
        s3 = aws.client("s3")
        for turn in range(WRITES):
            s3.put_object(Bucket=bucket, Key="raced", Body=f"{number}-{turn}".encode() * 20000)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


def versions(s3: Any) -> list[tuple[str, str, str, bool]]:
    return [
        (bucket, item["Key"], item["VersionId"], item["IsLatest"])
        for bucket in ("versioned-bucket", "suspended-bucket")
        for kind in ("Versions", "DeleteMarkers")
        for item in s3.list_object_versions(Bucket=bucket).get(kind, [])
    ]


def packed(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("module.py", text)
    return out.getvalue()


def functions(aws: LocalAws, before: dict[str, Any]) -> None:
    s3, client = aws.client("s3"), aws.client("lambda")
    place = {"S3Bucket": "plain-bucket", "S3Key": "code.zip"}
    about = {"Runtime": "python3.11", "Role": aws.role_arn, "Handler": "module.handle"}
    for name in ("created", "updated"):
        s3.put_object(Bucket="plain-bucket", Key="code.zip", Body=packed(f"def handle(*_): return '{name}'"))
        client.create_function(FunctionName=name, Code=place, **about)
    s3.put_object(Bucket="plain-bucket", Key="code.zip", Body=packed("def handle(*_): return 'new code'"))
    client.update_function_code(FunctionName="updated", **place)
    s3.delete_object(Bucket="plain-bucket", Key="code.zip")


def queues(aws: LocalAws, before: dict[str, Any]) -> None:
    sqs, events = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["mine"]}))
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": arn}])
    for word in ("read", "unread"):
        kind = {"kind": {"DataType": "String", "StringValue": word}}
        sqs.send_message(QueueUrl=url, MessageBody=word, MessageAttributes=kind)
        events.put_events(Entries=[{"Source": "mine", "DetailType": "x", "Detail": json.dumps({"word": word})}])
        if word == "read":
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    before["queue"] = url


def test_deleting_a_setting_of_a_bucket_or_an_object_deletes_nothing_else(restarted: Restarted) -> None:
    s3 = restarted.aws.client("s3")
    assert s3.get_object(Bucket="plain-bucket", Key="kept")["Body"].read() == b"kept"


def test_versions_and_markers_survive_a_restart_in_their_order(restarted: Restarted) -> None:
    s3 = restarted.aws.client("s3")
    before, now = restarted.seen("versions", versions(s3))
    assert now == before
    assert s3.get_object(Bucket="versioned-bucket", Key="back")["Body"].read() == b"1"
    assert s3.get_object(Bucket="suspended-bucket", Key="replaced")["Body"].read() == b"2"
    assert s3.get_bucket_versioning(Bucket="suspended-bucket")["Status"] == "Suspended"


def test_the_last_of_several_concurrent_writers_wins_after_a_restart_too(restarted: Restarted) -> None:
    s3 = restarted.aws.client("s3")
    before, now = restarted.seen("raced", s3.get_object(Bucket="plain-bucket", Key="raced")["Body"].read())
    assert now[:4] == before[:4]


def test_a_multipart_upload_keeps_its_etag(restarted: Restarted) -> None:
    s3 = restarted.aws.client("s3")
    buckets = restarted.before["multipart"]
    assert {bucket: s3.head_object(Bucket=bucket, Key="multipart")["ETag"] for bucket in buckets} == buckets


def test_functions_created_from_s3_keep_the_code_of_their_creation(restarted: Restarted) -> None:
    client = restarted.aws.client("lambda")
    said = {name: client.invoke(FunctionName=name)["Payload"].read() for name in ("created", "updated")}
    assert said == {"created": b'"created"', "updated": b'"new code"'}


def test_messages_survive_a_restart_unless_they_were_deleted(restarted: Restarted) -> None:
    sqs = restarted.aws.client("sqs")
    found = sqs.receive_message(
        QueueUrl=restarted.before["queue"], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )["Messages"]
    bodies = [message["Body"] for message in found]
    assert bodies[0] == "unread"
    assert [json.loads(body)["detail"] for body in bodies[1:]] == [{"word": "unread"}]
    assert found[0]["MessageAttributes"]["kind"]["StringValue"] == "unread"


def test_an_incomplete_line_of_the_journal_corrupts_no_other_line(restarted: Restarted) -> None:
    lines = (Path(restarted.aws.state_dir) / "journal.jsonl").read_text().splitlines()
    assert all(json.loads(line)["environ"] for line in lines)
    errors = (Path(restarted.aws.state_dir) / "server.err").read_text()
    assert "journal:" not in errors


DAMAGES = {
    "server.json": b'{"endpoint_url": "http://127',
    "config.json": b"[]",
    "store.sqlite": b"no database " * 200,
    "s3.sqlite": b"no database " * 200,
    "messages.sqlite": b"no database " * 200,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_the_error_for_a_damaged_file_names_it_and_the_ways_to_recover(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(DAMAGES[name])
    try:
        with pytest.raises(OSError, match=rf"{name} is damaged \(.+start over with --reset"):
            local_aws.start(tmp_path)
        local_aws.stop(tmp_path)
        local_aws.reset(tmp_path)
        assert local_aws.start(tmp_path).client("s3").list_buckets()["Buckets"]
    finally:
        local_aws.stop(tmp_path)


def test_a_damaged_line_of_the_journal_and_lost_content_are_reported_and_skipped(tmp_path: Path) -> None:
    aws = local_aws.start(tmp_path)
    try:
        aws.client("s3").put_object(Bucket=aws.bucket, Key="lost", Body=b"lost")
        aws.client("s3").put_object(Bucket=aws.bucket, Key="kept", Body=b"kept")
        aws.client("sqs").create_queue(QueueName="kept")
        local_aws.stop(tmp_path)
        (blob,) = [path for path in (tmp_path / "s3").glob("*/*") if path.read_bytes() == b"lost"]
        blob.unlink()
        with (tmp_path / "journal.jsonl").open("ab") as journal:
            journal.write(b"\xff\xfe no JSON\n[]\n")
        aws = local_aws.start(tmp_path)
        keys = [row["Key"] for row in aws.client("s3").list_objects_v2(Bucket=aws.bucket)["Contents"]]
        assert keys == ["kept"]
        assert len(aws.client("sqs").list_queues()["QueueUrls"]) == 1
        told = (tmp_path / "server.err").read_text()
        assert "the content of the object" in told
        assert told.count("a line cannot be used") == 2
    finally:
        local_aws.stop(tmp_path)


def test_resources_of_other_services_survive_a_restart_with_their_identifiers(tmp_path: Path) -> None:
    aws = local_aws.start(tmp_path)

    def seen() -> dict[str, Any]:
        logs = aws.client("logs").get_log_events(logGroupName="group", logStreamName="stream")["events"]
        return {
            "glue": [row["Name"] for row in aws.client("glue").get_databases()["DatabaseList"]],
            "schedules": [row["Arn"] for row in aws.client("scheduler").list_schedule_groups()["ScheduleGroups"]],
            "secret": aws.client("secretsmanager").describe_secret(SecretId="secret")["ARN"],
            "key": [row["KeyId"] for row in aws.client("kms").list_keys()["Keys"]],
            "logs": [(row["timestamp"], row["message"]) for row in logs],
        }

    try:
        aws.client("glue").create_database(DatabaseInput={"Name": "database"})
        aws.client("scheduler").create_schedule_group(Name="group")
        aws.client("secretsmanager").create_secret(Name="secret", SecretString="x")
        aws.client("kms").create_key()
        logs = aws.client("logs")
        logs.create_log_group(logGroupName="group")
        logs.create_log_stream(logGroupName="group", logStreamName="stream")
        events = [{"timestamp": int(time.time() * 1000), "message": "a line"}]
        logs.put_log_events(logGroupName="group", logStreamName="stream", logEvents=events)
        before = seen()
        os.kill(aws.pid, signal.SIGKILL)
        until_dead(tmp_path)
        aws = local_aws.start(tmp_path)
        assert seen() == before
        assert len(before["logs"]) == len(before["key"]) == 1
    finally:
        local_aws.stop(tmp_path)
