"""The pages of the site as Zensical reads them, with the folders that they have in the repository.

GitHub reads CommonMark and Zensical reads Python-Markdown.  Three differences matter to our pages, and are evened
out in the copies, so that the sources stay plain: words behind the language of a code block, how deep the blocks of a
list item are indented, and that a blank line has to end them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .snippets import without_comments

ROOT = Path(__file__).parents[1]
_FENCE = re.compile(r"^( *)(```+)(\w*)[^\n`]*$")
_ITEM = re.compile(r"^(\d+\. |[*-] )")
_LINK = re.compile(r"\]\(([^()\s#]+)(?:#[^()\s]*)?\)")
_PICTURE = re.compile(r'\b(?:src|srcset)="([^"\s]+)"')


def repository_pages() -> list[str]:
    """The pages that the repository has: ``["AGENTS.md", ..., "docs/guides/gate.md"]``."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"]
    return sorted(str(page.relative_to(ROOT)) for page in pages)


def nav_pages(nav: Sequence[Mapping[str, Any]], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The pages of a nav in its order: ``(("Reference", "Steps", "Jobs"), "docs/language/steps/jobs.md")``."""
    for entry in nav:
        for title, value in entry.items():
            if isinstance(value, str):
                yield (*path, title), value
            else:
                yield from nav_pages(value, (*path, title))


def pointing_to(text: str, sentence: str) -> str:
    """A page with a sentence more before its second heading."""
    return text.replace("\n## ", f"\n{sentence}\n\n## ", 1)


def stage(pages: Iterable[str], to: Path) -> None:
    """Copy the pages, and the files that they show or link to, into the folder ``to``."""
    for page in pages:
        source = ROOT / page
        text = without_comments(source.read_text(encoding="utf-8"))
        write(to / page, as_zensical_reads_it(text))
        for target in linked_files(text, source):
            copy = to / target.relative_to(ROOT)
            if target.is_dir():
                write(copy / "index.md", _listing(target))
            elif not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(target, copy)


def write(path: Path, text: str) -> None:
    """Write a page, making its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def linked_files(text: str, source: Path) -> Iterator[Path]:
    """Files and folders of the repository that a page shows or links to, without pages."""
    for name in [*_LINK.findall(text), *_PICTURE.findall(text)]:
        target = (source.parent / name).resolve()
        if ":" not in name and target.suffix != ".md" and target.exists() and target.is_relative_to(ROOT):
            yield target


def as_zensical_reads_it(text: str) -> str:
    """The text of a page, in the form that Python-Markdown renders as GitHub renders the original."""
    lines: list[str] = []
    deeper = ""  # what the blocks of the current list item are indented by, beyond the original
    fence, begun = "", 0  # the line at which the current item or paragraph begins
    for line in text.split("\n"):
        marks = _FENCE.match(line)
        item = None if fence else _ITEM.match(line)
        indent = deeper if line and not item else ""
        if fence:
            fence = "" if marks and marks[2] == fence and not marks[3] else fence
        elif item:
            if "" in lines[begun:] and lines[-1]:  # an item with blocks does not end without a blank line
                lines.append("")
            deeper, begun = " " * (4 - len(item[1])), len(lines)
        else:
            if line and not line.startswith(" "):
                deeper, indent, begun = "", "", len(lines)
            fence = marks[2] if marks else ""
            lines.append(indent + (f"{marks[1]}{marks[2]}{marks[3]}" if marks else line))
            continue
        lines.append(indent + line)
    return "\n".join(lines)


def _listing(folder: Path) -> str:
    """A page for a link to a folder: its files, which are not on the site."""
    files = sorted(
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    return f"# {folder.relative_to(ROOT)}/\n\nA folder of the repository:\n\n" + "".join(
        f"* `{file}`\n" for file in files
    )
