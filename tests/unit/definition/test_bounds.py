"""Bounds on documents: small ones that expand, and large ones, which are read in linear time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import examine, load_pipeline
from airflow_sagemaker_mlops.definition.problems import InvalidPipeline, Problem, did_you_mean
from airflow_sagemaker_mlops.definition.property_paths import parse_json_path, parse_path
from airflow_sagemaker_mlops.definition.read.strict_json import NotJson, read_json
from airflow_sagemaker_mlops.plan import make_plan

HEAD = 'Version: "2020-12-01"\nSteps: []\nMetadata:\n'


def refused(source: Any) -> Problem:
    with pytest.raises(InvalidPipeline) as caught:
        load_pipeline(source)
    return caught.value.problems[0]


class SdkPipeline:
    def __init__(self, text: str) -> None:
        self.text = text

    def definition(self) -> str:
        return self.text


def test_merge_keys_of_merge_keys_are_refused_where_they_become_too_many() -> None:
    lines = ["  m0: &m0 {k: v}"]
    lines += [f"  m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 9)}]}}" for i in range(1, 10)]
    problem = refused(HEAD + "\n".join(lines) + "\n")
    assert (problem.code, problem.line) == ("SM105", 10)


def test_a_long_text_that_aliases_repeat_is_counted_each_time() -> None:
    lines = [f"  a: &a {'x' * 100_000}", f"  b: [{', '.join(['*a'] * 100)}]"]
    assert refused(HEAD + "\n".join(lines) + "\n").code == "SM105"


def test_a_long_key_that_aliases_repeat_is_counted_each_time() -> None:
    lines = [f"  a: &a {'x' * 100_000}", "  b:", *["  - {*a : 1}"] * 100]
    assert refused(HEAD + "\n".join(lines) + "\n").code == "SM105"


def test_merge_keys_mean_what_they_did() -> None:
    text = HEAD + "  a: &a {x: 1, y: 1}\n  b: &b {y: 2, z: 2}\n  c: {<<: [*a, *b], z: 3}\n  d: {x: 0, <<: *b}\n"
    metadata = load_pipeline(text).metadata
    assert metadata["c"] == {"x": 1, "y": 1, "z": 3}
    assert metadata["d"] == {"x": 0, "y": 2, "z": 2}


@pytest.mark.parametrize("opening", ["[", "{a: ", "[{a: "])
@pytest.mark.parametrize("closed", [True, False])
def test_deep_flow_style_is_refused_where_it_becomes_too_deep(opening: str, closed: bool) -> None:
    closing = {"[": "]", "{a: ": "}", "[{a: ": "}]"}[opening]
    problem = refused("x: " + opening * 30_000 + closing * (30_000 if closed else 0) + "\n")
    assert (problem.code, problem.line) == ("SM105", 1)
    assert problem.column is not None


def test_deep_block_style_is_refused() -> None:
    assert refused("x:\n" + "- " * 30_000 + "y\n").code == "SM105"
    assert refused("\n".join(" " * depth + "a:" for depth in range(1000)) + "\n").code == "SM105"


@pytest.mark.parametrize("depth", [250, 30_000])
def test_deep_json_is_refused_with_its_place(depth: int) -> None:
    text = '{"Version": "2020-12-01", "Steps": [],\n "Metadata": ' + '{"a":' * depth + "1" + "}" * depth + "}"
    for source in (text, text.encode(), SdkPipeline(text)):
        problem = refused(source)
        assert (problem.code, problem.line) == ("SM105", 2)


def test_deep_dicts_and_dicts_that_hold_one_another_often_are_refused() -> None:
    deep: Any = 1
    wide: Any = "x"
    for _ in range(1000):
        deep = [deep]
    for _ in range(30):
        wide = [wide] * 9
    circle: dict[str, Any] = {"Steps": []}
    circle["Metadata"] = circle
    for document in ({"Steps": [], "Metadata": {"a": deep}}, {"Steps": [], "Metadata": {"a": wide}}, circle):
        assert refused(document).code == "SM105"


def test_any_text_has_the_limit_that_files_have() -> None:
    text = json.dumps({"Steps": [], "Metadata": {"a": "x" * 9_000_000}})
    for source in (text, text.encode(), SdkPipeline(text)):
        assert refused(source).code == "SM105"


def test_many_directives_are_refused() -> None:
    assert refused("".join(f"%TAG !a{i}! x\n" for i in range(1000)) + "---\nSteps: []\n").code == "SM105"


@pytest.mark.parametrize("text", ["[" * 30_000, '{"a":' * 30_000, "[" * 201 + "]" * 201])
def test_what_a_run_reads_is_no_deeper_than_a_definition(text: str) -> None:
    with pytest.raises(NotJson, match="nested more than 200 deep"):
        read_json(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"auc": NaN}', "NaN is not a number in JSON (line 1, column 9)"),
        ('{"a": "NaN", "b": -Infinity}', "-Infinity is not a number in JSON (line 1, column 19)"),
        ('{"a": 1e999}', "1e999 is out of range (line 1, column 7)"),
        ('{"a": ' + "1" * 5000 + "}", "a number has 5000 characters"),
        ('{"a": 1, "b": {"c": 1,\n "c": 2}}', 'the key "c" appears twice in one object (line 2, column 2)'),
        (r'{"a": "\ud800"}', r'"\ud800" is a lone surrogate: its other half is missing (line 1, column 8)'),
        ('{"a": "\ud800"}', "it contains a lone surrogate"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        ("", "expecting value"),
        ("{} {}", "extra data"),
    ],
)
def test_what_a_run_reads_is_strict_json(text: str | bytes, words: str) -> None:
    with pytest.raises(NotJson) as caught:
        read_json(text)
    assert words in caught.value.predicate()


def test_json_of_other_writers_is_read() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": [1, 2.5, -0, 1e-3, "\\ud83d\\ude00", null, true]}') == {
        "a": [1, 2.5, 0, 0.001, "\U0001f600", None, True]
    }
    with pytest.raises(NotJson, match="larger than 5 bytes"):
        read_json("[1, 2, 3]", most_bytes=5)


def calls(action: Callable[[], Any]) -> int:
    """How many functions, of Python and of C, ``action`` calls: its work, on a machine of any speed."""
    count = 0

    def seen(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


def processing(index: int, **more: Any) -> dict[str, Any]:
    return {"Name": f"S{index}", "Type": "Processing", "Arguments": {"RoleArn": "r"}, **more}


def lambda_with(outputs: int) -> list[Any]:
    names = [{"OutputName": f"o{i}", "OutputType": "String"} for i in range(outputs)]
    reads = {f"k{i}": {"Get": f"Steps.L.OutputParameters['o{i}']"} for i in range(outputs)}
    first = {"Name": "L", "Type": "Lambda", "FunctionArn": "f", "OutputParameters": names}
    return [first, {"Name": "M", "Type": "Lambda", "FunctionArn": "f", "Arguments": reads}]


def loop_with(steps: int) -> list[Any]:
    fields = {f"k{i}": {"Get": f"IterationOutput.B{i}.TrainingJobName"} for i in range(steps)}
    body = [{"Name": f"B{i}", "Type": "Training", "Arguments": {}} for i in range(steps)]
    arguments = {"IterableItems": ["a"], "MaxConcurrency": 1, "Selector": fields, "ForEachBody": body}
    return [{"Name": "F", "Type": "ForEach", "Arguments": arguments}]


GROWING: dict[str, Callable[[int], str]] = {
    "unknown DependsOn": lambda n: json.dumps({"Steps": [processing(i, DependsOn=[f"Sx{i}"]) for i in range(n)]}),
    "unknown parameters": lambda n: json.dumps(
        {
            "Parameters": [{"Name": f"P{i}", "Type": "String"} for i in range(n)],
            "Steps": [processing(i, Description="x", DisplayName={"Get": f"Parameters.Q{i}"}) for i in range(n)],
        }
    ),
    "unknown keys": lambda n: json.dumps({"Steps": [{**processing(0), **{f"DependOn{i}": 1 for i in range(n)}}]}),
    "repeated keys": lambda n: '{"Steps":[],' + ",".join('"k":1' for _ in range(n)) + "}",
    "different repeated keys": lambda n: '{"Steps":[],' + ",".join(f'"k{i}":1,\n"k{i}":2' for i in range(n)) + "}",
    "outputs that are all read": lambda n: json.dumps({"Steps": lambda_with(n)}),
    "a body that is all selected": lambda n: json.dumps({"Steps": loop_with(n)}),
    "numbers that lose their text": lambda n: (
        "Steps:\n- Name: A\n  Type: Processing\n  Arguments:\n    Environment:\n"
        + "".join(f"      k{i}: 1.10\n" for i in range(n))
    ),
    "tags": lambda n: "Steps: []\nMetadata: [" + "!Reff x, " * n + "]",
    "substitutions": lambda n: "Steps: []\nMetadata: {a: !Sub '" + "${Parameters.X} " * n + "'}",
}


@pytest.mark.parametrize("kind", GROWING)
def test_twice_the_document_is_about_twice_the_work(kind: str) -> None:
    small, large = (GROWING[kind](count).encode() for count in (300, 600))
    work = [calls(lambda text=text: _examined(text)) for text in (small, large)]  # type: ignore[misc]
    assert work[1] < 2.6 * work[0]


def _examined(text: bytes) -> None:
    try:
        examine(text)
    except InvalidPipeline:
        return


def test_no_more_problems_are_listed_than_anybody_reads() -> None:
    steps = [processing(i, DependsOn=[f"Sx{i}"]) for i in range(1500)]
    _, problems = examine(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    assert len(problems) == 1001
    assert problems[0].code == "SM163"


def test_errors_are_not_lost_behind_many_warnings() -> None:
    step = {**processing(0), **{f"key{i}": 1 for i in range(2000)}, "RetryPolicies": 3}
    with pytest.raises(InvalidPipeline, match="SM122"):
        load_pipeline({"Version": "2020-12-01", "Steps": [step]})


@pytest.mark.parametrize("text", ["['a" * 50_000, "[" * 100_000, "['a']x" * 30_000, '["a' * 50_000, "a." * 50_000])
def test_long_paths_are_read_or_refused_in_a_short_sentence(text: str) -> None:
    for read in (parse_path, parse_json_path):
        with pytest.raises(ValueError, match="path") as caught:
            read(text)
        assert len(str(caught.value)) < 600


def test_a_misspelt_name_is_found_among_many() -> None:
    names = [f"Train-{i:04}" for i in range(900)]
    assert did_you_mean("Trian-0777", names) == 'Did you mean "Train-0777"?'
    assert did_you_mean("Train-077", names).startswith("Did you mean")
    assert did_you_mean("Train-07777", [*names, *(f"x{i}" for i in range(9000))]) == ""


def test_a_position_is_found_below_a_long_key_without_copying_it() -> None:
    key = "k" * 100_000
    text = json.dumps({"Steps": [], "Metadata": {key: {f"a{i}": 1 for i in range(20_000)}}, "Parameters": [3]})
    assert refused(text).column == text.index("3]}") + 1


def test_the_plan_of_a_deep_document_that_is_taken_can_be_made() -> None:
    value: Any = "x"
    for _ in range(190):
        value = [value]
    step = {"Name": "L", "Type": "Lambda", "FunctionArn": "f", "Arguments": {"a": value}}
    assert len(make_plan(load_pipeline(json.dumps({"Version": "2020-12-01", "Steps": [step]}))).tasks) == 2
