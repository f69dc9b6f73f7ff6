"""The completion endpoint in Airflow's API server.

``/sagemaker-callbacks/api`` speaks SageMaker's JSON protocol for SendPipelineExecutionStepSuccess and -Failure, so a
consumer that answers SageMaker Pipelines can answer a step here by changing only its ``endpoint_url``.  The plain form
is ``POST /sagemaker-callbacks/success`` with ``{"name": "value"}``, or ``/failure`` with ``{"reason": "..."}``, and the
token in the header ``X-Callback-Token``.  The token may be in the path instead, before ``success``: this server's
access log then has a hash in its place, but the access log of a proxy has the token.
As on the service, the token authorizes the answer: 10 random letters and digits, valid for one answer.
"""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..definition.read.strict_json import NotJson, read_json
from ..execution.callback_tokens import handle_of
from .answer import AnswerRefused, failure, give_answer, success

TARGET = "SageMaker.SendPipelineExecutionStep"
JSON_TYPE = "application/x-amz-json-1.1"
MAX_BYTES = 200_000

TOKEN_HEADER = "X-Callback-Token"
_IN_PATH = re.compile(r"(?<=/)([A-Za-z0-9]{10})(?=/(?:success|failure)/?$)")


class HashedTokens:
    """ASGI middleware that replaces a token in the path with its hash before the server writes its access log."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def hashed(message: Message) -> None:
            for name in ("path", "raw_path") if message["type"] == "http.response.start" else ():
                found = scope.get(name)
                text = found.decode("latin-1") if isinstance(found, bytes) else str(found or "")
                new = _IN_PATH.sub(lambda match: f"sha256-{handle_of(match[1])[:12]}", text)
                scope[name] = new.encode("latin-1") if isinstance(found, bytes) else new
            await send(message)

        await self._inner(scope, receive, hashed)


app = FastAPI(title="SageMaker callbacks", docs_url=None, redoc_url=None, openapi_url=None)
app.add_middleware(HashedTokens)


@app.post("/api")
@app.post("/api/")
async def sagemaker_protocol(request: Request) -> JSONResponse:
    """The endpoint for boto3."""
    target = request.headers.get("x-amz-target", "")
    try:
        body = await _body(request)
        match target.removeprefix(TARGET):
            case "Success":
                answer = success([] if body.get("OutputParameters") is None else body["OutputParameters"])
            case "Failure":
                answer = failure(body.get("FailureReason"))
            case _:
                return _aws_error(404, "UnknownOperationException", f"{target or 'This'} is not supported here.")
        who = await run_in_threadpool(give_answer, str(body.get("CallbackToken") or ""), answer)
    except AnswerRefused as error:
        return _aws_error(400, "ValidationException", str(error))
    return JSONResponse({"PipelineExecutionArn": _arn(who)}, media_type=JSON_TYPE)


@app.post("/success")
@app.post("/{token}/success")
async def plain_success(request: Request, token: str = "") -> JSONResponse:
    """``{"name": "value"}``: the step's output parameters."""
    try:
        body = await _body(request)
        outputs = [{"Name": name, "Value": _text(value)} for name, value in body.items()]
        token = token or request.headers.get(TOKEN_HEADER, "")
        return JSONResponse(await run_in_threadpool(give_answer, token, success(outputs)))
    except AnswerRefused as error:
        return JSONResponse({"error": str(error)}, 400)


@app.post("/failure")
@app.post("/{token}/failure")
async def plain_failure(request: Request, token: str = "") -> JSONResponse:
    """``{"reason": "..."}``."""
    try:
        body = await _body(request)
        token = token or request.headers.get(TOKEN_HEADER, "")
        return JSONResponse(await run_in_threadpool(give_answer, token, failure(body.get("reason"))))
    except AnswerRefused as error:
        return JSONResponse({"error": str(error)}, 400)


async def _body(request: Request) -> dict[str, Any]:
    content = bytearray()
    try:
        async for part in request.stream():  # not request.body(): the caller is not authenticated yet
            content += part
            if len(content) > MAX_BYTES:
                raise AnswerRefused(f"The request is larger than {MAX_BYTES} bytes.")
    except ClientDisconnect:  # the client is gone, and a traceback would only fill the log
        raise AnswerRefused("The request ended before its body was complete.") from None
    try:
        body = read_json(bytes(content) or b"{}", most_bytes=MAX_BYTES)
    except NotJson as error:
        raise AnswerRefused(f"The request {error.predicate()}.") from None
    if not isinstance(body, dict):
        raise AnswerRefused("The request is not a JSON object.")
    return body


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _arn(who: dict[str, str]) -> str:
    """An ARN in the service's format, for clients that parse it; no such resource exists."""
    from ..execution.identity import digest

    execution = digest(who["dag_id"], who["run_id"])[:12]
    return f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{who['dag_id'].lower()}/execution/{execution}"


def _aws_error(status: int, code: str, message: str) -> JSONResponse:
    body = {"__type": code, "message": message, "Message": message}
    return JSONResponse(body, status, {"x-amzn-ErrorType": code}, JSON_TYPE)
