"""Processing jobs: download inputs to folders, run a command, upload folders as outputs."""

from __future__ import annotations

import threading
from typing import Any

from ...json_types import AwsShape
from ..container.interpreter import UNAVAILABLE
from ..container.job_folder import JobError
from ..container.transfer import download, upload_folder
from .container_contract import HOST, ContainerContract

CODE_INPUTS = frozenset({"code", "entrypoint", "aux", "sourcedir"})
UPLOAD_INTERVAL_S = 2.0


class Processing(ContainerContract):
    """A job of CreateProcessingJob."""

    def prepare(self) -> None:
        """Download the inputs, create the output folders, write the two configuration files."""
        if UNAVAILABLE.search(self.image):
            what = "map the image to a command in config.json, or declare a stub for the step"
            raise JobError(f"ClientError: {self.image} is not available in the embedded AWS: {what}")
        for item in self.request.get("ProcessingInputs") or []:
            self._download_input(item)
        for output in self._outputs():
            self.job_folder.at(output["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        self.job_folder.at("/opt/ml/output").mkdir(parents=True, exist_ok=True)
        self.write_config("config/processingjobconfig.json", self._job_config())
        hosts = {"current_host": HOST, "hosts": [HOST], "network_interface_name": "lo"}
        self.write_config("config/resourceconfig.json", hosts)
        self.sandbox.rewrite_config(self.job_folder.at("/opt/ml/config"))
        count = ((self.request.get("ProcessingResources") or {}).get("ClusterConfig") or {}).get("InstanceCount") or 1
        if count > 1:
            self.log.line(f"[local] the job requests {count} instances; the embedded AWS runs one")
        if any(output["S3Output"].get("S3UploadMode") == "Continuous" for output in self._outputs()):
            threading.Thread(target=self._upload_continuously, daemon=True).start()

    def _download_input(self, item: AwsShape) -> None:
        if item.get("AppManaged"):
            return
        source = item.get("S3Input")
        if not source:
            raise JobError(
                f"ClientError: input {item['InputName']}: DatasetDefinition is not available in the embedded AWS"
            )
        if source.get("S3InputMode") == "Pipe":
            raise JobError(f"ClientError: input {item['InputName']}: Pipe mode is not available in the embedded AWS")
        target = self.job_folder.at(source["LocalPath"])
        target.mkdir(parents=True, exist_ok=True)
        download(self.job_folder, source, target, gunzip=source.get("S3CompressionType") == "Gzip")
        if item["InputName"] in CODE_INPUTS:
            self.sandbox.rewrite_code(target)

    def _outputs(self) -> list[dict[str, Any]]:
        config = self.request.get("ProcessingOutputConfig") or {}
        return [item for item in config.get("Outputs") or [] if item.get("S3Output") and not item.get("AppManaged")]

    def _job_config(self) -> dict[str, Any]:
        keys = ("ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources", "AppSpecification", "Environment")
        config = {key: self.request.get(key) for key in keys}
        return {
            "ProcessingJobArn": self.job_folder.data["arn"],
            "ProcessingJobName": self.job_folder.name,
            **config,
            "RoleArn": self.request.get("RoleArn"),
            "StoppingCondition": self.request.get("StoppingCondition") or {"MaxRuntimeInSeconds": 86400},
        }

    def command(self) -> list[str]:
        """The entrypoint and the arguments, combined with the image's own as Docker combines them."""
        specification = self.request["AppSpecification"]
        entrypoint = list(specification.get("ContainerEntrypoint") or self.interpreter.entrypoint)
        if not entrypoint:
            reason = "the job has no ContainerEntrypoint, and the embedded AWS does not pull images to find theirs"
            raise JobError(f"ClientError: {self.image}: {reason}")
        return [*entrypoint, *(specification.get("ContainerArguments") or [])]

    def environment(self) -> dict[str, str]:
        """The platform's environment, overridden by the request's."""
        return {
            **self.base_environment(),
            "PROCESSING_JOB_NAME": self.job_folder.name,
            "PROCESSING_JOB_ARN": self.job_folder.data["arn"],
            **(self.request.get("Environment") or {}),
        }

    def collect(self, exit_code: int, *, stopped: bool) -> str:
        """Upload the outputs if the job succeeded; store the exit message in any case."""
        message = self.read_text_file("/opt/ml/output/message", 1024)
        if message:
            self.status.change(exit_message=message)
        for output in self._outputs():
            succeeded = exit_code == 0 and not stopped
            if succeeded or output["S3Output"].get("S3UploadMode") == "Continuous":
                self._upload(output)
        if exit_code != 0:
            return f"AlgorithmError: See job logs for more information, exit code: {exit_code}"
        return ""

    def _upload(self, output: AwsShape) -> None:
        target = output["S3Output"]
        upload_folder(self.job_folder, self.job_folder.at(target["LocalPath"]), target["S3Uri"])

    def _upload_continuously(self) -> None:
        uploaded: dict[str, float] = {}
        pause = threading.Event()
        while not pause.wait(UPLOAD_INTERVAL_S):
            for output in self._outputs():
                folder = self.job_folder.at(output["S3Output"]["LocalPath"])
                newest = max((path.stat().st_mtime for path in folder.rglob("*") if path.is_file()), default=0.0)
                if output["S3Output"].get("S3UploadMode") == "Continuous" and newest > uploaded.get(str(folder), 0.0):
                    uploaded[str(folder)] = newest
                    self._upload(output)
