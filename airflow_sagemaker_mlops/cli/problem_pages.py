"""The address of the page about a problem code, which ``check`` prints."""

from __future__ import annotations

import os
from collections.abc import Iterable

# The address of the documentation site, the same as `Documentation` in `[project.urls]` of pyproject.toml, which a test
# compares.  Empty while the site has no public address: addresses then lead into the repository.
DOCUMENTATION = ""
MAX_CODES = 8  # named beside the first one


def page_of(code: str) -> str:
    """The page about ``code``: on the site, or its row in ``docs/problems.md``.

    ``SAGEMAKER_MLOPS_DOCS`` names another copy of the site, e.g. in a network without access to the internet.
    """
    site = os.environ.get("SAGEMAKER_MLOPS_DOCS") or DOCUMENTATION
    if not site:
        return f"docs/problems.md#{code.lower()}"
    return f"{site.rstrip('/')}/docs/problems/{code.lower()}.html"


def where_to_read(codes: Iterable[str]) -> str:
    """``See docs/problems.md#sm120; likewise SM201 and SM205.``, empty without codes."""
    first, *others = sorted(set(codes)) or [""]
    if not first:
        return ""
    named, more = others[:MAX_CODES], len(others) - MAX_CODES
    likewise = f"; likewise {', '.join(named)}" if named else ""
    return f"See {page_of(first)}{likewise}{f' and {more} more' if more > 0 else ''}."
