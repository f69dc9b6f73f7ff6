"""Scores a model on the holdout.

In: /opt/ml/processing/input/model/model.tar.gz (file ``xgboost-model``), /opt/ml/processing/input/holdout/*.csv.
Out: report/evaluation.json, ``{"binary_classification_metrics": {"auc": {"value": ...}, "accuracy": {"value": ...}}}``.
"""

from __future__ import annotations

import csv
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

BASE = Path("/opt/ml/processing")


def read_holdout(folder: Path) -> tuple[list[list[float]], list[int]]:
    """Features and labels of the holdout."""
    features, labels = [], []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as lines:
            rows = csv.reader(lines)
            next(rows)
            for row in rows:
                features.append([float(value) for value in row[:-1]])
                labels.append(int(row[-1]))
    return features, labels


def area_under_curve(scores: Sequence[float], labels: Sequence[int]) -> float:
    """The share of pairs, one benign and one not, that the scores put in the right order; ties count half."""
    order = sorted(range(len(scores)), key=lambda index: scores[index])
    ranks = [0.0] * len(scores)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and scores[order[end + 1]] == scores[order[start]]:
            end += 1
        for index in order[start : end + 1]:
            ranks[index] = (start + end) / 2 + 1
        start = end + 1
    positive = sum(labels)
    negative = len(labels) - positive
    if not positive or not negative:
        raise SystemExit("the holdout has only one class; an AUC cannot be had from it")
    total = sum(rank for rank, label in zip(ranks, labels, strict=True) if label)
    return (total - positive * (positive + 1) / 2) / (positive * negative)


def report(scores: Sequence[float], labels: Sequence[int]) -> dict[str, dict[str, dict[str, float]]]:
    """The evaluation report."""
    right = sum((score > 0.5) == bool(label) for score, label in zip(scores, labels, strict=True))
    metrics = {
        "auc": {"value": round(area_under_curve(scores, labels), 6)},
        "accuracy": {"value": round(right / len(labels), 6)},
    }
    return {"binary_classification_metrics": metrics}


def main() -> None:
    """Unpack, score, write."""
    import numpy
    import xgboost

    with tarfile.open(BASE / "input" / "model" / "model.tar.gz") as archive:
        member = archive.extractfile("xgboost-model")
        if member is None:
            raise SystemExit("the model archive holds no xgboost-model")
        model = xgboost.Booster()
        model.load_model(bytearray(member.read()))
    features, labels = read_holdout(BASE / "input" / "holdout")
    scores = model.predict(xgboost.DMatrix(numpy.array(features, dtype=numpy.float32)))
    result = report([float(score) for score in scores], labels)
    target = BASE / "output" / "report" / "evaluation.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=2))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
