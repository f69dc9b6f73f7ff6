"""Copies data between S3 and folders, as the platform does for a container."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from ...json_types import AwsShape
from ...paths import UnsafePath, inside
from ...s3 import split_uri
from .job_folder import JobError, JobFolder


def split(uri: str) -> tuple[str, str]:
    """``s3://bucket/key`` -> ``(bucket, key)``."""
    if not uri.startswith("s3://"):
        raise JobError(f"ClientError: {uri} is not an S3 URI")
    return split_uri(uri)


def objects(job_folder: JobFolder, uri: str) -> Iterator[tuple[str, str]]:
    """``(key, name below the prefix)`` of every object that ``uri`` denotes.

    The name of an object with exactly that key is its base name; other names are relative to the prefix folder.
    """
    bucket, prefix = split(uri)
    pages = job_folder.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    folder = prefix if prefix.endswith("/") or not prefix else prefix + "/"
    for answer in pages:
        for item in answer.get("Contents", []):
            key = item["Key"]
            if key == prefix and not prefix.endswith("/"):
                yield key, key.rpartition("/")[2]
            elif key.startswith(folder) and not key.endswith("/"):
                yield key, key[len(folder) :]
            elif not key.endswith("/"):
                # The prefix ends in the middle of a name, e.g. .../part for .../part-0 and .../part-1.
                yield key, key[prefix.rfind("/") + 1 :]


def download(job_folder: JobFolder, source: AwsShape, target: Path, *, gunzip: bool = False) -> int:
    """Download an S3 data source (``S3Uri``, ``S3DataType``) to ``target``; returns the number of files.

    Raises :class:`JobError` if the download fails or finds no object.
    """
    uri, kind = str(source["S3Uri"]), source.get("S3DataType") or "S3Prefix"
    if kind not in ("S3Prefix", "ManifestFile"):
        raise JobError(f"ClientError: S3DataType {kind} is not available in the embedded AWS")
    target.mkdir(parents=True, exist_ok=True)
    downloaded: dict[Path, str] = {}
    try:
        for part in _manifest(job_folder, uri) if kind == "ManifestFile" else [uri]:
            bucket, _ = split(part)
            for key, name in objects(job_folder, part):
                path = _target_path(target, name, key, downloaded)
                job_folder.client("s3").download_file(bucket, key, str(path))
                if gunzip:
                    _gunzip(path)
    except JobError:
        raise
    except Exception as error:
        raise JobError(f"ClientError: Data download failed: {uri}: {error}") from None
    if not downloaded:
        raise JobError(f"ClientError: Data download failed: No S3 objects found under S3 URL {uri!r}")
    return len(downloaded)


def _target_path(target: Path, name: str, key: str, downloaded: dict[Path, str]) -> Path:
    """The path of an object below ``target``.  Raises :class:`JobError` if it conflicts with another object."""
    path = inside(target, name)
    if downloaded.setdefault(path, key) != key:
        raise JobError(
            f"ClientError: Data download failed: the keys {downloaded[path]!r} and {key!r} are the same file"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise JobError(f"ClientError: Data download failed: {key!r} is below a key that is a file") from None
    if path.is_dir():
        raise JobError(f"ClientError: Data download failed: {key!r} is a file, but other keys are below it")
    return path


def _manifest(job_folder: JobFolder, uri: str) -> list[str]:
    """The URIs in a manifest, which has the form ``[{"prefix": "s3://b/p/"}, "a.csv", ...]``."""
    bucket, key = split(uri)
    entries = json.loads(job_folder.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    prefix = entries[0].get("prefix", "") if entries and isinstance(entries[0], dict) else ""
    return [prefix + entry for entry in entries if isinstance(entry, str)]


def _gunzip(path: Path) -> None:
    target = path.with_suffix("") if path.suffix == ".gz" else path.with_name(path.name + ".out")
    with gzip.open(path, "rb") as packed, target.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    path.unlink()
    if path.suffix != ".gz":
        target.rename(path)


def upload_folder(job_folder: JobFolder, folder: Path, uri: str) -> int:
    """Upload every file below ``folder`` to ``uri`` without following links; returns the number of files."""
    bucket, prefix = split(uri)
    prefix = prefix.rstrip("/")
    count = 0
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            key = f"{prefix}/{path.relative_to(folder).as_posix()}".lstrip("/")
            job_folder.client("s3").upload_file(str(path), bucket, key)
            count += 1
    return count


def upload_tarball(job_folder: JobFolder, folder: Path, uri: str) -> None:
    """Upload ``folder`` to ``uri`` as one ``tar.gz`` with the files at the root of the archive."""
    archive = job_folder.path / uri.rpartition("/")[2]
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
    bucket, key = split(uri)
    job_folder.client("s3").upload_file(str(archive), bucket, key)
    archive.unlink()


def unpack(archive: Path, target: Path) -> None:
    """Unpack a ``tar.gz``; refuses members that would be outside ``target``."""
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(target, filter="data")
            return
        for member in tar.getmembers():  # Python before 3.11.4
            if member.name.strip("./") and not (member.isfile() or member.isdir()):
                raise JobError(f"ClientError: {member.name} in {archive.name} is neither a file nor a folder")
            if member.name.strip("./"):
                inside(target, member.name)
        tar.extractall(target)


def fetch_archive(job_folder: JobFolder, uri: str, target: Path) -> None:
    """Download the tarball at ``uri`` and unpack it into ``target``."""
    bucket, key = split(uri)
    archive = job_folder.path / f"download-{hashlib.sha256(uri.encode()).hexdigest()[:16]}.tar.gz"
    try:
        job_folder.client("s3").download_file(bucket, key, str(archive))
        unpack(archive, target)
    except (OSError, UnsafePath, tarfile.TarError) as error:
        raise JobError(f"ClientError: {uri} cannot be unpacked: {error}") from None
    except Exception as error:
        if isinstance(error, JobError):
            raise
        raise JobError(f"ClientError: Data download failed: {uri}: {error}") from None
    finally:
        archive.unlink(missing_ok=True)
