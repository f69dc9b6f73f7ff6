"""Cuts the windows of a day: what a model is trained on, what it is tested on, and the newest day by itself.

In: ``/opt/ml/processing/input/days/YYYY-MM-DD.csv`` with a header.  ``DAY`` is the first day that is not known yet:
the ``TEST_DAYS`` days before it are the test set, the ``TRAINING_DAYS`` days before those the training set.
``reference/codes.json`` has a number for each carrier and airport, the same for every model.
``LEFT_OUT`` names a column that the model does not get, or is ``none``.
Out: ``train/train.csv`` as XGBoost's image wants it (no header, label first, numbers only), ``test/test.csv`` and
``day/day.csv`` with their headers, ``baseline/baseline.csv``, the training set as it was read, and
``records/records.csv``, the newest flights as those who ask the endpoint send them.
"""

from __future__ import annotations

import csv
import datetime
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

BASE = Path("/opt/ml/processing")
COLUMNS = ("hour", "weekday", "carrier", "origin", "dest", "distance", "temp", "humid", "wind_speed", "precip")
COLUMNS += ("visib", "pressure")
RECORDS = 20  # that a model has to answer before it gets traffic


def read_days(folder: Path, first: datetime.date, count: int) -> list[dict[str, str]]:
    """The flights of ``count`` days from ``first`` on; a day without a file is an error."""
    flights: list[dict[str, str]] = []
    for number in range(count):
        path = folder / f"{first + datetime.timedelta(number)}.csv"
        if not path.is_file():
            raise SystemExit(f"there are no flights of {path.stem}")
        with path.open(newline="", encoding="utf-8") as lines:
            flights += csv.DictReader(lines)
    return flights


def features(
    flight: dict[str, str], codes: Mapping[str, Mapping[str, int]], columns: Iterable[str] = COLUMNS
) -> list[str]:
    """The columns as texts of numbers; empty where a value is missing or a category is new."""
    return [str(codes[name].get(flight[name], "")) if name in codes else flight[name] for name in columns]


def write(folder: str, name: str, rows: Iterable[Iterable[object]]) -> None:
    """A CSV file of an output."""
    path = BASE / "output" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(rows)


def main() -> None:
    """Read, cut, write."""
    day = datetime.date.fromisoformat(os.environ["DAY"])
    training, testing = int(os.environ["TRAINING_DAYS"]), int(os.environ["TEST_DAYS"])
    days = BASE / "input" / "days"
    first_test = day - datetime.timedelta(testing)
    train = read_days(days, first_test - datetime.timedelta(training), training)
    test = read_days(days, first_test, testing)
    newest = read_days(days, day - datetime.timedelta(1), 1)
    codes = json.loads((BASE / "input" / "reference" / "codes.json").read_text(encoding="utf-8"))
    columns = [name for name in COLUMNS if name != os.environ.get("LEFT_OUT")]
    write("train", "train.csv", ([flight["late"], *features(flight, codes, columns)] for flight in train))
    write("records", "records.csv", (features(flight, codes) for flight in newest[:RECORDS]))
    for folder, flights in (("baseline", train), ("test", test), ("day", newest)):
        names = list(flights[0])
        write(folder, f"{folder}.csv", [names, *([flight[name] for name in names] for flight in flights)])
    print(f"{len(train):,} flights to train on, {len(test):,} to test on, {len(newest):,} of the newest day")


if __name__ == "__main__":
    main()
