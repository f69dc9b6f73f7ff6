"""Keeping what moto holds in memory: S3 objects as files, other services' changes as a journal that is replayed.

An object is a content-addressed file and a row with its headers, in a bucket with versions one row a version.  The
journal holds every successful change to a few small control planes; reads are not written.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import threading
from pathlib import Path
from urllib.parse import parse_qs, quote

from .moto_app import Environ, Moto, Reply, name_version

JOURNALED = frozenset({"lambda", "iam", "sqs", "events"})
_READS = re.compile(r"^(Get|List|Describe|Receive|Head|Simulate)")
_KEPT_HEADERS = ("CONTENT_TYPE", "HTTP_X_AMZ_TARGET", "HTTP_AUTHORIZATION", "HTTP_CONTENT_ENCODING")
_TABLES = """
CREATE TABLE IF NOT EXISTS objects (path TEXT PRIMARY KEY, sha TEXT, headers TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versioning (bucket TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (seq INTEGER PRIMARY KEY, path TEXT, version TEXT, sha TEXT, headers TEXT);
CREATE INDEX IF NOT EXISTS versions_by_path ON versions (path, version);
"""
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
        self._db.executescript(_TABLES)

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
            self._moto.call(self._environ("PUT", path, json.loads(headers)), self._body(sha))
        for bucket, body in self._db.execute("SELECT bucket, body FROM versioning").fetchall():
            self._moto.call(self._environ("PUT", f"/{bucket}", {}, "versioning"), body)
        rows = self._db.execute("SELECT path, version, sha, headers FROM versions ORDER BY seq").fetchall()
        for path, version, sha, headers in rows:
            method = "DELETE" if sha is None else "PUT"  # a delete marker is a version, too
            self._moto.call(self._environ(method, path, json.loads(headers)), self._body(sha))
            bucket, _, key = path.lstrip("/").partition("/")
            if version:
                name_version(bucket, key, version)

    def _body(self, sha: str | None) -> bytes:
        return b"" if sha is None else (self._blobs / sha[:2] / sha).read_bytes()

    def _environ(self, method: str, path: str, headers: dict[str, str], query: str = "") -> Environ:
        environ: Environ = {
            **_WSGI,
            "REQUEST_METHOD": method,
            "PATH_INFO": path.encode().decode("latin1"),
            "RAW_URI": quote(path) + (f"?{query}" if query else ""),
            "QUERY_STRING": query,
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
            self._keep_s3(environ, body, _version_of(reply))
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

    def _keep_s3(self, environ: Environ, body: bytes, version: str) -> None:
        method, query = environ["REQUEST_METHOD"], str(environ.get("QUERY_STRING") or "")
        # WSGI has percent-decoded the path already, and handed it over as Latin-1.
        path = environ["PATH_INFO"].encode("latin1").decode("utf-8", "surrogateescape")
        bucket, _, key = path.lstrip("/").partition("/")
        if method == "POST" and re.match(r"delete\b", query):
            for item in re.findall(rb"<Object>(.*?)</Object>", body, re.DOTALL):
                self._forget_object(bucket, _unescape(_member(item, b"Key")), _member(item, b"VersionId"), "")
        elif method == "DELETE" and not query.startswith(("uploadId", "tagging", "policy")):
            if key:
                self._forget_object(bucket, key, parse_qs(query).get("versionId", [""])[0], version)
            else:
                self._forget_bucket(bucket)
        elif method == "PUT" and not key:
            if not query:
                self._remember(f"/{bucket}", None, {})
            elif re.match(r"versioning\b", query):
                with self._lock:
                    self._db.execute("INSERT OR REPLACE INTO versioning VALUES (?, ?)", (bucket, body))
        elif (method == "PUT" and not _is_sub_resource(query)) or (method == "POST" and "uploadId=" in query):
            self._fetch(path, version)

    def _fetch(self, path: str, version: str) -> None:
        """Read the object back out of moto: copies and multipart uploads come together only there."""
        reply = self._moto.call(self._environ("GET", path, {}, f"versionId={version}" if version else ""), b"")
        if reply.status != 200:
            return
        sha = hashlib.sha256(reply.body).hexdigest()
        blob = self._blobs / sha[:2] / sha
        if not blob.exists():
            blob.parent.mkdir(exist_ok=True)
            temporary = blob.with_suffix(f".{threading.get_ident()}")
            temporary.write_bytes(reply.body)
            temporary.replace(blob)
        headers = {name: value for name, value in reply.headers if _OBJECT_HEADERS.match(name)}
        if version:
            self._add_version(path, version, sha, headers)
        else:
            self._remember(path, sha, headers)

    def _remember(self, path: str, sha: str | None, headers: dict[str, str]) -> None:
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (path, sha, json.dumps(headers)))

    def _add_version(self, path: str, version: str, sha: str | None, headers: dict[str, str]) -> None:
        row = (path, version, sha, json.dumps(headers))
        with self._lock:
            self._db.execute("INSERT INTO versions (path, version, sha, headers) VALUES (?, ?, ?, ?)", row)

    def _forget_object(self, bucket: str, key: str, version: str, marker: str) -> None:
        """An object that was deleted: one ``version`` for good, or by a ``marker`` where the bucket has versions."""
        path = f"/{bucket}/{key}"
        with self._lock:
            versioned = self._db.execute("SELECT 1 FROM versioning WHERE bucket = ?", (bucket,)).fetchone()
        if versioned and not version:
            self._add_version(path, marker, None, {})
            return
        with self._lock:
            if not version or version == "null":
                self._db.execute("DELETE FROM objects WHERE path = ?", (path,))
            else:
                self._db.execute("DELETE FROM versions WHERE path = ? AND version = ?", (path, version))

    def _forget_bucket(self, bucket: str) -> None:
        with self._lock:
            self._db.execute("DELETE FROM objects WHERE path = ?", (f"/{bucket}",))
            self._db.execute("DELETE FROM versioning WHERE bucket = ?", (bucket,))
            self._db.execute("DELETE FROM versions WHERE substr(path, 1, ?) = ?", (len(bucket) + 2, f"/{bucket}/"))


def _is_sub_resource(query: str) -> bool:
    """Whether a PUT is about something else than the object: a part, tags, an ACL."""
    return bool(re.match(r"(partNumber|tagging|acl|retention|legal-hold|uploadId)\b", query)) or "uploadId=" in query


def _version_of(reply: Reply) -> str:
    """The version that a request made; empty in a bucket without versions."""
    version = next((value for name, value in reply.headers if name.lower() == "x-amz-version-id"), "")
    return "" if version == "null" else version


def _member(item: bytes, name: bytes) -> str:
    found = re.search(rb"<%b>(.*?)</%b>" % (name, name), item, re.DOTALL)
    return found[1].decode() if found else ""


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
