"""The metric of the model in production: the latest approved version of the group."""

from __future__ import annotations

from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """``{"model_package_group"}`` -> ``{"auc", "model_package_arn"}``; 0 and "none" if no version is approved yet."""
    client = boto3.client("sagemaker")
    try:
        found = client.list_model_packages(
            ModelPackageGroupName=event["model_package_group"],
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=1,
        )["ModelPackageSummaryList"]
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        found = []  # the group is created with its first version
    if not found:
        return {"auc": 0.0, "model_package_arn": "none"}
    arn = found[0]["ModelPackageArn"]
    properties = client.describe_model_package(ModelPackageName=arn).get("CustomerMetadataProperties", {})
    return {"auc": float(properties["auc"]), "model_package_arn": arn}
