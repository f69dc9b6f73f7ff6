"""Writes hash and address of a run's record, and the code's commit, onto the models that the run registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ...json_types import AwsShape
from ...registry.wording import is_metadata
from .seal import Sealed

HASH_KEY = "sagemaker-mlops:record-sha256"
URI_KEY = "sagemaker-mlops:record"
COMMIT_KEY = "sagemaker-mlops:commit"


class ModelRegistry(Protocol):
    """The part of boto3's SageMaker client that this module calls."""

    def describe_model_package(self, *, ModelPackageName: str) -> AwsShape:
        """One version of a model."""

    def update_model_package(self, *, ModelPackageArn: str, CustomerMetadataProperties: Mapping[str, str]) -> object:
        """Change a version of a model."""


def anchor(sagemaker: ModelRegistry, sealed: Sealed, log: Callable[..., None]) -> int:
    """Write the hash of a record onto its models; returns their number.  Blocking.

    A model with another record's hash keeps it: the first record describes the run that registered the model, and the
    record after a clear lists the model again.  A refusal by AWS is logged and has no other effect.
    """
    done = 0
    for model in sealed.record.get("models", ()):
        arn = str(model.get("arn") or "")
        if not arn:
            continue
        try:
            if anchored_hash(sagemaker.describe_model_package(ModelPackageName=arn)) is None:
                known = {HASH_KEY: sealed.sha256, URI_KEY: sealed.uri, COMMIT_KEY: _commit(sealed)}
                properties = {key: value for key, value in known.items() if is_metadata(value)}
                sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties=properties)
        except Exception as error:
            log("the hash of the record could not be written onto %s: %s: %s", arn, type(error).__name__, error)
        else:
            done += 1
    return done


def _commit(sealed: Sealed) -> str:
    """The commit of the run's code; "" if none is known, and the first of several."""
    digests = (found.get("digest") or {} for found in sealed.record.get("resolvedDependencies", ()))
    return next((str(digest["gitCommit"]) for digest in digests if digest.get("gitCommit")), "")


def anchored_hash(package: AwsShape) -> str | None:
    """The hash on a model package, from its DescribeModelPackage answer; ``None`` if it has none."""
    return (package.get("CustomerMetadataProperties") or {}).get(HASH_KEY)
