"""Converts names in a document to ARNs for an IAM policy; names known only at run time become ``*``.

Resource names follow ``execution.identity``; ARN formats are those of the Service Authorization Reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A name or a partial or full ARN, with or without a qualifier, as FunctionName of Lambda's Invoke accepts.
FUNCTION = re.compile(
    r"(?:arn:(?P<partition>aws[a-z-]*):lambda:)?(?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9_-]+(?::[a-zA-Z0-9$_-]+)?)"
)
QUEUE = re.compile(r"https?://(?:sqs\.(?P<region>[a-z0-9-]+)\.)?[^/]+/(?P<account>\d{12})/(?P<name>[\w.-]+)")
GROUP = ":model-package-group/"
UNIQUE = 24  # dash, id of the run, dash, digest: the suffix of a name from the document
WITH_PREFIX = 54  # shorter names have no room for "pipelines-"


@dataclass(frozen=True, slots=True)
class Place:
    """Account and region of a policy's resources; ``*`` for any account or region."""

    account: str = "*"
    region: str = "*"

    @property
    def partition(self) -> str:
        """The partition of the region."""
        heads = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        return next((found for head, found in heads.items() if self.region.startswith(head)), "aws")

    def arn(self, service: str, resource: str, region: str = "", account: str = "") -> str:
        """``arn:aws:sagemaker:*:*:model/m``."""
        return f"arn:{self.partition}:{service}:{region or self.region}:{account or self.account}:{resource}"

    def function(self, given: object) -> str:
        """The function that a step names; "" for an invalid function name."""
        match = FUNCTION.fullmatch(given) if isinstance(given, str) else None
        if match is None:
            return "" if isinstance(given, str) else "*"
        if match["partition"]:
            return str(given)
        return self.arn("lambda", f"function:{match['name']}", match["region"] or "", match["account"] or "")

    def queue(self, given: object) -> str:
        """The ARN of the queue with this URL; "" for an invalid queue URL."""
        match = QUEUE.fullmatch(given) if isinstance(given, str) else None
        if match is None:
            return "" if isinstance(given, str) else "*"
        return self.arn("sqs", match["name"], match["region"] or "", match["account"])

    def roles(self, key: str, given: object) -> list[str]:
        """The role at ``key``; EMR accepts names too, and an instance profile may have another name than its role."""
        if not isinstance(given, str) or not given or key == "JobFlowRole":
            return ["*"]
        if given.startswith("arn:"):
            return [given] if ":role/" in given else ["*"]
        return [f"arn:{self.partition}:iam::{self.account}:role/{path}{given}" for path in ("", "*/")]

    def beginning(self, uri: str, whole: bool) -> str:
        """The object at ``uri``, or all objects with that prefix; any object if the bucket is unknown."""
        bucket, slash, key = uri.removeprefix("s3://").partition("/")
        if not uri.startswith("s3://") or not bucket or not slash:
            return "*"
        # Characters that IAM would read as wildcards are legal in keys.
        key = key.replace("*", "${*}").replace("?", "${?}")
        return f"arn:{self.partition}:s3:::{bucket}/{key}{'' if whole and key else '*'}"

    def below(self, uri: object, rest: str) -> str:
        """``s3://bucket/folder`` and everything below it."""
        if not isinstance(uri, str) or not uri.startswith("s3://"):
            return "*"
        return f"arn:{self.partition}:s3:::{uri.removeprefix('s3://').rstrip('/')}/{rest}"


def named(kind: str, given: object, limit: int, *, verbatim: bool) -> Iterator[str]:
    """``kind/name`` of a resource that a step creates.

    given      the document's name for it: the exact name if ``verbatim``, otherwise a prefix
    limit      longest name that the API accepts
    """
    if not given:
        yield f"{kind}/pipelines-*" if limit >= WITH_PREFIX else f"{kind}/*"
    elif not isinstance(given, str):
        yield f"{kind}/*"
    elif verbatim:
        yield from spelled(kind, given)
    else:
        head = re.sub(r"[^a-zA-Z0-9]+", "-", given).strip("-") or "step"
        yield from spelled(kind, head[: limit - UNIQUE].rstrip("-") + "-*")


def spelled(kind: str, name: str) -> list[str]:
    """``kind/name``: most SageMaker ARNs have lower-case names, some keep the case."""
    return list(dict.fromkeys((f"{kind}/{name.lower()}", f"{kind}/{name}")))


def packages(place: Place, group: object) -> tuple[list[str], list[str]]:
    """(model package groups, versions in them) of a step's ``ModelPackageGroupName``."""
    if isinstance(group, str) and GROUP in group:
        return [group], [f"{group.replace(GROUP, ':model-package/')}/*"]
    name = group if isinstance(group, str) and group else "*"
    groups, versions = spelled("model-package-group", name), spelled("model-package", f"{name}/*" if group else name)
    return [place.arn("sagemaker", r) for r in groups], [place.arn("sagemaker", r) for r in versions]
