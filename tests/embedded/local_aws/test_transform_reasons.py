"""The first word of a transform job's failure reason says whether the model or the request failed, as on AWS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from airflow_sagemaker_mlops.local_aws.container.job_folder import JobError
from airflow_sagemaker_mlops.local_aws.job.transform import ModelFailed, Transform


class Model(BaseHTTPRequestHandler):
    """Answers with the status in the body of the request."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(int(body))
        self.end_headers()
        self.wfile.write(b"no such column")

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture
def job() -> Iterator[Transform]:
    with HTTPServer(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = object.__new__(Transform)
        made.request = {"TransformInput": {"ContentType": "text/csv"}, "TransformOutput": {}}
        made.model = {"port": server.server_port}
        yield made
        server.shutdown()


@pytest.mark.parametrize(("status", "kind"), [(b"400", JobError), (b"500", ModelFailed)])
def test_a_refused_request_is_the_clients_fault_and_a_broken_model_its_own(
    job: Transform, status: bytes, kind: type[JobError]
) -> None:
    with pytest.raises(
        JobError, match=f"Bad HTTP status received from algorithm: {status.decode()}: no such"
    ) as caught:
        job._invoke(status)
    assert type(caught.value) is kind
