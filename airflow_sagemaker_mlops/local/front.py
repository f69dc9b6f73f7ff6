"""The WSGI front of the embedded AWS: checks the key, answers for SageMaker, asks moto for the rest."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qs, unquote

from . import emr, functions
from .called import Called, called, members
from .errors import AwsError
from .faults import ConnectionLost, Faults
from .identity import caller_identity, everything_allowed
from .model import prune, validate
from .moto_app import Environ, Moto, Reply
from .persistence import Keeper
from .protocols import error_reply
from .sagemaker.context import Context, Handler, PassedOn
from .sagemaker.hosting import served_at
from .sagemaker.operations import HANDLERS, is_owned
from .state import OWN_CALLS, LocalAws
from .store import Store
from .unexecuted import refusal, refuse_unexecuted
from .versions import listed_versions

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
_INVOKE_ENDPOINT = re.compile(r"^/endpoints/([^/]+)/invocations$")
_INVOKE_FUNCTION = re.compile(r"^/2015-03-31/functions/(.+)/invocations$")
SESSION_KEY = "session-key"
_GIVEN_KEY = re.compile(rb"<AccessKeyId>([A-Z0-9]+)</AccessKeyId>")
JSON_TYPE = ("Content-Type", "application/x-amz-json-1.1")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what for, out of the request's signature."""

    key: str
    region: str
    service: str


