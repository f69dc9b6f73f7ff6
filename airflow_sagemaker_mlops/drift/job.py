"""The program of a drift check's job.

``--data`` is today's data, ``--baseline`` a profile (``profile.json``) or data, ``--rules`` a JSON file with
``{"Rules": …, "Columns": …}``.  Writes ``report.json`` and ``profile.json`` into ``--output``; it profiles
``--next-baseline`` if given, else today's data.  Exits with 0 for every verdict (with 3 for drift if
``--fail-on-drift`` is true), and with 2 for input that cannot be judged.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..gate.exit_message import refuse
from ..gate.open_values import put_values
from ..gate.problems import InvalidRules
from .judge import judge
from .picture import picture
from .profile import Profile, profile_of
from .report import DRIFT, EXIT_CODES, STABLE, VERDICTS, DriftReport
from .rules import parse_rules
from .settings import Columns, columns_of
from .table import BadData, read_table

PROFILE = "profile.json"
# x-champion writes these in place of a missing baseline.
MARKERS = frozenset({"no-champion.json", "no-baseline.json"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check; return the exit code."""
    options = _options(arguments)
    try:
        settings = json.loads(options.rules.read_text("utf-8"))
        put_values(settings, options.set)
        report, profile = check(
            options.data,
            options.baseline,
            settings,
            noun=options.noun,
            next_baseline=options.next_baseline,
            no_baseline=options.no_baseline,
        )
    except (BadData, InvalidRules, OSError, ValueError) as error:
        return refuse(str(error), 2)
    options.output.mkdir(parents=True, exist_ok=True)
    # a profile has thousands of numbers per column, so not one line for each
    for name, value, indent in (("report.json", report.to_json(), 1), (PROFILE, profile.to_json(), None)):
        text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
        (options.output / name).write_text(f"{text}\n", "utf-8")
    sys.stdout.write("\n".join([f"{report.verdict}: {report.sentence}", *picture(report), ""]))
    if report.verdict == DRIFT and options.fail_on_drift.lower() == "true":
        return refuse(report.sentence, EXIT_CODES[DRIFT])
    return 0


def check(
    data: Path,
    baseline: Path,
    settings: Mapping[str, object],
    *,
    noun: str = "records",
    next_baseline: Path | None = None,
    no_baseline: str = "",
) -> tuple[DriftReport, Profile]:
    """The report on ``data``, and the profile of ``next_baseline`` or of ``data``.

    settings      ``Rules`` and ``Columns``, both optional
    no_baseline   the verdict if there is no baseline; "" if a baseline is required
    Raises :class:`InvalidRules` and :class:`BadData`.
    """
    rules, columns = parse_rules(settings.get("Rules")), columns_of(settings.get("Columns"))
    before = read_baseline(baseline, columns)
    if before is None and not no_baseline:
        raise BadData(f"{baseline} holds neither a profile nor data.")
    table = read_table(data, columns)
    kept = table if next_baseline is None else read_table(next_baseline, columns)
    return judge(table, before, rules, noun=noun, no_baseline=no_baseline), profile_of(kept)


def read_baseline(path: Path, columns: Columns) -> Profile | None:
    """The profile in ``path``: from a JSON file, from a folder with one, or computed from data.

    ``None`` for an empty folder, and for one with a marker for a missing baseline: see ``MARKERS``.
    """
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        real = [file for file in files if file.name not in MARKERS]
        if not real:
            return None
        profiles = [file for file in real if file.name == PROFILE]
        if len(profiles) > 1:
            raise BadData(f"{path} holds {len(profiles)} profiles; a baseline is one.")
        if profiles or (len(real) == 1 and real[0].suffix == ".json"):
            path = (profiles or real)[0]
    if path.name in MARKERS:
        return None
    if path.suffix != ".json":
        return profile_of(read_table(path, columns))
    try:
        return Profile.from_json(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadData(f"the baseline cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise BadData(f"{path.name}: {error}") from error


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="drift.pyz", description="Test whether data has drifted from a baseline.")
    parser.add_argument("--data", required=True, type=Path, help="today's data: file or directory")
    parser.add_argument("--baseline", required=True, type=Path, help="a profile, or data: file or directory")
    parser.add_argument("--rules", required=True, type=Path, help="JSON file with Rules and Columns")
    parser.add_argument("--output", required=True, type=Path, help="directory for report.json and profile.json")
    parser.add_argument("--next-baseline", type=Path, help="data to profile instead of today's")
    parser.add_argument("--no-baseline", choices=VERDICTS, default=STABLE, help="the verdict if there is no baseline")
    parser.add_argument("--fail-on-drift", default="false", help="true: exit 3 with the sentence if data has drifted")
    parser.add_argument("--noun", default="records", help="plural noun for the records")
    parser.add_argument(
        "--set",
        nargs=2,
        action="append",
        default=[],
        metavar=("PLACE", "VALUE"),
        help="a value missing in the rule file, e.g. .Rules[0].Max 0.2; repeatable",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
