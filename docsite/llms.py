"""``llms.txt`` (llmstxt.org): the nav with a sentence about each page, and ``llms-full.txt``: all pages in that order.

The Markdown of every page lies beside its HTML, under the same name with ``.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from .snippets import without_comments
from .staging import ROOT, nav_pages, write

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
LEFT_OUT = ("CHANGELOG.md",)  # of the whole text: it repeats the other pages


def write_llms(project: Mapping[str, Any], site: Path, made: Mapping[str, str]) -> None:
    """Write both files, and the pages' Markdown, into the folder ``site``.

    :param made: text of those pages of the nav that the repository does not have
    """
    pages = list(nav_pages(project["nav"]))
    texts = {page: made.get(page) or without_comments((ROOT / page).read_text(encoding="utf-8")) for _, page in pages}
    for page, text in texts.items():
        write(site / page, text)
    write(site / "llms.txt", _index(project, pages, texts))
    whole = (f"<!-- {page} -->\n\n{text.strip()}\n" for page, text in texts.items() if page not in LEFT_OUT)
    write(site / "llms-full.txt", "\n".join(whole))


def _index(project: Mapping[str, Any], pages: Sequence[tuple[tuple[str, ...], str]], texts: Mapping[str, str]) -> str:
    lines = [f"# {project['site_name']}", "", f"> {project['site_description']}."]
    for part, members in groupby(pages, key=lambda page: page[0][0]):
        lines += ["", f"## {part}", ""]
        lines += [f"- [{': '.join(path[1:])}]({page}): {first_sentence(texts[page])}" for path, page in members]
    lines += ["", "## Optional", "", "- [Everything](llms-full.txt): all pages in one file"]
    return "\n".join([*lines, ""])


def first_sentence(text: str) -> str:
    """The first sentence of a page, without links and emphasis."""
    text = re.sub(r"<!--.*?-->|```.*?```", "", text, flags=re.DOTALL)
    paragraphs = [" ".join(block.split()) for block in text.split("\n\n")]
    first = next((block for block in paragraphs if block and not block.startswith(("#", "|", "<", "!"))), "")
    plain = _LINK.sub(r"\1", first).replace("**", "").removeprefix("Context. ")
    return re.split(r"(?<=[.?])\s", plain, maxsplit=1)[0].rstrip(":")