class Front:
    """The application."""

    def __init__(self, aws: LocalAws, moto: Moto, store: Store, keeper: Keeper, log: TextIO) -> None:
        self._aws = aws
        self._moto = moto
        self._store = store
        self._keeper = keeper
        self._faults = Faults(Path(aws.state_dir))
        self._log = log
        self._hosts = {aws.endpoint_url.removeprefix("http://"), f"localhost:{aws.endpoint_url.rpartition(':')[2]}"}

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """WSGI."""
        begun = time.perf_counter()
        body = _body(environ)
        caller = _caller(environ)
        call = called(caller.service if caller else "?", environ, body)
        try:
            self._admit(environ, caller)
            assert caller is not None
            reply = self._answer_with_faults(call, environ, body, caller)
        except ConnectionLost:
            start_response("500 No Answer", [])
            return _hang_up(environ)
        except AwsError as error:
            reply = error_reply(call.protocol, error)
        except NotImplementedError:
            reply = error_reply(call.protocol, refusal(call.service, call.operation))
        except Exception as error:
            failure = AwsError("InternalFailure", f"{type(error).__name__}: {error}", 500)
            reply = error_reply(call.protocol, failure)
        self._note(call, caller, reply, time.perf_counter() - begun)
        headers = [(name, value) for name, value in reply.headers if name.lower() != "content-length"]
        headers.append(
            ("Content-Length", str(len(reply.body)) if environ["REQUEST_METHOD"] != "HEAD" else _length(reply))
        )
        start_response(f"{reply.status} {http.client.responses.get(reply.status, '')}", headers)
        return [reply.body]

    def _answer_with_faults(self, call: Called, environ: Environ, body: bytes, caller: Caller) -> Reply:
        """The answer, unless a fault is injected; what this AWS asks of itself is no call that could get lost."""
        if OWN_CALLS in str(environ.get("HTTP_USER_AGENT") or ""):
            return self._answer(call, environ, body, caller)
        lost = self._faults.before(call.operation, body)
        reply = self._answer(call, environ, body, caller)
        self._faults.after(call.operation, body)
        if lost:
            raise self._faults.lose(call.operation)
        return reply

    def _admit(self, environ: Environ, caller: Caller | None) -> None:
        """Refuse strangers: it runs code for whoever may talk to it."""
        if environ.get("HTTP_HOST") not in self._hosts:
            raise AwsError("AccessDeniedException", "This server answers to its own address only.", 403)
        if caller is None or not self._is_ours(caller.key):
            raise AwsError("UnrecognizedClientException", "The access key is not the one of this embedded AWS.", 403)
        if environ["PATH_INFO"].startswith("/moto-api"):
            raise AwsError("AccessDeniedException", "moto's own API is not passed on.", 403)

    def _is_ours(self, key: str) -> bool:
        """Whether it is the key of this server, or one that its STS gave out to who had it."""
        return key == self._aws.access_key or self._store.get(SESSION_KEY, "", key) is not None

    def _answer(self, call: Called, environ: Environ, body: bytes, caller: Caller) -> Reply:
        path = environ["PATH_INFO"]
        refuse_unexecuted(call, lambda: members(call, environ, body))
        if call.service == "sagemaker":
            reply = self._sagemaker(call.operation, body, caller)
            if reply is not None:
                return reply
        if call.service == "sagemaker-runtime" and (match := _INVOKE_ENDPOINT.match(path)):
            return self._invoke_endpoint(match[1], environ, body, caller)
        if caller.service == "lambda" and (match := _INVOKE_FUNCTION.match(path)):
            return self._invoke_function(unquote(match[1]), environ, body, caller)
        if call.service == "emr" and (handler := emr.HANDLERS.get(call.operation)):
            return self._own("emr", call.operation, handler, body, caller)
        if call == Called("iam", "SimulatePrincipalPolicy", "query"):
            return everything_allowed(body)
        if call == Called("sts", "GetCallerIdentity", "query") and caller.key == self._aws.access_key:
            return caller_identity(self._aws)
        if caller.service == "s3" and (versions := listed_versions(environ)) is not None:
            return versions
        with self._keeper.turn(caller.service, environ, body):
            reply = self._moto.call(environ, body)
            self._keeper.keep(caller.service, caller.region, environ, body, reply)
        if call.service != "s3" and _is_page(reply):  # moto knows no such address
            raise refusal(call.service, call.operation)
        if caller.service == "sts" and (given := _GIVEN_KEY.search(reply.body)):
            self._store.insert(SESSION_KEY, "", given[1].decode(), {})
        return reply

    def _sagemaker(self, operation: str, body: bytes, caller: Caller) -> Reply | None:
        handler = HANDLERS.get(operation)
        if handler is None:
            if is_owned(operation):
                raise refusal("sagemaker", operation)
            return None
        try:
            return self._own("sagemaker", operation, handler, body, caller)
        except PassedOn:
            return None

    def _own(self, service: str, operation: str, handler: Handler, body: bytes, caller: Caller) -> Reply:
        """The answer of one of our own operations, checked on its way in and out by botocore's model."""
        request = json.loads(body or b"{}")
        validate(service, operation, request)
        answer = handler(Context(self._store, self._aws, caller.region), request)
        return Reply(200, [JSON_TYPE], json.dumps(prune(service, operation, answer)).encode())

    def _invoke_endpoint(self, name: str, environ: Environ, body: bytes, caller: Caller) -> Reply:
        port, served = served_at(Context(self._store, self._aws, caller.region), unquote(name))
        headers = {"Content-Type": environ.get("CONTENT_TYPE") or "application/octet-stream"}
        if environ.get("HTTP_ACCEPT"):
            headers["Accept"] = environ["HTTP_ACCEPT"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("POST", "/invocations", body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except OSError as error:
            raise AwsError("ModelError", f"The model did not answer: {error}", 424) from None
        finally:
            connection.close()
        if answer.status != 200:
            text = content.decode("utf-8", "replace")[:2000]
            what = f"Received {answer.status} from the model with message {text!r}."
            raise AwsError("ModelError", what, 424, OriginalStatusCode=answer.status, OriginalMessage=text)
        kind = answer.getheader("Content-Type") or "application/octet-stream"
        variant = ("x-Amzn-Invoked-Production-Variant", served)
        return Reply(200, [("Content-Type", kind), variant], content)

    def _invoke_function(self, name: str, environ: Environ, body: bytes, caller: Caller) -> Reply:
        how = environ.get("HTTP_X_AMZ_INVOCATION_TYPE") or "RequestResponse"
        if how == "Event":
            functions.invoke_later(self._aws, caller.region, name, body)
            return Reply(202, [], b"")
        if how == "DryRun":
            functions.find(self._aws, caller.region, name)
            return Reply(204, [], b"")
        done = functions.invoke(self._aws, caller.region, name, body)
        headers = [("Content-Type", "application/json"), ("X-Amz-Executed-Version", "$LATEST")]
        if done.error:
            headers.append(("X-Amz-Function-Error", done.error))
        if environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail":
            tail = done.log.encode()[-functions.LOG_TAIL :]
            headers.append(("X-Amz-Log-Result", base64.b64encode(tail).decode()))
        return Reply(200, headers, done.payload)

    def _note(self, call: Called, caller: Caller | None, reply: Reply, took_s: float) -> None:
        """One line a request; also what benchmarks count calls in."""
        service = caller.service if caller else "-"
        self._log.write(f"{time.time():.3f} {service} {call.operation} {reply.status} {took_s * 1000:.1f}\n")


def _hang_up(environ: Environ) -> Iterable[bytes]:
    """Close the connection without an answer."""
    connection: socket.socket = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):  # the client may have gone first
        connection.shutdown(socket.SHUT_RDWR)
    return ()


def _body(environ: Environ) -> bytes:
    if str(environ.get("HTTP_TRANSFER_ENCODING") or "").lower() == "chunked":
        content: bytes = environ["wsgi.input"].read()
        return content
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return environ["wsgi.input"].read(length) if length else b""


def _caller(environ: Environ) -> Caller | None:
    match = _CREDENTIAL.search(str(environ.get("HTTP_AUTHORIZATION") or ""))
    if match:
        return Caller(match[1], match[2], match[3])
    signed = parse_qs(str(environ.get("QUERY_STRING") or ""))
    if "X-Amz-Credential" in signed:  # a presigned URL
        parts = signed["X-Amz-Credential"][0].split("/")
        return Caller(parts[0], parts[2], parts[3]) if len(parts) == 5 else None
    if "AWSAccessKeyId" in signed:
        return Caller(signed["AWSAccessKeyId"][0], "us-east-1", "s3")
    return None


def _is_page(reply: Reply) -> bool:
    """Whether it is a web page that says no, which no client of AWS can read."""
    kind = next((value for name, value in reply.headers if name.lower() == "content-type"), "")
    return (
        reply.status in (404, 405) and kind.startswith("text/html") and b"<!doctype html>" in reply.body[:100].lower()
    )


def _length(reply: Reply) -> str:
    return next((value for name, value in reply.headers if name.lower() == "content-length"), str(len(reply.body)))


def build(aws: LocalAws, log: TextIO) -> Front:
    """The application over a state folder, with everything it knew before."""
    state_dir = Path(aws.state_dir)
    moto = Moto()
    scope = f"{aws.access_key}/20200101/{aws.region}/s3/aws4_request"
    keeper = Keeper(state_dir, moto, f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
    keeper.restore()
    return Front(aws, moto, Store(state_dir / "store.sqlite"), keeper, log)
