"""What the package knows about one step type: :class:`StepType`, pure data and pure functions over API answers.

Nothing here calls AWS.  ``execution`` reads an entry and makes the calls it names.  What the definition language itself
says of a type is its row in ``definition.step_types``.
Operation names are those of the API reference (``CreateTrainingJob``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..definition.model import Pipeline, Step
from ..definition.problems import Problem
from ..definition.step_types import StepSyntax, syntax_of
from .arns import Place
from .shapes import Part

Answer = Mapping[str, Any]
Grant = tuple[str, str]  # "sagemaker:CreateModel", ARN or "*"
Pitfall = Callable[[Step, Pipeline], Iterator[Problem]]
EVERYTHING = ("*",)  # the cache key of types of which the service documents none


def no_uri(_answer: Answer) -> str:
    """For step types that write nothing to S3."""
    return ""


def same_request(request: dict[str, Any]) -> dict[str, Any]:
    """For step types whose arguments are the request as it stands."""
    return request


def nothing(_answer: Answer) -> dict[str, Any]:
    """For step types without a further call."""
    return {}


def as_answered(answer: dict[str, Any]) -> dict[str, Any]:
    """For step types whose properties are what Describe answers."""
    return answer


def no_grants(_step: Step, _entry: StepType, _place: Place) -> Iterator[Grant]:
    """For step types that call nothing."""
    return iter(())


def no_reports(_step: Step) -> Iterator[tuple[str, Any]]:
    """For step types that read no file in S3 themselves."""
    return iter(())


def nothing_made_up(_request: Answer, _name: str) -> dict[str, Any]:
    """For step types whose stub has no property beside those of the request."""
    return {}


@dataclass(frozen=True, slots=True)
class Target:
    """The key of a step that names what it calls, a function or a queue.

    form     what it has to look like
    action   the IAM action of the call
    arn      the ARN of what a value names, "" for one that can name nothing
    noun     how messages call it
    opened   what a policy allows where it is known only at run time
    misfit   end of a sentence about a value that cannot be one
    example  a value that can
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
        """Whether ``text`` can be one."""
        return self.form.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class StepType:
    """One entry of the step table: everything about a step type but what the definition language says of it.

    Running:

    name            AWS step type, e.g. "Training"
    runner          what runs it, by its name in ``execution.runners``
    service         boto3 service of the operations
    create, describe, stop, listing   operations, "" when there is none
    running    status by which ``listing`` finds what has not ended; "" when there is no such one
    name_key        member of the create request that names the resource; also how Describe addresses it
    verbatim        a name in the document is the resource's whole name, and not the beginning of it
    describe_key    how Describe addresses it when that is another member
    also            further members of the create request that Describe, Stop and List want
    token_key       member of the create request that takes a client token, where no unique name is the key
    arn_key         member of the answers that holds its ARN
    status_key      path in the properties to the status; "" for instant resources
    reason_key      path in the properties to why it failed
    succeeded, failed   terminal statuses
    update          operation that changes a resource that exists, with the request's ``update_members``
    summaries_key   member of the List answer; its items have ``name_key`` and ``status_key``
    log_group       CloudWatch log group of the containers
    name_limit      longest name the API takes
    tagged          whether the create request takes ``Tags``
    camel           the API writes its members with a small first letter, documents with a capital one
    retries_itself  the service makes a failed job again by itself, so an internal error is no reason for another one
    outside         it asks or changes what lies outside the run: a pinned reproduction takes its recorded answer

    The request:

    own_arguments   ``Arguments`` have a form of their own, and are not the request of ``create``
    parts           arguments that hold a request, or a part of one, where they are not one as a whole
    supplied        members of the create request that a definition may leave out, beside the name
    prepare         last change to the resolved arguments before the call (members the service would not pass on)
    settings        keys beside ``Arguments`` that decide what comes of the step: part of its recorded request
    setting_slots   {such a key that may be an expression: service, operation and member of the same type}
    cache_key       attributes of the resolved request in its cache key, as paths (docs/language/caching.md);
                    () for a type that has no cache
    pitfalls        what is well-formed and cannot be what was meant, as warnings

    The result:

    properties      the property document out of the Describe answer
    wrapped         member of the answer that is the property document, where that is not all of it
    added           {member that ``properties`` adds: what is in it, ``None`` for a single value}
    json_texts      members of it that are JSON texts, inside of which a path may go on
    extra           further operation whose answer holds ``extra_member``, a property too; asked when it is referenced
    extra_request   its request, out of the properties
    item_limits     {list in the properties: path in the arguments to how many items it has at most}
    empty_on_failure   a step that did not succeed has no properties at all
    s3_output       where the step's output lies, out of Describe, for the link
    console         path in the AWS console, with ``{name}``
    stub            properties that a stub has beside its request, out of that and the name

    IAM:

    kind            resource type of what it makes, in ARNs: "training-job"
    grants          what running a step takes, but for roles that it passes on and reports that it reads
    target          the key that names what it calls
    in_arns, settings_in_arns   arguments, and keys beside them, that stand in an ARN; the name does by ``kind``
    too_wide        what its grants leave open that nobody could narrow, as a sentence
    roles_go_to     the service that is given the roles in its request, "" when it passes none on
    reports         (place, URI) of the files in S3 that the step reads itself, beside ``Std:JsonGet``

    For people:

    about           what the step does, for the table in the docs
    embedded        what the embedded AWS does with it
    """

    name: str
    runner: str
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
    summaries_key: str = ""
    log_group: str = ""
    name_limit: int = 63
    tagged: bool = True
    camel: bool = False
    retries_itself: bool = False
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
    embedded: str = "stub"

    @property
    def syntax(self) -> StepSyntax:
        """What the definition language says of it."""
        return syntax_of(self.name)

    @property
    def waits(self) -> bool:
        """Whether it takes long enough to be watched from the triggerer."""
        return self.syntax.waits

    @property
    def arguments_are_request(self) -> bool:
        """Whether ``Arguments`` are, but for what is supplied at run time, the request of ``create``."""
        return bool(self.create) and not self.parts and not self.own_arguments

    @property
    def terminal(self) -> frozenset[str]:
        """Statuses after which nothing changes any more."""
        return self.succeeded | self.failed

    def status_of(self, properties: Answer) -> str:
        """The status in a property document; empty when there is none."""
        return str(_at(properties, self.status_key) or "")

    def reason_of(self, properties: Answer) -> str:
        """Why a resource failed, in the service's words; empty when it does not say."""
        reason = str(_at(properties, self.reason_key) or "")
        if not reason and properties.get("SecondaryStatus") == "MaxRuntimeExceeded":
            return "it ran longer than its StoppingCondition allows (MaxRuntimeExceeded)"
        message = properties.get("ExitMessage")
        return f"{reason} ({message})" if reason and message else reason or str(message or "")


def _at(document: Any, path: str) -> Any:
    for key in path.split(".") if path else ():
        document = document.get(key) if isinstance(document, Mapping) else None
    return document if path else None
