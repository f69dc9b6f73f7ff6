"""The build's part of the metadata: where a release is published, as ``[project.urls]`` and in the links of its README.

A checkout does not know its public address, and a fork has another one.  ``make release`` takes both addresses and
sets two environment variables for the build; without them, the distributions name no address.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hatchling.metadata.plugin.interface import MetadataHookInterface

REPOSITORY, DOCUMENTATION = "SAGEMAKER_MLOPS_REPOSITORY", "SAGEMAKER_MLOPS_DOCUMENTATION"
LINK = re.compile(r"(\]\()(?![a-z]+:|#)")
PICTURE = re.compile(r"(!\[[^\]]*\]\(|\b(?:src|srcset)=\")(?![a-z]+:)")


class Addresses(MetadataHookInterface):
    """Called by hatchling for wheel, sdist and editable installations."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set ``urls`` and ``readme``."""
        repository, documentation = (address(name, os.environ.get(name, "")) for name in (REPOSITORY, DOCUMENTATION))
        metadata["urls"] = project_urls(repository, documentation)
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": readme(text, repository)}


def project_urls(repository: str, documentation: str) -> dict[str, str]:
    """{label that PyPI shows: address}."""
    urls = {"Documentation": documentation} if documentation else {}
    if repository:
        urls["Repository"] = repository
        urls["Issues"] = f"{repository}/issues"
        urls["Changelog"] = f"{repository}/blob/HEAD/CHANGELOG.md"
    return urls


def readme(text: str, repository: str) -> str:
    """``text`` with links and pictures that also work on a package index, which has none of the other files."""
    if not repository:
        return text
    return LINK.sub(rf"\1{repository}/blob/HEAD/", PICTURE.sub(rf"\1{repository}/raw/HEAD/", text))


def address(name: str, given: str) -> str:
    """``given`` without a slash at its end.

    :raises ValueError: if it is not the https address of a page
    """
    parts = urlsplit(given)
    if given and (parts.scheme != "https" or not parts.hostname or not re.fullmatch(r"[\w.:/~-]+", given)):
        raise ValueError(f'{name} is "{given}". Write an address such as https://example.org/team/project.')
    return given.rstrip("/")
