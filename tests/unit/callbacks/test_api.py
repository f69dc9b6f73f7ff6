"""The completion endpoint refuses invalid answers before it looks for a token."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("fastapi")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from airflow_sagemaker_mlops.callbacks.api import MAX_BYTES, TARGET, app
from airflow_sagemaker_mlops.callbacks.hosts import VARIABLE
from airflow_sagemaker_mlops.callbacks.plugin import SageMakerCallbacksPlugin
from airflow_sagemaker_mlops.execution.callback_tokens import handle_of

TOKEN = "AbCdEfGhIj"


class Post:
    """A request, given to the application as a server would, part by part."""

    def __init__(self, path: str, parts: list[bytes], target: str = "") -> None:
        self.parts, self.taken = parts, 0
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(b"x-amz-target", target.encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self.status, self.body = 0, b""

    async def _receive(self) -> dict[str, Any]:
        self.taken += 1
        return {"type": "http.request", "body": self.parts[self.taken - 1], "more_body": self.taken < len(self.parts)}

    async def _send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")

    def answer(self) -> tuple[int, dict[str, Any]]:
        asyncio.run(app(self.scope, self._receive, self._send))  # type: ignore[arg-type]
        return self.status, json.loads(self.body)


@pytest.mark.parametrize("outputs", ["5", '"text"', "{}", "true", "0"])
def test_output_parameters_that_are_no_list_are_refused(outputs: str) -> None:
    body = f'{{"CallbackToken": "{TOKEN}", "OutputParameters": {outputs}}}'.encode()
    status, said = Post("/api", [body], f"{TARGET}Success").answer()
    assert (status, said["__type"]) == (400, "ValidationException")
    assert said["message"].startswith("OutputParameters must be a list")


@pytest.mark.parametrize("path", ["/api", f"/{TOKEN}/success", f"/{TOKEN}/failure"])
@pytest.mark.parametrize("body", [b"[" * 100_000, b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_refused(path: str, body: bytes) -> None:
    assert Post(path, [body], f"{TARGET}Success").answer()[0] == 400


def test_no_more_is_read_than_an_answer_may_have() -> None:
    post = Post(f"/{TOKEN}/success", [b" " * 50_000] * 100)
    assert post.answer() == (400, {"error": f"The request is larger than {MAX_BYTES} bytes."})
    assert post.taken == 5


@pytest.mark.parametrize("path", ["/api", f"/{TOKEN}/success", f"/{TOKEN}/failure"])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (rb'{"auc": "\ud800"}', "a lone surrogate"),
        (rb'{"\ud800": "' + b"x" * 1100 + b'"}', "a lone surrogate"),
        (b'{"auc": NaN}', "NaN is not a number in JSON"),
        (b'{"auc": "1", "auc": "2"}', 'the key "auc" appears twice'),
    ],
)
def test_what_no_step_could_read_is_refused_before_a_token_is_looked_for(path: str, body: bytes, words: str) -> None:
    status, said = Post(path, [body], f"{TARGET}Success").answer()
    assert status == 400
    assert words in (said.get("message") or said["error"])


def test_a_request_that_breaks_off_is_answered_and_leaves_no_traceback() -> None:
    post = Post(f"/{TOKEN}/success", [b'{"a'])

    async def receive() -> dict[str, Any]:
        post.taken += 1
        gone = {"type": "http.disconnect"}
        return gone if post.taken > 1 else {"type": "http.request", "body": b'{"a', "more_body": True}

    post._receive = receive  # type: ignore[method-assign]
    assert post.answer() == (400, {"error": "The request ended before its body was complete."})


@pytest.mark.parametrize("end", ["success", "failure"])
def test_a_token_in_the_path_is_a_hash_by_the_time_the_access_log_reads_it(end: str) -> None:
    post = Post(f"/{TOKEN}/{end}", [b"{"])
    assert post.answer()[0] == 400
    said = repr((post.scope["path"], post.scope["raw_path"]))
    assert TOKEN not in said
    assert handle_of(TOKEN)[:12] in said


@pytest.mark.parametrize("end", ["success", "failure"])
def test_a_token_may_come_in_a_header(end: str) -> None:
    post = Post(f"/{end}", [b"{}"])
    post.scope["headers"].append((b"x-callback-token", b"not a token"))
    assert post.answer() == (400, {"error": "A callback token has 10 letters and digits."})


def test_an_api_server_answers_to_its_own_names_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert SageMakerCallbacksPlugin.fastapi_root_middlewares == []
    monkeypatch.setenv(VARIABLE, "127.0.0.1,localhost")
    (check,) = SageMakerCallbacksPlugin.fastapi_root_middlewares
    guarded = FastAPI()
    guarded.add_middleware(check["middleware"], **check["kwargs"])
    guarded.get("/")(lambda: "in")
    for host, status in (("127.0.0.1:8080", 200), ("localhost", 200), ("evil.example:8080", 400)):
        assert TestClient(guarded, base_url=f"http://{host}").get("/").status_code == status
