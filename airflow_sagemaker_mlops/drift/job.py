"""The command of a drift check's job.

``--data`` is today's data, ``--baseline`` a profile (``profile.json``) or data, ``--rules`` a JSON file with
``{"Rules": …, "Columns": …}``.  Writes ``report.json`` and ``profile.json``, the profile of today's data, into
``--output``.  Exits 0 for every verdict and 2 for input that cannot be judged.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..gate.problems import InvalidRules
from .judge import judge
from .profile import Profile, profile_of
from .report import DriftReport
from .rules import parse_rules
from .settings import Columns, columns_of
from .table import BadData, read_table

EXIT_MESSAGE = Path("/opt/ml/output/message")  # SageMaker shows it as the ExitMessage of a processing job
PROFILE = "profile.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check; the exit code."""
    parser = argparse.ArgumentParser(prog="drift", description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--baseline", required=True, type=Path)
    parser.add_argument("--rules", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--noun", default="records")
    options = parser.parse_args(arguments)
    try:
        settings = json.loads(options.rules.read_text("utf-8"))
        report, profile = check(options.data, options.baseline, settings, noun=options.noun)
    except (BadData, InvalidRules, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        if EXIT_MESSAGE.parent.is_dir():
            EXIT_MESSAGE.write_text(str(error)[:1024], "utf-8")
        return 2
    options.output.mkdir(parents=True, exist_ok=True)
    for name, value in (("report.json", report.to_json()), (PROFILE, profile.to_json())):
        (options.output / name).write_text(
            json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8"
        )
    sys.stdout.write(f"{report.sentence}\n")
    return 0


def check(
    data: Path, baseline: Path, settings: Mapping[str, Any], *, noun: str = "records"
) -> tuple[DriftReport, Profile]:
    """The report on ``data`` and its profile; ``settings`` has ``Rules`` and ``Columns``, both optional.

    Raises :class:`InvalidRules` and :class:`BadData`.
    """
    rules, columns = parse_rules(settings.get("Rules")), columns_of(settings.get("Columns"))
    before = read_baseline(baseline, columns)
    table = read_table(data, columns)
    return judge(table, before, rules, noun=noun), profile_of(table)


def read_baseline(path: Path, columns: Columns) -> Profile:
    """The profile in ``path``: a JSON file, a folder with a ``profile.json``, or the profile of the data there."""
    if path.is_dir() and (path / PROFILE).is_file():
        path = path / PROFILE
    if path.suffix != ".json":
        return profile_of(read_table(path, columns))
    try:
        return Profile.from_json(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadData(f"the baseline cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise BadData(f"{path.name}: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
