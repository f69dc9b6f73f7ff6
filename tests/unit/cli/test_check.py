"""``sagemaker-mlops check`` on the files of ``tests/pipelines/check``: reports every problem at once."""

from __future__ import annotations

import json
from email.message import Message
from pathlib import Path

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli import problem_pages
from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.cli.problem_pages import page_of, where_to_read

CASES = Path(__file__).parents[2] / "pipelines" / "check"


def check(case: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> tuple[int, str]:
    monkeypatch.chdir(case)
    result = CliRunner().invoke(app, ["check", next(case.glob("pipeline.*")).name, *options])
    return result.exit_code, result.output


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_errors_and_warnings_are_reported_together_in_the_order_of_the_file(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = (case / "report.txt").read_text()
    assert check(case, monkeypatch) == (0 if ": 0 errors" in report else 1, report)


def test_json_has_the_errors_and_the_warnings_too(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = check(CASES / "errors-and-warnings", monkeypatch, "--format", "json")
    assert code == 1
    assert [(problem["line"], problem["code"], problem["severity"]) for problem in json.loads(text)] == [
        (3, "SM120", "warning"),
        (8, "SM120", "warning"),
        (9, "SM122", "error"),
        (14, "SM152", "warning"),
        (15, "SM204", "error"),
        (19, "SM151", "error"),
        (23, "SM201", "error"),
    ]


def test_every_problem_has_the_address_of_the_page_about_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = check(CASES / "errors-and-warnings", monkeypatch, "--format", "json")
    assert {(problem["code"], problem["url"]) for problem in json.loads(text)} >= {("SM120", page_of("SM120"))}
    monkeypatch.setenv("SAGEMAKER_MLOPS_DOCS", "https://docs.corp.example/mlops/")
    _, text = check(CASES / "errors-and-warnings", monkeypatch)
    assert "\nSee https://docs.corp.example/mlops/docs/problems/sm120.html; likewise SM122, " in text


def test_the_line_about_codes_names_each_once_and_not_all_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGEMAKER_MLOPS_DOCS", raising=False)
    assert where_to_read([]) == ""
    assert where_to_read(["SM201", "SM201"]) == f"See {page_of('SM201')}."
    assert where_to_read(f"SM{code}" for code in range(100, 110)) == (
        f"See {page_of('SM100')}; likewise SM101, SM102, SM103, SM104, SM105, SM106, SM107, SM108 and 1 more."
    )


@pytest.mark.parametrize(
    ("urls", "page"),
    [
        (
            ["Repository, https://a.example/p", "Documentation, https://a.example/d"],
            "https://a.example/d/docs/problems/sm201.html",
        ),
        (["Repository, https://a.example/p"], "docs/problems.md#sm201"),
        (None, "docs/problems.md#sm201"),
    ],
    ids=["published", "a fork without a site", "a checkout"],
)
def test_the_page_of_a_code_is_on_the_site_that_the_distribution_names(
    urls: list[str] | None, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAGEMAKER_MLOPS_DOCS", raising=False)
    found = Message()
    for url in urls or ():
        found["Project-URL"] = url
    monkeypatch.setattr(problem_pages, "metadata", {"airflow-sagemaker-mlops": found}.__getitem__)
    assert page_of("SM201") == page


def test_files_of_the_package_that_are_not_installed_have_no_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGEMAKER_MLOPS_DOCS", raising=False)
    monkeypatch.setattr(problem_pages, "PACKAGE", "a-package-that-nobody-has-installed")
    assert page_of("SM201") == "docs/problems.md#sm201"
