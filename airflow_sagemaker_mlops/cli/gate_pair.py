"""``sagemaker-mlops gate pair``: writes predictions from what an endpoint with a shadow variant captured."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ..gate.captured import PairedAnswers, pair_captured, write_predictions
from ..gate.problems import BadPredictions
from .output.terminal import say, write_out
from .rule_files import Refused

BAD_INPUT = 2


def pair_files(champion: Path, candidate: Path, labels: Path, out: Path | None) -> int:
    """Write or print the predictions; return the exit code: 0, or 2 for input that cannot be paired."""
    try:
        known = read_labels(labels)
        answers = pair_captured(_lines(champion), _lines(candidate))
    except BadPredictions as error:
        for sentence in error.sentences:
            say(sentence, err=True)
        return BAD_INPUT
    except Refused as error:
        say(error, err=True)
        return BAD_INPUT
    text = io.StringIO()
    written = write_predictions(text, answers, known)
    if not written:
        say(f"No record that both variants answered has a label. {_counts(answers, written)}", err=True)
        return BAD_INPUT
    code = write_out(text.getvalue(), out)
    if not code:
        say(_counts(answers, written), err=True)
    return code


def read_labels(file: Path) -> dict[str, str]:
    """{id: label} of a CSV file.  Raises :class:`Refused` for a file without these columns or with an id twice."""
    labels: dict[str, str] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as rows:
            reader = csv.DictReader(rows, strict=True)
            missing = [name for name in ("id", "label") if name not in (reader.fieldnames or [])]
            if missing:
                raise Refused(f'{file} has no column "{missing[0]}"; it needs id and label.')
            for row in reader:
                if row["id"] in labels:
                    raise Refused(f'{file}:{reader.line_num}: the id "{row["id"]}" occurs twice.')
                if row["label"]:  # an empty one has not arrived yet
                    labels[row["id"]] = row["label"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    return labels


def _lines(source: Path) -> Iterator[str]:
    """The captured lines of a file, or of all files in a folder and below it."""
    files = sorted(source.rglob("*.jsonl")) if source.is_dir() else [source]
    if not files:
        raise Refused(f"{source} has no .jsonl file; data capture writes them below the variant's folder.")
    for file in files:
        try:
            with file.open(encoding="utf-8") as lines:
                yield from lines
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _counts(answers: PairedAnswers, written: int) -> str:
    return (
        f"{len(answers.rows):,} records answered by both variants, {written:,} of them with a label; "
        f"{answers.only_champion:,} by the champion only, {answers.only_candidate:,} by the candidate only."
    )
