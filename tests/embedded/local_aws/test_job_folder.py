"""The supervisor of a job finds the server that the job belongs to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from airflow_sagemaker_mlops.local_aws.container.job_folder import JobFolder, new_job_data
from airflow_sagemaker_mlops.local_aws.state import LocalAws, write_server


@pytest.fixture
def moved() -> Iterator[str]:
    """The address of a server after it has moved."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"here" if self.path == "/bucket/key" else b"elsewhere"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *words: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def server_at(url: str, state_dir: Path) -> LocalAws:
    return LocalAws(url, "us-east-1", "123456789012", "key", "secret", "b", "r", str(state_dir), 1, 1)


def test_calls_go_to_the_current_address_of_the_server(tmp_path: Path, moved: str) -> None:
    old = server_at("http://127.0.0.1:9", tmp_path)
    job_folder = JobFolder(tmp_path, new_job_data(old, old.region, "processing", "job", "arn", request={}))
    client = job_folder.client("s3")
    write_server(tmp_path, server_at(moved, tmp_path))
    assert client.get_object(Bucket="bucket", Key="key")["Body"].read() == b"here"
    assert job_folder.aws_environment()["AWS_ENDPOINT_URL"] == moved
