"""Wraps moto: the only module that knows how moto's server is built and how it fails."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import random
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .state import ACCOUNT
from .validation import validate_passed_on

if TYPE_CHECKING:
    from moto.sqs.models import Message

Environ = dict[str, Any]


@dataclass(slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class Moto:
    """moto's WSGI application, called in process and never bound to a socket."""

    app: Any = None

    def __post_init__(self) -> None:
        self.app = _application()

    def call(self, environ: Environ, body: bytes) -> Reply:
        """The answer to one request.

        Raises ``NotImplementedError`` for an operation that moto lacks, and :class:`.errors.AwsError` for a request
        that botocore's model of the operation rejects.
        """
        validate_passed_on(str(environ.get("HTTP_X_AMZ_TARGET") or ""), body)
        responses: list[tuple[int, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc: object = None) -> Callable[..., None]:
            responses.append((int(status.split(maxsplit=1)[0]), headers))
            return lambda _chunk: None

        forwarded = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        forwarded.pop("HTTP_TRANSFER_ENCODING", None)
        parts: Iterable[bytes] = self.app(forwarded, start_response)
        content = b"".join(parts)
        close = getattr(parts, "close", None)
        if close is not None:
            close()
        status, headers = responses[-1]
        return Reply(status, headers, content)


def _application() -> Any:
    # moto reads these on import: web pages must not be able to call us, and nothing may look for an EC2 instance.
    os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    from moto.moto_server.werkzeug_app import BackendRequest
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.datastructures import ImmutableMultiDict

    class S3Request(BackendRequest):  # type: ignore[misc]
        """A request to S3: the body of a PUT is an object even if its content type is that of a form.

        moto (5.2) parses such a body as form fields and stores an empty object.
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

    def backend(service: object) -> Any:
        app = create_backend_app(service)
        if service == "s3":
            app.request_class = S3Request
        return app

    return DomainDispatcherApplication(backend)


class _ThreadRandom(threading.local):
    """The source of randomness for the identifiers that moto generates in one thread."""

    def __init__(self) -> None:
        self.random: random.Random = random.SystemRandom()


_RANDOM = _ThreadRandom()


def _random_bits(count: int) -> int:
    return _RANDOM.random.getrandbits(count)


def _random_float() -> float:
    return _RANDOM.random.random()


@contextmanager
def seeded_identifiers(seed: int) -> Iterator[None]:
    """Make moto (5.2) generate the same identifiers for the same ``seed``, in this thread and inside this context.

    Uses moto's private API: one global object generates all identifiers and has no seed per thread.
    """
    from moto.moto_api._internal import mock_random

    mock_random.getrandbits, mock_random.random = _random_bits, _random_float
    previous, _RANDOM.random = _RANDOM.random, random.Random(seed)
    try:
        yield
    finally:
        _RANDOM.random = previous


@functools.cache
def _service_folders() -> frozenset[str]:
    from moto.backends import list_of_moto_modules

    return frozenset(name.replace("_", "") for name in list_of_moto_modules())


def has_service(service: str) -> bool:
    """Whether moto has the service that botocore calls ``service``; for any other service moto fails unpredictably."""
    return service == "lambda" or service.replace("-", "") in _service_folders()


@functools.cache
def hide_tags_of_sagemaker() -> None:
    """Exclude moto's own SageMaker from its tagging API, which fails on model cards (5.2); our store has the tags."""
    from moto.sagemaker.models import SageMakerModelBackend

    SageMakerModelBackend.iter_tagged_resources = lambda _self: iter(())


def lambda_function(account: str, region: str, name: str, qualifier: str | None = None) -> Any:
    """moto's record of a Lambda function, or of its version or alias ``qualifier``; ``None`` if there is none.

    Uses moto's private API (5.2): its own Invoke needs a Docker engine.
    """
    from moto.awslambda.models import lambda_backends

    try:
        return lambda_backends[account][region].get_function(name, qualifier)
    except Exception as error:
        if type(error).__name__ in ("UnknownFunctionException", "UnknownAliasException"):
            return None
        raise


def alarm_states(region: str) -> dict[str, str]:
    """{name: state} of the CloudWatch alarms of a region.  Private API (5.2): it is asked ten times a second."""
    if "moto.cloudwatch.models" not in sys.modules:  # moto imports a service on its first request
        return {}
    from moto.cloudwatch.models import cloudwatch_backends

    return {
        str(alarm.name): str(alarm.state_value) for alarm in list(cloudwatch_backends[ACCOUNT][region].alarms.values())
    }


def send_event(region: str, entry: Mapping[str, object]) -> None:
    """Put an event on EventBridge's default bus.  Private API (5.2); without a request to moto there is no rule yet."""
    if "moto.events.models" not in sys.modules:
        return
    from moto.events.models import events_backends

    with contextlib.suppress(Exception):  # of a target; the change that the event is about was made
        events_backends[ACCOUNT][region].put_events([entry])


def s3_bucket(name: str) -> Any:
    """moto's record of a bucket; ``None`` if there is none.  Private API (5.2), needed for versions of objects."""
    from moto.s3.models import s3_backends

    try:
        return s3_backends[ACCOUNT]["aws"].get_bucket(name)
    except Exception as error:
        if type(error).__name__ == "MissingBucket":
            return None
        raise


def restore_version(bucket: str, key: str, version: str, etag: str) -> None:
    """Set the id and the ETag of an object's latest version or delete marker to those from before a restart."""
    found = s3_bucket(bucket)
    if found is None or key not in found.keys:
        return
    if version:
        found.keys[key]._version_id = version
    if etag:
        found.keys[key]._etag = etag


def latest_version(bucket: str, key: str) -> str:
    """The id of an object's latest version or delete marker; empty if there is none."""
    found = s3_bucket(bucket)
    return str(found.keys[key].version_id) if found is not None and key in found.keys else ""


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message in a queue.

    sent      epoch milliseconds
    members   other attributes of moto's message object
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


def queued_messages() -> Iterator[tuple[str, Callable[[], QueuedMessage]]]:
    """The id of every message that is not deleted, and a function that returns the whole message.

    Uses moto's private API (5.2): receiving the messages would hide them.
    """
    if "moto.sqs.models" not in sys.modules:  # moto imports a service on its first request
        return
    from moto.sqs.models import sqs_backends

    for region, backend in list(sqs_backends[ACCOUNT].items()):
        for name, queue in list(backend.queues.items()):
            for message in list(queue._messages):
                yield message.id, partial(_describe_message, region, name, message)


def _describe_message(region: str, queue: str, message: Message) -> QueuedMessage:
    members = {member: getattr(message, member) for member in _MESSAGE_MEMBERS}
    return QueuedMessage(message.id, region, queue, int(message.sent_timestamp), members)


def queue_message(message: QueuedMessage) -> None:
    """Put a message back without moto's check for duplicates; drops the message if its queue does not exist."""
    from moto.sqs.models import Message, sqs_backends

    queue = sqs_backends[ACCOUNT][message.region].queues.get(message.queue)
    if queue is None:
        return
    restored = Message(message.id, message.members["body"])
    for member in _MESSAGE_MEMBERS:
        setattr(restored, member, message.members[member])
    restored.sent_timestamp = message.sent
    queue._messages.append(restored)


WSGI_ENVIRON: Environ = {
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
