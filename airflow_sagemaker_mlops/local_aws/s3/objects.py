"""Stores the S3 objects that moto holds in memory as files, and restores them.

An object is a content-addressed file and a row with its headers; a bucket with versioning has one row per version.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import sys
import threading
from pathlib import Path
from urllib.parse import parse_qs, quote

from ..moto_backend import WSGI_ENVIRON, Environ, Moto, Reply, latest_version, restore_version

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (path TEXT PRIMARY KEY, sha TEXT, headers TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versioning (bucket TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (seq INTEGER PRIMARY KEY, path TEXT, version TEXT, sha TEXT, headers TEXT);
CREATE INDEX IF NOT EXISTS versions_by_path ON versions (path, version);
"""
_OBJECT_HEADERS = re.compile(r"^(content-type|content-encoding|cache-control|etag|x-amz-meta-.*)$", re.IGNORECASE)
# Query parameters of a PUT that does not store a whole object.
_SUB_RESOURCES = frozenset({"partNumber", "tagging", "acl", "retention", "legal-hold", "uploadId"})
_SIGNATURE = frozenset({"AWSAccessKeyId", "Signature", "Expires"})  # of presigned URLs, besides those named x-amz-*
_ENABLED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


class Objects:
    """The buckets of one state folder.  Callers hold the bucket's lock while they store a change."""

    def __init__(self, state_dir: Path, moto: Moto, authorization: str) -> None:
        self._moto = moto
        self._authorization = authorization
        self._blobs = state_dir / "s3"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(state_dir / "s3.sqlite", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)

    # -- restoring

    def restore(self) -> None:
        """Restore all buckets and objects into moto."""
        for path, sha, headers in self._db.execute(
            "SELECT path, sha, headers FROM objects ORDER BY sha IS NOT NULL, path"
        ).fetchall():
            self._restore_object("PUT", path, "", sha, json.loads(headers))
        versioning = self._db.execute("SELECT bucket, body FROM versioning").fetchall()
        for bucket, _ in versioning:  # including buckets whose versioning is suspended: they have earlier versions
            self._moto.call(self._environ("PUT", f"/{bucket}", {}, "versioning"), _ENABLED)
        rows = self._db.execute("SELECT path, version, sha, headers FROM versions ORDER BY seq").fetchall()
        for path, version, sha, headers in rows:
            method = "DELETE" if sha is None else "PUT"  # a delete marker is a version, too
            self._restore_object(method, path, version, sha, json.loads(headers))
        for bucket, body in versioning:
            self._moto.call(self._environ("PUT", f"/{bucket}", {}, "versioning"), body)

    def _restore_object(self, method: str, path: str, version: str, sha: str | None, headers: dict[str, str]) -> None:
        """Restore one object or version with its id and ETag; the ETag of a multipart upload depends on its parts."""
        etag = headers.pop("etag", "")
        try:
            body = self._body(sha)
        except OSError as error:
            sys.stderr.write(f"{error.filename}: the content of the object {path} is missing, so the object is lost\n")
            return
        self._moto.call(self._environ(method, path, headers), body)
        bucket, _, key = path.lstrip("/").partition("/")
        restore_version(bucket, key, version, etag.strip('"'))

    def _body(self, sha: str | None) -> bytes:
        return b"" if sha is None else (self._blobs / sha[:2] / sha).read_bytes()

    def _environ(self, method: str, path: str, headers: dict[str, str], query: str = "") -> Environ:
        environ: Environ = {
            **WSGI_ENVIRON,
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

    # -- storing

    def save(self, environ: Environ, body: bytes, reply: Reply) -> None:
        """Store the change that a request answered by moto has made."""
        method, query, version = environ["REQUEST_METHOD"], _query(environ), _version_of(reply)
        bucket, key = _bucket_and_key(environ)
        if method == "POST" and "delete" in query:
            for item in re.findall(rb"<Object>(.*?)</Object>", body, re.DOTALL):
                self._save_deletion(bucket, _unescape(_member(item, b"Key")), _member(item, b"VersionId"), "")
        elif method == "DELETE":
            if key and query.keys() <= {"versionId"}:
                self._save_deletion(bucket, key, query.get("versionId", ""), version)
            elif not key and not query:  # with a query it deletes a setting of the bucket
                self._delete_bucket(bucket)
        elif method == "PUT" and not key:
            if not query:
                self._save_object(f"/{bucket}", None, {})
            elif "versioning" in query:
                with self._lock:
                    self._db.execute("INSERT OR REPLACE INTO versioning VALUES (?, ?)", (bucket, body))
        elif (method == "PUT" and not query.keys() & _SUB_RESOURCES) or (method == "POST" and "uploadId" in query):
            self._save_from_moto(f"/{bucket}/{key}", version)

    def _save_from_moto(self, path: str, version: str) -> None:
        """Read the object from moto, which assembles copies and multipart uploads, and store it."""
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
        headers = {name.lower(): value for name, value in reply.headers if _OBJECT_HEADERS.match(name)}
        if version:
            self._add_version(path, version, sha, headers)
        else:
            self._save_object(path, sha, headers)

    def _save_object(self, path: str, sha: str | None, headers: dict[str, str]) -> None:
        """Store an object without a version; while versioning is suspended, moto (5.2) drops earlier versions."""
        with self._lock:
            self._db.execute("DELETE FROM versions WHERE path = ?", (path,))
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (path, sha, json.dumps(headers)))

    def _add_version(self, path: str, version: str, sha: str | None, headers: dict[str, str]) -> None:
        row = (path, version, sha, json.dumps(headers))
        with self._lock:
            self._db.execute("INSERT INTO versions (path, version, sha, headers) VALUES (?, ?, ?, ?)", row)

    def _save_deletion(self, bucket: str, key: str, version: str, marker: str) -> None:
        """Store a deletion: of one ``version`` for good, or by a delete ``marker`` if the bucket has versioning."""
        path = f"/{bucket}/{key}"
        with self._lock:
            row = self._db.execute("SELECT body FROM versioning WHERE bucket = ?", (bucket,)).fetchone()
        makes_versions = row is not None and b"Enabled" in row[0]
        if makes_versions and not version:
            self._add_version(path, marker or latest_version(bucket, key), None, {})
            return
        with self._lock:
            if not makes_versions or version == "null":
                self._db.execute("DELETE FROM objects WHERE path = ?", (path,))
            if not makes_versions:  # moto (5.2) drops all versions while versioning is suspended
                self._db.execute("DELETE FROM versions WHERE path = ?", (path,))
            else:
                self._db.execute("DELETE FROM versions WHERE path = ? AND version = ?", (path, version))

    def _delete_bucket(self, bucket: str) -> None:
        with self._lock:
            self._db.execute("DELETE FROM objects WHERE path = ?", (f"/{bucket}",))
            self._db.execute("DELETE FROM versioning WHERE bucket = ?", (bucket,))
            self._db.execute("DELETE FROM versions WHERE substr(path, 1, ?) = ?", (len(bucket) + 2, f"/{bucket}/"))


