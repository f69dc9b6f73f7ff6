"""Sends a container's output to the job's log file and CloudWatch Logs, and extracts metrics from it."""

from __future__ import annotations

import math
import queue
import re
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, Any

from ..container.job_folder import JobFolder

LOG_GROUPS = {
    "processing": "/aws/sagemaker/ProcessingJobs",
    "training": "/aws/sagemaker/TrainingJobs",
    "transform": "/aws/sagemaker/TransformJobs",
    "emr": "/aws/emr/steps",
}
METRIC_NAMESPACE = "/aws/sagemaker/TrainingJobs"  # namespace in CloudWatch
MAX_POINTS = 1000  # of one PutMetricData
BATCH_INTERVAL_S = 0.7
MAX_EVENTS = 500
MAX_LINE = 8000
TAIL_LINES = 200


class JobLog:
    """Accepts lines from any thread; :meth:`close` returns when CloudWatch has all of them."""

    def __init__(self, job_folder: JobFolder) -> None:
        self._job_folder = job_folder
        self._file: IO[str] = (job_folder.path / "log").open("a", buffering=1)
        self._queue: queue.Queue[tuple[int, str] | None] = queue.Queue()
        definitions = (job_folder.request.get("AlgorithmSpecification") or {}).get("MetricDefinitions") or []
        self._regexes = _compile(definitions)
        self.metrics: dict[str, dict[str, Any]] = {}
        self._points: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()  # metric data points for CloudWatch
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._sender = threading.Thread(target=self._send, daemon=True)
        self._sender.start()

    def line(self, text: str) -> None:
        """Add one line, given without its line ending."""
        self._file.write(text + "\n")
        self.tail.append(text)
        for name, regex in self._regexes:
            match = regex.search(text)
            if match:
                self._metric(name, match)
        self._queue.put((int(time.time() * 1000), text[:MAX_LINE] or " "))  # last: its metrics are queued before it

    def _metric(self, name: str, match: re.Match[str]) -> None:
        try:
            value = float(match[1])
        except (ValueError, IndexError):
            return  # the regex has no group, or the group does not match a number
        self.metrics[name] = {"MetricName": name, "Value": value, "Timestamp": time.time()}
        if math.isfinite(value):  # CloudWatch accepts no other values
            self._points.put({**self.metrics[name], "Dimensions": self._dimensions()})

    def _dimensions(self) -> list[dict[str, str]]:
        return [{"Name": "TrainingJobName", "Value": self._job_folder.name}]

    def read_from(self, stream: IO[bytes]) -> None:
        """Read the output of a process to its end."""
        for raw in iter(stream.readline, b""):
            self.line(raw.decode("utf-8", "replace").rstrip("\r\n"))

    def close(self) -> None:
        """Send the remaining lines and close the log file."""
        self._queue.put(None)
        self._sender.join(timeout=60)
        self._file.close()

    def _send(self) -> None:
        stream = f"{self._job_folder.name}/algo-1-{int(time.time())}"
        group = LOG_GROUPS[str(self._job_folder.data["kind"])]
        stream_created = False
        ended = False
        while not ended:
            batch, ended = self._batch()
            if not batch:
                continue
            try:
                logs = self._job_folder.client("logs")
                if not stream_created:
                    _make_stream(logs, group, stream)
                    stream_created = True
                events = [{"timestamp": at, "message": text} for at, text in batch]
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
                self._send_points()
            except Exception as error:
                # The log file has the lines in any case.
                (self._job_folder.path / "supervisor.log").open("a").write(f"CloudWatch: {error}\n")

    def _send_points(self) -> None:
        """Send metric values to CloudWatch, where the SDK's ``TrainingJobAnalytics`` looks for them."""
        points = [self._points.get() for _ in range(min(self._points.qsize(), MAX_POINTS))]
        if points and self._job_folder.data["kind"] == "training":
            self._job_folder.client("cloudwatch").put_metric_data(Namespace=METRIC_NAMESPACE, MetricData=points)

    def _batch(self) -> tuple[list[tuple[int, str]], bool]:
        batch: list[tuple[int, str]] = []
        first = self._queue.get()
        if first is None:
            return batch, True
        batch.append(first)
        deadline = time.monotonic() + BATCH_INTERVAL_S
        while len(batch) < MAX_EVENTS:
            try:
                item = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if item is None:
                return batch, True
            batch.append(item)
        return batch, False


def _compile(definitions: list[dict[str, str]]) -> list[tuple[str, re.Pattern[str]]]:
    compiled = []
    for definition in definitions:
        try:
            compiled.append((definition["Name"], re.compile(definition["Regex"])))
        except re.error:
            continue  # the regex is in another dialect; the metric stays empty
    return compiled


def _make_stream(logs: Any, group: str, stream: str) -> None:
    for make, members in (
        (logs.create_log_group, {"logGroupName": group}),
        (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
    ):
        try:
            make(**members)
        except logs.exceptions.ResourceAlreadyExistsException:
            continue


def tail_of(path: Path, count: int) -> list[str]:
    """The last lines of a log file."""
    if not path.exists():
        return []
    return path.read_text(errors="replace").splitlines()[-count:]
