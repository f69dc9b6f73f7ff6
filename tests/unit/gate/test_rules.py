"""Reading the rules of a gate."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_sagemaker_mlops.gate import InvalidRules, parse_rules, rule_problems
from airflow_sagemaker_mlops.gate.rules import Margin

ROOM = Path(__file__).parents[3] / "airflow_sagemaker_mlops" / "gate"


def problems(text: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRules) as error:
        parse_rules(yaml.safe_load(text))
    return [(problem.place, f"{problem.what} {problem.fix}".strip()) for problem in error.value.problems]


def test_rules_are_read_as_they_stand_in_a_pipeline() -> None:
    rules = parse_rules(
        yaml.safe_load("""
        - {Metric: auc, Goal: maximize, Must: improve, By: 0.0, Confidence: 0.95}
        - {Metric: log_loss, Goal: minimize, Must: not_worsen, By: 1%}
        - {Metric: auc, Slice: origin, Must: not_worsen, By: 0.02, MinRecords: 200}
        - {Metric: auc, Floor: 0.6, AlarmAbove: 0.98}
        - {Metric: latency_p95_ms, Must: not_worsen, By: 5%, DryRun: true}
        """)
    )
    assert [rule.goal for rule in rules] == ["maximize", "minimize", "maximize", "maximize", "minimize"]
    assert rules[1].by == Margin(0.01, is_relative=True)
    assert (rules[2].slice, rules[2].min_records) == ("origin", 200)
    assert (rules[3].floor, rules[3].alarm_above, rules[3].must) == (0.6, 0.98, "")
    assert rules[4].dry_run
    assert [rule.kind for rule in rules] == ["known"] * 4 + ["external"]


@pytest.mark.parametrize(
    ("by", "margin"),
    [("0.002", Margin(0.002)), ("1%", Margin(0.01, True)), (" 2.5 % ", Margin(0.025, True)), (0, Margin(0.0))],
)
def test_a_margin_is_a_number_or_a_percentage(by: Any, margin: Margin) -> None:
    assert parse_rules([{"Metric": "rmse", "Must": "improve", "By": by}])[0].by == margin


def test_all_problems_of_all_rules_come_at_once_with_their_places() -> None:
    found = problems("""
        - {Metric: auc, Musst: improve, By: 5}
        - {Metric: auc, Must: Improve, By: -1, Confidence: 95}
        - 3
        """)
    assert [place for place, _ in found] == ["[0].Musst", "[0].By", "[1].Must", "[1].By", "[1].Confidence", "[2]"]
    assert found[0][1] == '"Musst" is not a key of a rule. Did you mean "Must"?'
    assert found[4][1] == "Confidence is 95. Did you mean 0.95?"


@pytest.mark.parametrize(
    ("rule", "place", "word"),
    [
        ("{Metric: AUC, Must: improve}", "[0].Metric", 'Did you mean "auc"?'),
        ("{Metric: acu, Must: improve}", "[0].Metric", 'Did you mean "auc"?'),
        ("{Metric: 'validation:auc', Goal: maximize, Must: improve}", "[0].Metric", 'Did you mean "auc"?'),
        ("{Metric: f1_score, Must: improve}", "[0].Metric", 'Did you mean "f1"?'),
        ("{Metric: 'm:profit', Must: improve}", "[0]", "Add Goal"),
        ("{Metric: lift, Must: not_worsen}", "[0]", "Add Goal"),
        ("{Must: improve}", "[0]", "names no metric"),
        ("{Metric: auc}", "[0]", "demands nothing"),
        ("{Metric: auc, Floor: 0.5, By: 0.1}", "[0].By", "no effect without Must"),
        ("{Metric: auc, Goal: minimize, Must: improve}", "[0].Goal", "AUC is to maximize"),
        ("{Metric: rmse, Floor: 1}", "[0].Floor", "Did you mean AlarmBelow?"),
        ("{Metric: rmse, AlarmAbove: 1}", "[0].AlarmAbove", "Did you mean Ceiling?"),
        ("{Metric: auc, Ceiling: 1}", "[0].Ceiling", "Did you mean AlarmAbove?"),
        ("{Metric: auc, Floor: 60}", "[0].Floor", "Did you mean 0.6?"),
        (
            "{Metric: auc, Floor: 0.9, AlarmAbove: 0.8}",
            "[0].AlarmAbove",
            "no candidate can meet both limits of AUC, Floor 0.9 and AlarmAbove 0.8.",
        ),
        ("{Metric: auc, Must: improve, By: .nan}", "[0].By", "instead of a number"),
        ("{Metric: auc, Must: improve, By: true}", "[0].By", "instead of a number"),
        ("{Metric: auc, Must: not_worsen, By: 100%}", "[0].By", "can never lose"),
        ("{Metric: auc, Must: improve, DryRun: maybe}", "[0].DryRun", "Use true or false"),
        ("{Metric: auc, Must: improve, MinRecords: 1.5}", "[0].MinRecords", "whole number"),
        ("{Metric: auc, Must: improve, Slice: candidate}", "[0].Slice", "column of the score"),
        ("{Metric: auc, Must: improve, Values: [a]}", "[0].Values", "the rule has none"),
        ("{Metric: auc, Must: improve, Threshold: 0.3}", "[0].Threshold", "has no threshold"),
        ("{Metric: cost, Must: improve}", "[0]", "FalsePositive"),
        ("{Metric: cost, Must: improve, Cost: {FalsePositive: 0, FalseNegative: 0}}", "[0].Cost", "two numbers"),
        ("{Metric: latency_ms, Must: improve}", "[0].Must", "do not tell an improvement from chance"),
        ("{Metric: latency_ms, Must: not_worsen, Slice: a}", "[0].Slice", "one number per model"),
        ("{Metric: latency_ms, Must: not_worsen, MinRecords: 9}", "[0].MinRecords", "has no effect"),
        ("{Metric: latency_ms, Must: not_worsen, Confidence: 0.9}", "[0].Confidence", "has no effect"),
        ("{Metric: latency_ms, Must: not_worsen, Compare: recorded}", "[0].Compare", "has no effect"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_the_way_out(rule: str, place: str, word: str) -> None:
    found = problems(f"[{rule}]")
    assert found[0][0] == place
    assert word in found[0][1]


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ("- {Metric: auc, Must: improve}\n- {Metric: auc, Must: improve, By: 0.01}", "[1]"),
        ("- {Metric: auc, Must: improve, Floor: 0.9}\n- {Metric: auc, AlarmAbove: 0.8}", "[1].AlarmAbove"),
        ("- {Metric: a_x, Goal: maximize, Must: not_worsen}\n- {Metric: a_x, Goal: minimize, Ceiling: 3}", "[1].Goal"),
        ("- {Metric: auc, Must: improve, DryRun: true}", ""),
        ("[]", ""),
        ("", ""),
        ("{Metric: auc, Must: improve}", ""),
        ("Rules: [{Metric: auc, Must: improve}]", ""),
    ],
)
def test_rules_that_contradict_each_other_are_refused(rules: str, place: str) -> None:
    assert [where for where, _ in problems(rules)] == [place]


def test_values_that_a_run_fills_in_are_not_judged() -> None:
    rules = [{"Metric": "auc", "Must": "improve", "By": {"Get": "Parameters.Margin"}, "Goal": {"Get": "x"}}]
    is_reference = lambda value: isinstance(value, dict) and set(value) == {"Get"}  # noqa: E731
    assert rule_problems(rules, is_reference) == []
    assert [problem.place for problem in rule_problems([{**rules[0], "Confidence": 2}], is_reference)] == [
        "[0].Confidence"
    ]


def test_absurd_values_are_shown_short() -> None:
    found = problems(f"- {{Metric: auc, Must: {'x' * 5000}, By: {'9' * 4000}}}")
    assert all(len(sentence) < 200 for _, sentence in found)


def test_the_modules_of_a_job_are_python_3_9() -> None:
    for module in ROOM.glob("*.py"):
        tree = ast.parse(module.read_text(), feature_version=(3, 9))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("zip", "dataclass", "field"):
                newer = {keyword.arg for keyword in node.keywords} & {"slots", "kw_only", "strict"}
                assert not newer, f"{module.name}:{node.lineno}: {newer} is of Python 3.10"
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                assert not isinstance(node.args[1], ast.BinOp), f"{module.name}:{node.lineno}: X | Y at run time"
        futures = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
        assert futures, f"{module.name} evaluates its annotations"
