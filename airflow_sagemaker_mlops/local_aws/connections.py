"""The server's side of a connection: limits the size and time of a request before reading it.

The server reads the headers first and refuses strangers at that point.  It reads a body only when the application asks
for it (:class:`IncomingRequest` in the WSGI environment).
"""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from .errors import AwsError
from .signature import SignedRequest

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import WSGIApplication

MAX_CONNECTIONS = 512  # each has a thread; the server closes any further connection at once
HEADERS_S, MAX_HEADERS = 20.0, 128 * 1024
STALL_S = 30.0  # longest pause within a body
BODY_S, SLOWEST = 60.0, 1_000_000  # a body has a minute, plus a second for every SLOWEST bytes received
ANSWER_S = 300.0  # for a client to receive one piece of an answer
DRAIN_S, MAX_DRAINED = 2.0, 1 << 20  # limits of what is read after an answer, so that the client receives it
PIECE = 1 << 20
MAX_LINE, MAX_TRAILERS = 4096, 100
_CHUNK = re.compile(rb"^([0-9A-Fa-f]{1,16})[ \t]*(;[^\r\n]*)?\r?\n$")
INCOMING_REQUEST = "sagemaker_mlops.incoming_request"  # key in the WSGI environment


class LimitedReader(io.RawIOBase):
    """A reader of a socket with a deadline and a limit on the number of bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._ignores_errors = False
        self.allow(HEADERS_S, MAX_HEADERS)

    def allow(self, seconds: float, count: int) -> None:
        """Allow ``count`` more bytes within ``seconds``."""
        self._deadline, self._bytes_left = time.monotonic() + seconds, count

    def drain(self) -> None:
        """From now on, report the end of the stream instead of raising."""
        self._ignores_errors = True
        self.allow(DRAIN_S, MAX_DRAINED)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read some bytes.  Raises ``TimeoutError`` if they do not arrive in time or exceed the limit."""
        remaining = self._deadline - time.monotonic()
        target = memoryview(buffer)[: max(0, self._bytes_left)]
        try:
            if remaining <= 0 or not target:
                raise TimeoutError("the request takes too long or is too large")
            self._connection.settimeout(remaining)
            count = int(self._connection.recv_into(target))
        except OSError:
            if self._ignores_errors:
                return 0
            raise
        self._bytes_left -= count
        return count


class IncomingRequest:
    """The headers of one request as they were sent, and its body on demand."""

    def __init__(self, handler: Handler, send_continue: Callable[[], None] | None) -> None:
        self._handler, self._send_continue = handler, send_continue
        headers: dict[str, str] = {}
        for name, value in handler.headers.items():
            lower, unfolded = name.lower(), value.replace("\r\n", "")
            headers[lower] = f"{headers[lower]},{unfolded}" if lower in headers else unfolded
        self.signed = SignedRequest(handler.command, handler.path, headers)

    def read(self, limit: int) -> bytes:
        """The whole body.  Raises :class:`AwsError` if it is malformed, larger than ``limit`` bytes or too slow."""
        headers = self.signed.headers
        coding, length = headers.get("transfer-encoding", "").strip().lower(), headers.get("content-length")
        if coding and (coding != "chunked" or length is not None):
            raise AwsError("InvalidRequest", "A body must be sent either in chunks or with a Content-Length.")
        if length is not None and not (length.isascii() and length.isdigit() and len(length) < 16):
            raise AwsError("InvalidRequest", f"The Content-Length {length[:40]!r} is not a length.")
        if not coding and int(length or 0) == 0:
            return b""
        if int(length or 0) > limit:
            raise _too_large(limit)
        if self._send_continue is not None:
            self._send_continue()
        try:
            body = bytearray()
            started = time.monotonic()
            if coding:
                self._read_chunks(body, limit, started)
            else:
                self._read_exactly(body, int(length or 0), started)
            return bytes(body)
        except TimeoutError:
            raise AwsError("RequestTimeout", "The body of the request did not arrive in time.") from None
        except OSError as error:
            raise AwsError("IncompleteBody", f"The body of the request is incomplete: {error}") from None

    def _read_exactly(self, body: bytearray, count: int, started: float) -> None:
        """Add exactly ``count`` bytes; memory grows with the bytes received, never with the announced length."""
        rfile, reader = self._handler.rfile, self._handler.reader
        while count:
            remaining = started + BODY_S + len(body) / SLOWEST - time.monotonic()
            reader.allow(min(STALL_S, remaining), PIECE)
            piece = rfile.read1(min(count, PIECE))
            if not piece:
                raise AwsError("IncompleteBody", "The body of the request is shorter than its stated length.")
            body += piece
            count -= len(piece)

    def _read_chunks(self, body: bytearray, limit: int, started: float) -> None:
        while (size := self._size()) > 0:
            if len(body) + size > limit:
                raise _too_large(limit)
            self._read_exactly(body, size, started)
            if self._line() not in (b"\r\n", b"\n"):
                raise AwsError("InvalidRequest", "A chunk of the body is longer than its stated length.")
        for _ in range(MAX_TRAILERS):
            if self._line() in (b"\r\n", b"\n", b""):
                return
        raise AwsError("InvalidRequest", "The body of the request has too many trailers.")

    def _size(self) -> int:
        match = _CHUNK.match(self._line())
        if match is None:
            raise AwsError("InvalidRequest", "A chunk of the body does not begin with its length.")
        return int(match[1], 16)

    def _line(self) -> bytes:
        self._handler.reader.allow(STALL_S, PIECE)
        return bytes(self._handler.rfile.readline(MAX_LINE))


