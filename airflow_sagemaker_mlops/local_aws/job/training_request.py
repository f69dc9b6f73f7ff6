"""What a training job's request says, in the words in which the platform tells the container."""

from __future__ import annotations

from typing import Any

from .contract import HOST, Contract
from .job_folder import JobError


class TrainingRequest(Contract):
    """The request of CreateTrainingJob."""

    @property
    def hyperparameters(self) -> dict[str, str]:
        """The request's map; all values are strings."""
        return dict(self.request.get("HyperParameters") or {})

    @property
    def channels(self) -> list[dict[str, Any]]:
        """The input channels."""
        return list(self.request.get("InputDataConfig") or [])

    def resource_config(self) -> dict[str, Any]:
        """``resourceconfig.json``; toolkits and SDK drivers read all of these keys."""
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
        """``inputdataconfig.json``."""
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
        """``AlgorithmSpecification`` without what is empty.  Raises :class:`JobError` where there is none."""
        algorithm = self.request.get("AlgorithmSpecification")
        if not algorithm:
            raise JobError("ClientError: jobs without AlgorithmSpecification are not available in the embedded AWS")
        return {key: value for key, value in algorithm.items() if value}
