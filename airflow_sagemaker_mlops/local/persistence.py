"""Keeping what moto holds in memory: S3 objects as files, other services' changes as a journal that is replayed.

An object is a content-addressed file and a row with its headers.  The journal holds every successful change to a few
small control planes; reads are not written.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import threading
from pathlib import Path
from urllib.parse import quote

from .moto_app import Environ, Moto, Reply

JOURNALED = frozenset({"lambda", "iam", "sqs", "events"})
_READS = re.compile(r"^(Get|List|Describe|Receive|Head|Simulate)")
_KEPT_HEADERS = ("CONTENT_TYPE", "HTTP_X_AMZ_TARGET", "HTTP_AUTHORIZATION", "HTTP_CONTENT_ENCODING")
_OBJECT_HEADERS = re.compile(r"^(content-type|content-encoding|cache-control|x-amz-meta-.*)$", re.IGNORECASE)


class Keeper:
    """Writes through what succeeded, and plays it back into a new moto."""

    def __init__(self, state_dir: Path, moto: Moto, authorization: str) -> None:
        self._moto = moto
        self._authorization = authorization
        self._blobs = state_dir / "s3"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._journal = state_dir / "journal.jsonl"
        self._lock = threading.Lock()
        self._db = sqlite3.connect(state_dir / "s3.sqlite", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS objects (path TEXT PRIMARY KEY, sha TEXT, headers TEXT) WITHOUT ROWID"
        )

    # -- playing back

    def restore(self) -> None:
        """Give moto back everything that was kept."""
        if self._journal.exists():
            for line in self._journal.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:  # the last line of a process that was killed
                    continue
                self._moto.call(entry["environ"] | _WSGI, base64.b64decode(entry["body"]))
        buckets = self._db.execute("SELECT path, sha, headers FROM objects ORDER BY sha IS NOT NULL, path").fetchall()
        for path, sha, headers in buckets:
            body = b"" if sha is None else (self._blobs / sha[:2] / sha).read_bytes()
            self._moto.call(self._environ("PUT", path, json.loads(headers)), body)

    def _environ(self, method: str, path: str, headers: dict[str, str]) -> Environ:
        environ: Environ = {
            **_WSGI,
            "REQUEST_METHOD": method,
            "PATH_INFO": path.encode().decode("latin1"),
            "RAW_URI": quote(path),
            "QUERY_STRING": "",
            "HTTP_AUTHORIZATION": self._authorization,
            "HTTP_HOST": "127.0.0.1",
        }
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        return environ

    # -- keeping

    def keep(self, service: str, environ: Environ, body: bytes, reply: Reply) -> None:
        """Look at a request that moto answered, and write down what it changed."""
        if not 200 <= reply.status < 300:
            return
        if service == "s3":
            self._keep_s3(environ, body)
        elif service in JOURNALED and not self._is_read(environ, body):
            self._keep_change(environ, body)

    @staticmethod
    def _is_read(environ: Environ, body: bytes) -> bool:
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return True
        target = str(environ.get("HTTP_X_AMZ_TARGET") or "").rpartition(".")[2]
        match = re.search(rb"(?:^|&)Action=(\w+)", body)
        return bool(_READS.match(target or (match[1].decode() if match else "")))

    def _keep_change(self, environ: Environ, body: bytes) -> None:
        kept = {
            key: environ[key]
            for key in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_HOST", *_KEPT_HEADERS)
            if key in environ
        }
        line = json.dumps({"environ": kept, "body": base64.b64encode(body).decode()})
        with self._lock, self._journal.open("a") as out:
            out.write(line + "\n")

    def _keep_s3(self, environ: Environ, body: bytes) -> None:
        method, query = environ["REQUEST_METHOD"], str(environ.get("QUERY_STRING") or "")
        # WSGI has percent-decoded the path already, and handed it over as Latin-1.
        path = environ["PATH_INFO"].encode("latin1").decode("utf-8", "surrogateescape")
        bucket, _, key = path.lstrip("/").partition("/")
        if method == "POST" and re.match(r"delete\b", query):
            for name in re.findall(rb"<Key>(.*?)</Key>", body, re.DOTALL):
                self._forget(f"/{bucket}/{_unescape(name.decode())}")
        elif method == "DELETE" and not query.startswith(("uploadId", "tagging", "policy")):
            self._forget(path if key else f"/{bucket}")
        elif method == "PUT" and not key:
            if not query:
                self._remember(f"/{bucket}", None, {})
        elif (method == "PUT" and not _is_sub_resource(query)) or (method == "POST" and "uploadId=" in query):
            self._fetch(path)

    def _fetch(self, path: str) -> None:
        """Read the object back out of moto: copies and multipart uploads come together only there."""
        reply = self._moto.call(self._environ("GET", path, {}), b"")
        if reply.status != 200:
            return
        sha = hashlib.sha256(reply.body).hexdigest()
        blob = self._blobs / sha[:2] / sha
        if not blob.exists():
            blob.parent.mkdir(exist_ok=True)
            temporary = blob.with_suffix(f".{threading.get_ident()}")
            temporary.write_bytes(reply.body)
            temporary.replace(blob)
        self._remember(path, sha, {name: value for name, value in reply.headers if _OBJECT_HEADERS.match(name)})

    def _remember(self, path: str, sha: str | None, headers: dict[str, str]) -> None:
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (path, sha, json.dumps(headers)))

    def _forget(self, path: str) -> None:
        with self._lock:
            self._db.execute("DELETE FROM objects WHERE path = ?", (path,))


def _is_sub_resource(query: str) -> bool:
    """Whether a PUT is about something else than the object: a part, tags, an ACL."""
    return bool(re.match(r"(partNumber|tagging|acl|retention|legal-hold|uploadId)\b", query)) or "uploadId=" in query


def _unescape(text: str) -> str:
    from xml.sax.saxutils import unescape

    return unescape(text, {"&quot;": '"', "&apos;": "'"})


_WSGI: Environ = {
    "wsgi.url_scheme": "http",
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SCRIPT_NAME": "",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_HOST": "127.0.0.1",
}
