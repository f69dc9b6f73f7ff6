"""Turns an endpoint's captured data into predictions for the gate: joins two variants' answers by inference id.

A shadow variant answers the same requests as the production variant, so the pairs are about the same rows.  Input
lines are those of SageMaker's data capture (developer guide, "Capture data from real-time endpoint").
"""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from .problems import BadPredictions

MAX_NAMED = 5  # per sentence
BY_LINE = ("text/csv", "text/libsvm", "application/jsonlines", "application/x-jsonlines")  # one record per line
SCORES = ("score", "probability", "prediction", "predicted_value", "predictions")


@dataclass(frozen=True)
class PairedAnswers:
    """The answers of two variants to the same requests.

    rows             (id, candidate's score, champion's score), in the champion's order
    only_champion    number of records that only the champion answered: those that were not copied
    only_candidate   number of records that occur only in the candidate's data
    """

    rows: list[tuple[str, float, float]] = field(default_factory=list)
    only_champion: int = 0
    only_candidate: int = 0


def pair_captured(champion: Iterable[str], candidate: Iterable[str]) -> PairedAnswers:
    """Join the captured lines of two variants by inference id.

    A request with several records has one answer per record, with the ids ``<inference id>/0``, ``/1`` and so on.

    Raises :class:`BadPredictions` for lines without an inference id, for duplicate ids, and for a request for which
    the numbers of scores differ between the variants or from the number of records: they cannot be paired.
    """
    bad: list[str] = []
    ours, theirs = _requests(candidate, "candidate", bad), _requests(champion, "champion", bad)
    both = [name for name in theirs if name in ours]
    if differ := [name for name in both if len(ours[name]) != len(theirs[name])]:
        first = f"{len(ours[differ[0]])} of the candidate and {len(theirs[differ[0]])} of the champion for {differ[0]}"
        bad.append(f"The variants answered {_named(differ)} with different numbers of scores: {first}.")
    if bad:
        raise BadPredictions(bad)
    rows = [
        (name if len(theirs[name]) == 1 else f"{name}/{index}", *pair)
        for name in both
        for index, pair in enumerate(zip(ours[name], theirs[name]))
    ]
    answered = [sum(len(scores) for scores in requests.values()) - len(rows) for requests in (theirs, ours)]
    return PairedAnswers(rows, *answered)


def write_predictions(out: TextIO, answers: PairedAnswers, labels: Mapping[str, object]) -> int:
    """Write predictions for the gate as CSV (``id, label, candidate, champion``); return the number of rows.

    Leaves out rows whose label has not arrived yet.
    """
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "label", "candidate", "champion"])
    known = [row for row in answers.rows if row[0] in labels]
    writer.writerows([name, labels[name], repr(candidate), repr(champion)] for name, candidate, champion in known)
    return len(known)


def _requests(lines: Iterable[str], variant: str, bad: list[str]) -> dict[str, list[float]]:
    """{inference id: a score for each record of the request}."""
    requests: dict[str, list[float]] = {}
    faults: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            name, values = _read(line)
        except ValueError as error:
            faults.setdefault(str(error), []).append(f"line {number}")
            continue
        if name in requests:
            faults.setdefault("have an inference id that occurs twice", []).append(name)
        requests[name] = values
    bad += [f"Captured data of the {variant}: {_named(places)}: {fault}." for fault, places in faults.items()]
    return requests


def _named(places: list[str]) -> str:
    more = f" and {len(places) - MAX_NAMED} more" if places[MAX_NAMED:] else ""
    return ", ".join(places[:MAX_NAMED]) + more


def _read(line: str) -> tuple[str, list[float]]:
    """(inference id, scores) of one line.  Raises ``ValueError`` with the problem."""
    try:
        event = json.loads(line)
        name = event["eventMetadata"].get("inferenceId")
        asked, output = (event["captureData"].get(key) for key in ("endpointInput", "endpointOutput"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("is not a line of data capture") from None
    if not name:
        raise ValueError("has no inference id; send InferenceId with every request")
    if not output:
        raise ValueError("has no answer; capture the output, too")
    values = _numbers(_data(output))
    if not values or not all(-1e308 < value < 1e308 for value in values):
        raise ValueError("has no finite score for every record")
    records = _records(asked)
    if records is not None and records != len(values):
        raise ValueError("has a different number of scores than records")
    return str(name), values


def _data(captured: Mapping[str, object]) -> str:
    text = str(captured.get("data") or "")
    if captured.get("encoding") != "BASE64":
        return text
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        raise ValueError("has data that is not base64") from None


def _records(asked: Mapping[str, object] | None) -> int | None:
    """The number of records in a request of CSV or JSON lines; ``None`` if unknown."""
    kind = str((asked or {}).get("observedContentType")).partition(";")[0].strip().lower()
    if not asked or kind not in BY_LINE:
        return None
    return sum(bool(line.strip()) for line in _data(asked).split("\n"))


def _numbers(text: str) -> list[float]:
    """One score for each record of an answer: JSON, or lines of CSV with the score first; empty if there is none."""
    try:
        return _of_json(json.loads(text))
    except (ValueError, RecursionError):
        pass
    try:
        return [float(line.split(",")[0]) for line in text.split("\n") if line.strip()]
    except ValueError:
        return []


def _of_json(value: object) -> list[float]:
    if isinstance(value, bool):
        return []
    if isinstance(value, (int, float)):
        return [float(value)]
    if isinstance(value, list):
        rows = [_of_json(item) for item in value]
        return [row[0] for row in rows] if all(rows) else []
    if isinstance(value, dict):
        return next((_of_json(value[key]) for key in SCORES if key in value), [])
    return []
