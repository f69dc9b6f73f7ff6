"""Fingerprints of locations in the S3 of the embedded AWS."""

from __future__ import annotations

import hashlib
from typing import Any

from airflow_sagemaker_mlops.records.capture.fingerprint import fingerprint
from airflow_sagemaker_mlops.records.model.step_record import Artifact
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.listing import objects_of, read_listing

MD5_OF_A = hashlib.md5(b"a").hexdigest()  # the ETag of an object that is uploaded in one part


def put(s3: Any, bucket: str, **objects: str) -> None:
    for name, body in objects.items():
        s3.put_object(Bucket=bucket, Key=name.replace("__", "/"), Body=body.encode())


def test_a_prefix_is_counted_and_hashed_over_its_sorted_listing(s3: Any, bucket: str) -> None:
    put(s3, bucket, train__b="a", train__a="a", other="x")
    found = fingerprint(s3, Artifact(f"s3://{bucket}/train/", name="train"))
    listing = f"a\t{MD5_OF_A}\t1\t\nb\t{MD5_OF_A}\t1\t\n"
    assert (found.objects, found.bytes, found.problem) == (2, 2, "")
    assert found.sha256 == hashlib.sha256(listing.encode()).hexdigest()
    assert found.etag == ""


def test_a_changed_file_under_the_same_path_changes_the_hash(s3: Any, bucket: str) -> None:
    put(s3, bucket, train__a="a")
    before = fingerprint(s3, Artifact(f"s3://{bucket}/train"))
    put(s3, bucket, train__a="b")
    assert fingerprint(s3, Artifact(f"s3://{bucket}/train")).sha256 != before.sha256


def test_equal_folders_in_two_places_have_equal_hashes(s3: Any, bucket: str) -> None:
    put(s3, bucket, one__x__a="a", two__a="a")
    hashes = {fingerprint(s3, Artifact(f"s3://{bucket}/{place}")).sha256 for place in ("one/x/", "two/")}
    assert len(hashes) == 1


def test_a_single_object_has_its_etag_and_version(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(s3, bucket, code__run="old")
    version = s3.put_object(Bucket=bucket, Key="code/run", Body=b"a")["VersionId"]
    found = fingerprint(s3, Artifact(f"s3://{bucket}/code/run"), versions=True)
    assert (found.etag, found.version, found.objects, found.key) == (MD5_OF_A, version, 1, "")
    below = fingerprint(s3, Artifact(f"s3://{bucket}/code"), versions=True)
    assert (below.etag, below.version, below.key) == (MD5_OF_A, version, "/run")


def test_the_versions_of_several_objects_are_in_the_stored_listing_and_not_in_the_hash(
    s3: Any, bucket: str, folder: FolderStore
) -> None:
    put(s3, bucket, in__b="b")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(s3, bucket, in__a="old", in__gone="x")
    put(s3, bucket, in__a="a")
    s3.delete_object(Bucket=bucket, Key="in/gone")
    where = Artifact(f"s3://{bucket}/in/")
    found = fingerprint(s3, where, versions=True, store=folder, dag_id="d")
    assert (found.objects, found.sha256) == (2, fingerprint(s3, where).sha256)
    listing = read_listing(folder, "d", found.listing) or {}
    assert {key: bool(line.version) for key, line in listing.items()} == {"a": True, "b": False}
    assert objects_of(found, lambda sha256: read_listing(folder, "d", sha256)) == listing
    put(s3, bucket, in__a="a")
    again = fingerprint(s3, where, versions=True, store=folder, dag_id="d")
    assert (again.sha256 == found.sha256, again.listing == found.listing) == (True, False)


def test_a_place_with_nothing_says_so(s3: Any, bucket: str) -> None:
    found = fingerprint(s3, Artifact(f"s3://{bucket}/nothing/"))
    assert (found.objects, found.problem) == (0, "nothing there")


def test_a_bucket_that_is_gone_is_a_problem_and_not_an_error(s3: Any) -> None:
    assert (
        fingerprint(s3, Artifact("s3://no-such-bucket-anywhere/x")).problem == "there is no such bucket (NoSuchBucket)"
    )
