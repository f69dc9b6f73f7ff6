"""Reading the rules and columns of a drift check."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from airflow_sagemaker_mlops.drift import parse_rules, rule_problems
from airflow_sagemaker_mlops.drift.settings import column_problems, columns_of
from airflow_sagemaker_mlops.gate import InvalidRules


def test_rules_are_read_with_their_limits_and_columns() -> None:
    rules = parse_rules(
        yaml.safe_load("""
        - {Check: schema}
        - {Check: records, Min: 500, Max: 2000}
        - {Check: psi, Max: 0.1, Columns: [hour, visib]}
        - {Check: missing, MaxIncrease: 5%, Ignore: [wind_gust]}
        - {Check: new_categories, DryRun: true}
        """)
    )
    assert (rules[1].least, rules[1].most) == (500, 2000)
    assert (rules[2].limit, rules[2].columns) == (0.1, ("hour", "visib"))
    assert rules[3].limit == 0.05
    assert not rules[3].applies_to("wind_gust")
    assert rules[4].dry_run


def test_without_rules_the_usual_ones_hold() -> None:
    assert [rule.check for rule in parse_rules(None)] == ["schema", "psi", "missing", "new_categories"]
    assert parse_rules(None)[1].limit == 0.25


@pytest.mark.parametrize(
    ("rules", "place", "what"),
    [
        ("{Check: psi}", "", "the rules are not a list."),
        ("[]", "", "there are no rules."),
        ("[3]", "[0]", "the rule is not an object."),
        ("[{Max: 1}]", "[0]", "the rule has no Check."),
        ("[{Check: pso}]", "[0].Check", 'there is no check "pso".'),
        ("[{Check: psi, Limit: 1}]", "[0].Limit", 'the check "psi" has no key "Limit".'),
        ("[{Check: psi, Max: much}]", "[0].Max", 'Max is "much" instead of a number of 0 or more.'),
        ("[{Check: psi, Max: .nan}]", "[0].Max", "Max is nan instead of a number of 0 or more."),
        ("[{Check: ks, Max: 20}]", "[0].Max", "Max is 20, but the number lies between 0 and 1."),
        ("[{Check: records}]", "[0]", 'the check "records" demands nothing.'),
        ("[{Check: records, Min: 5, Max: 4}]", "[0].Min", "Min is 5 and Max is 4."),
        ("[{Check: label_rate, Columns: [a]}]", "[0].Columns", 'the check "label_rate" has no key "Columns".'),
        ("[{Check: psi, Columns: hour}]", "[0].Columns", 'Columns is "hour" instead of a list of columns.'),
        ("[{Check: psi, DryRun: 1}]", "[0].DryRun", "DryRun is 1."),
        ("[{Check: psi}, {Check: psi, Max: 1}]", "[1]", 'rule [0] already is a check of "psi" of the same columns.'),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_its_place(rules: str, place: str, what: str) -> None:
    assert [(problem.place, problem.what) for problem in rule_problems(yaml.safe_load(rules))] == [(place, what)]


def test_all_problems_come_at_once() -> None:
    with pytest.raises(InvalidRules) as error:
        parse_rules([{"Check": "psi", "Max": -1, "Colums": ["a"]}, {"Check": "x"}])
    assert [problem.place for problem in error.value.problems] == ["[0].Colums", "[0].Max", "[1].Check"]


def test_columns_are_read() -> None:
    columns = columns_of({"Label": "late", "Categorical": ["weekday"], "Ignore": ["id"], "Missing": ["?"]})
    assert columns.label == "late"
    assert columns.categorical == {"weekday"}
    assert {"?", "NA", ""} <= columns.missing


@pytest.mark.parametrize(
    ("columns", "place"),
    [
        (3, ""),
        ({"Labels": "late"}, "Labels"),
        ({"Ignore": "id"}, "Ignore"),
        ({"Header": "no"}, "Header"),
        ({"Numeric": ["a"], "Categorical": ["a"]}, "Categorical"),
        ({"Label": "a", "Ignore": ["a"]}, "Ignore"),
    ],
)
def test_columns_that_cannot_be_used_are_refused(columns: Any, place: str) -> None:
    assert [problem.place for problem in column_problems(columns)] == [place]


def test_values_of_a_run_are_not_judged_and_everything_else_is() -> None:
    rules = yaml.safe_load("""
        - {Check: "?", Limit: 1}
        - {Check: psi, Max: "?", Column: [hour]}
        - {Check: psi, Columns: ["?"], Max: -1}
        - {Check: records, Min: "?"}
        - {Check: psi, Max: "?"}
        - {Check: psi, Max: 0.3}
        """)
    places = [problem.place for problem in rule_problems(rules, lambda value: value == "?")]
    assert places == ["[1].Column", "[2].Max"]
    columns = {"Label": "?", "Ignore": ["?"], "Header": "?", "Categorical": "weekday", "Colour": "?"}
    assert [one.place for one in column_problems(columns, lambda value: value == "?")] == ["Colour", "Categorical"]
    assert rule_problems("?", lambda value: value == "?") == column_problems("?", lambda value: value == "?") == ()
