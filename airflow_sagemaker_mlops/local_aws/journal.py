"""A journal of every successful change to moto's state, except S3's objects; a restart replays it into a new moto.

Each change has a seed from which moto generates its identifiers, so that they are the same after a restart.  Creation
times are those of the last start.  The journal keeps log events and metric data points for two weeks.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .lambda_.functions import short_name
from .moto_backend import WSGI_ENVIRON, Environ, Moto, lambda_function, seeded_identifiers
from .state import ACCOUNT, write_private

NOT_JOURNALED = frozenset({"s3", "sts"})  # S3 has its own store, and the application stores the keys that STS issues
RETENTION_S = 14 * 24 * 3600.0  # CloudWatch Logs accepts events up to this age
_READS = re.compile(r"^(Get|List|Describe|Receive|Head|Simulate|Search|BatchGet|Query|Scan|Filter|Lookup|Test)")
_EXPIRING = re.compile(r"^(PutLogEvents|PutMetricData)$")
# ``sqs_messages`` stores the contents of queues: a message that was sent once must not be sent again at every start.
_NOT_REPLAYED = re.compile(
    r"^(SendMessage|DeleteMessage|ChangeMessageVisibility)(Batch)?$|^(PurgeQueue|PutEvents|Publish(Batch)?)$"
)
_RPC = re.compile(r"^/service/\w+/operation/(\w+)$")
_SAVED_KEYS = (
    "REQUEST_METHOD",
    "PATH_INFO",
    "QUERY_STRING",
    "HTTP_HOST",
    "CONTENT_TYPE",
    "HTTP_X_AMZ_TARGET",
    "HTTP_AUTHORIZATION",
    "HTTP_CONTENT_ENCODING",
    "HTTP_SMITHY_PROTOCOL",
)
_FUNCTIONS = re.compile(r"^/2015-03-31/functions/?(?:([^/]+)/code)?/?$")
_CODE_IN_S3 = ("S3Bucket", "S3Key", "S3ObjectVersion")


def is_read(environ: Environ, body: bytes) -> bool:
    """Whether a request only reads."""
    return environ["REQUEST_METHOD"] in ("GET", "HEAD") or bool(_READS.match(_operation(environ, body)))


def _operation(environ: Environ, body: bytes) -> str:
    """The operation that a request names; empty if only its path shows the operation."""
    target = str(environ.get("HTTP_X_AMZ_TARGET") or "").rpartition(".")[2]
    remote = _RPC.match(str(environ.get("PATH_INFO") or ""))
    match = re.search(rb"(?:^|&)Action=(\w+)", body)
    return target or (remote[1] if remote else match[1].decode() if match else "")


class Journal:
    """One file with one line per change.  Callers hold the service's lock while they record a change."""

    def __init__(self, path: Path, moto: Moto) -> None:
        self._path = path
        self._moto = moto
        self._remove_incomplete_line()

    def _remove_incomplete_line(self) -> None:
        """Remove an incomplete last line of a killed process, which would corrupt the next line."""
        if self._path.exists():
            end = self._path.read_bytes().rfind(b"\n") + 1
            os.truncate(self._path, end)

    def replay(self) -> None:
        """Repeat every change.  Reports changes that fail on stderr and drops those that are too old."""
        if not self._path.exists():
            return
        lines = self._path.read_text(errors="replace").splitlines()
        current = []
        for line in lines:
            try:
                entry = json.loads(line)
                body = base64.b64decode(entry["body"])
                if _EXPIRING.match(_operation(entry["environ"], body)) and entry["at"] < time.time() - RETENTION_S:
                    continue
                current.append(line)
                self._replay(entry, body)
            except Exception as error:
                sys.stderr.write(f"{self._path}: a line cannot be used: {error!r}: {line[:300]}\n")
        if len(current) < len(lines):
            write_private(self._path, "".join(f"{line}\n" for line in current))

    def _replay(self, entry: dict[str, Any], body: bytes) -> None:
        environ = entry["environ"] | WSGI_ENVIRON
        if _NOT_REPLAYED.match(_operation(environ, body)):
            return
        with seeded_identifiers(int(entry.get("seed", 0))):
            reply = self._moto.call(environ, body)
        if reply.status >= 300:
            call = f"{_operation(environ, body) or environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            sys.stderr.write(f"journal: {call} was refused with {reply.status}: {reply.body[:300]!r}\n")

    def append(self, region: str, environ: Environ, body: bytes, seed: int) -> None:
        """Record a change that was made with the identifiers of ``seed``."""
        if _NOT_REPLAYED.match(_operation(environ, body)):
            return
        entry = {
            "environ": {key: environ[key] for key in _SAVED_KEYS if key in environ},
            "body": base64.b64encode(_with_inline_code(region, environ, body)).decode(),
            "seed": seed,
            "at": round(time.time(), 3),
        }
        journal = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(journal, json.dumps(entry).encode() + b"\n")  # one write: only the last line can be incomplete
        finally:
            os.close(journal)


def _with_inline_code(region: str, environ: Environ, body: bytes) -> bytes:
    """The request with a function's code instead of its location in S3, whose contents may change before a replay."""
    match = _FUNCTIONS.match(environ["PATH_INFO"])
    if match is None or environ.get("HTTP_X_AMZ_TARGET"):
        return body
    request = json.loads(body or b"{}")
    code = request if match[1] else request.get("Code") or {}
    if "S3Bucket" not in code:
        return body
    function = lambda_function(ACCOUNT, region, short_name(unquote(match[1] or request["FunctionName"])))
    if function is None:  # a role of another account created it
        return body
    zip_file = {"ZipFile": base64.b64encode(function.code_bytes).decode()}
    new_code = {key: value for key, value in code.items() if key not in _CODE_IN_S3} | zip_file
    return json.dumps(new_code if match[1] else {**request, "Code": new_code}).encode()
