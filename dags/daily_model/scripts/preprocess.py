"""Splits one day's records: what the model is trained on, and what its training is watched with.

In: every CSV in /opt/ml/processing/input/day, header first, the column ``benign`` (0 or 1) last.
Out: train/train.csv and validation/validation.csv as XGBoost's built-in image wants them: no header, label first.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path

BASE = Path("/opt/ml/processing")
VALIDATION_SHARE = 0.2


def read_records(folder: Path) -> list[list[str]]:
    """All records of the CSV files in ``folder``, label first."""
    records = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as lines:
            rows = csv.reader(lines)
            header = next(rows)
            if header[-1] != "benign":
                raise SystemExit(f"{path.name}: the last column is {header[-1]!r}, not 'benign'")
            records += [[row[-1], *row[:-1]] for row in rows if row]
    if len(records) < 10:
        raise SystemExit(f"{folder} holds {len(records)} records; a day needs at least 10")
    return records


def split(records: Sequence[list[str]], share: float, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """``(train, validation)``, shuffled the same way every time."""
    shuffled = list(records)
    random.Random(seed).shuffle(shuffled)
    held = max(1, round(len(shuffled) * share))
    return shuffled[held:], shuffled[:held]


def write(records: list[list[str]], path: Path) -> None:
    """CSV without a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as out:
        csv.writer(out).writerows(records)
    print(f"{path.name}: {len(records)} records")


def main() -> None:
    """Read, split, write."""
    train, validation = split(read_records(BASE / "input" / "day"), VALIDATION_SHARE, seed=7)
    write(train, BASE / "output" / "train" / "train.csv")
    write(validation, BASE / "output" / "validation" / "validation.csv")


if __name__ == "__main__":
    main()