def _too_large(limit: int) -> AwsError:
    return AwsError("EntityTooLarge", f"The body of the request is larger than {limit} bytes.", 413)


class Handler(MotoRequestHandler):  # type: ignore[misc]
    """werkzeug's handler with limits; moto's subclass of it keeps underscores in the names of S3 metadata."""

    protocol_version = "HTTP/1.1"
    reader: LimitedReader
    rfile: io.BufferedReader

    def setup(self) -> None:
        """Read from the socket through :class:`LimitedReader`."""
        super().setup()
        self.rfile.close()
        self.reader = LimitedReader(self.connection)
        self.rfile = io.BufferedReader(self.reader, 1 << 16)

    def handle_expect_100(self) -> bool:
        """Send ``100 Continue`` only when the body is read."""
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Report an unreadable request as a client error (4xx): http.server answers some of them with 501 and 505."""
        self.request_version = self.protocol_version  # http.server answers an unreadable request in HTTP/0.9
        BaseHTTPRequestHandler.send_error(self, code if code < 500 else 400, message, explain)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send the status line; from here on, read only as much of the request as lets the client see the answer."""
        self.reader.drain()
        self.connection.settimeout(ANSWER_S)
        super().send_response(code, message)

    def run_wsgi(self) -> None:
        """Refuse a target that is not a URL; leave everything else to the application."""
        self.expects = self.headers.get("Expect", "").strip().lower() == "100-continue"
        del self.headers["Expect"]
        try:
            urlsplit(self.path)
        except ValueError:
            self.send_error(400, "The target of the request is not a URL")
            return
        super().run_wsgi()

    def make_environ(self) -> dict[str, Any]:
        """The WSGI environment, with an :class:`IncomingRequest` for the body."""
        environ: dict[str, Any] = super().make_environ()
        environ["wsgi.input"] = io.BytesIO()
        environ[INCOMING_REQUEST] = IncomingRequest(self, self._continue if self.expects else None)
        return environ

    def _continue(self) -> None:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def log(self, type: str, message: str, *args: object) -> None:
        """Log nothing: the application logs requests."""


class Server(ThreadedWSGIServer):
    """An HTTP server with one thread per connection and a limit on their number."""

    daemon_threads = True

    def __init__(self, port: int, app: WSGIApplication) -> None:
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__("127.0.0.1", port, app, Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Serve a connection in a thread, or close it if too many are open."""
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._slots.release()
            raise

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Serve one connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore broken connections; log any other error in one line."""
        import sys

        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            sys.stderr.write(f"a connection failed: {type(error).__name__}: {error}\n")
