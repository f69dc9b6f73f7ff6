"""moto behind a door of ours: the one module that knows how its server is built, and how it fails."""

from __future__ import annotations

import functools
import io
import os
import random
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from .state import ACCOUNT
from .validation import validate_passed_on

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
        """The answer to one request.

        Raises ``NotImplementedError`` for what moto does not have, and :class:`.errors.AwsError` for a request that
        botocore's model of the operation refuses.
        """
        validate_passed_on(str(environ.get("HTTP_X_AMZ_TARGET") or ""), body)
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
    from moto.moto_server.werkzeug_app import BackendRequest
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.datastructures import ImmutableMultiDict

    class Whole(BackendRequest):  # type: ignore[misc]
        """S3's requests: what is put is an object, also when its content type is a form's.

        moto (5.2) reads such a body as the fields of a form, and keeps an empty object.
        """

        @property
        def want_form_data_parsed(self) -> bool:
            return self.method == "POST" and self.mimetype == "multipart/form-data" and not self.args

        @property
        def data(self) -> Any:
            return super().data if self.want_form_data_parsed else self.get_data(parse_form_data=False)

        @property
        def form(self) -> Any:
            return super().form if self.want_form_data_parsed else ImmutableMultiDict()

        @property
        def files(self) -> Any:
            return super().files if self.want_form_data_parsed else ImmutableMultiDict()

    def backend(service: Any) -> Any:
        app = create_backend_app(service)
        if service == "s3":
            app.request_class = Whole
        return app

    return DomainDispatcherApplication(backend)


class _Dice(threading.local):
    """What one thread's identifiers in moto are made of."""

    def __init__(self) -> None:
        self.random: random.Random = random.SystemRandom()


_DICE = _Dice()


def _bits(count: int) -> int:
    return _DICE.random.getrandbits(count)


def _fraction() -> float:
    return _DICE.random.random()


@contextmanager
def identifiers_of(seed: int) -> Iterator[None]:
    """Let moto (5.2) make the same identifiers for the same ``seed``, in this thread and as long as this lasts.

    A private look: all of them come from one object, which has no seed of a thread.
    """
    from moto.moto_api._internal import mock_random

    mock_random.getrandbits, mock_random.random = _bits, _fraction
    before, _DICE.random = _DICE.random, random.Random(seed)
    try:
        yield
    finally:
        _DICE.random = before


@functools.cache
def _folders() -> frozenset[str]:
    from moto.backends import list_of_moto_modules

    return frozenset(name.replace("_", "") for name in list_of_moto_modules())


def is_served(service: str) -> bool:
    """Whether moto has the service of that name in botocore; asked for another one it fails in ways of its own."""
    return service == "lambda" or service.replace("-", "") in _folders()


@functools.cache
def hide_tags_of_sagemaker() -> None:
    """Keep moto's tagging API away from its own SageMaker: it fails at model cards (5.2); tags are kept here."""
    from moto.sagemaker.models import SageMakerModelBackend

    SageMakerModelBackend.iter_tagged_resources = lambda _self: iter(())


def lambda_function(account: str, region: str, name: str, qualifier: str | None = None) -> Any:
    """moto's record of a Lambda function, or of its version or alias ``qualifier``; ``None`` when there is none.

    A private look into moto (5.2): its own Invoke wants a Docker engine.
    """
    from moto.awslambda.models import lambda_backends

    try:
        return lambda_backends[account][region].get_function(name, qualifier)
    except Exception as error:
        if type(error).__name__ in ("UnknownFunctionException", "UnknownAliasException"):
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


def name_version(bucket: str, key: str, version: str, etag: str) -> None:
    """Give the latest version of an object, or its delete marker, the id and the ETag that it had before a restart."""
    found = s3_bucket(bucket)
    if found is None or key not in found.keys:
        return
    if version:
        found.keys[key]._version_id = version
    if etag:
        found.keys[key]._etag = etag


def latest_version(bucket: str, key: str) -> str:
    """The id of the latest version of an object, or of its delete marker; empty when there is none."""
    found = s3_bucket(bucket)
    return str(found.keys[key].version_id) if found is not None and key in found.keys else ""


@dataclass(frozen=True, slots=True)
class Queued:
    """A message in a queue.

    sent      epoch milliseconds
    members   its other attributes in moto
    """

    id: str
    region: str
    queue: str
    sent: int
    members: dict[str, Any]


_MESSAGE_MEMBERS = (
    "body",
    "message_attributes",
    "system_attributes",
    "deduplication_id",
    "group_id",
    "sequence_number",
)


def queued_messages() -> Iterator[tuple[str, Callable[[], Queued]]]:
    """The id of every message that was not deleted, and how to have the rest of it.

    A private look into moto (5.2): receiving them would hide them.
    """
    if "moto.sqs.models" not in sys.modules:  # moto loads a service when it is first asked
        return
    from moto.sqs.models import sqs_backends

    for region, backend in list(sqs_backends[ACCOUNT].items()):
        for name, queue in list(backend.queues.items()):
            for message in list(queue._messages):
                yield message.id, partial(_queued, region, name, message)


def _queued(region: str, queue: str, message: Any) -> Queued:
    members = {member: getattr(message, member) for member in _MESSAGE_MEMBERS}
    return Queued(message.id, region, queue, int(message.sent_timestamp), members)


def queue_message(message: Queued) -> None:
    """Put a message back, past moto's look for duplicates; one of a queue that is not there is dropped."""
    from moto.sqs.models import Message, sqs_backends

    queue = sqs_backends[ACCOUNT][message.region].queues.get(message.queue)
    if queue is None:
        return
    made = Message(message.id, message.members["body"])
    for member in _MESSAGE_MEMBERS:
        setattr(made, member, message.members[member])
    made.sent_timestamp = message.sent
    queue._messages.append(made)


WSGI: Environ = {
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
