"""The pages agree with the code that they describe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.definition.problem_names import NAMES
from airflow_sagemaker_mlops.execution.job_state import TRANSITIONS

ROOT = Path(__file__).parents[3]


def test_every_code_of_a_problem_has_its_row_with_an_anchor() -> None:
    sources = (ROOT / "airflow_sagemaker_mlops").rglob("*.py")
    used = {code for file in sources for code in re.findall(r'"(SM\d{3})"', file.read_text())}
    page = (ROOT / "docs" / "problems.md").read_text()
    rows = re.findall(r'^\| <a id="sm(\d{3})"></a>SM(\d{3}) \|', page, re.MULTILINE)
    assert {f"SM{code}" for _, code in rows} == used
    assert [row for row in rows if row[0] != row[1]] == []


def test_every_code_of_a_problem_has_a_name_of_its_own_and_the_page_has_it() -> None:
    page = (ROOT / "docs" / "problems.md").read_text()
    assert dict(re.findall(r"^\| <a [^>]+></a>(SM\d{3}) \| `([a-z0-9-]+)` \|", page, re.MULTILINE)) == NAMES
    assert len(set(NAMES.values())) == len(NAMES)


def test_every_command_is_in_the_readme() -> None:
    page = (ROOT / "README.md").read_text()
    names = {str(command.name or getattr(command.callback, "__name__", "")) for command in app.registered_commands}
    names |= {str(group.name) for group in app.registered_groups}
    assert set(re.findall(r"(?m)^\| `([a-z-]+)(?: [^`]*)?` \| [a-z]+s ", page)) == names


def test_no_page_has_a_diagram_that_the_site_shows_as_source_text() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert [page.name for page in pages if re.search(r"(?m)^ *```mermaid", page.read_text())] == []


def test_the_page_of_step_types_names_no_call_that_is_not_made() -> None:
    assert "``" not in (ROOT / "docs" / "step-types.md").read_text()


def test_the_design_has_the_journals_states_and_transitions_as_the_code_does() -> None:
    page = (ROOT / "docs" / "design.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| [^|]+ \|([^|]*)\|", page, re.MULTILINE)
    assert {state: set(re.findall(r"[A-Z_]{2,}", after)) for state, after in rows} == {
        str(state): {str(one) for one in after} for state, after in TRANSITIONS.items()
    }


@pytest.mark.parametrize(
    "phrase",
    [
        "are told of",
        "for whoever",
        "goes on with",
        "half of a letter",
        "is told of",
        "short of breath",
        "so many at a time",
        "stands where",
        "what came of",
        "what goes on",
        "who has none",
        "word of why",
    ],
)
def test_texts_are_free_of_phrases_that_only_a_translation_has(phrase: str) -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "airflow_sagemaker_mlops").rglob("*.py")]
    found = [str(page.relative_to(ROOT)) for page in pages if phrase in " ".join(page.read_text().lower().split())]
    assert found == []
