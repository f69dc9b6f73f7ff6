"""Questions and answers of ``new``."""

from __future__ import annotations

import pytest

from airflow_sagemaker_mlops.scaffold import ProjectError, questions, settle
from airflow_sagemaker_mlops.scaffold.answers import unanswered
from airflow_sagemaker_mlops.scaffold.questions import Question, Value
from airflow_sagemaker_mlops.scaffold.registries import REGISTRIES


def test_without_answers_the_defaults_hold() -> None:
    answers = settle({})
    assert answers["source"] == "yaml"
    assert answers["deploy"] == "endpoint"
    assert (answers["gate"], answers["monitoring"], answers["approval"]) == (True, True, False)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"gats": "yes"}, '[SM371] There is no question "gats". Did you mean "gate"?'),
        ({"deploy": "endpoints"}, '[SM372] deploy is "endpoints". Did you mean "endpoint"?'),
        ({"deploy": ""}, '[SM372] deploy is "". Use one of: batch, endpoint, none.'),
        ({"gate": "maybe"}, '[SM372] gate is "maybe". Answer yes or no.'),
        (
            {"project": "My Model"},
            '[SM372] project is "My Model". A project name has 2 to 32 lowercase letters, digits and dashes, '
            "and begins with a letter.",
        ),
        (
            {"source": "sdk", "gate": "yes"},
            '[SM372] gate is "yes", and the question is not asked with source=sdk. Leave gate out, or change source.',
        ),
        ({"source": "file"}, "[SM373] source=file needs its file. Add --data definition=...."),
        ({"region": "eu-west-9"}, '[SM372] region is "eu-west-9". Did you mean "eu-west-3"?'),
        (
            {"region": "cn-north-1"},
            '[SM372] region is "cn-north-1". The template has ARNs and images of commercial regions only: take one of '
            "those, then replace region, ARNs and images in the project.",
        ),
        (
            {"regulated": "yes", "approval": "no"},
            '[SM372] approval is "no", and the question is not asked with regulated=yes. '
            "Leave approval out, or change regulated.",
        ),
        (
            {"source": "sdk", "regulated": "yes", "approval": "no"},
            '[SM372] approval is "no", and the question is not asked with source=sdk and regulated=yes. '
            "Leave approval out, or change source and regulated.",
        ),
        (
            {"licence": "none", "holder": "me"},
            '[SM372] holder is "me", and the question is not asked with licence=none. '
            "Leave holder out, or change licence.",
        ),
        (
            {"holder": "  "},
            '[SM372] holder is "  ". A licence names who holds the copyright; for a project without a licence, '
            "take licence=none.",
        ),
        ({"holder": "a\nb"}, '[SM372] holder is "a\nb". Write it on one line, without control characters.'),
    ],
)
def test_an_answer_that_is_none_is_named_with_what_would_be_one(given: dict[str, Value], sentence: str) -> None:
    with pytest.raises(ProjectError) as caught:
        settle(given)
    assert str(caught.value) == sentence


def test_all_wrong_answers_are_named_at_once() -> None:
    with pytest.raises(ProjectError) as caught:
        settle({"gats": "yes", "deploy": "x", "ci": "y"})
    assert [problem.code for problem in caught.value.problems] == ["SM371", "SM372", "SM372"]


def test_a_regulated_project_asks_a_person() -> None:
    assert settle({"regulated": "yes"})["approval"] is True


def test_only_questions_that_make_sense_are_asked() -> None:
    asked = []

    def ask(question: Question, default: Value) -> Value:
        asked.append(question.name)
        return "sdk" if question.name == "source" else default

    settle({"project": "churn"}, ask)
    assert asked == ["source", "deploy", "regulated", "target", "ci", "region", "licence", "holder"]
    assert unanswered({"source": "sdk", "deploy": "none", "regulated": "no"}) == [
        "project",
        "target",
        "ci",
        "region",
        "licence",
        "holder",
    ]


def test_every_region_that_can_be_chosen_has_a_registry() -> None:
    [region] = [question for question in questions() if question.name == "region"]
    assert set(region.choices) == set(REGISTRIES)
