"""Scores the candidate and the champion on the same flights.

In: ``candidate/model.tar.gz``, ``champion/`` with the champion's archive or ``no-champion.json``, ``test/test.csv``,
``reference/codes.json``; ``LEFT_OUT`` as in ``process.py``.
Out: ``predictions/predictions.csv`` with ``id``, ``label``, ``candidate``, ``champion`` (not
without a champion), ``origin`` and ``carrier``.
"""

from __future__ import annotations

import csv
import json
import os
import tarfile
from pathlib import Path
from typing import Any

BASE = Path("/opt/ml/processing")
COLUMNS = ("hour", "weekday", "carrier", "origin", "dest", "distance", "temp", "humid", "wind_speed", "precip")
COLUMNS += ("visib", "pressure")


def scores_of(folder: Path, records: Any) -> list[float] | None:
    """What the model in ``folder`` says of ``records``; ``None`` where there is no champion."""
    import xgboost

    archives = sorted(folder.rglob("*.tar.gz"))
    if not archives:
        if (folder / "no-champion.json").is_file():
            return None
        raise SystemExit(f"{folder} holds neither a model nor no-champion.json")
    with tarfile.open(archives[0]) as archive:
        member = archive.extractfile("xgboost-model")
        if member is None:
            raise SystemExit(f"{archives[0].name} holds no xgboost-model")
        model = xgboost.Booster()
        model.load_model(bytearray(member.read()))
    if model.num_features() < len(COLUMNS):
        kept = [place for place, name in enumerate(COLUMNS) if name != os.environ["LEFT_OUT"]]
        records = records[:, kept]
    return [float(score) for score in model.predict(xgboost.DMatrix(records))]


def main() -> None:
    """Read, score, write."""
    import numpy

    codes = json.loads((BASE / "input" / "reference" / "codes.json").read_text(encoding="utf-8"))
    with (BASE / "input" / "test" / "test.csv").open(newline="", encoding="utf-8") as lines:
        flights = list(csv.DictReader(lines))

    def number(flight: dict[str, str], name: str) -> float:
        value = codes[name].get(flight[name], "") if name in codes else flight[name]
        return float("nan") if value == "" else float(value)

    records = numpy.array([[number(flight, name) for name in COLUMNS] for flight in flights], dtype=numpy.float32)
    candidate = scores_of(BASE / "input" / "candidate", records)
    champion = scores_of(BASE / "input" / "champion", records)
    if candidate is None:
        raise SystemExit("there is no candidate")
    target = BASE / "output" / "predictions" / "predictions.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        names = ["candidate"] if champion is None else ["candidate", "champion"]
        writer.writerow(["id", "label", *names, "origin", "carrier"])
        for row, flight in enumerate(flights):
            scores = [candidate[row]] if champion is None else [candidate[row], champion[row]]
            writer.writerow([flight["id"], flight["late"], *scores, flight["origin"], flight["carrier"]])
    print(f"scored {len(flights):,} flights with {len(names)} model{'s' if champion else ''}")


if __name__ == "__main__":
    main()
