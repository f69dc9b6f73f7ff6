"""The context of a call, and what the List operations share: pages, filters and sorting."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...paths import inside
from ..errors import invalid
from ..state import REGIONS, LocalAws
from ..store import Store

Request = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """The context of one call: its region, the store and the server."""

    store: Store
    aws: LocalAws
    region: str

    @property
    def state_dir(self) -> Path:
        """The server's state folder."""
        return Path(self.aws.state_dir)

    def arn(self, resource: str) -> str:
        """The ARN of a SageMaker resource, e.g. of ``training-job/name``."""
        return f"arn:aws:sagemaker:{self.region}:{self.aws.account}:{resource}"

    @property
    def region_folder(self) -> Path:
        """The folder of this region's jobs and endpoints; for the server's own region, the state folder itself."""
        return self.state_dir if self.region == self.aws.region else inside(self.state_dir / REGIONS, self.region)


Handler = Callable[[Context, Request], Answer]


def tags_of(request: Request) -> dict[str, str]:
    """The ``Tags`` of a request as {key: value}."""
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}


def page(items: Iterable[Any], request: Request, key: str) -> Answer:
    """One page of ``items`` under ``key``: ``MaxResults`` (default 10), ``NextToken``."""
    rows = list(items)
    size = int(request.get("MaxResults") or 10)
    start = _offset(request.get("NextToken"))
    answer: Answer = {key: rows[start : start + size]}
    if start + size < len(rows):
        answer["NextToken"] = base64.urlsafe_b64encode(json.dumps(start + size).encode()).decode()
    return answer


def _offset(token: object) -> int:
    if not token:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(str(token))))
    except ValueError:
        raise invalid("The NextToken does not belong to this list.") from None


def passes_filters(request: Request, name: str, status: str | None, created: float, modified: float) -> bool:
    """Whether an item passes the filters that all List operations share."""
    text = request.get("NameContains")
    return (
        (not text or str(text).lower() in name.lower())
        and (not request.get("StatusEquals") or request["StatusEquals"] == status)
        and created > _time(request, "CreationTimeAfter", float("-inf"))
        and created < _time(request, "CreationTimeBefore", float("inf"))
        and modified > _time(request, "LastModifiedTimeAfter", float("-inf"))
        and modified < _time(request, "LastModifiedTimeBefore", float("inf"))
    )


def created_between(request: Request, created: float) -> bool:
    """Whether an item passes ``CreatedAfter`` and ``CreatedBefore``, which some families use instead."""
    return _time(request, "CreatedAfter", float("-inf")) < created < _time(request, "CreatedBefore", float("inf"))


def _time(request: Request, key: str, default: float) -> float:
    value = request.get(key)
    return default if value is None else float(value)


def sorted_rows(rows: list[Answer], request: Request, keys: Mapping[str, str], default: str) -> list[Answer]:
    """``rows`` sorted by ``SortBy``, whose values ``keys`` maps to members, and ``SortOrder``."""
    sort_by = str(request.get("SortBy") or default)
    if sort_by not in keys:
        raise invalid(f"Sorting by {sort_by} is not available in the embedded AWS; sort by {' or '.join(keys)}.")
    member = keys[sort_by]
    descending = str(request.get("SortOrder") or "Descending") == "Descending"
    return sorted(rows, key=lambda row: (row.get(member) is not None, row.get(member)), reverse=descending)
