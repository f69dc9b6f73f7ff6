"""Writes model cards onto the versions that a run registered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ...json_types import AwsShape
from ..seal.seal import Sealed
from .model_card import card_of, card_text, is_about_champions

DRAFT, ARCHIVED = "Draft", "Archived"
STATUS_KEY = "sagemaker-mlops:status"  # of the version when its card was written, which changes its LastModifiedTime


class ModelRegistry(Protocol):
    """The part of boto3's SageMaker client that this module calls."""

    def describe_model_package(self, *, ModelPackageName: str) -> AwsShape:
        """One version of a model."""

    def update_model_package(
        self, *, ModelPackageArn: str, ModelCard: Mapping[str, str], CustomerMetadataProperties: Mapping[str, str]
    ) -> object:
        """Change a version of a model."""


def write_cards(sagemaker: ModelRegistry, sealed: Sealed, log: Callable[..., None]) -> int:
    """Write the cards of the candidates that a run registered; returns their number.  Blocking.

    A card that is there already keeps what it says, and gets what it lacks; an archived one is left alone.  Runs that
    neither compare with a champion nor promote one write none.  A refusal by AWS is logged and has no other effect.
    """
    if not is_about_champions(sealed.record):
        return 0
    done = 0
    for model in sealed.record.get("models", ()):
        arn = str(model.get("arn") or "")
        if not arn or not model.get("group"):
            continue
        try:
            package = sagemaker.describe_model_package(ModelPackageName=arn)
            wanted = _wanted(package.get("ModelCard") or {}, card_of(sealed.record, model, sealed.uri))
            if wanted is not None:
                status = {STATUS_KEY: str(package.get("ModelApprovalStatus") or "None")}
                sagemaker.update_model_package(ModelPackageArn=arn, ModelCard=wanted, CustomerMetadataProperties=status)
        except Exception as error:
            log("the model card of %s could not be written: %s: %s", arn, type(error).__name__, error)
        else:
            done += wanted is not None
    return done


def _wanted(there: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, str] | None:
    """``ModelCard`` of the update; ``None`` if the card there stays as it is."""
    if there.get("ModelCardStatus") == ARCHIVED:
        return None
    theirs = json.loads(there.get("ModelCardContent") or "{}")
    if not isinstance(theirs, dict):
        raise TypeError("its content is not a JSON object.")
    text = card_text(theirs, ours)
    return {"ModelCardContent": text, "ModelCardStatus": str(there.get("ModelCardStatus") or DRAFT)} if text else None
