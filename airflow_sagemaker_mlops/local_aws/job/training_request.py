"""The request of a training job, in the form in which the platform passes it to the container."""

from __future__ import annotations

from typing import Any

from ..container.job_folder import JobError
from .container_contract import HOST, ContainerContract


class TrainingRequest(ContainerContract):
    """The request of CreateTrainingJob."""

    @property
    def hyperparameters(self) -> dict[str, str]:
        """The request's hyperparameters; all values are strings."""
        return dict(self.request.get("HyperParameters") or {})

    @property
    def channels(self) -> list[dict[str, Any]]:
        """The input channels."""
        return list(self.request.get("InputDataConfig") or [])

    def resource_config(self) -> dict[str, Any]:
        """The contents of ``resourceconfig.json``; toolkits and SDK drivers read all of its keys."""
        instance_type = (self.request.get("ResourceConfig") or {}).get("InstanceType") or "local"
        group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": [HOST]}
        return {
            "current_host": HOST,
            "current_instance_type": instance_type,
            "current_group_name": "homogeneousCluster",
            "hosts": [HOST],
            "instance_groups": [group],
            "network_interface_name": "lo",
        }

    def data_config(self) -> dict[str, Any]:
        """The contents of ``inputdataconfig.json``."""
        config = {}
        for channel in self.channels:
            entry = {
                "TrainingInputMode": "File",
                "S3DistributionType": ((channel.get("DataSource") or {}).get("S3DataSource") or {}).get(
                    "S3DataDistributionType", "FullyReplicated"
                ),
                "RecordWrapperType": channel.get("RecordWrapperType") or "None",
            }
            if channel.get("ContentType"):
                entry["ContentType"] = channel["ContentType"]
            config[channel["ChannelName"]] = entry
        return config

    def algorithm(self) -> dict[str, Any]:
        """``AlgorithmSpecification`` without empty members.  Raises :class:`JobError` if the request has none."""
        algorithm = self.request.get("AlgorithmSpecification")
        if not algorithm:
            raise JobError("ClientError: jobs without AlgorithmSpecification are not available in the embedded AWS")
        return {key: value for key, value in algorithm.items() if value}
