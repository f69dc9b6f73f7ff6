"""moto behind a door of ours: the one module that knows how its server is built, and how it fails."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .state import ACCOUNT

Environ = dict[str, Any]


@dataclass(slots=True)
class Reply:
    """An answer as WSGI gives it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class Moto:
    """moto's WSGI application, called and never shown to a socket."""

    app: Any = None

    def __post_init__(self) -> None:
        self.app = _application()

    def call(self, environ: Environ, body: bytes) -> Reply:
        """The answer to one request.  Raises ``NotImplementedError`` for what moto does not have."""
        started: list[tuple[int, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc: object = None) -> Callable[..., None]:
            started.append((int(status.split(maxsplit=1)[0]), headers))
            return lambda _chunk: None

        given = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        given.pop("HTTP_TRANSFER_ENCODING", None)
        parts: Iterable[bytes] = self.app(given, start_response)
        content = b"".join(parts)
        close = getattr(parts, "close", None)
        if close is not None:
            close()
        status, headers = started[-1]
        return Reply(status, headers, content)


def _application() -> Any:
    # Read when moto is imported: web pages must not be able to call us, and nothing may look for an EC2 machine.
    os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    from moto.server import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)


def lambda_function(account: str, region: str, name: str) -> Any:
    """moto's record of a Lambda function; ``None`` when there is none.

    A private look into moto (5.2): its own Invoke wants a Docker engine.
    """
    from moto.awslambda.models import lambda_backends

    try:
        return lambda_backends[account][region].get_function(name)
    except Exception as error:
        if type(error).__name__ == "UnknownFunctionException":
            return None
        raise


def s3_bucket(name: str) -> Any:
    """moto's record of a bucket; ``None`` when there is none.  Another private look (5.2): at versions of objects."""
    from moto.s3.models import s3_backends

    try:
        return s3_backends[ACCOUNT]["aws"].get_bucket(name)
    except Exception as error:
        if type(error).__name__ == "MissingBucket":
            return None
        raise


def name_version(bucket: str, key: str, version: str) -> None:
    """Give the latest version of an object, or its delete marker, the id that it had before a restart."""
    found = s3_bucket(bucket)
    if found is not None and key in found.keys:
        found.keys[key]._version_id = version
