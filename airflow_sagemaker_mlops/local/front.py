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
from .errors import AwsError, not_available
from .faults import ConnectionLost, Faults
from .model import prune, validate
from .moto_app import Environ, Moto, Reply
from .persistence import Keeper
from .sagemaker.context import Context, Handler, PassedOn
from .sagemaker.hosting import served_at
from .sagemaker.operations import HANDLERS, is_owned
from .state import OWN_CALLS, LocalAws
from .store import Store
from .versions import listed_versions

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
_INVOKE_ENDPOINT = re.compile(r"^/endpoints/([^/]+)/invocations$")
_INVOKE_FUNCTION = re.compile(r"^/2015-03-31/functions/(.+)/invocations$")
NOT_EXECUTED = {
    "emr-serverless": frozenset({"POST:applications"}),
}
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
        try:
            self._admit(environ, caller)
            assert caller is not None
            operation = _operation(environ, body)
            reply = self._answer_with_faults(operation, environ, body, caller)
        except ConnectionLost:
            start_response("500 No Answer", [])
            return _hang_up(environ)
        except AwsError as error:
            reply = _error_reply(environ, error)
        except NotImplementedError:
            service = caller.service if caller else "?"
            reply = _error_reply(environ, not_available(service, _operation(environ, body)))
        except Exception as error:
            reply = _error_reply(environ, AwsError("InternalFailure", f"{type(error).__name__}: {error}", 500))
        self._note(environ, body, caller, reply, time.perf_counter() - begun)
        headers = [(name, value) for name, value in reply.headers if name.lower() != "content-length"]
        headers.append(
            ("Content-Length", str(len(reply.body)) if environ["REQUEST_METHOD"] != "HEAD" else _length(reply))
        )
        start_response(f"{reply.status} {http.client.responses.get(reply.status, '')}", headers)
        return [reply.body]

    def _answer_with_faults(self, operation: str, environ: Environ, body: bytes, caller: Caller) -> Reply:
        """The answer, unless a fault is injected; what this AWS asks of itself is no call that could get lost."""
        if OWN_CALLS in str(environ.get("HTTP_USER_AGENT") or ""):
            return self._answer(environ, body, caller)
        lost = self._faults.before(operation, body)
        reply = self._answer(environ, body, caller)
        self._faults.after(operation, body)
        if lost:
            raise self._faults.lose(operation)
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

    def _answer(self, environ: Environ, body: bytes, caller: Caller) -> Reply:
        path = environ["PATH_INFO"]
        if caller.service == "sagemaker":
            target = str(environ.get("HTTP_X_AMZ_TARGET") or "")
            if target.startswith("SageMaker."):
                reply = self._sagemaker(target.removeprefix("SageMaker."), body, caller)
                if reply is not None:
                    return reply
            elif match := _INVOKE_ENDPOINT.match(path):
                return self._invoke_endpoint(match[1], environ, body, caller)
            elif path.startswith("/endpoints/"):
                raise not_available("sagemaker-runtime", path.rpartition("/")[2])
        if caller.service == "lambda" and (match := _INVOKE_FUNCTION.match(path)):
            return self._invoke_function(unquote(match[1]), environ, body, caller)
        if caller.service == "elasticmapreduce" and (handler := emr.HANDLERS.get(_operation(environ, body))):
            return self._own("emr", _operation(environ, body), handler, body, caller)
        if caller.service in NOT_EXECUTED and _operation(environ, body) in NOT_EXECUTED[caller.service]:
            raise not_available(caller.service, _operation(environ, body))  # moto keeps books of it, and it never ends
        if caller.service == "iam" and b"Action=SimulatePrincipalPolicy" in body:
            return _everything_allowed(body)
        if caller.service == "s3" and (versions := listed_versions(environ)) is not None:
            return versions
        with self._keeper.turn(caller.service, environ, body):
            reply = self._moto.call(environ, body)
            self._keeper.keep(caller.service, caller.region, environ, body, reply)
        if caller.service == "sts" and (given := _GIVEN_KEY.search(reply.body)):
            self._store.insert(SESSION_KEY, "", given[1].decode(), {})
        return reply

    def _sagemaker(self, operation: str, body: bytes, caller: Caller) -> Reply | None:
        handler = HANDLERS.get(operation)
        if handler is None:
            if is_owned(operation):
                raise not_available("sagemaker", operation)
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

    def _note(self, environ: Environ, body: bytes, caller: Caller | None, reply: Reply, took_s: float) -> None:
        """One line a request; also what benchmarks count calls in."""
        service = caller.service if caller else "-"
        name = _operation(environ, body)
        self._log.write(f"{time.time():.3f} {service} {name} {reply.status} {took_s * 1000:.1f}\n")


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


def _operation(environ: Environ, body: bytes) -> str:
    target = str(environ.get("HTTP_X_AMZ_TARGET") or "").rpartition(".")[2]
    if target:
        return target
    match = re.search(rb"(?:^|&)Action=(\w+)", body[:4000])
    if match:
        return match[1].decode()
    return f"{environ['REQUEST_METHOD']}:{environ['PATH_INFO'].split('/')[1] if '/' in environ['PATH_INFO'] else ''}"


def _length(reply: Reply) -> str:
    return next((value for name, value in reply.headers if name.lower() == "content-length"), str(len(reply.body)))


def _error_reply(environ: Environ, error: AwsError) -> Reply:
    """The error in the protocol of the request."""
    target, path = environ.get("HTTP_X_AMZ_TARGET"), environ["PATH_INFO"]
    if target or _INVOKE_ENDPOINT.match(path) or path.startswith(("/2015-03-31", "/endpoints/")):
        body = {"__type": error.code, "message": error.message, "Message": error.message, **error.members}
        return Reply(error.status, [JSON_TYPE, ("x-amzn-ErrorType", error.code)], json.dumps(body).encode())
    from xml.sax.saxutils import escape

    inner = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
    is_query = str(environ.get("CONTENT_TYPE") or "").startswith("application/x-www-form-urlencoded")
    text = f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>" if is_query else f"<Error>{inner}</Error>"
    return Reply(error.status, [("Content-Type", "text/xml")], text.encode())


def _everything_allowed(body: bytes) -> Reply:
    """IAM's policy simulator: there is no IAM here, so every action is allowed."""
    from xml.sax.saxutils import escape

    actions = [value for key, values in parse_qs(body.decode()).items() if "ActionNames" in key for value in values]
    members = "".join(
        f"<member><EvalActionName>{escape(name)}</EvalActionName><EvalDecision>allowed</EvalDecision></member>"
        for name in actions
    )
    text = (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>'
        f"<IsTruncated>false</IsTruncated><EvaluationResults>{members}</EvaluationResults>"
        "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
    )
    return Reply(200, [("Content-Type", "text/xml")], text.encode())


def build(aws: LocalAws, log: TextIO) -> Front:
    """The application over a state folder, with everything it knew before."""
    state_dir = Path(aws.state_dir)
    moto = Moto()
    scope = f"{aws.access_key}/20200101/{aws.region}/s3/aws4_request"
    keeper = Keeper(state_dir, moto, f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
    keeper.restore()
    return Front(aws, moto, Store(state_dir / "store.sqlite"), keeper, log)
