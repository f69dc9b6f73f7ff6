"""The WSGI application of the embedded AWS: checks signatures, serves SageMaker and passes the rest to moto."""

from __future__ import annotations

import base64
import contextlib
import hmac
import http.client
import json
import re
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qs, unquote

from . import signature
from .api_call import (
    NAMES_OPERATION,
    ApiCall,
    call_from_headers,
    is_known,
    is_operation,
    members,
    parse_call,
    path_labels,
)
from .bodies import read_body, read_json
from .cloudwatch_logs import FILTER, filtered_events
from .connections import INCOMING_REQUEST, PIECE, IncomingRequest
from .emr import responses as emr
from .errors import AwsError
from .fault_injection import ConnectionLost, FaultInjector
from .iam_sts import caller_identity, everything_allowed
from .ignored_members import refuse_ignored, refuse_ignored_by_moto
from .lambda_ import functions
from .moto_backend import Environ, Moto, Reply, has_service
from .protocols import error_reply
from .refused_operations import refusal, refuse_starting_work
from .s3.versions import listed_versions
from .sagemaker.context import Context, Handler, tags_of
from .sagemaker.endpoints import drive
from .sagemaker.invocations import Invocation, Invoker
from .sagemaker.operations import HANDLERS, IGNORED, RUNTIME_HANDLERS, is_owned
from .signature import Claim
from .snapshots import Snapshots
from .state import OWN_CALLS, LocalAws, report_damage
from .store import Store
from .tagging import GET_RESOURCES, tagged_resources
from .validation import prune, validate

# Members of InvokeEndpoint that select another model, container, variant or kind of answer: only one model serves here.
UNSUPPORTED_MEMBERS = (
    "TargetModel",
    "TargetContainerHostname",
    "InferenceComponentName",
    "EnableExplanations",
    "SessionId",
)
SESSION_KEY = "session-key"
_ISSUED = re.compile(rb"<(AccessKeyId|SecretAccessKey|SessionToken)>([^<]+)</")
JSON_TYPE = ("Content-Type", "application/x-amz-json-1.1")


