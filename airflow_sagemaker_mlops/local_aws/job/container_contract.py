"""The platform's side of a job: prepare, run, collect; each kind of job has a subclass."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path

from ..container.interpreter import Interpreter, base_environment, interpreter_for
from ..container.job_folder import JobError, JobFolder
from ..container.sandbox import Sandbox
from .job_log import JobLog
from .status import StatusFile

HOST = "algo-1"


class ContainerContract(ABC):
    """The container contract of one job: processing, training, transform or an EMR step."""

    def __init__(self, job_folder: JobFolder, sandbox: Sandbox, status: StatusFile, log: JobLog) -> None:
        self.job_folder, self.sandbox, self.status, self.log = job_folder, sandbox, status, log
        self.request = job_folder.request

    @abstractmethod
    def prepare(self) -> None:
        """Create the folders, download the inputs, write the configuration."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command line, with /opt/ml paths."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The environment, with /opt/ml paths."""

    @abstractmethod
    def collect(self, exit_code: int, *, stopped: bool) -> str:
        """Upload the results; returns the failure reason, which is empty if the job succeeded."""

    @property
    def image(self) -> str:
        """The job's image."""
        specification = self.request.get("AppSpecification") or self.request.get("AlgorithmSpecification") or {}
        return str(specification.get("ImageUri") or specification.get("TrainingImage") or "")

    @property
    def interpreter(self) -> Interpreter:
        """The interpreter that runs the image's scripts."""
        return interpreter_for(self.job_folder.state_dir, self.image)

    @property
    def working_folder(self) -> Path:
        """The command's working directory."""
        return self.job_folder.root

    def base_environment(self) -> dict[str, str]:
        """The environment that every job starts with."""
        return base_environment(self.job_folder.path, self.interpreter.python, self.job_folder.aws_environment())

    def write_config(self, name: str, data: object) -> None:
        """Write a JSON file below /opt/ml."""
        path = self.job_folder.at(f"/opt/ml/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data))

    def read_text_file(self, path: str, limit: int) -> str:
        """The first ``limit`` bytes of a file that the container may have written, as text; empty without the file.

        Raises :class:`JobError` if they are not UTF-8.
        """
        file = self.job_folder.at(path)
        if not file.is_file():
            return ""
        try:
            return file.read_bytes()[:limit].decode("utf-8")
        except UnicodeDecodeError:
            raise JobError(f"ClientError: {path} is not UTF-8") from None
