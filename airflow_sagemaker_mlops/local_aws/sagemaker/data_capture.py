"""Data capture: requests and answers of an endpoint as lines of JSON in S3.

Source of the format: SageMaker developer guide, "Capture data from real-time endpoint": the key is
``<prefix>/<endpoint>/<variant>/yyyy/mm/dd/hh/<file>.jsonl``, and every line ``{"captureData": {"endpointInput",
"endpointOutput"}, "eventMetadata": {"eventId", "inferenceId"?, "customAttributes"?, "inferenceTime"},
"eventVersion"}``.
"""

from __future__ import annotations

import base64
import json
import queue
import random
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ...json_types import AwsShape
from ..state import OWN_CALLS, LocalAws

FLUSH_S = 1.0  # AWS writes a file when it has enough lines, or after some minutes
MEMBERS = {"Input": ("endpointInput", "INPUT"), "Output": ("endpointOutput", "OUTPUT")}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    attributes   the request's CustomAttributes and the answer's, by the name of the data they belong to
    """

    event_id: str
    request: bytes
    request_type: str
    answer: bytes
    answer_type: str
    inference_id: str = ""
    attributes: str = ""
    shadow: bool = False
    at: float = field(default_factory=time.time)


def is_sampled(capture: AwsShape | None) -> bool:
    """Whether the next request is to be captured."""
    if not capture or capture.get("EnableCapture") is False:
        return False
    return random.random() * 100 < int(capture["InitialSamplingPercentage"])


def line(capture: AwsShape, exchange: Exchange) -> str:
    """The line of an exchange, without its end."""
    modes = {option["CaptureMode"] for option in capture["CaptureOptions"]}
    if "InputAndOutput" in modes:
        modes = {"Input", "Output"}
    data = {}
    for mode, content, kind in (
        ("Input", exchange.request, exchange.request_type),
        ("Output", exchange.answer, exchange.answer_type),
    ):
        if mode in modes:
            name, label = MEMBERS[mode]
            text, encoding = _encoded(content, kind, capture.get("CaptureContentTypeHeader") or {})
            data[name] = {"observedContentType": kind, "mode": label, "data": text, "encoding": encoding}
    when = datetime.fromtimestamp(exchange.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata: dict[str, Any] = {"eventId": exchange.event_id}
    if exchange.inference_id:
        metadata["inferenceId"] = exchange.inference_id
    if exchange.attributes:
        metadata["customAttributes"] = [exchange.attributes]
    if exchange.shadow:
        metadata["invocationSource"] = "ShadowExperiment"
    metadata["inferenceTime"] = when
    return json.dumps({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"})


def _encoded(content: bytes, kind: str, headers: AwsShape) -> tuple[str, str]:
    """Text as it is where the configuration lists its content type, else base64."""
    media = kind.partition(";")[0].strip().lower()
    for member, encoding in (("CsvContentTypes", "CSV"), ("JsonContentTypes", "JSON")):
        if media in {str(listed).lower() for listed in headers.get(member) or []}:
            try:
                return content.decode(), encoding
            except UnicodeDecodeError:
                break
    return base64.b64encode(content).decode(), "BASE64"


def key(prefix: str, endpoint: str, variant: str, at: float) -> str:
    """The key of a new file of captured lines."""
    when = datetime.fromtimestamp(at, UTC)
    name = f"{when:%M-%S}-{when.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
    return f"{prefix.strip('/')}/{endpoint}/{variant}/{when:%Y/%m/%d/%H}/{name}".lstrip("/")


class Writer:
    """Writes captured lines to S3 from a thread of its own, so that no answer waits for it."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self._queue: queue.Queue[tuple[str, str, str, float, str]] = queue.Queue()
        self._started = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, capture: AwsShape, endpoint: str, variant: str, exchange: Exchange) -> None:
        """Capture an exchange soon."""
        text = line(capture, exchange)
        self._queue.put((str(capture["DestinationS3Uri"]), endpoint, variant, exchange.at, text))
        with self._started:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="data-capture", daemon=True)
                self._thread.start()

    def _write(self) -> None:
        import boto3
        from botocore.config import Config

        config = Config(proxies={}, user_agent_extra=OWN_CALLS)
        session = boto3.Session(self._aws.access_key, self._aws.secret_key, region_name=self._aws.region)
        client = session.client("s3", endpoint_url=self._aws.endpoint_url, config=config)
        while True:
            batch = [self._queue.get()]
            time.sleep(FLUSH_S)
            while not self._queue.empty():
                batch.append(self._queue.get())
            files: dict[tuple[str, str, str], list[tuple[float, str]]] = {}
            for destination, endpoint, variant, at, text in batch:
                files.setdefault((destination, endpoint, variant), []).append((at, text))
            for (destination, endpoint, variant), lines in files.items():
                place = urlsplit(destination)
                name = key(place.path, endpoint, variant, lines[0][0])
                body = "".join(text + "\n" for _at, text in lines).encode()
                try:
                    client.put_object(Bucket=place.netloc, Key=name, Body=body, ContentType="application/jsonlines")
                except Exception as error:  # a bucket that does not exist must not end the capture of others
                    sys.stderr.write(f"data capture of {endpoint}: {destination}: {error}\n")
