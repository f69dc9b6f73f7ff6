"""The hash of a run's record on the models that the run registered, in the registry's own metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .seal import Sealed

HASH_KEY = "sagemaker-mlops:record-sha256"
URI_KEY = "sagemaker-mlops:record"
MOST = 256  # characters of a value of CustomerMetadataProperties


def anchor(sagemaker: Any, sealed: Sealed, tell: Callable[..., None]) -> int:
    """Write the hash of a record onto its models; how many there were.  Blocking.

    A model that names another record keeps it: the first record made the model, and one that follows a clear names it
    as well.  What AWS refuses is told and changes nothing else.
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


def anchored_hash(package: Mapping[str, Any]) -> str | None:
    """The hash that stands on a model package, as DescribeModelPackage answers it; ``None`` for none."""
    return (package.get("CustomerMetadataProperties") or {}).get(HASH_KEY)