class Application:
    """The application."""

    def __init__(self, aws: LocalAws, moto: Moto, store: Store, snapshots: Snapshots, log: TextIO) -> None:
        self._aws = aws
        self._moto = moto
        self._store = store
        self._snapshots = snapshots
        self._invoker = Invoker(aws)
        self._faults = FaultInjector(Path(aws.state_dir))
        self._log = log
        self._hosts = {aws.endpoint_url.removeprefix("http://"), f"localhost:{aws.endpoint_url.rpartition(':')[2]}"}

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one WSGI request."""
        started = time.perf_counter()
        incoming: IncomingRequest = environ[INCOMING_REQUEST]
        caller = signature.read_claim(incoming.signed)
        call = call_from_headers(caller.service if caller else "", environ)
        try:
            secret = self._admit(environ, incoming, caller)
            assert caller is not None
            body = read_body(environ, incoming, caller, secret)
            if caller.kind == "query" and caller.service != "s3":  # without the header, moto takes the URL for S3's
                environ["HTTP_AUTHORIZATION"] = signature.authorization_header(caller)
            call = parse_call(caller.service, environ, body)
            reply = self._answer_with_faults(call, environ, body, caller)
        except ConnectionLost:
            start_response("500 No Answer", [])
            return _close_connection(environ)
        except AwsError as error:
            reply = error_reply(call.protocol, error)
        except NotImplementedError:
            reply = error_reply(call.protocol, refusal(call.service, call.operation))
        except Exception as error:
            failure = AwsError("InternalFailure", f"{type(error).__name__}: {error}", 500)
            reply = error_reply(call.protocol, failure)
        self._log_call(call, caller, reply, time.perf_counter() - started)
        headers = [(name, value) for name, value in reply.headers if name.lower() != "content-length"]
        headers.append(
            ("Content-Length", str(len(reply.body)) if environ["REQUEST_METHOD"] != "HEAD" else _length(reply))
        )
        start_response(f"{reply.status} {http.client.responses.get(reply.status, '')}", headers)
        if len(reply.body) <= PIECE:
            return [reply.body]
        return (reply.body[at : at + PIECE] for at in range(0, len(reply.body), PIECE))

    def _answer_with_faults(self, call: ApiCall, environ: Environ, body: bytes, caller: Claim) -> Reply:
        """The answer, unless a fault is injected.  The embedded AWS's own calls are exempt from faults."""
        if OWN_CALLS in str(environ.get("HTTP_USER_AGENT") or ""):
            return self._answer(call, environ, body, caller)
        lost = self._faults.before(call.operation, body)
        reply = self._answer(call, environ, body, caller)
        self._faults.after(call.operation, body)
        if lost:
            raise self._faults.lost_answer(call.operation)
        return reply

    def _admit(self, environ: Environ, incoming: IncomingRequest, caller: Claim | None) -> str:
        """The caller's secret key.  Refuses strangers by their headers alone, because callers can run code here."""
        if environ.get("HTTP_HOST") not in self._hosts:
            raise AwsError("AccessDeniedException", "This server accepts requests to its own address only.", 403)
        secret = self._secret_of(caller, incoming.signed) if caller else None
        if caller is None or secret is None:
            why = "" if caller else signature.unsupported_signature(incoming.signed)
            why = why or "The access key is not the one of this embedded AWS."
            raise AwsError("UnrecognizedClientException", why, 403)
        signature.check_headers(caller, incoming.signed)
        signature.check_time(caller, datetime.now(UTC))
        if "\0" in environ["PATH_INFO"]:
            raise AwsError("InvalidURI", "The path of the request contains a NUL character.")
        if environ["PATH_INFO"].startswith("/moto-api"):
            raise AwsError("AccessDeniedException", "moto's own API is not available.", 403)
        return secret

    def _secret_of(self, caller: Claim, request: signature.SignedRequest) -> str | None:
        """The secret of the caller's key: the server's own, or one that its STS issued, which needs its session token.

        ``None`` for any other key.  Raises :class:`AwsError` for a missing or wrong token.
        """
        if caller.key == self._aws.access_key:
            return self._aws.secret_key
        session = self._store.get(SESSION_KEY, "", caller.key)
        if session is None:
            return None
        token, expected = signature.session_token(request), str(session.body.get("token", ""))
        if not expected or not hmac.compare_digest(token.encode(), expected.encode()):
            raise _wrong_token(caller.service, token)
        return str(session.body["secret"])

    def _answer(self, call: ApiCall, environ: Environ, body: bytes, caller: Claim) -> Reply:
        if call.protocol == "json":
            read_json(body)
        if not is_known(call.service) or (call.protocol in NAMES_OPERATION and not is_operation(call, environ)):
            raise _unknown_operation(call)
        refuse_starting_work(call, lambda: members(call, environ, body))
        for answer in (self._answer_by_handlers, self._answer_instead_of_moto):
            reply = answer(call, environ, body, caller)
            if reply is not None:
                return reply
        return self._answer_by_moto(call, environ, body, caller)

    def _answer_by_handlers(self, call: ApiCall, environ: Environ, body: bytes, caller: Claim) -> Reply | None:
        """The answer of an operation that our own code executes or stores; ``None`` when moto answers it."""
        if call.service == "sagemaker":
            return self._answer_sagemaker(call.operation, body, caller)
        if call.service in RUNTIME_HANDLERS:
            return self._answer_runtime(call, environ, body, caller)
        if (call.service, call.operation) == ("sagemaker-runtime", "InvokeEndpoint"):
            refuse_ignored(call.service, call.operation, UNSUPPORTED_MEMBERS, members(call, environ, body))
            return self._invoke_endpoint(unquote(path_labels(call, environ)["EndpointName"]), environ, body, caller)
        if (call.service, call.operation) == ("lambda", "Invoke"):
            return self._invoke_function(unquote(path_labels(call, environ)["FunctionName"]), environ, body, caller)
        if call.service == "emr" and (handler := emr.HANDLERS.get(call.operation)):
            return self._handle("emr", call.operation, handler, body, caller)
        if call.service == "emr" and emr.OWNED.search(call.operation):
            raise refusal("emr", call.operation)
        return None

    def _answer_instead_of_moto(self, call: ApiCall, environ: Environ, body: bytes, caller: Claim) -> Reply | None:
        """The answers of the few operations of other services that moto would answer wrongly, else ``None``."""
        if call == ApiCall("iam", "SimulatePrincipalPolicy", "query"):
            return everything_allowed(body)
        if call == ApiCall("sts", "GetCallerIdentity", "query") and caller.key == self._aws.access_key:
            return caller_identity(self._aws)
        if call == FILTER:
            return filtered_events(self._moto, environ, body)
        if call == GET_RESOURCES:
            return tagged_resources(self._moto, self._store, caller.region, environ, body)
        return listed_versions(environ) if call.service == "s3" else None

    def _answer_by_moto(self, call: ApiCall, environ: Environ, body: bytes, caller: Claim) -> Reply:
        if not has_service(call.service):
            raise refusal(call.service, call.operation)
        refuse_ignored_by_moto(call, lambda: members(call, environ, body))
        if call.service != "s3" and not is_operation(call, environ):
            raise _unknown_operation(call)
        with self._snapshots.lock(caller.service, environ, body) as seed:
            reply = self._call_moto(call, environ, body)
            self._snapshots.save(caller.service, caller.region, environ, body, reply, seed)
        if call.service != "s3" and _is_html_error(reply):  # moto has no route for the path
            raise refusal(call.service, call.operation)
        if call.service == "sagemaker" and reply.status == 200:
            self._store_tags(read_json(body), read_json(reply.body))
        issued = {name.decode(): value.decode() for name, value in _ISSUED.findall(reply.body)}
        if caller.service == "sts" and "SecretAccessKey" in issued:
            session = {"secret": issued["SecretAccessKey"], "token": issued.get("SessionToken", "")}
            self._store.insert(SESSION_KEY, "", issued["AccessKeyId"], session)
        return reply

    def _call_moto(self, call: ApiCall, environ: Environ, body: bytes) -> Reply:
        """moto's answer.  Requests that crash moto (5.2) are refused with 4xx: clients would retry them after a 5xx."""
        if call.service == "s3" and environ["REQUEST_METHOD"] == "POST" and environ.get("QUERY_STRING") == "uploads":
            body = b""  # moto mistakes a CreateMultipartUpload with a body for another operation
        try:
            return self._moto.call(environ, body)
        except NotImplementedError:
            if not is_operation(call, environ):
                raise _unknown_operation(call) from None
            raise
        except Exception as error:
            sys.stderr.write(f"{call.service} {call.operation}: {traceback.format_exc(limit=-3)}\n")
            message = f"The embedded AWS cannot answer this request ({type(error).__name__}: {str(error)[:200]})."
            raise AwsError("ValidationException", f"{message} Check its members; server.err has the details.") from None

    def _store_tags(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Store the tags of a resource that moto created: ListTags reads the tags of all of SageMaker in one place."""
        arn = next((str(value) for key, value in answer.items() if key.endswith("Arn")), "")
        if arn and request.get("Tags"):
            self._store.tag(arn, tags_of(request))

    def _answer_sagemaker(self, operation: str, body: bytes, caller: Claim) -> Reply | None:
        handler = HANDLERS.get(operation)
        if handler is None:
            if is_owned(operation):
                raise refusal("sagemaker", operation)
            return None
        return self._handle("sagemaker", operation, handler, body, caller)

    def _handle(self, service: str, operation: str, handler: Handler, body: bytes, caller: Claim) -> Reply:
        """The answer of one of our own operations; botocore's model checks the request and prunes the answer."""
        request = read_json(body)
        validate(service, operation, request)
        refuse_ignored(service, operation, IGNORED.get(operation, ()), request)
        answer = handler(Context(self._store, self._aws, caller.region), request)
        return Reply(200, [JSON_TYPE], json.dumps(prune(service, operation, answer)).encode())

    def _answer_runtime(self, call: ApiCall, environ: Environ, body: bytes, caller: Claim) -> Reply:
        """The answer of a REST service beside the control plane, which calls an invalid request ``ValidationError``."""
        handler = RUNTIME_HANDLERS[call.service].get(call.operation)
        if handler is None:
            raise refusal(call.service, call.operation)
        request = members(call, environ, body)
        try:
            validate(call.service, call.operation, request)
            answer = handler(Context(self._store, self._aws, caller.region), request)
        except AwsError as error:
            code = "ValidationError" if error.code == "ValidationException" else error.code
            raise AwsError(code, error.message, error.status) from None
        content = json.dumps(prune(call.service, call.operation, answer)).encode()
        return Reply(200, [("Content-Type", "application/json")], content)

    def _invoke_endpoint(self, name: str, environ: Environ, body: bytes, caller: Claim) -> Reply:
        invocation = Invocation(
            name,
            body,
            content_type=environ.get("CONTENT_TYPE") or "application/octet-stream",
            accept=environ.get("HTTP_ACCEPT") or "",
            target_variant=environ.get("HTTP_X_AMZN_SAGEMAKER_TARGET_VARIANT") or "",
            inference_id=environ.get("HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID") or "",
            custom_attributes=environ.get("HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES") or "",
        )
        answer, variant = self._invoker.invoke(Context(self._store, self._aws, caller.region), invocation)
        kind = answer.content_type or "application/octet-stream"
        return Reply(200, [("Content-Type", kind), ("x-Amzn-Invoked-Production-Variant", variant)], answer.content)

    def _invoke_function(self, name: str, environ: Environ, body: bytes, caller: Claim) -> Reply:
        invocation_type = environ.get("HTTP_X_AMZ_INVOCATION_TYPE") or "RequestResponse"
        qualifier = parse_qs(str(environ.get("QUERY_STRING") or "")).get("Qualifier", [None])[0]
        function = functions.find(self._aws, caller.region, name, qualifier)
        if invocation_type == "Event":
            functions.invoke_later(self._aws, function, body)
            return Reply(202, [], b"")
        if invocation_type == "DryRun":
            return Reply(204, [], b"")
        invocation = functions.invoke(self._aws, function, body)
        headers = [("Content-Type", "application/json"), ("X-Amz-Executed-Version", functions.version_of(function))]
        if invocation.error:
            headers.append(("X-Amz-Function-Error", invocation.error))
        if environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail":
            tail = invocation.log.encode()[-functions.LOG_TAIL :]
            headers.append(("X-Amz-Log-Result", base64.b64encode(tail).decode()))
        return Reply(200, headers, invocation.payload)

    def _log_call(self, call: ApiCall, caller: Claim | None, reply: Reply, took_s: float) -> None:
        """Write one log line per request; benchmarks count calls in this log."""
        service = caller.service if caller else "-"
        self._log.write(f"{time.time():.3f} {service} {call.operation} {reply.status} {took_s * 1000:.1f}\n")


def _close_connection(environ: Environ) -> Iterable[bytes]:
    """Close the connection without answering."""
    connection: socket.socket = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):  # the client may have closed it already
        connection.shutdown(socket.SHUT_RDWR)
    return ()


