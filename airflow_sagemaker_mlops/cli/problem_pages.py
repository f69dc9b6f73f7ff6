"""The address of the page about a problem code, which ``check`` prints."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, metadata

PACKAGE = "airflow-sagemaker-mlops"
MAX_CODES = 8  # named beside the first one


def page_of(code: str) -> str:
    """The page about ``code``: on the site, or its row in ``docs/problems.md`` of a checkout.

    ``SAGEMAKER_MLOPS_DOCS`` names another copy of the site, e.g. in a network without access to the internet.
    """
    site = os.environ.get("SAGEMAKER_MLOPS_DOCS") or published_site()
    if not site:
        return f"docs/problems.md#{code.lower()}"
    return f"{site.rstrip('/')}/docs/problems/{code.lower()}.html"


def published_site() -> str:
    """The address under which this release's documentation was published; "" for one that was built without it."""
    try:
        urls = metadata(PACKAGE).get_all("Project-URL") or []
    except PackageNotFoundError:  # the package's files alone, e.g. in a zip of plugins
        return ""
    return next((url for label, _, url in (line.partition(", ") for line in urls) if label == "Documentation"), "")


def where_to_read(codes: Iterable[str]) -> str:
    """``See docs/problems.md#sm120; likewise SM201 and SM205.``, empty without codes."""
    first, *others = sorted(set(codes)) or [""]
    if not first:
        return ""
    named, more = others[:MAX_CODES], len(others) - MAX_CODES
    likewise = f"; likewise {', '.join(named)}" if named else ""
    return f"See {page_of(first)}{likewise}{f' and {more} more' if more > 0 else ''}."
