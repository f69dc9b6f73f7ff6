"""Transform jobs: send every object below a prefix to a model server and store each answer as ``<name>.out``."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from pathlib import Path

from .. import serving
from ..container.job_folder import JobError
from ..container.transfer import download, split
from .container_contract import ContainerContract
from .data_processing import DataProcessing, FilterError
from .job_log import tail_of

PING_S = 90.0


class ModelFailed(JobError):
    """The model failed, not the request: the first word of AWS's failure reason tells them apart."""


class Transform(ContainerContract):
    """A job of CreateTransformJob; it has no command, because the supervisor itself sends the requests."""

    @property
    def image(self) -> str:
        """The image of the model's first container."""
        return str(self.job_folder.data["model"]["containers"][0].get("Image") or "")

    @property
    def _server(self) -> Path:
        return self.job_folder.path / "server"

    def prepare(self) -> None:
        """Download the data and start the model server."""
        source = dict(self.request["TransformInput"]["DataSource"]["S3DataSource"])
        gunzip = self.request["TransformInput"].get("CompressionType") == "Gzip"
        download(self.job_folder, source, self.job_folder.root / "input", gunzip=gunzip)
        environment = {**self.job_folder.aws_environment(), **self._batch_environment()}
        serving.launch(self._server, self.job_folder.data["model"]["containers"], environment)
        deadline = time.monotonic() + PING_S
        while (state := serving.read_status(self._server))["status"] == "Creating":
            if time.monotonic() > deadline or self.status.current["status"] != "InProgress":
                break
            time.sleep(0.05)
        if state["status"] != "InService":
            self._end_server()
            message = "Model container failed to respond to ping. Please ensure /ping endpoint is implemented"
            reason = f" ({state['failure_reason']})" if state.get("failure_reason") else ""
            raise JobError(f"AlgorithmError: {message} and responds with an HTTP 200 status code{reason}")
        self.model = state

    def _batch_environment(self) -> dict[str, str]:
        given = {
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": self.request.get("MaxPayloadInMB"),
            "SAGEMAKER_BATCH_STRATEGY": {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}.get(
                str(self.request.get("BatchStrategy"))
            ),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": self.request.get("MaxConcurrentTransforms"),
        }
        return {
            **{key: str(value) for key, value in given.items() if value is not None},
            **(self.request.get("Environment") or {}),
        }

    def command(self) -> list[str]:
        """A command that does nothing: :meth:`collect` sends the requests."""
        return ["true"]

    def environment(self) -> dict[str, str]:
        """The base environment."""
        return self.base_environment()

    def collect(self, exit_code: int, *, stopped: bool) -> str:
        """Send the records of every object and upload its answers once all of them have arrived."""
        try:
            if stopped:
                return ""
            return self._transform()
        finally:
            for line in tail_of(self._server / "log", 1000):
                self.log.line(line)
            self._end_server()

    def _end_server(self) -> None:
        serving.stop(self._server)

    def _transform(self) -> str:
        processing = self.request.get("DataProcessing") or {}
        kind = str(self.request["TransformInput"].get("ContentType") or "")
        try:
            data_processing = DataProcessing.of(processing, kind)
        except FilterError as error:
            return f"ClientError: {error}"
        source = self.job_folder.root / "input"
        bucket, prefix = split(self.request["TransformOutput"]["S3OutputPath"])
        for path in sorted(p for p in source.rglob("*") if p.is_file()):
            name = path.relative_to(source).as_posix()
            answers: list[bytes] = []
            for payload in self._payloads(path):
                try:
                    answers.append(data_processing.after(payload, self._invoke(data_processing.before(payload))))
                except (JobError, FilterError) as error:
                    self.log.line(f"{name}: {error}")
                    kind = "AlgorithmError" if isinstance(error, ModelFailed) else "ClientError"
                    return f"{kind}: See job logs for more information ({name}: {error})"
            key = f"{prefix.rstrip('/')}/{name}.out".lstrip("/")
            self.job_folder.client("s3").put_object(Bucket=bucket, Key=key, Body=self._assembled(answers))
            self.log.line(f"{name}: {len(answers)} requests")
        return ""

    def _payloads(self, path: Path) -> Iterator[bytes]:
        content = path.read_bytes()
        split_type = self.request["TransformInput"].get("SplitType") or "None"
        if split_type not in ("None", "Line"):
            raise JobError(f"ClientError: SplitType {split_type} is not available in the embedded AWS")
        limit = int(self.request.get("MaxPayloadInMB") or 6) * 1024 * 1024
        if split_type == "None":
            yield content
            return
        lines = [line for line in content.split(b"\n") if line.strip()]
        if self.request.get("BatchStrategy") == "SingleRecord":
            yield from lines
            return
        batch: list[bytes] = []
        size = 0
        for line in lines:
            if batch and size + len(line) + 1 > limit:
                yield b"\n".join(batch)
                batch, size = [], 0
            batch.append(line)
            size += len(line) + 1
        if batch:
            yield b"\n".join(batch)

    def _invoke(self, payload: bytes) -> bytes:
        headers = {"Content-Type": str(self.request["TransformInput"].get("ContentType") or "application/octet-stream")}
        accept = self.request["TransformOutput"].get("Accept")
        if accept:
            headers["Accept"] = accept
        try:
            answer = serving.invoke(self.model, payload, headers, 600)
        except (OSError, http.client.HTTPException) as error:
            raise ModelFailed(f"Unable to get response from algorithm: {error}") from None
        if answer.status != 200:
            fault = ModelFailed if answer.status >= 500 else JobError
            text = answer.content.decode("utf-8", "replace")[:300]
            raise fault(f"Bad HTTP status received from algorithm: {answer.status}: {text}")
        return answer.content

    def _assembled(self, answers: list[bytes]) -> bytes:
        if self.request["TransformOutput"].get("AssembleWith") == "Line":
            return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)
        return b"".join(answers)
