"""The pages of the documentation site, before it is built: the nav, the copies for Zensical, the pages of the codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_sagemaker_mlops.definition.problem_names import NAMES
from docsite.__main__ import project
from docsite.code_pages import code_pages, linked_table
from docsite.llms import first_sentence
from docsite.messages import Message, messages
from docsite.staging import as_zensical_reads_it, nav_pages
from docsite.tutorial import blocks, plain

ROOT = Path(__file__).parents[3]
NAV = [page for _, page in nav_pages(project()["nav"])]


def test_every_page_is_in_the_nav_once_and_the_nav_has_no_other() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"]
    assert sorted(NAV) == sorted(str(page.relative_to(ROOT)) for page in pages)


def test_the_nav_begins_with_the_story_and_has_five_parts() -> None:
    parts = [part for entry in project()["nav"] for part in entry]
    assert parts == ["Start", "Guides", "How-tos", "Reference", "Development"]
    assert NAV[:3] == ["README.md", "docs/index.md", "docs/tutorial.md"]


@pytest.mark.parametrize("page", NAV)
def test_every_page_begins_with_a_heading_and_a_sentence(page: str) -> None:
    text = (ROOT / page).read_text()
    assert text.startswith("# ")
    assert len(first_sentence(text)) > 10


def test_every_code_has_a_page_with_its_rule_and_those_with_a_case_show_document_and_report() -> None:
    pages = {Path(page).name: text for page, text in code_pages()}
    assert list(pages) == [f"{code.lower()}.md" for code in sorted(NAMES)]
    assert [page for page, text in pages.items() if "**The rule:** " not in text] == []
    unknown_step = pages["sm205.md"]
    assert '"Get": "Steps.' in unknown_step
    assert "[SM205]" in unknown_step
    assert "## How to fix it" in unknown_step
    folders = {
        case.name[:5] for case in (ROOT / "tests" / "pipelines" / "invalid").iterdir() if case.name.startswith("SM")
    }
    assert [code for code in folders if "The report:" not in pages[f"{code.lower()}.md"]] == []


def test_the_table_of_codes_links_to_their_pages() -> None:
    row = '| <a id="sm101"></a>SM101 | `not-yaml` | the text is YAML |'
    assert linked_table(row) == '| <a id="sm101"></a>[SM101](problems/sm101.md) | `not-yaml` | the text is YAML |'


def test_blocks_of_list_items_are_indented_as_python_markdown_wants_them() -> None:
    page = (
        "1. One:\n\n   ```yaml\n   a: 1\n   ```\n\n   More.\n\n* Two\n\n  More.\n\nEnd\n\n```python test\n   x\n```\n"
    )
    read = (
        "1. One:\n\n    ```yaml\n    a: 1\n    ```\n\n    More.\n\n* Two\n\n    More.\n\nEnd\n\n```python\n   x\n```\n"
    )
    assert as_zensical_reads_it(page) == read


def test_a_list_item_after_one_with_blocks_is_an_item() -> None:
    assert as_zensical_reads_it("1. One\n\n   More.\n2. Two\n3. Three\n") == "1. One\n\n    More.\n\n2. Two\n3. Three\n"
    assert as_zensical_reads_it("Text.\n\n* One\n  more\n* Two\n") == "Text.\n\n* One\n    more\n* Two\n"


def test_the_first_sentence_is_free_of_links_and_lines() -> None:
    assert first_sentence("# Title\n\n<!-- note -->\n\nA [link](x.md) is\n**bold**. More.\n") == "A link is bold."


def test_a_code_without_a_case_shows_what_its_reports_say_as_the_code_has_it() -> None:
    assert Message("… is not a folder.", "Name a folder that does not exist.") in messages()["SM370"]
    page = {Path(page).name: text for page, text in code_pages()}["sm370.md"]
    assert "[SM370] … is not a folder.\n    Name a folder that does not exist.\n" in page


def test_the_commands_of_the_tutorial_go_with_the_output_below_them() -> None:
    page = "```sh\npip install uv\nls\n```\n\n```text\na  1.2 s\n...\n```\n\n```sh\ncd x\n```\n\n```yaml\na: 1\n```\n"
    assert list(blocks(page)) == [(["ls"], ["a  1.2 s"]), (["cd x"], [])]
    assert plain("Train  ✓ succeeded   11.4 s  pipelines-u5wv-Train-b6gh") == plain(
        "Train  ✓ succeeded  0.1 s  pipelines-ro3v-Train-g7wx"
    )
