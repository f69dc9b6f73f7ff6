"""Arguments of x-champion, x-promote-champion and x-approval steps (docs/language/steps/champions.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .expressions import called, is_expression, kind_of
from .problems import Place

if TYPE_CHECKING:
    from .report import Reporter

CHAMPION, PROMOTE, APPROVAL = "x-champion", "x-promote-champion", "x-approval"
GROUP, HISTORY, BASELINE = "ModelPackageGroupName", "HistoryS3Uri", "Baseline"
NEEDED = {CHAMPION: (GROUP,), PROMOTE: (GROUP, "ModelPackageArn", BASELINE, HISTORY), APPROVAL: ("ModelPackageArn",)}
DECISIONS = ("Approved", "Rejected")
# Entries of the history are named in CustomerMetadataProperties, which takes these letters.
LOCATION = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[\w .:/=+@-]*)?")
BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/|$)")
LONGEST_LOCATION = 160  # what follows it has up to 95 characters, and a value of the metadata 256


def champion_arguments(out: Reporter, name: str, kind: str, arguments: Mapping[str, object], place: Place) -> None:
    """Problems of ``arguments``, as written."""
    for key in NEEDED[kind]:
        if arguments.get(key) is None:
            out.report("SM121", place, f'{called(name)} has no "{key}".', _to_add(key))
    for key, value in arguments.items():
        if value is None or is_expression(value):
            continue
        if key in ("AssignedUsers", "TimeoutInSeconds", "Default"):
            _approval(out, arguments, key, (place, key))
        elif key == "GroupMayBeMissing":
            if str(value).lower() not in ("true", "false"):
                out.report("SM122", (place, key), f"expected true or false, found {kind_of(value)}.")
        else:
            out.reader.wanted(value, str, (place, key), "a string")
    history = arguments.get(HISTORY)
    if isinstance(history, str) and (not LOCATION.fullmatch(history) or len(history) > LONGEST_LOCATION):
        what = f"{kind_of(history)} cannot hold the history of champions: {_why_no_place(history)}."
        out.report("SM320", (place, HISTORY), what, "Write s3://bucket/prefix.")


def _approval(out: Reporter, arguments: Mapping[str, object], key: str, place: Place) -> None:
    """Who is asked, for how long, and what counts if nobody answers."""
    value = arguments[key]
    if key == "AssignedUsers":
        names = value if isinstance(value, list) else [value]
        if not isinstance(value, list) or not all(isinstance(name, str) or is_expression(name) for name in names):
            out.report("SM122", place, f"expected a list of users' names, found {kind_of(value)}.")
    elif key == "TimeoutInSeconds":
        if isinstance(value, bool) or not str(value).isdigit() or int(str(value)) < 1:
            out.report("SM122", place, f"expected a number of seconds, found {kind_of(value)}.")
    elif value not in DECISIONS:
        out.report("SM122", place, f"{kind_of(value)} is not a decision.", f"Use one of: {', '.join(DECISIONS)}.")
    elif arguments.get("TimeoutInSeconds") is None:
        what = '"Default" counts when time is up, and there is no "TimeoutInSeconds".'
        out.report("SM325", place, what, 'Add "TimeoutInSeconds", or remove "Default".')


def _to_add(key: str) -> str:
    if key == BASELINE:
        return 'Add "Baseline": {"Get": "Steps.<x-champion step>.Baseline"}, so that it is known what was compared.'
    return f'Add "{key}".'


def _why_no_place(text: str) -> str:
    if not BUCKET.match(text):
        return "it is not an S3 URI"
    if len(text) > LONGEST_LOCATION:
        return f"it has more than {LONGEST_LOCATION} characters"
    return "its entries are named in the registry's metadata, which takes letters, digits, spaces and _.:/=+-@"
