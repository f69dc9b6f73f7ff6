"""Condition: compare, say which branch, and keep both sides of every comparison."""

from __future__ import annotations

from typing import Any

from ...document.compare import IncomparableValues, Outcome, evaluate
from ...document.conditions import parse_conditions
from ..failures import StepFailed
from ..scope import resolve
from ..step_run import StepResult, StepRun, now
from ..threads import in_thread


async def run(run: StepRun) -> StepResult:
    """Evaluate the step's conditions; the result's "Decision" holds every term with both values."""
    started = now()
    given = (run.spec.get("Arguments") or {}).get("Conditions")
    if given is None:  # of a definition it is refused; by hand nobody has looked
        raise StepFailed(f'Step "{run.identity.step}": Arguments have no "Conditions"; none would count as true.')
    conditions = parse_conditions(given, "Arguments.Conditions")
    outcome = await in_thread(run.aws.key, _evaluate, run, conditions)
    decision = decision_of(outcome)
    run.tell(decision["Sentence"])
    return StepResult(
        step=run.identity.step,
        type=run.step_type,
        name=None,
        arn=None,
        properties={"Outcome": outcome.value},
        started=started,
        ended=now(),
        facts={"Decision": decision},
    )


def _evaluate(run: StepRun, conditions: Any) -> Outcome:
    try:
        return evaluate(conditions, lambda value: resolve(value, run.scope, "Arguments.Conditions"))
    except IncomparableValues as error:
        raise StepFailed(f'Step "{run.identity.step}": {error}') from None


def decision_of(outcome: Outcome) -> dict[str, Any]:
    """``outcome`` as it is pushed, logged and shown."""
    terms = [{"Text": t.text, "Op": t.op, "Left": t.left, "Right": t.right, "Result": t.result} for t in outcome.terms]
    words = "; ".join(f"{t.text} is {'true' if t.result else 'false'}" for t in outcome.terms) or "nothing to compare"
    return {
        "Outcome": outcome.value,
        "Terms": terms,
        "Sentence": f"{'True' if outcome.value else 'False'}: {words}",
    }
