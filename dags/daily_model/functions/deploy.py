"""Approves a model package version and deploys it to an endpoint; safe to call twice."""

from __future__ import annotations

from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """``{"model_package_arn", "endpoint_name", "instance_type", "role_arn", "reason"}`` -> endpoint and config."""
    client = boto3.client("sagemaker")
    arn, endpoint = event["model_package_arn"], event["endpoint_name"]
    client.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription=event["reason"][:1024]
    )
    name = f"{endpoint}-v{arn.rpartition('/')[2]}"
    _once(
        client.create_model,
        ModelName=name,
        ExecutionRoleArn=event["role_arn"],
        PrimaryContainer={"ModelPackageName": arn},
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InitialInstanceCount": 1,
        "InstanceType": event["instance_type"],
    }
    _once(client.create_endpoint_config, EndpointConfigName=name, ProductionVariants=[variant])
    made = _once(client.create_endpoint, EndpointName=endpoint, EndpointConfigName=name)
    if not made and client.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"] != name:
        client.update_endpoint(EndpointName=endpoint, EndpointConfigName=name)
    print(f"{endpoint} goes to {arn}: {event['reason']}")
    return {"endpoint_name": endpoint, "endpoint_config_name": name}


def _once(create: Any, **members: Any) -> bool:
    """Whether it was created now; ``False`` if it already exists."""
    try:
        create(**members)
    except Exception as error:
        if "already existing" in str(error):
            return False
        raise
    return True
