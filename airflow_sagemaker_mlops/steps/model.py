"""What the package knows about one step type: :class:`StepType`, pure data and pure functions over API answers.

Nothing here calls AWS.  ``execution`` reads an entry and makes the calls it names.
Operation names are those of the API reference (``CreateTrainingJob``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

How = Literal[
    "job",
    "check",
    "started",
    "emr",
    "serverless",
    "resource",
    "package",
    "endpoint",
    "function",
    "callback",
    "lineage",
    "cleanup",
    "foreach",
    "condition",
    "fail",
    "foreign",
]
Answer = Mapping[str, Any]
# Ways whose arguments are, but for what is supplied at run time, the request of the step type's Create operation.
BUILT_FROM_ARGUMENTS = frozenset({"job", "check", "resource", "package", "endpoint", "started"})


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


@dataclass(frozen=True, slots=True)
class StepType:
    """One row of the step table.

    name            AWS step type, e.g. "Training"
    how             which way of running it takes (a module of ``execution.runners``)
    waits           whether it takes long enough to be watched from the triggerer
    service         boto3 service of the operations
    create, describe, stop, listing   operations, "" when there is none
    running    status by which ``listing`` finds what has not ended; "" when there is no such one
    name_key        member of the create request that names the resource; also how Describe addresses it
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
    prepare         last change to the resolved arguments before the call (members the service would not pass on)
    properties      the property document out of the Describe answer
    extra           further operation whose answer holds ``extra_member``, a property too; asked when it is referenced
    extra_request   its request, out of the properties
    s3_output       where the step's output lies, out of Describe, for the link
    console         path in the AWS console, with ``{name}``
    outside         it asks or changes what lies outside the run: a pinned reproduction takes its recorded answer
    about           what the step does, for the table in the docs
    """

    name: str
    how: How
    waits: bool = False
    service: str = "sagemaker"
    create: str = ""
    describe: str = ""
    stop: str = ""
    listing: str = ""
    running: str = ""
    name_key: str = ""
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
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = same_request
    properties: Callable[[dict[str, Any]], dict[str, Any]] = as_answered
    extra: str = ""
    extra_member: str = ""
    extra_request: Callable[[Answer], dict[str, Any]] = nothing
    s3_output: Callable[[Answer], str] = no_uri
    console: str = ""
    outside: bool = False
    about: str = ""

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
