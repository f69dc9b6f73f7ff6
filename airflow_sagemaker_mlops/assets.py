"""The Airflow assets that represent models, on which other DAGs can be scheduled."""

from __future__ import annotations

from typing import Literal

from airflow.sdk import Asset

ModelEvent = Literal["approved", "registered"]


def model_asset(group: str, when: ModelEvent = "approved") -> Asset:
    """The asset of a model package group: ``schedule=[model_asset("abalone-models")]``.

    group   name or ARN of the model package group
    when    "approved": a pipeline registered a version with ModelApprovalStatus Approved; "registered": any version
    """
    if when not in ("approved", "registered"):
        raise ValueError(f'model_asset({group!r}, {when!r}): use "approved" or "registered".')
    name = group.rpartition("/")[2]
    if not name:
        raise ValueError("model_asset needs the name of a model package group.")
    return Asset(name=f"{name}/{when}", uri=f"sagemaker://model-package-group/{name}/{when}")
