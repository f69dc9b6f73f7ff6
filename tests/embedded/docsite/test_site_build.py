"""The documentation site as Zensical builds it from this checkout."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from docsite.__main__ import POINTERS, build, project, reference_pages
from docsite.staging import ROOT, nav_pages, pointing_to

if find_spec("zensical") is None:
    pytest.skip("Zensical is not installed (the extra `docs`), so the site is not built.", allow_module_level=True)

COUNTED = ("h1", "h2", "h3", "h4", "li", "ol", "ul", "table", "tr", "td", "pre", "blockquote", "strong", "em", "img")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, which has no dead link and loads nothing from another host."""
    folder = tmp_path_factory.mktemp("site")
    assert build(folder) == []
    return folder / "site"


def test_the_site_has_the_story_the_codes_and_the_text_for_language_models(site: Path) -> None:
    assert "only if it" in (site / "index.html").read_text()
    assert 'id="sm101"' in (site / "docs" / "problems.html").read_text()
    assert "[SM205]" in (site / "docs" / "problems" / "sm205.html").read_text()
    assert "(docs/index.md): " in (site / "llms.txt").read_text()
    assert "# The champion gate" in (site / "llms-full.txt").read_text()


def test_pages_have_the_parts_that_another_reader_of_markdown_finds(site: Path) -> None:
    reader = MarkdownIt("commonmark").enable("table")
    different = {}
    made = reference_pages()
    for _, page in nav_pages(project()["nav"]):
        html = (site / page.replace("README.md", "index.md").replace(".md", ".html")).read_text()
        ours = parts(html[html.index("<article") : html.index("</article")])
        text = made.get(page) or (ROOT / page).read_text()
        theirs = parts(reader.render(pointing_to(text, POINTERS[page]) if page in POINTERS else text))
        if ours != theirs:
            different[page] = {tag: (ours[tag], theirs[tag]) for tag in COUNTED if ours[tag] != theirs[tag]}
    assert different == {}


def parts(html: str) -> dict[str, int]:
    """How many elements of each kind there are."""
    return {tag: len(re.findall(rf"<{tag}\b", html)) for tag in COUNTED}