def bucket_changed_by(environ: Environ) -> str | None:
    """The bucket whose content a request may change; ``None`` for reads and for parts of an upload."""
    if environ["REQUEST_METHOD"] in ("GET", "HEAD") or "partNumber" in _query(environ):
        return None
    return _bucket_and_key(environ)[0]


def _bucket_and_key(environ: Environ) -> tuple[str, str]:
    # WSGI has percent-decoded the path and decoded the bytes as Latin-1.
    path = environ["PATH_INFO"].encode("latin1").decode("utf-8", "surrogateescape")
    bucket, _, key = path.lstrip("/").partition("/")
    return bucket, key


def _query(environ: Environ) -> dict[str, str]:
    """The query without the signature of a presigned URL and without the redundant ``x-id`` of some SDKs."""
    query = parse_qs(str(environ.get("QUERY_STRING") or ""), keep_blank_values=True)
    return {
        name: values[0]
        for name, values in query.items()
        if name not in _SIGNATURE and name != "x-id" and not name.lower().startswith("x-amz-")
    }


def _version_of(reply: Reply) -> str:
    """The version that a request created; empty in a bucket without versioning."""
    version = next((value for name, value in reply.headers if name.lower() == "x-amz-version-id"), "")
    return "" if version == "null" else version


def _member(item: bytes, name: bytes) -> str:
    found = re.search(rb"<%b>(.*?)</%b>" % (name, name), item, re.DOTALL)
    return found[1].decode() if found else ""


def _unescape(text: str) -> str:
    from xml.sax.saxutils import unescape

    return unescape(text, {"&quot;": '"', "&apos;": "'"})
