"""Listings of S3, page by page.

Not by boto3's paginators: before its first one a client reads the folders of every service there is, to see which have
paginators, and that is longer than most listings take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

# what to go on with -> where an answer tells it
MARKS = {
    "ContinuationToken": "NextContinuationToken",  # list_objects_v2
    "KeyMarker": "NextKeyMarker",  # list_object_versions, with the next one
    "VersionIdMarker": "NextVersionIdMarker",
}


def pages(listing: Callable[..., Mapping[str, Any]], **members: str) -> Iterator[Mapping[str, Any]]:
    """The answers of ``listing``, ``list_objects_v2`` or ``list_object_versions`` of a client, to the last one."""
    marks: dict[str, str] = {}
    while True:
        answer = listing(**members, **marks)
        yield answer
        marks = {mark: answer[told] for mark, told in MARKS.items() if answer.get(told)}
        if not answer.get("IsTruncated") or not marks:
            return
