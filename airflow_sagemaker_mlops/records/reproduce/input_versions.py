"""Makes the recorded versions of inputs readable for a reproduction.

A job reads S3 URIs, not versions.  Unchanged inputs are read in place; the recorded versions of changed ones are copied
within S3 to a prefix named by their hash.  Nothing is copied until all versions have been found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ...execution.engine import runner_of
from ...s3 import S3Client, split_uri
from ...steps.catalogue import entry_of
from ..capture.fingerprint import current_objects, every_version, fingerprint
from ..capture.sources import from_outside
from ..model.errors import CopiesInsideInput, RecordError
from ..model.step_record import Artifact, Image, StepRecord
from ..store.index import READERS
from ..store.listing import Line, Listing, ListingOf, objects_of
from ..store.s3 import reason_of

Steps = Mapping[str, StepRecord]
FOLDER = "reproductions"
LARGEST_COPY = 5 * 1024**3  # bytes that one CopyObject call can copy


@dataclass(frozen=True, slots=True)
class Changed:
    """A changed input; ``objects`` are its recorded versions, by rest of key, all of which still exist."""

    artifact: Artifact
    objects: Listing


@dataclass(frozen=True, slots=True)
class Found:
    """The search result for a run's inputs.

    changed    inputs to copy
    read       URIs of all inputs in the definition
    copies     {URI: URI of an unchanged copy from an earlier reproduction}
    problems   reasons why the run cannot be pinned
    """

    changed: tuple[Changed, ...] = ()
    read: tuple[str, ...] = ()
    copies: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def find_inputs(s3: S3Client, steps: Steps, listing_of: ListingOf) -> Found:
    """Find the recorded versions of all inputs that ``steps`` read from outside the run; writes nothing.

    steps   the steps to run again
    """
    changed: list[Changed] = []
    copies: dict[str, str] = {}
    problems = [f"what {name} read is not in the record" for name in _with_unknown_inputs(steps)]
    read = list(from_outside(steps))
    with ThreadPoolExecutor(max_workers=READERS) as lookers:
        answers = list(lookers.map(lambda item: _recorded(s3, item[1], listing_of), read))
    for (step, artifact), objects in zip(read, answers, strict=True):
        if isinstance(objects, RecordError):
            problems.append(f"{artifact.uri} of {step} {objects}")
        elif objects is None:
            if artifact.instead_of:
                copies[artifact.named] = artifact.uri
        else:
            lines = {key: line for key, line in objects.items() if isinstance(line, Line)}
            problems += [what for what in objects.values() if isinstance(what, str)]
            changed.append(Changed(artifact, lines))
    return Found(tuple(changed), tuple(artifact.named for _, artifact in read), copies, tuple(problems))


def _with_unknown_inputs(steps: Steps) -> Iterator[str]:
    """Steps that ran but whose inputs were not recorded: their records are lost, or they are loops of schema 1.0."""
    loops = {step.loop for step in steps.values()}
    for name, step in steps.items():
        entry = entry_of(step.type)
        runner = runner_of(entry) if entry is not None else None
        if (
            runner is not None
            and step.status == "Succeeded"
            and (
                (runner.request_from and step.request is None)
                or (runner.has_children and name not in loops and _has_children(step))
            )
        ):
            yield name


def _has_children(step: StepRecord) -> bool:
    return bool(((step.result or {}).get("Loop") or {}).get("TotalStepCount"))


def _recorded(s3: S3Client, was: Artifact, listing_of: ListingOf) -> dict[str, Line | str] | RecordError | None:
    """By rest of key, the versions to copy or a sentence about a missing one; ``None`` if nothing has changed."""
    if not was.sha256:
        return RecordError(f"has no fingerprint in the record ({was.problem or 'it was not listed'})")
    if fingerprint(s3, Artifact(was.uri)).sha256 == was.sha256:
        return None
    recorded = objects_of(was, listing_of)
    if recorded is None:
        return RecordError("was changed, and the list of its objects was not stored")
    bucket, prefix = split_uri(was.uri)
    try:
        there = _versions(s3, bucket, prefix)
    except Exception as error:
        return RecordError(f"cannot be listed: {reason_of(error)}")
    return {rest: _choice(line, there.get(prefix + rest, ()), f"{was.uri}{rest}") for rest, line in recorded.items()}


def _versions(s3: S3Client, bucket: str, prefix: str) -> dict[str, list[Line]]:
    """All versions by key; the current objects if listing versions is denied."""
    found: dict[str, list[Line]] = {}
    try:
        for line, _ in every_version(s3, bucket, prefix):
            found.setdefault(line.key, []).append(line)
    except Exception:  # s3:ListBucketVersions is a separate permission; an error of this listing is reported
        return {line.key: [line] for line in current_objects(s3, bucket, prefix)}
    return found


def _choice(was: Line, there: Sequence[Line], uri: str) -> Line | str:
    """The recorded version, or another one with the same content; a sentence if there is none."""
    for line in there:
        if was.version and line.version == was.version:
            return line
    for line in there:
        if line.content == was.content:
            return line
    version = f"version {was.version}" if was.version else f"the object with ETag {was.etag} (no version was recorded)"
    return f"{uri}: {version} is gone"


def copy_inputs(s3: S3Client, found: Found, place: str) -> dict[str, str]:
    """Copy the recorded versions of changed inputs; returns {URI: URI of the copies}.  Idempotent.

    place   prefix of the copies, ``s3://bucket/prefix``; "" for the bucket of each input

    Raises :class:`RecordError` if an input cannot be copied.
    """
    uris = dict(found.copies)
    for one in found.changed:
        target = target_of(one.artifact, place)
        inside = next((uri for uri in found.read if target.startswith(uri)), "")
        if inside:
            raise CopiesInsideInput(f"the copies of {one.artifact.uri} would lie in the input {inside}.")
        _copy(s3, one, target)
        uris[one.artifact.named] = target
    return uris


def target_of(artifact: Artifact, place: str) -> str:
    """The URI for copies of the recorded versions of ``artifact``, the same for the same versions.

    It ends like the original URI, because the rest of each key is appended to it.
    """
    bucket, prefix = split_uri(artifact.uri)
    name = prefix[prefix.rstrip("/").rfind("/") + 1 :]
    digest = hashlib.sha256(f"{artifact.uri}\n{artifact.listing or artifact.sha256}\n{artifact.version}".encode())
    return f"{place.rstrip('/') or f's3://{bucket}/{FOLDER}'}/{digest.hexdigest()[:32]}/{name}"


def _copy(s3: S3Client, one: Changed, target: str) -> None:
    bucket, _ = split_uri(one.artifact.uri)
    to_bucket, to_prefix = split_uri(target)
    folder = to_prefix[: to_prefix.rstrip("/").rfind("/") + 1]
    wanted = {to_prefix + rest: line for rest, line in one.objects.items()}
    try:
        there = {line.key: line for line in current_objects(s3, to_bucket, folder)}
        strange = sorted(there.keys() - wanted.keys())
        if strange:
            raise RecordError(f"s3://{to_bucket}/{strange[0]} does not belong to the recorded input. Remove it.")
        missing = [(key, line) for key, line in wanted.items() if key not in there or there[key].size != line.size]
        with ThreadPoolExecutor(max_workers=READERS) as copiers:
            list(copiers.map(lambda item: _copy_one(s3, bucket, item[1], to_bucket, item[0]), missing))
    except RecordError:
        raise
    except Exception as error:
        raise RecordError(f"cannot copy {one.artifact.uri} to {target}: {reason_of(error)}.") from None


def _copy_one(s3: S3Client, bucket: str, line: Line, to_bucket: str, key: str) -> None:
    source = {"Bucket": bucket, "Key": line.key, **({"VersionId": line.version} if line.version else {})}
    if line.size > LARGEST_COPY:
        s3.copy(source, to_bucket, key)  # multipart
        return
    # Copying tags would need more permissions, and jobs do not read them.
    s3.copy_object(
        Bucket=to_bucket, Key=key, CopySource=source, CopySourceIfMatch=line.etag, TaggingDirective="REPLACE"
    )


def pinned_images(steps: Iterable[StepRecord]) -> dict[str, str]:
    """{image: image with its recorded digest}."""
    return dict(_by_digest(image) for step in steps for image in step.images if image.digest and "@" not in image.uri)


def _by_digest(image: Image) -> tuple[str, str]:
    folder, slash, name = image.uri.rpartition("/")
    return image.uri, f"{folder}{slash}{name.partition(':')[0]}@{image.digest}"
