"""Training jobs: files of the platform for any image, then the image's entrypoint, script mode or a built-in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ...json_types import AwsShape
from ..container.interpreter import BUILT_IN, XGBOOST
from ..container.job_folder import JobError
from ..container.transfer import download, objects, upload_folder, upload_tarball
from . import script_mode
from .training_request import TrainingRequest

CODE_CHANNELS = frozenset(
    {"code", "sm_drivers", "sagemaker_remote_function_bootstrap", "pre_exec_script_and_dependencies"}
)
BUILT_IN_XGBOOST = Path(__file__).with_name("xgboost_container.py")
NOTEBOOK_JOB = Path(__file__).with_name("notebook_container.py")
NOTEBOOK_COMMAND = "amazon_sagemaker_scheduler"  # the entrypoint of the SDK's NotebookJobStep
_FIND_MISSING = "import importlib.util as u; print(*(n for n in ('nbclient', 'ipykernel') if u.find_spec(n) is None))"


class Training(TrainingRequest):
    """A job of CreateTrainingJob."""

    @property
    def working_folder(self) -> Path:
        """The code folder in script mode, as in the framework images; else /opt/ml."""
        code = self.job_folder.at("/opt/ml/code")
        return code if self._is_script_mode() else self.job_folder.root

    def prepare(self) -> None:
        """Prepare folders, configuration, channels, checkpoints and code."""
        for folder in ("input/config", "input/data", "model", "output/data", "checkpoints", "code"):
            self.job_folder.at(f"/opt/ml/{folder}").mkdir(parents=True, exist_ok=True)
        self.write_config("input/config/hyperparameters.json", self.hyperparameters)
        self.write_config("input/config/resourceconfig.json", self.resource_config())
        self.write_config("input/config/inputdataconfig.json", self.data_config())
        self.sandbox.rewrite_config(self.job_folder.at("/opt/ml/input/config"))
        self.status.change(secondary_status="Downloading", message="Downloading input data")
        for channel in self.channels:
            self._download_channel(channel)
        self._download_checkpoints()
        if self._is_script_mode():
            script_mode.unpack_code(self)
        count = (self.request.get("ResourceConfig") or {}).get("InstanceCount") or 1
        if count > 1:
            self.log.line(f"[local] the job requests {count} instances; the embedded AWS runs one")

    def _download_channel(self, channel: AwsShape) -> None:
        name = channel["ChannelName"]
        mode = channel.get("InputMode") or (self.request.get("AlgorithmSpecification") or {}).get("TrainingInputMode")
        if mode == "Pipe":
            raise JobError(f"ClientError: channel {name}: Pipe mode is not available in the embedded AWS")
        source = (channel.get("DataSource") or {}).get("S3DataSource")
        if not source:
            raise JobError(f"ClientError: channel {name}: only S3 data sources are available in the embedded AWS")
        target = self.job_folder.at(f"/opt/ml/input/data/{name}")
        target.mkdir(parents=True, exist_ok=True)
        download(self.job_folder, source, target, gunzip=channel.get("CompressionType") == "Gzip")
        if name in CODE_CHANNELS:
            self.sandbox.rewrite_code(target)

    def _download_checkpoints(self) -> None:
        config = self.request.get("CheckpointConfig")
        if not config:
            return
        target = self.job_folder.at(config.get("LocalPath") or "/opt/ml/checkpoints")
        target.mkdir(parents=True, exist_ok=True)
        if any(True for _ in objects(self.job_folder, config["S3Uri"])):
            download(self.job_folder, {"S3Uri": config["S3Uri"]}, target)

    def _is_script_mode(self) -> bool:
        return "ContainerEntrypoint" not in self.algorithm() and script_mode.program_of(self) != ""

    def command(self) -> list[str]:
        """The request's entrypoint, else script mode, else the image's own command, else a built-in algorithm."""
        algorithm = self.algorithm()
        self.status.change(
            secondary_status="Training", message="Training image download completed. Training in progress"
        )
        if algorithm.get("ContainerEntrypoint") == [NOTEBOOK_COMMAND]:
            return self._notebook_job()
        if algorithm.get("ContainerEntrypoint"):
            return [*algorithm["ContainerEntrypoint"], *(algorithm.get("ContainerArguments") or [])]
        if self._is_script_mode():
            return script_mode.command(self)
        if self.interpreter.entrypoint:
            return [*self.interpreter.entrypoint, *(algorithm.get("ContainerArguments") or ["train"])]
        if XGBOOST.search(self.image):
            return self._own_script(BUILT_IN_XGBOOST)
        what = "is a built-in algorithm" if BUILT_IN.search(self.image) else "has no command of its own"
        hint = 'map the image to a command under "images" in config.json'
        raise JobError(f"ClientError: {self.image} {what} and has no local implementation; {hint}")

    def _own_script(self, script: Path) -> list[str]:
        """The command for one of our scripts, which is copied into the job's folder to be visible in the sandbox."""
        shutil.copyfile(script, self.job_folder.root / script.name)
        self.sandbox.rewrite_code(self.job_folder.root)
        return [self.interpreter.python, f"/opt/ml/{script.name}"]

    def _notebook_job(self) -> list[str]:
        python = self.interpreter.python
        found = subprocess.run([python, "-c", _FIND_MISSING], capture_output=True, text=True, check=False)
        missing = found.stdout.split()
        if missing or found.returncode:
            hint = f"{python} -m pip install nbclient ipykernel, or declare a stub for the step (--stubs)"
            raise JobError(
                f"ClientError: a notebook job needs {' and '.join(missing) or 'an interpreter'} here: {hint}"
            )
        return self._own_script(NOTEBOOK_JOB)

    def environment(self) -> dict[str, str]:
        """The platform's environment, in script mode the toolkit's, both overridden by the request's."""
        base = self.base_environment()
        own = {"TRAINING_JOB_NAME": self.job_folder.name, "TRAINING_JOB_ARN": self.job_folder.data["arn"]}
        toolkit = script_mode.environment(self) if self._is_script_mode() else {}
        if toolkit:
            toolkit["PYTHONPATH"] = f"/opt/ml/code:{base['PYTHONPATH']}"
        return {**base, **own, **toolkit, **(self.request.get("Environment") or {})}

    def collect(self, exit_code: int, *, stopped: bool) -> str:
        """Upload model, output and checkpoints, even after a stop: a script may save them in its grace period."""
        self.status.change(secondary_status="Uploading", message="Uploading generated training model")
        if exit_code == 0 or stopped:
            base = f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.job_folder.name}/output"
            model = self.job_folder.at("/opt/ml/model")
            if exit_code == 0 or any(model.iterdir()):
                upload_tarball(self.job_folder, model, f"{base}/model.tar.gz")
                self.status.change(model_artifacts=f"{base}/model.tar.gz")
            data = self.job_folder.at("/opt/ml/output/data")
            if any(data.iterdir()):
                upload_tarball(self.job_folder, data, f"{base}/output.tar.gz")
                self.status.change(output_artifacts=f"{base}/output.tar.gz")
        checkpoints = self.request.get("CheckpointConfig")
        if checkpoints:
            folder = self.job_folder.at(checkpoints.get("LocalPath") or "/opt/ml/checkpoints")
            upload_folder(self.job_folder, folder, checkpoints["S3Uri"])
        if exit_code == 0:
            return ""
        failure = self.read_text_file("/opt/ml/output/failure", 1024).strip()
        if not failure and self._is_script_mode():
            failure = script_mode.failure(self, exit_code)
        return f"AlgorithmError: {failure or 'See job logs for more information'}, exit code: {exit_code}"
