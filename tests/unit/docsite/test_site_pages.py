"""The pages of the documentation site before the build: navigation, copies for Zensical, pages of problem codes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.cli.examples import EXAMPLES
from airflow_sagemaker_mlops.definition.problem_names import NAMES
from docsite.__main__ import POINTERS, project, reference_pages
from docsite.code_pages import code_pages, linked_table
from docsite.command_pages import FOLDER as COMMANDS
from docsite.docstrings import Docstring, markdown, parsed
from docsite.llms import first_sentence
from docsite.messages import Message, messages
from docsite.python_pages import FOLDER as NAMES_OF_MODULES
from docsite.python_pages import REFERENCES, public_names
from docsite.staging import as_zensical_reads_it, nav_pages, pointing_to, repository_pages
from docsite.tutorial import blocks, plain

ROOT = Path(__file__).parents[3]
NAV = [page for _, page in nav_pages(project()["nav"])]
REFERENCE = reference_pages()


def test_every_page_is_in_the_nav_once_and_the_nav_has_no_other() -> None:
    assert sorted(NAV) == sorted([*repository_pages(), *REFERENCE])


def test_the_nav_begins_with_the_story_and_has_five_parts() -> None:
    parts = [part for entry in project()["nav"] for part in entry]
    assert parts == ["Start", "Guides", "How-tos", "Reference", "Development"]
    assert NAV[:3] == ["README.md", "docs/index.md", "docs/tutorial.md"]


@pytest.mark.parametrize("page", NAV)
def test_every_page_begins_with_a_heading_and_a_sentence(page: str) -> None:
    text = REFERENCE.get(page) or (ROOT / page).read_text()
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    assert text.startswith("# ")
    assert len(first_sentence(text)) > 10
    opening = text.partition("\n")[2].lstrip()
    assert not re.match(r"[#|<{]|```|\* ", opening), "the page begins with something else than a sentence"


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


def test_the_reference_has_every_command_with_every_option_of_the_parser() -> None:
    commands = 0
    for words, command in parsers(typer.main.get_command(app), []):
        page = REFERENCE[f"{COMMANDS}/commands.md" if len(words) == 1 else f"{COMMANDS}/{words[0]}.md"]
        section = page.partition(f"\n## {' '.join(['sagemaker-mlops', *words])}\n")[2].partition("\n## ")[0]
        options = [
            name for param in command.params for name in [*param.opts, *param.secondary_opts] if not param.hidden
        ]
        assert [name for name in options if name.startswith("-") and name not in section] == [], words
        assert "Example:\n\n```sh\n" in section, words
        commands += 1
    assert commands == len(EXAMPLES)


def parsers(group: Any, path: list[str]) -> Iterator[tuple[list[str], Any]]:
    """Every command below a group with its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from parsers(command, [*path, name])
        else:
            yield [*path, name], command


def test_an_option_says_its_default_and_its_variable_as_sentences() -> None:
    page = REFERENCE[f"{COMMANDS}/commands.md"]
    assert "Maximum number of steps that run at once; 0 for no limit. At least 0. Default: `0`." in page
    assert "adds the cost to the record. Environment variable: `SAGEMAKER_MLOPS_PRICES`." in page
    assert str(Path(sys.executable).parent) not in page


def test_the_reference_has_every_public_name_with_signature_and_docstring() -> None:
    for reference in REFERENCES:
        page = REFERENCE[f"{NAMES_OF_MODULES}/{reference.file}"]
        names = [name for part in reference.parts for name in public_names(part)]
        assert [
            name for name in names if f"\n## {name}\n\n```python\n" not in page and f"* `{name}` (" not in page
        ] == []
        assert {name for part in reference.parts for name in part.first} <= set(names)
        assert len(names) == len(set(names))
    package = REFERENCE[f"{NAMES_OF_MODULES}/package.md"]
    assert re.findall(r"(?m)^## (\w+)", package)[0] == "SageMakerPipelineDag"
    assert "### RunError" not in package  # its methods are for the command line
    training = "* `TrainingStepOperator` (`Training`)"
    assert training in REFERENCE[f"{NAMES_OF_MODULES}/operators.md"]


def test_a_function_of_the_reference_has_its_parameters_and_errors() -> None:
    page = REFERENCE[f"{NAMES_OF_MODULES}/package.md"].partition("\n## run_pipeline\n")[2].partition("\n## ")[0]
    assert "\n    compare_again: int = 3,\n" in page
    assert "* `max_parallel_steps`: maximum number of steps that run at once; 0 for no limit\n" in page
    assert "\nErrors:\n\n* `PipelineError`: with every problem of" in page


def test_every_name_that_a_page_imports_is_in_the_reference() -> None:
    known = {(part.module, name) for one in REFERENCES for part in one.parts for name in public_names(part)}
    texts = [(ROOT / page).read_text() for page in NAV if page not in REFERENCE]
    imported = {
        (module, name.strip())
        for text in texts
        for module, names in re.findall(r"(?m)^ *from (airflow_sagemaker_mlops[\w.]*) import (.+)$", text)
        for name in names.split(",")
    }
    assert {one for one in imported if one not in known} <= {("airflow_sagemaker_mlops", "local_aws")}
    assert ("airflow_sagemaker_mlops", "run_pipeline") in imported


def test_docstrings_become_markdown() -> None:
    fields = ":param a: one\n    of <them>\n:raises Bad: if not\n"
    text = f"Read ``<x>`` of :class:`~a.b.C`, see docs/guides/gate.md.\n\n{fields}\nMore.\n"
    assert parsed(text) == Docstring(
        "Read ``<x>`` of :class:`~a.b.C`, see docs/guides/gate.md.\n\nMore.",
        [("a", "one of <them>")],
        [("Bad", "if not")],
    )
    assert markdown("Read ``<x>`` of :class:`~a.b.C`, see docs/guides/gate.md.") == (
        "Read `<x>` of `C`, see [The champion gate](../guides/gate.md)."
    )
    assert markdown("docs/guides/stages.md has it.") == "[Stages](../guides/stages.md) has it."
    assert markdown("one *of* <them>, a_b") == r"one \*of\* \<them\>, a_b"
    assert parsed("What.\n\nname    of a run\nbefore  the rest\n    of it").params == [
        ("name", "of a run"),
        ("before", "the rest of it"),
    ]


def test_pages_point_to_the_reference_on_the_site_only() -> None:
    assert pointing_to("# A\n\nText.\n\n## B\n\n## C\n", "See D.") == "# A\n\nText.\n\nSee D.\n\n## B\n\n## C\n"
    for page, sentence in POINTERS.items():
        assert sentence not in (ROOT / page).read_text()
        assert sentence in pointing_to((ROOT / page).read_text(), sentence)
