"""The traits of one step type: :class:`StepType`, pure data and pure functions over API responses.

Nothing here calls AWS.  ``execution`` reads an entry and makes the calls that it names.
Operation names are those of the API reference (``CreateTrainingJob``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..definition.model import Pipeline, Step
from ..definition.problems import Problem
from ..definition.step_types import StepSyntax
from .arns import Place
from .shapes import Part

Answer = Mapping[str, Any]
Grant = tuple[str, str]  # "sagemaker:CreateModel", ARN or "*"
Pitfall = Callable[[Step, Pipeline], Iterator[Problem]]
EVERYTHING = ("*",)  # the cache key of types for which the service documents none


def no_uri(_answer: Answer) -> str:
    """For step types without output in S3."""
    return ""


def same_request(request: dict[str, Any]) -> dict[str, Any]:
    """For step types whose arguments are exactly the request."""
    return request


def nothing(_answer: Answer) -> dict[str, Any]:
    """For step types without a further call."""
    return {}


def as_answered(answer: dict[str, Any]) -> dict[str, Any]:
    """For step types whose properties are the Describe response."""
    return answer


def no_grants(_step: Step, _entry: StepType, _place: Place) -> Iterator[Grant]:
    """For step types that make no API calls."""
    return iter(())


def no_reports(_step: Step) -> Iterator[tuple[str, Any]]:
    """For step types that read no file in S3 themselves."""
    return iter(())


def nothing_made_up(_request: Answer, _name: str) -> dict[str, Any]:
    """For step types whose stubs have only the request's members as properties."""
    return {}


def no_alarms(_request: Mapping[str, object]) -> tuple[str, ...]:
    """What most types have."""
    return ()


