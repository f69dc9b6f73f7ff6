"""EMR steps: runs the command of a step on this machine if its program is installed."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

from ..container.job_folder import JobError
from ..container.transfer import download
from .container_contract import ContainerContract

CODE = re.compile(r"s3[an]?://\S+\.(py|sh|jar|R|sql|zip|egg|whl)$")
PROGRAMS = ("PATH", "JAVA_HOME", "SPARK_HOME", "HADOOP_HOME", "HADOOP_CONF_DIR", "PYSPARK_PYTHON")
WAY_OUT = "install it, or declare a stub for the step: sagemaker-mlops run --stubs FILE"
# Options that name a cluster's resource manager, and their values for one machine.
ONE_MACHINE = {"--master": "local[*]", "--deploy-mode": "client"}


class EmrStep(ContainerContract):
    """A step of AddJobFlowSteps: ``command-runner.jar``, ``script-runner.jar`` or a JAR for Hadoop."""

    def prepare(self) -> None:
        """Download the code that the command names; data stays in S3."""
        program, *arguments = self._command()
        self._command_line = [self._program(program), *map(self._local_path, arguments)]

    def _command(self) -> list[str]:
        jar: dict[str, Any] = self.request.get("HadoopJarStep") or {}
        name, arguments = str(jar.get("Jar") or ""), [str(word) for word in jar.get("Args") or []]
        if name.endswith("command-runner.jar"):
            words = arguments
        elif name.endswith("script-runner.jar"):
            words = ["bash", *arguments]
        else:
            words = ["hadoop", "jar", name, *([str(jar["MainClass"])] if jar.get("MainClass") else []), *arguments]
        if not words:
            raise JobError(f"{name}: the step has no Args, so there is nothing to run")
        return _on_one_machine(words) if words[0] == "spark-submit" else words

    def _program(self, name: str) -> str:
        if name in ("python", "python3"):
            return self.interpreter.python
        if shutil.which(name) is None:
            raise JobError(f"{name} is not on the PATH of the embedded AWS: {WAY_OUT}")
        return name

    def _local_path(self, word: str) -> str:
        if not CODE.match(word):
            return word
        folder = self.job_folder.at("/opt/ml/code")
        folder.mkdir(parents=True, exist_ok=True)
        uri = "s3://" + word.partition("://")[2]
        download(self.job_folder, {"S3Uri": uri}, folder)
        self.sandbox.rewrite_code(folder)
        return f"/opt/ml/code/{Path(uri).name}"

    def command(self) -> list[str]:
        """The command line."""
        return self._command_line

    def environment(self) -> dict[str, str]:
        """The base environment with the user's own PATH and program settings: Spark looks for its Python on PATH."""
        inherited = {key: os.environ[key] for key in PROGRAMS if key in os.environ}
        return {**self.base_environment(), **inherited}

    def collect(self, exit_code: int, *, stopped: bool) -> str:
        """The failure reason in EMR's words."""
        return "" if exit_code == 0 or stopped else f"Step failed with exit code {exit_code}"


def _on_one_machine(words: list[str]) -> list[str]:
    """A ``spark-submit`` command that uses this machine as its cluster."""
    command = [words[0], "--master", ONE_MACHINE["--master"]]
    rest = iter(words[1:])
    for word in rest:
        if word in ONE_MACHINE:
            next(rest, None)
        elif word.partition("=")[0] not in ONE_MACHINE:
            command.append(word)
    return command
