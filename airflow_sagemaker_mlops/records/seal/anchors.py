"""Writes the hash of a run's record onto the models that the run registered, in the registry's metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ...json_types import AwsShape
from .seal import Sealed

HASH_KEY = "sagemaker-mlops:record-sha256"
URI_KEY = "sagemaker-mlops:record"
MOST = 256  # characters of a value in CustomerMetadataProperties


class ModelRegistry(Protocol):
    """The part of boto3's SageMaker client that this module calls."""

    def describe_model_package(self, *, ModelPackageName: str) -> AwsShape:
        """One version of a model."""

    def update_model_package(self, *, ModelPackageArn: str, CustomerMetadataProperties: Mapping[str, str]) -> object:
        """Change a version of a model."""


def anchor(sagemaker: ModelRegistry, sealed: Sealed, tell: Callable[..., None]) -> int:
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
                properties = {HASH_KEY: sealed.sha256, **({URI_KEY: sealed.uri} if len(sealed.uri) <= MOST else {})}
                sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties=properties)
        except Exception as error:
            tell("the hash of the record could not be written onto %s: %s: %s", arn, type(error).__name__, error)
        else:
            done += 1
    return done


def anchored_hash(package: AwsShape) -> str | None:
    """The hash on a model package, from its DescribeModelPackage answer; ``None`` if it has none."""
    return (package.get("CustomerMetadataProperties") or {}).get(HASH_KEY)
