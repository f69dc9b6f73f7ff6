"""ForEach: items that are null or lack what the body reads, and a MaxConcurrency that a parameter gives."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sagemaker_mlops.runs.run_pipeline import run_pipeline


def error_of(items: str, read: str = "ForEach.CurrentItem", most: Any = 1, given: int = 1) -> str:
    """The error of a loop whose body reads ``read`` of items given as JSON text."""
    body = {"Name": "Score", "Type": "Lambda", "FunctionArn": "f", "Arguments": {"x": {"Get": read}}}
    arguments = {"IterableItems": {"Get": "Parameters.Items"}, "MaxConcurrency": most, "ForEachBody": [body]}
    parameters = [{"Name": "Items", "Type": "String"}, {"Name": "Most", "Type": "Integer"}]
    steps = [{"Name": "Loop", "Type": "ForEach", "Arguments": arguments}]
    document = {"Version": "2020-12-01", "Parameters": parameters, "Steps": steps}
    run = run_pipeline(document, {"Items": items, "Most": given}, stubs={"*": {}}, records="off")
    return run.steps["Loop"].error


def test_an_item_that_is_null_is_undefined_as_every_null() -> None:
    assert error_of("[1]") == ""
    assert '"Score-1" at x: ForEach.CurrentItem is undefined: the item is null.' in error_of("[1, null]")


@pytest.mark.parametrize(
    ("items", "read", "words"),
    [
        ("[7]", ".name", "there is no name in the item, which holds the value 7."),
        ('[{"id": 7}]', ".name", 'there is no name in the item, which holds the keys "id".'),
        ('[{"a": {"b": 1}}]', ".a.c.d", 'there is no a.c in the item, where a holds the keys "b".'),
    ],
)
def test_the_message_names_the_place_in_the_item_where_the_path_ends(items: str, read: str, words: str) -> None:
    assert f"ForEach.CurrentItem{read} is undefined: {words}" in error_of(items, f"ForEach.CurrentItem{read}")


def test_a_parameter_gives_a_max_concurrency_in_the_range_of_a_literal() -> None:
    most = {"Get": "Parameters.Most"}
    assert error_of("[1, 2]", most=most, given=50) == ""
    for given in (0, 51, -1):
        words = f'Step "Loop": MaxConcurrency is {given}, but has to be an integer from 1 to 50.'
        assert error_of("[1, 2]", most=most, given=given) == words
