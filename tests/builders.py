"""Requests and steps that many tests write, as a definition has them."""

from __future__ import annotations

from typing import Any

ONE_MACHINE = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}


def processing_request(role: str, *command: str, image: str = "python:3", **members: Any) -> dict[str, Any]:
    """CreateProcessingJob without a name: ``command`` on one machine."""
    return {
        "RoleArn": role,
        "AppSpecification": {"ImageUri": image, "ContainerEntrypoint": list(command)},
        "ProcessingResources": {"ClusterConfig": dict(ONE_MACHINE)},
        **members,
    }


def processing(role: str, name: str, *command: str, **keys: Any) -> dict[str, Any]:
    """A Processing step; ``arguments`` are further members of its request, other ``keys`` are the step's."""
    arguments = processing_request(role, *command, **keys.pop("arguments", {}))
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **keys}


def python(code: str) -> tuple[str, str, str]:
    """The command that runs ``code``."""
    return "python3", "-c", code
