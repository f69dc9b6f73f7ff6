"""``Type: x-champion-gate``: its keys and its program (docs/language/steps/champion-gate.md)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from .expressions import is_expression, kind_of
from .problems import MAX_PROBLEMS, Place, Problem, did_you_mean, place_text
from .step_types import CHAMPION_GATE
from .verdict_job import Program
from .verdict_kind import REPORT, Source, VerdictKind

if TYPE_CHECKING:
    from .report import StepReporter

NO_CHAMPION = ("promote", "reject", "approve")
DEFAULT_NO_CHAMPION = "approve"
IF_NO_CHAMPION_OPTION = "if-no-champion"  # of the program: the verdict where the predictions have no champion
INPUT = "predictions"
CHAMPION_KEYS = frozenset({"ModelPackageGroup", "GroupMayBeMissing"})


def _keys(parser: StepReporter, item: Mapping[str, object], place: Place, name: str) -> None:
    here = (place, "Champion")
    champion = item.get("Champion")
    if champion is None:
        fix = 'Add "Champion": {"ModelPackageGroup": ...}.'
        parser.report("SM121", place, f'step "{name}" has no "Champion".', fix)
    elif parser.reader.wanted(champion, Mapping, here, "an object"):
        parser.unknown_keys(champion, CHAMPION_KEYS, here, "Champion of a champion gate", ours=True)
        group = champion.get("ModelPackageGroup")
        if group is None or group == "":
            what = "missing" if group is None else "empty"
            parser.report("SM121", here, f'"ModelPackageGroup" is {what}.', 'Add "ModelPackageGroup".')
    chosen = item.get("NoChampion")
    if chosen is not None and not is_expression(chosen) and chosen not in NO_CHAMPION:
        hint = did_you_mean(str(chosen), NO_CHAMPION)
        parser.report(
            "SM122", (place, "NoChampion"), f"{kind_of(chosen)} is not a verdict for a missing champion.", hint
        )
    rules = item.get("Rules")
    if rules is None or rules == []:
        parser.report("SM121", place, f'step "{name}" has no "Rules".', 'Add "Rules": [{"Metric": "auc", ...}].')
    elif parser.reader.wanted(rules, list, (place, "Rules"), "a list of rules"):
        _rules(parser, rules, place)


def _rules(parser: StepReporter, rules: list[Any], place: Place) -> None:
    """What the gate itself finds wrong with its rules; values that a run gives are judged in the run."""
    from ..gate import rule_problems

    where = place_text((place, "Rules"))
    found = islice(rule_problems(rules, is_expression), MAX_PROBLEMS)
    parser.reader.problems += [Problem("SM314", where + one.place, one.what, one.fix) for one in found]
    for index, rule in enumerate(rules):
        if not isinstance(rule, Mapping):
            continue
        file, _, function = str(rule.get("Metric")).rpartition(":")
        if function and file.endswith(".py") and not file.startswith("/"):
            what = f'the job does not have the file "{file}".'
            fix = f'Put it into the image, and write its path there: "/opt/program/{file}:{function}".'
            parser.reader.problems.append(Problem("SM314", f"{where}[{index}].Metric", what, fix))
        if rule.get("Compare") == "recorded":
            what = "a step has both models score the same records, so there is no recorded number to compare with."
            fix = 'Leave "Compare" out; sagemaker-mlops gate evaluate compares with a recorded report.'
            parser.reader.problems.append(Problem("SM314", f"{where}[{index}].Compare", what, fix))


def _program(keys: Mapping[str, object]) -> Program:
    from ..gate.rules import EXTERNAL, VALUES_FILE
    from ..gate.rules import kind_of as kind_of_metric

    rules: Any = keys["Rules"]
    options = {IF_NO_CHAMPION_OPTION: keys.get("NoChampion") or DEFAULT_NO_CHAMPION}
    if any(isinstance(rule, Mapping) and kind_of_metric(str(rule.get("Metric"))) == EXTERNAL for rule in rules):
        options["values"] = f"/opt/ml/processing/input/{INPUT}/{VALUES_FILE}"
    return Program(rules, options)


def _archive() -> bytes:
    from ..gate import archive

    return archive()


def _contradiction(report: Mapping[str, object]) -> str:
    from ..gate.report import contradiction_in

    return contradiction_in(report)


GATE = VerdictKind(
    type=CHAMPION_GATE,
    noun="champion gate",
    program="gate",
    folder="champion-gate",
    sources={"Predictions": Source(INPUT)},
    wrong_source=(
        "SM311",
        "reads the predictions of",
        "Score both models in one Processing step, and name that.",
    ),
    not_taken={
        "Arguments": 'The gate makes its request itself; write what it is to change under "Job".',
        "OutputParameters": "Read Steps.{name}.Verdict, Steps.{name}.Sentence or Steps.{name}.Report.",
        "CacheConfig": "A verdict is never taken from an earlier run; leave it out.",
    },
    keys=_keys,
    implied=lambda _item: {},
    is_silent=lambda _item: True,
    program_of=_program,
    archive=_archive,
    contradiction=_contradiction,
    files=REPORT,
)
