"""``sagemaker-mlops gate evaluate``: reads files and prints the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..gate.given_values import number_of
from ..gate.job import judge_files, read_report, report_text
from ..gate.picture import picture, words
from ..gate.problems import BadPredictions
from ..gate.report import EXIT_CODES, INCONCLUSIVE, PROMOTE, REJECT, GateReport
from ..gate.rule_reader import parse_rules
from ..gate.rules import Rule
from .output.terminal import say, say_json, say_styled, write_out
from .rule_files import Refused, read_rule_file

BAD_INPUT = 2
_STYLES = {PROMOTE: "bold green", REJECT: "bold red", INCONCLUSIVE: "bold yellow"}


@dataclass(frozen=True)
class EvaluateOptions:
    """The arguments of the command line."""

    predictions: Path
    rules: Path
    champion_predictions: Path | None
    no_champion: str | None
    values: tuple[str, ...]
    recorded: Path | None
    noun: str


def evaluate_files(asked: EvaluateOptions, *, output: str, out: Path | None) -> int:
    """Return the exit code of the verdict, or 2 for input that cannot be judged."""
    if output not in ("text", "json"):
        say(f'--format is "{output}"; use text or json.', err=True)
        return BAD_INPUT
    try:
        report = judge_files(
            read_rules(asked.rules),
            asked.predictions,
            champion=asked.champion_predictions,
            values=_values(asked.values),
            recorded=None if asked.recorded is None else read_report(asked.recorded),
            no_champion=_no_champion(asked),
            noun=asked.noun,
            folder=asked.rules.parent,
        )
    except BadPredictions as error:
        for sentence in error.sentences:
            say(sentence, err=True)
        return BAD_INPUT
    except Refused as error:
        say(error, err=True)
        return BAD_INPUT
    if out is not None and write_out(report_text(report), out):
        return BAD_INPUT
    if output == "json":
        say_json(report.to_json())
    else:
        _say_report(report)
    return EXIT_CODES[report.verdict]


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules in a YAML or JSON file; raises :class:`Refused` with file, line and place of every problem."""
    return read_rule_file(path, parse_rules)


def _values(given: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for text in given:
        name, equals, numbers = text.partition("=")
        pair = [number_of(one) for one in numbers.split(",")]
        if not equals or not name.strip() or len(pair) > 2 or None in pair:
            raise Refused(f'--value is "{text}"; write NAME=CANDIDATE,CHAMPION, such as latency_p95_ms=118,125.')
        if name in made:
            raise Refused(f"--value {name} is given twice; give it once.")
        made[name] = dict(zip(("candidate", "champion"), pair, strict=False))
    return made


def _no_champion(asked: EvaluateOptions) -> str | None:
    if asked.no_champion not in (None, PROMOTE, REJECT, "approve"):
        raise Refused(f'--no-champion is "{asked.no_champion}"; use promote, reject or approve.')
    return asked.no_champion


def _say_report(report: GateReport) -> None:
    say_styled(report.verdict.upper(), _STYLES[report.verdict])
    say(report.sentence)
    drawn = picture(report)
    if drawn:
        say()
        for line in drawn:
            say(line)
    if len(report.rules) > 1:
        say()
        for line in words(report.rules):
            say(line)
