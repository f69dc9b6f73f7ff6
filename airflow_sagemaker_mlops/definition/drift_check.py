"""``Type: x-drift-check``: its keys and its program (docs/language/steps/drift-check.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from .expressions import is_expression, kind_of
from .problems import MAX_PROBLEMS, Place, Problem, did_you_mean, place_text
from .step_types import DRIFT_CHECK, VERDICT_BRANCHES
from .verdict_job import Program
from .verdict_kind import REPORT, Source, VerdictKind

if TYPE_CHECKING:
    from ..gate.problems import RuleProblem
    from .report import StepReporter

NO_BASELINE = tuple(VERDICT_BRANCHES[DRIFT_CHECK].values())
DEFAULT_NO_BASELINE = "stable"
FAIL_OPTION = "fail-on-drift"  # of the program: whether drift fails the job
PROFILE_FILE = "profile.json"


def drift_fails(item: Mapping[str, object]) -> Any:
    """Whether a verdict of drift fails the step ``item``; may be an expression.

    By default it does if the step has no steps for its verdicts: nobody would notice the drift otherwise.
    """
    given = item.get("FailOnDrift")
    return given if given is not None else not any(item.get(key) for key in VERDICT_BRANCHES[DRIFT_CHECK])


def settings_problems(
    settings: Mapping[str, object], is_open: Callable[[Any], bool]
) -> Iterable[tuple[str, RuleProblem]]:
    """(key, problem) of everything wrong with ``Rules`` and ``Columns``; the place of a problem is below its key.

    is_open   whether a run gives the value, so that it cannot be judged yet
    """
    from ..drift.rules import rule_problems
    from ..drift.settings import column_problems

    for key, problems_of in (("Rules", rule_problems), ("Columns", column_problems)):
        yield from ((key, problem) for problem in problems_of(settings.get(key), is_open))


def place_below(key: str, place: str) -> str:
    """``Rules[0].Max`` for ``[0].Max`` below ``Rules``, and ``Columns.Label`` for ``Label``."""
    return f"{key}{'.' if place and not place.startswith('[') else ''}{place}"


def _keys(parser: StepReporter, item: Mapping[str, object], place: Place, name: str) -> None:
    for key, noun in (("Rules", "a list of rules"), ("Columns", "an object")):
        parser.reader.wanted(item.get(key), list if key == "Rules" else Mapping, (place, key), noun)
    judged = {
        key: item.get(key)
        for key, kind in (("Rules", list), ("Columns", Mapping))
        if isinstance(item.get(key), kind) and not is_expression(item.get(key))
    }
    where = place_text(place)
    for key, problem in islice(settings_problems(judged, is_expression), MAX_PROBLEMS):
        at = f"{where}.{place_below(key, problem.place)}"
        parser.reader.problems.append(Problem("SM317", at, problem.what, problem.fix))
    chosen = item.get("NoBaseline")
    if chosen is not None and not is_expression(chosen) and chosen not in NO_BASELINE:
        hint = did_you_mean(str(chosen), NO_BASELINE)
        parser.report(
            "SM122", (place, "NoBaseline"), f"{kind_of(chosen)} is not a verdict for a missing baseline.", hint
        )
    fails = item.get("FailOnDrift")
    if fails is not None and not is_expression(fails) and str(fails).lower() not in ("true", "false"):
        parser.report("SM122", (place, "FailOnDrift"), f"expected true or false, found {kind_of(fails)}.")
    if not is_expression(fails) and str(fails).lower() == "true" and item.get("DriftSteps"):
        what = f'drift fails "{name}", so its DriftSteps never run.'
        parser.report("SM319", (place, "FailOnDrift"), what, "Keep one of FailOnDrift and DriftSteps.")


def _program(keys: Mapping[str, object]) -> Program:
    settings = {key: keys[key] for key in ("Rules", "Columns") if keys.get(key) is not None}
    fails = drift_fails(keys)
    options = {
        "no-baseline": keys.get("NoBaseline") or DEFAULT_NO_BASELINE,
        FAIL_OPTION: str(fails).lower() if isinstance(fails, bool) else fails,
    }
    return Program(settings, options)


def _archive() -> bytes:
    from ..drift.zipapp import archive

    return archive()


def _contradiction(report: Mapping[str, object]) -> str:
    from ..drift.report import contradiction_in

    return contradiction_in(report)


DRIFT = VerdictKind(
    type=DRIFT_CHECK,
    noun="drift check",
    program="drift",
    folder="drift-check",
    sources={
        "Data": Source("data"),
        "Baseline": Source("baseline", anywhere=True),
        "NextBaseline": Source("next-baseline", needed=False),
    },
    wrong_source=("SM318", "reads an output of", "Name the Processing step that writes the data."),
    not_taken={
        "Arguments": 'The check makes its request itself; write what it is to change under "Job".',
        "OutputParameters": "Read Steps.{name}.Verdict, .Sentence, .Report or .Profile.",
        "CacheConfig": "A verdict is never taken from an earlier run; leave it out.",
    },
    keys=_keys,
    implied=lambda item: {"FailOnDrift": drift_fails(item)},
    is_silent=lambda item: str(item.get("FailOnDrift")).lower() == "false",
    program_of=_program,
    archive=_archive,
    contradiction=_contradiction,
    files={**REPORT, "Profile": PROFILE_FILE},
)
