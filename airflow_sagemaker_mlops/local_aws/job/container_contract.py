"""The platform's side of a job: prepare, run, collect; each kind of job has a subclass."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from .interpreter import Interpreter, base_environment, of_image
from .job_folder import JobError, Ticket
from .job_log import JobLog
from .sandbox import Sandbox
from .status import StatusFile

HOST = "algo-1"


class Contract(ABC):
    """The container contract of one job (embedded runtime: processing, training, transform)."""

    def __init__(self, ticket: Ticket, sandbox: Sandbox, status: StatusFile, log: JobLog) -> None:
        self.ticket, self.sandbox, self.status, self.log = ticket, sandbox, status, log
        self.request = ticket.request

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
        return of_image(self.ticket.state_dir, self.image)

    @property
    def working_folder(self) -> Path:
        """The command's working directory."""
        return self.ticket.root

    def base_environment(self) -> dict[str, str]:
        """The environment that every job starts with."""
        return base_environment(self.ticket.folder, self.interpreter.python, self.ticket.aws_environment())

    def write_config(self, name: str, data: Any) -> None:
        """Write a JSON file below /opt/ml."""
        path = self.ticket.at(f"/opt/ml/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data))

    def text_of(self, path: str, limit: int) -> str:
        """The first ``limit`` bytes of a file that the container may have written, as text; empty without the file.

        Raises :class:`JobError` if they are not UTF-8.
        """
        file = self.ticket.at(path)
        if not file.is_file():
            return ""
        try:
            return file.read_bytes()[:limit].decode("utf-8")
        except UnicodeDecodeError:
            raise JobError(f"ClientError: {path} is not UTF-8") from None
