"""What counts as a model's answer to a record."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sagemaker_mlops.execution.answers import Expect, NoAnswer, judge

PROBABILITY = {"Minimum": 0, "Maximum": 1}


@pytest.mark.parametrize(
    ("answers", "expect"),
    [
        ([b"0.2", b"1"], PROBABILITY),
        ([b'{"predictions": [{"score": 0.5}]}', b"[0, 1]"], PROBABILITY),
        ([b"yes", b"no"], {}),
        ([b'{"label": "a"}', b'[{"label": 0}]'], {"Keys": ["label"]}),
    ],
)
def test_an_answer_to_every_record_is_good(answers: list[bytes], expect: Any) -> None:
    assert judge(2, answers, Expect.of(expect)) == "2 records answered"


@pytest.mark.parametrize(
    ("answers", "expect", "why"),
    [
        ([b"0.2"], {}, "2 records got 1 answer"),
        ([b"0.2", b""], {}, "record 2 of 2 was answered with '': it is empty"),
        ([b"null", b"1"], {}, "it is empty"),
        ([b"0.2", b"nan"], {}, "it has a number that is not finite"),
        ([b"0.2", b"[NaN]"], {}, "it has a number that is not finite"),
        ([b"0.2", b"1,-inf"], {}, "it has a number that is not finite"),
        ([b"0.2", b"1.5"], PROBABILITY, "1.5 is above 1"),
        ([b'{"score": -1}', b"1"], PROBABILITY, "-1 is below 0"),
        ([b"error", b"1"], PROBABILITY, "it has no number"),
        ([b'{"label": null}', b"1"], {"Keys": ["label"]}, 'it has no "label"'),
    ],
)
def test_anything_else_is_none_and_the_record_is_named(answers: list[bytes], expect: Any, why: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        judge(2, answers, Expect.of(expect))
    assert why in str(caught.value)


def test_no_record_proves_nothing() -> None:
    with pytest.raises(NoAnswer, match="no record"):
        judge(0, [], Expect())


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "is an object"),
        ({"Minimun": 0}, 'no key "Minimun"'),
        ({"Minimum": "low"}, "not a number"),
        ({"Minimum": True}, "Expect.Minimum is True, which is not a number"),
        ({"Maximum": False}, "Expect.Maximum is False, which is not a number"),
        ({"Maximum": "nan"}, "not a number"),
        ({"Minimum": [0]}, "not a number"),
        ({"Minimum": 2, "Maximum": 1}, "above"),
        ({"Keys": "label"}, "list of names"),
    ],
)
def test_expectations_that_nothing_can_meet_are_refused(given: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Expect.of(given)