@dataclass(frozen=True, slots=True)
class Target:
    """The step-level key that names the function or queue a step calls.

    form     pattern of valid values
    action   IAM action of the call
    arn      (place, value) -> ARN; "" for an invalid value
    noun     the target's name in messages
    opened   what a policy allows if the value is known only at run time
    misfit   predicate of the message about an invalid value
    example  a valid value
    """

    key: str
    form: re.Pattern[str]
    action: str
    arn: Callable[[Place, Any], str]
    noun: str
    opened: str
    misfit: str
    example: str

    def takes(self, text: str) -> bool:
        """Whether ``text`` is a valid target."""
        return self.form.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class StepType:
    """One entry of the step table: all traits of a step type.

    In a definition:

    name            AWS step type, e.g. "Training"
    syntax          what the definition language says of it; ``make docs`` copies that to ``definition.step_types``
    words           {key: what editors show about it}, in the order of the schema: all its step-level keys, and those of
                    ``Arguments`` if they are not a request

    Running:

    runner          its runner's module in ``execution.runners`` and class, e.g. ".job.JobRunner"; a full path elsewhere
    service         boto3 service of the operations
    create, describe, stop, listing   operations, "" if there is none
    running    status filter with which ``listing`` finds resources that have not ended; "" if there is none
    name_key        member of the create request with the resource's name; also the member of the Describe request
    verbatim        a name in the document is the resource's full name rather than a prefix
    describe_key    member of the Describe request, if different
    also            further members of the create request that Describe, Stop and List need
    token_key       member of the create request for a client token, if names are not unique
    arn_key         member of the responses with its ARN
    status_key      path in the properties to the status; "" for instant resources
    reason_key      path in the properties to the failure reason
    succeeded, failed   terminal statuses
    update          operation that updates an existing resource, with the request's ``update_members``
    update_only     those of them that the create operation does not accept
    alarms          names of the CloudWatch alarms that roll back an update, from the request
    summaries_key   member of the List response; its items have ``name_key`` and ``status_key``
    log_group       CloudWatch log group of the containers
    name_limit      longest name that the API accepts
    tagged          whether the create request accepts ``Tags``
    camel           the API spells its members in camelCase, documents in PascalCase
    retries_itself  the service retries internal errors, so retry policies for them do not apply
    sent_once       boto3 must not repeat a call whose response was lost, because the API has no client token
    answers_in_s    call timeout in seconds, 0 for the default
    outside         it reads or changes something outside the run; a pinned reproduction reuses its recorded answer

    The request:

    own_arguments   ``Arguments`` are not the request of ``create``
    parts           arguments that are requests or parts of requests, if ``Arguments`` as a whole are not one
    supplied        members of the create request that a definition may leave out, in addition to the name
    prepare         final change to the resolved arguments before the call (removes what the service would not pass on)
    settings        step-level keys that affect the result, and so belong to the recorded request
    setting_slots   {step-level key: (service, operation, member) with the type of its value}
    cache_key       attributes of the resolved request in its cache key, as paths (docs/language/caching.md);
                    () for a type without caching
    pitfalls        rules that warn about valid definitions that are certainly mistakes

    The result:

    properties      function from the Describe response to the property document
    wrapped         member of the response with the property document; "" if it is the whole response
    added           {member that ``properties`` adds: its members, ``None`` for a scalar}
    json_texts      members with JSON text into which property paths can reach
    extra           further operation with the property ``extra_member`` in its response; called if that is referenced
    extra_request   its request, from the properties
    item_limits     {list in the properties: path in the arguments to its maximum length}
    empty_on_failure   a step that did not succeed has no properties
    s3_output       the step's output location, from the Describe response, for the link
    console         path in the AWS console, with ``{name}``
    stub            (request, name) -> properties of a stub, in addition to its request

    IAM:

    kind            resource type in ARNs, e.g. "training-job"
    grants          IAM actions that a step needs, without ``iam:PassRole`` and reading reports
    target          the key that names the target that the step calls
    in_arns, settings_in_arns   arguments and step-level keys that become part of an ARN, in addition to the name
    too_wide        a sentence about permissions that cannot be narrowed
    roles_go_to     service principal that receives the roles in the request; "" if it passes none
    reports         (place, URI) of files in S3 that the step itself reads, other than by ``Std:JsonGet``

    For people:

    about           what the step does, for the table in the docs
    local_aws       what the embedded AWS does with the step
    """

    name: str
    runner: str
    syntax: StepSyntax = field(default_factory=StepSyntax)
    words: Mapping[str, str] = field(default_factory=dict)
    service: str = "sagemaker"
    create: str = ""
    describe: str = ""
    stop: str = ""
    listing: str = ""
    running: str = ""
    name_key: str = ""
    verbatim: bool = False
    describe_key: str = ""
    also: tuple[str, ...] = ()
    token_key: str = ""
    arn_key: str = ""
    status_key: str = ""
    reason_key: str = "FailureReason"
    succeeded: frozenset[str] = field(default_factory=frozenset)
    failed: frozenset[str] = field(default_factory=frozenset)
    update: str = ""
    update_members: tuple[str, ...] = ()
    update_only: frozenset[str] = frozenset()
    alarms: Callable[[Answer], tuple[str, ...]] = no_alarms
    summaries_key: str = ""
    log_group: str = ""
    name_limit: int = 63
    tagged: bool = True
    camel: bool = False
    retries_itself: bool = False
    sent_once: bool = False
    answers_in_s: float = 0.0
    outside: bool = False
    own_arguments: bool = False
    parts: tuple[Part, ...] = ()
    supplied: frozenset[str] = field(default_factory=frozenset)
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = same_request
    settings: tuple[str, ...] = ()
    setting_slots: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    cache_key: tuple[str, ...] = ()
    pitfalls: tuple[Pitfall, ...] = ()
    properties: Callable[[dict[str, Any]], dict[str, Any]] = as_answered
    wrapped: str = ""
    added: Mapping[str, Any] = field(default_factory=dict)
    json_texts: frozenset[str] = frozenset()
    extra: str = ""
    extra_member: str = ""
    extra_request: Callable[[Answer], dict[str, Any]] = nothing
    item_limits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    empty_on_failure: bool = False
    s3_output: Callable[[Answer], str] = no_uri
    console: str = ""
    stub: Callable[[Answer, str], dict[str, Any]] = nothing_made_up
    kind: str = ""
    grants: Callable[[Step, StepType, Place], Iterator[Grant]] = no_grants
    target: Target | None = None
    in_arns: tuple[str, ...] = ()
    settings_in_arns: tuple[str, ...] = ()
    too_wide: str = ""
    roles_go_to: str = "sagemaker.amazonaws.com"
    reports: Callable[[Step], Iterator[tuple[str, Any]]] = no_reports
    about: str = ""
    local_aws: str = "stub"

    @property
    def waits(self) -> bool:
        """Whether it takes long enough to be awaited in the triggerer."""
        return self.syntax.waits

    @property
    def arguments_are_request(self) -> bool:
        """Whether ``Arguments`` are the request of ``create``, except for members supplied at run time."""
        return bool(self.create) and not self.parts and not self.own_arguments

    @property
    def terminal(self) -> frozenset[str]:
        """Statuses that are final."""
        return self.succeeded | self.failed

    def status_of(self, properties: Answer) -> str:
        """The status in a property document; empty if there is none."""
        return str(_at(properties, self.status_key) or "")

    def reason_of(self, properties: Answer) -> str:
        """Why a resource failed, in the service's words; empty if the service gives no reason."""
        reason = str(_at(properties, self.reason_key) or "")
        if not reason and properties.get("SecondaryStatus") == "MaxRuntimeExceeded":
            return "it ran longer than its StoppingCondition allows (MaxRuntimeExceeded)"
        message = properties.get("ExitMessage")
        return f"{reason} ({message})" if reason and message else reason or str(message or "")


def _at(document: object, path: str) -> Any:
    for key in path.split(".") if path else ():
        document = document.get(key) if isinstance(document, Mapping) else None
    return document if path else None
