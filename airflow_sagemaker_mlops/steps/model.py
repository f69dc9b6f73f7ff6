"""What the package knows about one step type: :class:`StepType`, pure data and pure functions over API answers.

Nothing here calls AWS.  ``execution`` reads an entry and makes the calls it names.
Operation names are those of the API reference (``CreateTrainingJob``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

How = Literal["job", "resource", "package", "endpoint", "function", "condition", "fail"]
Answer = Mapping[str, Any]


def no_uri(_answer: Answer) -> str:
    """For step types that write nothing to S3."""
    return ""


def same_request(request: dict[str, Any]) -> dict[str, Any]:
    """For step types whose arguments are the request as it stands."""
    return request


@dataclass(frozen=True, slots=True)
class StepType:
    """One row of the step table.

    name            AWS step type, e.g. "Training"
    how             which way of running it takes (a module of ``execution.ways``)
    waits           whether it takes long enough to be watched from the triggerer
    service         boto3 service of the operations
    create, describe, stop, listing   operations, "" when there is none
    name_key        member of the create request that names the resource; also how Describe addresses it
    arn_key         member of the answers that holds its ARN
    status_key      member of Describe that holds the status; "" for instant resources
    succeeded, failed   terminal statuses
    summaries_key   member of the List answer; its items have ``name_key`` and ``status_key``
    log_group       CloudWatch log group of the containers
    name_limit      longest name the API takes
    tagged          whether the create request takes ``Tags``
    prepare         last change to the resolved arguments before the call (members the service would not pass on)
    s3_output       where the step's output lies, out of Describe, for the link
    console         path in the AWS console, with ``{name}``
    """

    name: str
    how: How
    waits: bool = False
    service: str = "sagemaker"
    create: str = ""
    describe: str = ""
    stop: str = ""
    listing: str = ""
    name_key: str = ""
    arn_key: str = ""
    status_key: str = ""
    succeeded: frozenset[str] = field(default_factory=frozenset)
    failed: frozenset[str] = field(default_factory=frozenset)
    summaries_key: str = ""
    log_group: str = ""
    name_limit: int = 63
    tagged: bool = True
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = same_request
    s3_output: Callable[[Answer], str] = no_uri
    console: str = ""

    @property
    def terminal(self) -> frozenset[str]:
        """Statuses after which nothing changes any more."""
        return self.succeeded | self.failed
