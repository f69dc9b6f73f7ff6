"""Listings of S3, page by page.

boto3's paginators are too slow for this: before the first one, a client scans the data folders of all services, which
takes longer than most listings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...json_types import AwsShape

# request member for the next page -> response member that holds it
MARKS = {
    "ContinuationToken": "NextContinuationToken",  # list_objects_v2
    "KeyMarker": "NextKeyMarker",  # list_object_versions, together with the next
    "VersionIdMarker": "NextVersionIdMarker",
}


def pages(listing: Callable[..., AwsShape], **members: str) -> Iterator[AwsShape]:
    """All pages of ``listing``, a client's ``list_objects_v2`` or ``list_object_versions``."""
    marks: dict[str, str] = {}
    while True:
        answer = listing(**members, **marks)
        yield answer
        marks = {mark: answer[answered] for mark, answered in MARKS.items() if answer.get(answered)}
        if not answer.get("IsTruncated") or not marks:
            return
