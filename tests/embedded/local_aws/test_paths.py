"""A file name from outside denotes a file below its folder, or is refused."""

from __future__ import annotations

import io
import os
import tarfile
import uuid
import zipfile
from pathlib import Path

import pytest

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.local_aws.container.job_folder import JobError, JobFolder, new_job_data
from airflow_sagemaker_mlops.local_aws.container.transfer import download, fetch_archive
from airflow_sagemaker_mlops.local_aws.errors import AwsError
from airflow_sagemaker_mlops.local_aws.lambda_ import functions
from airflow_sagemaker_mlops.paths import UnsafePath, below, inside
from airflow_sagemaker_mlops.records.model.errors import StoreUnavailable
from airflow_sagemaker_mlops.records.store.folder import FolderStore


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.csv", "a.csv"),
        ("a/b.csv", "a/b.csv"),
        ("/etc/passwd", "etc/passwd"),
        ("//etc//passwd", "etc/passwd"),
        ("a/./b/", "a/b"),
        ("..a/b..", "..a/b.."),
        ("ä/ b\n+%2e%2e", "ä/ b\n+%2e%2e"),
        ("\\..\\a", "\\..\\a"),
    ],
)
def test_a_name_denotes_a_file_below_its_folder(tmp_path: Path, name: str, path: str) -> None:
    assert inside(tmp_path, name) == below(tmp_path, name) == tmp_path / path


@pytest.mark.parametrize(
    "name", ["", "/", ".", "..", "../a", "a/../b", "a/..", "/../a", "a\0b", "\ud800", "a" * 256, "ä" * 128, "a/" * 2500]
)
def test_a_name_that_denotes_no_file_below_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafePath):
        inside(tmp_path, name)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "link").symlink_to(outside)
    for name in ("link/a", "link"):
        with pytest.raises(UnsafePath, match="through a link"):
            inside(folder, name)


def test_a_record_is_never_stored_outside_its_folder(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "records")
    with pytest.raises(StoreUnavailable, match="leads out of its folder"):
        store.create("../record.json", b"{}")
    assert store.create("/record.json", b"{}")
    assert os.listdir(tmp_path) == ["records"]


@pytest.fixture
def job_folder(aws: LocalAws, tmp_path: Path) -> JobFolder:
    folder = tmp_path / "job"
    folder.mkdir()
    return JobFolder(folder, new_job_data(aws, aws.region, "processing", "n", "arn", request={}))


def put(aws: LocalAws, *keys: str) -> dict[str, str]:
    """Create an S3 data source with these keys."""
    prefix = uuid.uuid4().hex
    for key in keys:
        aws.client("s3").put_object(Bucket=aws.bucket, Key=f"{prefix}/{key}", Body=key.encode())
    return {"S3Uri": f"s3://{aws.bucket}/{prefix}", "S3DataType": "S3Prefix"}


@pytest.mark.e2e
def test_a_key_with_a_double_slash_is_downloaded_into_the_folder_of_its_input(
    aws: LocalAws, job_folder: JobFolder, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.txt"
    assert download(job_folder, put(aws, str(outside), "plain.txt", "folder/"), tmp_path / "job" / "in") == 2
    assert not outside.exists()
    assert (tmp_path / "job" / "in" / str(outside).lstrip("/")).read_text() == str(outside)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["a/../../../b"], "leads out of its folder"),
        (["a", "a/b"], "is below a key that is a file"),
        (["a/b", "a//b"], "are the same file"),
        (["x" * 300], "too long for a path"),
    ],
)
def test_keys_that_conflict_as_files_fail_the_job_and_are_named(
    aws: LocalAws, job_folder: JobFolder, tmp_path: Path, keys: list[str], said: str
) -> None:
    with pytest.raises(JobError, match=said):
        download(job_folder, put(aws, *keys), tmp_path / "job" / "in")
    assert not (tmp_path / "b").exists()


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ["name", "link"])
def test_an_archive_writes_nothing_elsewhere(aws: LocalAws, job_folder: JobFolder, tmp_path: Path, kind: str) -> None:
    packed, key = io.BytesIO(), f"{uuid.uuid4().hex}.tar.gz"
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        if kind == "link":
            link = tarfile.TarInfo("out")
            link.type, link.linkname = tarfile.SYMTYPE, ".."
            archive.addfile(link)
        member = tarfile.TarInfo("out/evil" if kind == "link" else "../evil")
        archive.addfile(member, io.BytesIO())
    aws.client("s3").put_object(Bucket=aws.bucket, Key=key, Body=packed.getvalue())
    with pytest.raises(JobError, match=r"cannot be unpacked|is neither a file nor a folder"):
        fetch_archive(job_folder, f"s3://{aws.bucket}/{key}", tmp_path / "job" / "model")
    assert not (tmp_path / "job" / "evil").exists()


@pytest.mark.parametrize("name", ["../evil.py", "a/../../evil.py"])
def test_a_function_package_with_a_path_outside_its_folder_is_not_unpacked(tmp_path: Path, name: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "")
    with pytest.raises(AwsError, match="leads out of its folder"):
        functions._unpacked(tmp_path, packed.getvalue())
    assert os.listdir(tmp_path / "functions") == []


@pytest.mark.parametrize("path", ["/etc/passwd", "/opt/ml/../../etc", "/opt/ml/", "opt/ml/a"])
def test_a_path_in_a_request_must_be_below_opt_ml(tmp_path: Path, path: str) -> None:
    with pytest.raises(JobError, match="is not below /opt/ml"):
        JobFolder(tmp_path, {}).at(path)


@pytest.mark.parametrize(("entry", "directory", "value"), [(6, 8, 1), (8, 10, 99)], ids=["encrypted", "unknown method"])
def test_a_package_that_cannot_be_unpacked_is_a_client_error(
    tmp_path: Path, entry: int, directory: int, value: int
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("h.py", "x = 1")
    content = bytearray(packed.getvalue())
    content[content.index(b"PK\x03\x04") + entry] = content[content.index(b"PK\x01\x02") + directory] = value
    with pytest.raises(AwsError, match="Could not unzip"):
        functions._unpacked(tmp_path, bytes(content))
