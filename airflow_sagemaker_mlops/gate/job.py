"""The gate as a command-line program: reads predictions and rules, and writes ``report.json``.

It runs in a job's container (:mod:`.zipapp`) and imports nothing outside this package.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .exit_message import refuse
from .open_values import put_values
from .picture import picture
from .problems import BadPredictions, InvalidRules
from .report import GateReport
from .rule_reader import parse_rules
from .rules import Rule, columns_of

BAD_INPUT = 2
REPORT = "report.json"
NO_CHAMPION = ("promote", "reject", "approve")
REFUSE = "refuse"  # as --if-no-champion: the registry has a champion, so its scores must be there


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gate; return 0 for every verdict and 2 for input that cannot be judged."""
    options = _options(arguments)
    try:
        report = judge_files(
            _rules(options.rules, options.set),
            Path(options.predictions),
            champion=options.champion_predictions,
            values=_json(options.values),
            recorded=_report(options.recorded),
            no_champion=options.no_champion,
            if_no_champion=options.if_no_champion,
            noun=options.noun,
            folder=Path(options.rules).parent,
        )
        output = Path(options.output)
        output.mkdir(parents=True, exist_ok=True)
        (output / REPORT).write_text(report_text(report), encoding="utf-8")
    except (BadPredictions, InvalidRules) as error:
        return refuse(str(error), BAD_INPUT)
    except OSError as error:
        return refuse(f"{error.filename or 'a file'} cannot be used: {error.strerror or error}.", BAD_INPUT)
    for line in (f"{report.verdict}: {report.sentence}", *picture(report)):
        print(line)  # noqa: T201 - the log of the job
    return 0


def judge_files(
    rules: Sequence[Rule],
    predictions: Path,
    *,
    champion: Path | None = None,
    values: Mapping[str, object] | None = None,
    recorded: GateReport | Mapping[str, Any] | None = None,
    no_champion: str | None = None,
    if_no_champion: str | None = None,
    noun: str = "records",
    folder: Path | None = None,
) -> GateReport:
    """Judge predictions in files; see :func:`~.judge.evaluate` for the other arguments.

    if_no_champion   ``no_champion``, if the predictions have no scores of a champion
    Raises :class:`BadPredictions`, also if numpy or scipy is not installed.
    """
    try:
        from .judge import judge
        from .read_predictions import read_predictions
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("numpy", "scipy"):
            raise
        what = f"the gate needs {error.name}, which is not installed"
        raise BadPredictions([f"{what}: pip install 'airflow-sagemaker-mlops[gate]', or numpy and scipy."]) from None
    read = read_predictions(predictions, columns_of(rules), champion)
    if read.champion is None:
        if if_no_champion == REFUSE:
            raise BadPredictions(["there are no scores of the champion, and the model package group has one."])
        no_champion = no_champion or if_no_champion
    return judge(rules, read, values=values, recorded=recorded, no_champion=no_champion, noun=noun, folder=folder)


def report_text(report: GateReport) -> str:
    """The report as JSON text."""
    return json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path, what: str) -> Any:
    """The JSON in a file; raises :class:`BadPredictions`, whose message calls the file ``what``."""

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not JSON")

    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=refuse)
    except OSError as error:
        raise BadPredictions([f"{what} {path} cannot be read: {error.strerror or error}."]) from error
    except (ValueError, RecursionError) as error:
        raise BadPredictions([f"{what} {path} is not JSON: {error}."]) from error


def read_report(path: Path) -> GateReport | dict[str, Any]:
    """A gate's report, or values by metric, from a file."""
    value = read_json(path, "the recorded report")
    if isinstance(value, dict) and "verdict" in value:
        try:
            return GateReport.from_json(value)
        except ValueError as error:
            raise BadPredictions([f"{path}: {error}"]) from error
    if not isinstance(value, dict):
        raise BadPredictions([f"{path} is neither the report of a gate nor numbers by metric."])
    return value


def read_values(path: Path) -> dict[str, Any]:
    """Values that were measured elsewhere: ``{"latency_p95_ms": {"candidate": 118, "champion": 125}}``."""
    value = read_json(path, "the file of values")
    if not isinstance(value, dict):
        raise BadPredictions([f"{path} is not an object of metrics and their two numbers."])
    return value


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gate.pyz", description="Judge a candidate against the champion.")
    parser.add_argument("--predictions", required=True, help="file or directory with id, label, candidate, champion, …")
    parser.add_argument("--rules", required=True, help="JSON file with the list of rules")
    parser.add_argument(
        "--set",
        nargs=2,
        action="append",
        default=[],
        metavar=("PLACE", "VALUE"),
        help="a value missing in the rule file, e.g. [0].By 0.01; repeatable",
    )
    parser.add_argument("--output", required=True, help="directory for report.json")
    parser.add_argument("--champion-predictions", type=Path, help="the champion's predictions, if in a separate file")
    parser.add_argument("--no-champion", choices=("promote", "reject", "approve"), help="verdict without a champion")
    parser.add_argument(
        "--if-no-champion",
        choices=(*NO_CHAMPION, REFUSE),
        help="the verdict if the predictions have no scores of a champion",
    )
    parser.add_argument("--values", type=Path, help="JSON file with values that were measured elsewhere")
    parser.add_argument("--recorded", type=Path, help="the champion's report.json")
    parser.add_argument("--noun", default="records", help="plural noun for the records")
    return parser.parse_args(arguments)


def _rules(path: str, values: Sequence[tuple[str, str]]) -> tuple[Rule, ...]:
    rules = read_json(Path(path), "the file of rules")
    try:
        put_values(rules, values)
    except ValueError as error:
        raise BadPredictions([str(error)]) from None
    return parse_rules(rules)


def _json(path: Path | None) -> dict[str, Any] | None:
    return None if path is None else read_values(path)


def _report(path: Path | None) -> GateReport | dict[str, Any] | None:
    return None if path is None else read_report(path)