def _wrong_token(service: str, token: str) -> AwsError:
    """AWS's error for a session's key without its token or with a wrong one."""
    if service == "s3" and not token:
        return AwsError("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403)
    if service == "s3":
        return AwsError("InvalidToken", "The provided token is malformed or otherwise invalid.")
    protocol = call_from_headers(service, {"REQUEST_METHOD": "POST"}).protocol
    code = "InvalidClientTokenId" if protocol in ("query", "ec2") else "UnrecognizedClientException"
    return AwsError(code, "The security token included in the request is invalid.", 403)


def _unknown_operation(call: ApiCall) -> AwsError:
    if call.service == "s3":
        return AwsError("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)
    if call.protocol in ("query", "ec2") and ":" in call.operation:
        return AwsError("MissingAction", "The request is missing an action or a required parameter.")
    return AwsError("UnknownOperationException", f"{call.service} has no operation {call.operation[:100]}.")


def _is_html_error(reply: Reply) -> bool:
    """Whether the reply is an HTML error page, which no AWS client can parse."""
    kind = next((value for name, value in reply.headers if name.lower() == "content-type"), "")
    return (
        reply.status in (404, 405) and kind.startswith("text/html") and b"<!doctype html>" in reply.body[:100].lower()
    )


def _length(reply: Reply) -> str:
    return next((value for name, value in reply.headers if name.lower() == "content-length"), str(len(reply.body)))


def create_application(aws: LocalAws, log: TextIO) -> Application:
    """The application for a state folder, with its earlier state restored.  Raises :class:`StateDamaged`."""
    state_dir = Path(aws.state_dir)
    moto = Moto()
    restore_claim = Claim("header", aws.access_key, aws.region, "s3", scope=f"20200101/{aws.region}/s3/aws4_request")
    snapshots = Snapshots(state_dir, moto, signature.authorization_header(restore_claim))
    snapshots.restore()
    with report_damage(state_dir / "store.sqlite"):
        store = Store(state_dir / "store.sqlite")
    threading.Thread(target=drive, args=(store, aws), name="endpoint-updates", daemon=True).start()
    return Application(aws, moto, store, snapshots, log)
