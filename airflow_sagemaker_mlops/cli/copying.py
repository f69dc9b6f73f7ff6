"""``sagemaker-mlops local cp``: copies files to and from the S3 of the embedded AWS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..paths import UnsafePath, inside
from ..runs.clients import visited
from ..runs.errors import NoAws
from ..s3 import S3Client, pages, split_uri
from .option_names import in_options
from .output.terminal import say

S3 = "s3://"


class NotCopied(ValueError):
    """Something cannot be copied; ``str()`` says why."""


def copy(source: str, target: str, state_dir: Path | None) -> int:
    """Copy a file, folder, object or prefix.  Exit code: 1 if there is nothing to copy, 2 for unusable arguments."""
    if source.startswith(S3) == target.startswith(S3):
        say("give a file or folder, and s3://bucket/key on the embedded AWS, in either order.", err=True)
        return 2
    try:
        with visited(state_dir) as aws:
            s3 = aws.client("s3")
            done = list(_upload(s3, Path(source), target) if target.startswith(S3) else _download(s3, source, target))
    except NoAws as error:
        say(in_options(error), err=True)
        return 2
    except (OSError, NotCopied) as error:
        say(error, err=True)
        return 1
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "boto3")):
            raise
        say(error, err=True)
        return 1
    for line in done:
        say(line)
    return 0


def _upload(s3: S3Client, source: Path, target: str) -> Iterator[str]:
    bucket, key = _parts(target)
    if not source.exists():
        raise NotCopied(f"there is no file or folder {source}.")
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    for file in files:
        if source.is_dir():
            name = "/".join(filter(None, (key.rstrip("/"), file.relative_to(source).as_posix())))
        else:
            name = f"{key}{file.name}" if not key or key.endswith("/") else key
        s3.upload_file(str(file), bucket, name)
        yield f"{file} -> s3://{bucket}/{name}"


def _download(s3: S3Client, source: str, target: str) -> Iterator[str]:
    bucket, key = _parts(source)
    keys = [
        item["Key"]
        for page in pages(s3.list_objects_v2, Bucket=bucket, Prefix=key)
        for item in page.get("Contents", [])
    ]
    folder = key.rstrip("/") + "/" if key else ""
    whole = [name for name in keys if name.startswith(folder) and not name.endswith("/")]
    if key in keys and not key.endswith("/"):
        into = Path(target)
        file = into / key.rpartition("/")[2] if into.is_dir() or target.endswith("/") else into
        yield _fetch(s3, bucket, key, file)
    elif whole:
        root = Path(target).resolve()
        for name in whole:
            try:
                file = inside(root, name.removeprefix(folder))
            except UnsafePath as error:
                raise NotCopied(f"s3://{bucket}/{name} cannot be written below {root}: {error}.") from None
            yield _fetch(s3, bucket, name, file)
    else:
        raise NotCopied(f"there is nothing at {source}.")


def _fetch(s3: S3Client, bucket: str, key: str, file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    s3.download_file(bucket, key, str(file))
    return f"s3://{bucket}/{key} -> {file}"


def _parts(uri: str) -> tuple[str, str]:
    bucket, key = split_uri(uri)
    if not bucket:
        raise NotCopied(f'"{uri}" names no bucket; write s3://bucket/key.')
    return bucket, key
