"""InvokeEndpoint: chooses a fleet and a variant, sends the request, copies it to a shadow variant, captures data."""

from __future__ import annotations

import http.client
import random
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ...json_types import AwsShape
from .. import serving
from ..errors import AwsError
from ..state import LocalAws
from . import data_capture, deployments, fleets
from .context import Context
from .data_capture import Exchange
from .endpoints import ENDPOINT, ROUTING
from .fleets import Fleet, Variant

TIMEOUT_S = 60.0
SHADOWS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Invocation:
    """One request to an endpoint."""

    endpoint: str
    body: bytes
    content_type: str = "application/octet-stream"
    accept: str = ""
    target_variant: str = ""
    inference_id: str = ""
    custom_attributes: str = ""

    def headers(self) -> dict[str, str]:
        """The headers for the container."""
        headers = {"Content-Type": self.content_type}
        if self.accept:
            headers["Accept"] = self.accept
        if self.custom_attributes:
            headers["X-Amzn-SageMaker-Custom-Attributes"] = self.custom_attributes
        return headers


@dataclass(frozen=True, slots=True)
class _Server:
    """A server that a request uses."""

    fleet: Fleet
    variant: Variant
    folder: Path


class Invoker:
    """Invokes endpoints."""

    def __init__(self, aws: LocalAws) -> None:
        self._writer = data_capture.Writer(aws)

    @cached_property
    def _shadows(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(SHADOWS_AT_ONCE, thread_name_prefix="shadow")

    def invoke(self, context: Context, invocation: Invocation) -> tuple[serving.Answer, str]:
        """The answer of a production variant, and that variant's name.

        Raises :class:`AwsError`: ``ValidationError`` without an endpoint in service, ``ModelError`` if the model fails.
        """
        event = str(uuid.uuid4())
        with ExitStack() as uses:
            server, shadow = _choose(context, invocation, uses)
            capture = server.fleet["capture"] if data_capture.is_sampled(server.fleet["capture"]) else None
            if shadow is not None:
                uses_of_shadow = ExitStack()
                uses_of_shadow.enter_context(serving.used(shadow.folder))
                self._shadows.submit(self._copy, invocation, shadow, event, capture, uses_of_shadow)
            answer = _answer_of(invocation, server)
        if capture:
            self._capture(capture, invocation, server.variant, answer, event)
        return answer, str(server.variant["name"])

    def _copy(
        self, invocation: Invocation, shadow: _Server, event: str, capture: AwsShape | None, uses: ExitStack
    ) -> None:
        """Send a copy to the shadow variant, whose answer goes nowhere but into the captured data."""
        with uses:
            try:
                answer = _answer_of(invocation, shadow)
            except AwsError as error:
                sys.stderr.write(f"shadow variant {shadow.variant['name']} of {invocation.endpoint}: {error}\n")
                return
        if capture:
            self._capture(capture, invocation, shadow.variant, answer, event)

    def _capture(
        self, capture: AwsShape, invocation: Invocation, variant: Variant, answer: serving.Answer, event: str
    ) -> None:
        exchange = Exchange(
            event,
            invocation.body,
            invocation.content_type,
            answer.content,
            answer.content_type,
            invocation.inference_id,
            invocation.custom_attributes,
            shadow=variant["shadow"],
        )
        self._writer.put(capture, invocation.endpoint, str(variant["name"]), exchange)


def _choose(context: Context, invocation: Invocation, uses: ExitStack) -> tuple[_Server, _Server | None]:
    """The server of a production variant and perhaps that of a shadow variant; ``uses`` keeps the first from ending."""
    name = invocation.endpoint
    with ROUTING:
        found = context.store.get(ENDPOINT, context.region, name)
        if found is None:
            raise AwsError("ValidationError", f"Endpoint {name} of account {context.aws.account} not found.")
        update, fleet = found.body.get("update"), fleets.stored(found.body)
        if update is not None and random.random() < deployments.share(update):
            fleet = update["fleet"]
        index = _variant(fleet, invocation)
        server = _Server(fleet, fleet["variants"][index], fleets.folder(context, name, fleet, index))
        uses.enter_context(serving.used(server.folder))
    shadows = [index for index, variant in enumerate(fleet["variants"]) if variant["shadow"]]
    for index in shadows:
        # The weight of a shadow variant is relative to that of the production variant that it copies.
        if random.random() * (server.variant["weight"] or 1.0) < fleet["variants"][index]["weight"]:
            return server, _Server(fleet, fleet["variants"][index], fleets.folder(context, name, fleet, index))
    return server, None


def _variant(fleet: Fleet, invocation: Invocation) -> int:
    """The index of the variant to ask: the target, or one by weight."""
    production = [index for index, variant in enumerate(fleet["variants"]) if not variant["shadow"]]
    if invocation.target_variant:
        for index in production:
            if fleet["variants"][index]["name"] == invocation.target_variant:
                return index
        message = f"Variant {invocation.target_variant} not found for endpoint {invocation.endpoint}."
        raise AwsError("ValidationError", message)
    weights = [fleet["variants"][index]["weight"] for index in production]
    return random.choices(production, weights if any(weights) else None)[0]


def _answer_of(invocation: Invocation, server: _Server) -> serving.Answer:
    """The model's answer.  Raises :class:`AwsError` if its server is not in service, or the model fails."""
    answer, reason = None, ""
    for _attempt in range(2):  # a server that has died since its status was read is started again
        state = serving.ensure_running(server.folder)
        if state["status"] != "InService":
            why = f"Endpoint {invocation.endpoint} is {state['status']} and accepts no requests."
            raise AwsError("ValidationError", why)
        try:
            answer = serving.invoke(state, invocation.body, invocation.headers(), TIMEOUT_S)
            break
        except ConnectionRefusedError as error:
            reason = str(error)
            serving.stop(server.folder)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error)
            break
    if answer is None:
        raise AwsError("ModelError", f"The model did not answer: {reason}", 424)
    if answer.status != 200:
        text = answer.content.decode("utf-8", "replace")[:2000]
        message = f"Received {answer.status} from the model with message {text!r}."
        raise AwsError("ModelError", message, 424, OriginalStatusCode=answer.status, OriginalMessage=text)
    return answer
