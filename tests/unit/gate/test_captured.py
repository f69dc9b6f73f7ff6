"""Captured data of two variants as predictions of the gate; the lines are those of the developer guide."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest

from airflow_sagemaker_mlops.gate import BadPredictions
from airflow_sagemaker_mlops.gate.captured import pair_captured, write_predictions


def line(name: str | None, data: str, encoding: str = "CSV", asked: str = "") -> str:
    output = {"observedContentType": "text/csv; charset=utf-8", "mode": "OUTPUT", "data": data, "encoding": encoding}
    metadata: dict[str, Any] = {"eventId": "e", "inferenceTime": "2019-11-19T19:12:57Z"}
    if name:
        metadata["inferenceId"] = name
    given = {"observedContentType": "text/csv", "mode": "INPUT", "data": asked, "encoding": "CSV"}
    data_of = {"endpointOutput": output, **({"endpointInput": given} if asked else {})}
    return json.dumps({"captureData": data_of, "eventMetadata": metadata, "eventVersion": "0"})


def test_answers_to_the_same_requests_are_paired_and_wait_for_their_labels() -> None:
    champion = [line("a", "0.1"), line("b", "0.2"), "", line("c", '{"predictions": [{"score": 0.3}]}', "JSON")]
    candidate = [line("c", base64.b64encode(b"0.5\n").decode(), "BASE64"), line("a", "[0.4]", "JSON"), line("z", "1")]
    answers = pair_captured(champion, candidate)
    assert answers.rows == [("a", 0.4, 0.1), ("c", 0.5, 0.3)]
    assert (answers.only_champion, answers.only_candidate) == (1, 1)
    out = io.StringIO()
    assert write_predictions(out, answers, {"c": 1, "other": 0}) == 1
    assert out.getvalue() == "id,label,candidate,champion\nc,1,0.5,0.3\n"


def test_records_of_one_request_are_told_apart() -> None:
    answers = pair_captured([line("a", "0.1,x\n0.2,y\n")], [line("a", "[0.3, 0.4]", "JSON")])
    assert answers.rows == [("a/0", 0.3, 0.1), ("a/1", 0.4, 0.2)]


@pytest.mark.parametrize("scores", ["0.3", "0.3\n0.4\n0.5"])
def test_scores_are_not_paired_by_position_where_their_numbers_differ(scores: str) -> None:
    champion = [line("a", "0.1\n0.2"), line("b", "0.1")]
    with pytest.raises(
        BadPredictions, match=r"answered a with different numbers of scores: [13] of the candidate and 2"
    ):
        pair_captured(champion, [line("b", "0.2"), line("a", scores)])


def test_the_records_of_the_request_count_if_they_were_captured() -> None:
    two = "1,2\n3,4\n"
    answers = pair_captured([line("a", "0.1\n0.2", asked=two)], [line("a", "[0.3, 0.4]", "JSON", two)])
    assert answers.rows == [("a/0", 0.3, 0.1), ("a/1", 0.4, 0.2)]
    with pytest.raises(BadPredictions, match="line 1: has a different number of scores than records"):
        pair_captured([line("a", "[0.2, 0.3, 0.5]", "JSON", "1,2")], [line("a", "[0.1, 0.1, 0.8]", "JSON", "1,2")])


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["nonsense"], "line 1: is not a line of data capture"),
        ([line(None, "1")], "line 1: has no inference id"),
        ([line("a", "nan")], "no finite score"),
        ([line("a", "yes")], "no finite score"),
        ([line("a", "x", "BASE64")], "not base64"),
        ([line("a", '{"score": null}', "JSON")], "no finite score"),
        ([line("a", "1"), line("a", "1")], "a: have an inference id that occurs twice"),
    ],
)
def test_what_cannot_be_paired_is_refused_and_named(lines: list[str], why: str) -> None:
    with pytest.raises(BadPredictions, match=why):
        pair_captured([line("a", "0.1")], lines)
