"""Fingerprints of listings, and where requests say that data comes from."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from record_examples import SHA

from airflow_sagemaker_mlops.records.capture.fingerprint import fingerprint
from airflow_sagemaker_mlops.records.capture.sources import code_of, images_of, inputs_of, instances_of, outputs_of
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Code, Image
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.listing import Line, read_listing


def test_what_is_not_in_s3_is_not_listed() -> None:
    assert fingerprint(None, Artifact("https://example.com/x")).problem == "not in S3"


class Pages:
    """As much of a client as listing takes: so many objects, 1,000 to a page."""

    def __init__(self, count: int, *, backwards: bool = False) -> None:
        self.count, self.backwards = count, backwards

    def list_objects_v2(self, *, ContinuationToken: str = "0", **_members: Any) -> dict[str, Any]:
        numbers = range(self.count)
        order = list(reversed(numbers)) if self.backwards else numbers
        at = int(ContinuationToken)
        found = [{"Key": f"in/{n:07}", "ETag": '"e"', "Size": 1} for n in order[at : at + 1000]]
        return {"Contents": found, "IsTruncated": at + 1000 < self.count, "NextContinuationToken": str(at + 1000)}


class Denied(Pages):
    """Objects may be listed there, versions may not."""

    def list_object_versions(self, **_members: Any) -> dict[str, Any]:
        raise PermissionError("AccessDenied")


def test_where_versions_may_not_be_listed_the_objects_are() -> None:
    found = fingerprint(Denied(3), Artifact("s3://b/in/"), versions=True)
    assert (found.objects, found.problem, found.listing) == (3, "", "")


class History(Pages):
    """One object with so many old versions."""

    def list_objects_v2(self, **_members: Any) -> dict[str, Any]:
        return Pages(1).list_objects_v2()

    def list_object_versions(self, *, VersionIdMarker: str = "0", **_members: Any) -> dict[str, Any]:
        at = int(VersionIdMarker)
        old = [{"Key": "in/a", "ETag": '"e"', "Size": 1, "VersionId": f"v{at}"} for _ in range(1000)]
        more = {"NextKeyMarker": "in/a", "NextVersionIdMarker": str(at + 1000)}
        return {"Versions": old, "IsTruncated": at + 1000 < self.count, **more}


def test_a_history_that_is_too_long_is_not_gone_through() -> None:
    assert fingerprint(History(10_000_000), Artifact("s3://b/in/"), versions=True).objects == 1


def test_thirty_thousand_objects_are_hashed_in_bounded_memory() -> None:
    tracemalloc.start()
    found = fingerprint(Pages(30_000), Artifact("s3://b/in/"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.objects == 30_000
    assert peak < 4_000_000


def test_the_order_in_which_a_bucket_lists_does_not_count() -> None:
    hashes = {fingerprint(Pages(2500, backwards=b), Artifact("s3://b/in/")).sha256 for b in (True, False)}
    assert len(hashes) == 1


def test_a_stored_listing_is_read_back_by_its_hash(folder: FolderStore) -> None:
    found = fingerprint(Pages(3), Artifact("s3://b/in/"), store=folder, dag_id="d")
    assert read_listing(folder, "d", found.sha256) == {f"000000{n}": Line(f"000000{n}", "e", 1) for n in range(3)}
    assert read_listing(folder, "d", SHA) is None


@pytest.mark.parametrize(
    ("key", "text"), [("a\n", b"a\\n"), ("a\\n", b"a\\\\n"), ("a\t\\", b"a\\t\\\\"), ("\x85ü", "\x85ü".encode())]
)
def test_keys_with_tabs_and_line_feeds_make_no_other_listing_and_are_read_back(key: str, text: bytes) -> None:
    line = Line(key, "e", 1, "v")
    assert line.as_bytes() == text + b"\te\t1\tv\n"
    assert Line.from_text(line.as_bytes().decode()) == line


PROCESSING = {
    "AppSpecification": {"ImageUri": "image:1"},
    "ProcessingInputs": [
        {"InputName": "code", "S3Input": {"S3Uri": "s3://b/run.py", "LocalPath": "/opt/ml/processing/input/code"}},
        {"InputName": "day", "S3Input": {"S3Uri": "s3://b/day", "LocalPath": "/opt/ml/processing/input/day"}},
    ],
    "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2}},
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "train", "S3Output": {"S3Uri": "s3://b/out/train"}}]},
}
TRAINING = {
    "AlgorithmSpecification": {"TrainingImage": f"image@sha256:{SHA}"},
    "HyperParameters": {"sagemaker_submit_directory": '"s3://b/code.tar.gz"', "eta": "0.2"},
    "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/train"}}}],
    "ResourceConfig": {
        "InstanceGroups": [
            {"InstanceGroupName": "a", "InstanceType": "ml.c5.xlarge", "InstanceCount": 1},
            {"InstanceGroupName": "b", "InstanceType": "ml.p3.2xlarge", "InstanceCount": 3},
        ]
    },
}


def test_inputs_of_a_processing_job_tell_code_from_data() -> None:
    assert inputs_of(PROCESSING) == (
        Artifact("s3://b/run.py", name="code", role="code"),
        Artifact("s3://b/day", name="day", role="input"),
    )
    assert code_of(PROCESSING, inputs_of(PROCESSING)) == (Code("s3://b/run.py"),)


def test_code_of_a_training_job_is_what_the_sdk_submitted() -> None:
    assert set(inputs_of(TRAINING)) == {
        Artifact("s3://b/train", name="train", role="input"),
        Artifact("s3://b/code.tar.gz", name="code", role="code"),
    }


def test_a_transform_job_reads_its_input_and_a_tuning_job_that_of_its_training_jobs() -> None:
    transform = {"TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "s3://b/in"}}}}
    assert [a.uri for a in inputs_of(transform)] == ["s3://b/in"]
    assert {a.uri for a in inputs_of({"TrainingJobDefinition": TRAINING})} == {"s3://b/train", "s3://b/code.tar.gz"}


def test_images_have_a_digest_when_the_uri_pins_one() -> None:
    assert images_of(PROCESSING) == (Image("image:1"),)
    assert images_of(TRAINING) == (Image(f"image@sha256:{SHA}", f"sha256:{SHA}"),)


def test_instances_are_counted_over_groups() -> None:
    assert instances_of(PROCESSING) == ("ml.m5.large", 2)
    assert instances_of(TRAINING) == ("ml.c5.xlarge,ml.p3.2xlarge", 4)
    assert instances_of({}) == ("", 1)


def test_outputs_are_what_describe_says() -> None:
    assert outputs_of(PROCESSING) == (Artifact("s3://b/out/train", name="train", role="output"),)
    trained = {"ModelArtifacts": {"S3ModelArtifacts": "s3://b/m/model.tar.gz"}}
    assert outputs_of(trained) == (Artifact("s3://b/m/model.tar.gz", name="model", role="model"),)
