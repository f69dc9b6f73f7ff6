"""The outlets of a pipeline: S3 locations with asset events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..definition.problems import InvalidPipeline, Problem
from ..settings import location_of


def locations_of(source: str, outlets: Sequence[Any], records: str) -> tuple[tuple[str, str], ...]:
    """(name, URI) of S3 locations, given as strings or assets.

    Strings stay strings here: Airflow loads the Amazon provider for the first asset with an S3 URI (3.3.2).
    Raises :class:`InvalidPipeline` (SM410) for those that cannot have events.
    """
    found = tuple((str(getattr(o, "name", o)).rstrip("/"), str(getattr(o, "uri", o)).rstrip("/")) for o in outlets)
    problems = [
        Problem(
            "SM410",
            f"outlets[{index}]",
            f'"{uri}" is not an S3 location.',
            "Write s3://bucket/prefix. Registered models have events without being listed.",
        )
        for index, (_, uri) in enumerate(found)
        if not re.match("s3://[^/]", uri)
    ]
    if not location_of(records):
        what = "nothing is recorded, but a run's outputs are read from its record."
        problems.append(Problem("SM410", "outlets", what, 'Add records="s3://bucket/prefix".'))
    if problems:
        raise InvalidPipeline(source, problems)
    return found
