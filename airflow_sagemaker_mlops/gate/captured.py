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
from typing import Any, TextIO

from .problems import BadPredictions

MOST_NAMED = 5  # per sentence
SCORES = ("score", "probability", "prediction", "predicted_value", "predictions")


@dataclass(frozen=True)
class PairedAnswers:
    """The answers of two variants to the same requests.

    rows             (id, candidate's score, champion's score), in the champion's order
    only_champion    number of requests that only the champion answered: those that were not copied
    only_candidate   number of requests that occur only in the candidate's data
    """

    rows: list[tuple[str, float, float]] = field(default_factory=list)
    only_champion: int = 0
    only_candidate: int = 0


def pair_captured(champion: Iterable[str], candidate: Iterable[str]) -> PairedAnswers:
    """Join the captured lines of two variants.

    A request with several records has one answer per record, with the ids ``<inference id>/0``, ``/1`` and so on.

    Raises :class:`BadPredictions` for lines without an inference id or a score, and for duplicate ids.
    """
    bad: list[str] = []
    ours, theirs = _scores(candidate, "candidate", bad), _scores(champion, "champion", bad)
    if bad:
        raise BadPredictions(bad)
    rows = [(name, ours[name], score) for name, score in theirs.items() if name in ours]
    return PairedAnswers(rows, len(theirs) - len(rows), len(ours) - len(rows))


def write_predictions(out: TextIO, answers: PairedAnswers, labels: Mapping[str, Any]) -> int:
    """Write predictions for the gate as CSV (``id, label, candidate, champion``); return the number of rows.

    Leaves out rows whose label has not arrived yet.
    """
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "label", "candidate", "champion"])
    known = [row for row in answers.rows if row[0] in labels]
    writer.writerows([name, labels[name], repr(candidate), repr(champion)] for name, candidate, champion in known)
    return len(known)


def _scores(lines: Iterable[str], variant: str, bad: list[str]) -> dict[str, float]:
    scores: dict[str, float] = {}
    faults: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            name, values = _read(line)
        except ValueError as error:
            faults.setdefault(str(error), []).append(f"line {number}")
            continue
        for index, value in enumerate(values):
            row = name if len(values) == 1 else f"{name}/{index}"
            if row in scores:
                faults.setdefault("have an inference id that stands twice", []).append(row)
            scores[row] = value
    for fault, places in faults.items():
        named = ", ".join(places[:MOST_NAMED]) + (
            f" and {len(places) - MOST_NAMED} more" if places[MOST_NAMED:] else ""
        )
        bad.append(f"Captured data of the {variant}: {named}: {fault}.")
    return scores


def _read(line: str) -> tuple[str, list[float]]:
    """(inference id, scores) of one line.  Raises ``ValueError`` with the problem."""
    try:
        event = json.loads(line)
        name = event["eventMetadata"].get("inferenceId")
        output = event["captureData"].get("endpointOutput")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("is no line of data capture") from None
    if not name:
        raise ValueError("has no inference id; send InferenceId with every request")
    if not output:
        raise ValueError("has no answer; capture the output, too")
    text = output.get("data") or ""
    if output.get("encoding") == "BASE64":
        text = base64.b64decode(text).decode("utf-8", "replace")
    values = _numbers(str(text))
    if not values or not all(-1e308 < value < 1e308 for value in values):
        raise ValueError("has no finite score for every record")
    return str(name), values


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


def _of_json(value: Any) -> list[float]:
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
