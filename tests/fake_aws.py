"""SageMaker's processing jobs in memory: created once by name, described, stopped; answers get lost on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

ACCOUNT = "123456789012"
ENDED = ("Completed", "Failed", "Stopped")


@dataclass
class FakeAws:
    """The ``Aws`` of ``execution``, over a dictionary.

    jobs        {name: members of its Describe answer}
    calls       (operation, name) of every call, in order
    lose        operations whose next answer gets lost after they have been carried out
    """

    region: str = "us-east-1"
    key: str = "fake"
    is_local: bool = True
    renew: None = None
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    lose: list[str] = field(default_factory=list)

    def client(self, service: str) -> FakeAws:
        """Itself; there is only SageMaker."""
        assert service == "sagemaker", service
        return self

    def called(self, operation: str) -> list[str]:
        """Names of the jobs that ``operation`` was called for."""
        return [name for made, name in self.calls if made == operation]

    @property
    def running(self) -> list[str]:
        """Names of the jobs that have not ended."""
        return [name for name, job in self.jobs.items() if job["ProcessingJobStatus"] not in ENDED]

    def end(self, name: str, status: str, reason: str = "") -> None:
        """The job ends by itself."""
        self.jobs[name] |= {"ProcessingJobStatus": status, **({"FailureReason": reason} if reason else {})}

    def create_processing_job(self, **request: Any) -> dict[str, Any]:
        """Refused for a name that there is."""
        name = str(request["ProcessingJobName"])

        def create() -> dict[str, Any]:
            if name in self.jobs:
                raise _error("CreateProcessingJob", "ResourceInUse", f"Job name {name} already exists")
            arn = f"arn:aws:sagemaker:{self.region}:{ACCOUNT}:processing-job/{name}"
            self.jobs[name] = {
                **{key: value for key, value in request.items() if key != "Tags"},
                "ProcessingJobArn": arn,
                "ProcessingJobStatus": "InProgress",
                "CreationTime": datetime.now(UTC),
            }
            self.tags[arn] = list(request.get("Tags") or [])
            return {"ProcessingJobArn": arn}

        return self._answer("CreateProcessingJob", name, create)

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:
        """A job that is being stopped has stopped when it is looked at the next time."""

        def describe() -> dict[str, Any]:
            job = self._job("DescribeProcessingJob", ProcessingJobName)
            answer = dict(job)
            if job["ProcessingJobStatus"] == "Stopping":
                job["ProcessingJobStatus"] = "Stopped"
            return answer

        return self._answer("DescribeProcessingJob", ProcessingJobName, describe)

    def stop_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:
        """Refused for a job that does not run, as by AWS."""

        def stop() -> dict[str, Any]:
            job = self._job("StopProcessingJob", ProcessingJobName)
            status = job["ProcessingJobStatus"]
            if status != "InProgress":
                what = f"The request was rejected because the processing job is in status {status}."
                raise _error("StopProcessingJob", "ValidationException", what)
            job["ProcessingJobStatus"] = "Stopping"
            return {}

        return self._answer("StopProcessingJob", ProcessingJobName, stop)

    def list_tags(self, ResourceArn: str) -> dict[str, Any]:
        """All of them on one page."""
        return {"Tags": self.tags[ResourceArn]}

    def _job(self, operation: str, name: str) -> dict[str, Any]:
        if name not in self.jobs:
            raise _error(operation, "ValidationException", "Could not find requested job with name: " + name)
        return self.jobs[name]

    def _answer(self, operation: str, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self.calls.append((operation, name))
        answer = work()
        if operation in self.lose:
            self.lose.remove(operation)
            raise ReadTimeoutError(endpoint_url="https://sagemaker")
        return answer


def _error(operation: str, code: str, message: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(answer, operation)
