"""Links of the pages, and citations of pages in the code, lead to an existing file and heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md", "SECURITY.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
SOURCES = [path for folder in ("airflow_sagemaker_mlops", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]

_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_LINK = re.compile(r"(?<!\\)\]\(([^()\s]+)\)")
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_PICTURE = re.compile(r'\b(?:src|srcset)="([^"\s]+)"')
_CITATION = re.compile(r"\bdocs/[\w./-]+\.md(?:#[\w-]+)?")


def page_text(path: Path) -> str:
    """A page without its blocks of code, in which ``#`` begins a comment and brackets are no links."""
    return _CODE.sub("", path.read_text(encoding="utf-8"))


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a page: its own, and those that GitHub gives to headings; one that repeats gets a number."""
    found: dict[str, int] = {}
    names = set(_ANCHOR.findall(page_text(path)))
    for heading in _HEADING.findall(page_text(path)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = found[name] = found.get(name, -1) + 1
        names.add(f"{name}-{count}" if count else name)
    return frozenset(names)


def broken(target: str, base: Path) -> str:
    """Why ``target``, relative to the folder ``base``, leads nowhere; empty when it leads somewhere."""
    name, _, anchor = target.partition("#")
    path = (base / name).resolve()
    if not path.exists():
        return f"{target}: there is no such file"
    if anchor and (path.suffix != ".md" or anchor not in anchors(path)):
        return f"{target}: the page has no such heading"
    return ""


def links(page: Path) -> Iterator[str]:
    """The relative links of a page."""
    text = re.sub(r"`[^`\n]*`", "", page_text(page))
    for target in [*_LINK.findall(text), *_PICTURE.findall(text)]:
        if not re.match(r"[a-z]+:", target):
            yield f"{page.name}{target}" if target.startswith("#") else target


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert [why for target in links(page) if (why := broken(target, page.parent))] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "AGENTS.md"], ids=lambda page: page.stem)
def test_the_text_of_a_link_is_in_words_and_not_the_name_of_a_file(page: Path) -> None:
    assert re.findall(r"\[[^\]\n]*\.md\]\([^)]*\)", page_text(page)) == []


def test_every_page_that_code_cites_exists_and_has_the_heading() -> None:
    cited = {(path, target) for path in SOURCES for target in _CITATION.findall(path.read_text(encoding="utf-8"))}
    assert [f"{path.name}: {why}" for path, target in sorted(cited) if (why := broken(target, ROOT))] == []


def test_headings_have_the_anchors_that_github_gives_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Who `may` do what?\n\n## Std:Join\n\n## x_y-z\n\n## Std:Join\n\n```sh\n# no heading\n```\n")
    assert anchors(page) == {"who-may-do-what", "stdjoin", "x_y-z", "stdjoin-1"}


def test_every_module_that_a_page_for_developers_names_exists() -> None:
    """Paths in these pages are relative to the package, or to the repository."""
    missing = []
    for page in (
        ROOT / "AGENTS.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "docs" / "design.md",
        *(ROOT / "docs" / "decisions").glob("*.md"),
    ):
        for path in re.findall(r"`([\w.-]+/[\w/.-]+\.py)`", page.read_text()):
            if not any((base / path).exists() for base in (ROOT, ROOT / "airflow_sagemaker_mlops")):
                missing.append(f"{page.name}: {path}")
    assert missing == []


def test_every_test_file_that_the_matrix_runs_exists() -> None:
    listed = re.search(r"^WHOLE_RUNS := ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed is not None
    files = listed[1].replace("\\\n", " ").split()
    assert len(files) > 5
    assert [file for file in files if not (ROOT / file).exists()] == []
