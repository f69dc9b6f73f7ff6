"""Condition: evaluates comparisons, decides the branch, and records both sides of every comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...definition.conditions import parse_conditions
from ...definition.evaluate import IncomparableValues, Outcome, evaluate
from ...definition.model import Get, walk_expressions
from ..aws.threads import in_thread
from ..exceptions import StepFailed, UnresolvedExpression
from ..scope import resolve
from ..step_run import StepResult, StepRun, now
from .base import Runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...definition.model import ConditionNode


class ConditionRunner(Runner):
    """Evaluates conditions; a stub overrides the outcome but does not replace the evaluation."""

    may_have_stub = False

    async def run(self, run: StepRun) -> StepResult:
        """Evaluate the step's conditions; the result's "Decision" has every term with both values."""
        started = now()
        given = run.spec.arguments.get("Conditions")
        if given is None:  # only possible without a definition; parsing refuses it
            raise StepFailed(f'Step "{run.identity.step}": Arguments have no "Conditions", which would count as true.')
        conditions = parse_conditions(given, "Arguments.Conditions")
        wanted = (run.options.stubs.get(run.identity.step) or {}).get("Outcome") if run.options.stubs else None
        try:
            outcome = await in_thread(run.aws.key, _evaluate, run, conditions)
        except UnresolvedExpression as error:
            if wanted is None:
                raise
            run.log(f"{error} The rehearsal continues.")
            outcome = Outcome(wanted, ())
        decision = decision_of(outcome)
        if wanted is not None and outcome.value is not wanted:
            outcome = Outcome(wanted, outcome.terms)
            decision = {
                **decision,
                "Outcome": wanted,
                "Sentence": f"{wanted}, as the rehearsal requires: {decision['Sentence']}",
            }
        reasons = list(dict.fromkeys(_reasons(run, conditions)))
        if reasons:
            decision["Because"] = " ".join(reasons)
        run.log(". ".join([decision["Sentence"], *reasons]))
        return StepResult(
            step=run.identity.step,
            type=run.step_type,
            name=None,
            arn=None,
            properties={"Outcome": outcome.value},
            started=started,
            ended=now(),
            facts={"Decision": decision} | ({} if wanted is None else {"Stub": True}),
        )


def _reasons(run: StepRun, conditions: object) -> Iterator[str]:
    """The sentences of the champion gates whose verdicts ``conditions`` compare."""
    for one in walk_expressions(conditions):
        if isinstance(one, Get) and one.root == "Steps" and one.path == ("Verdict",):
            decision = (run.scope.steps.get(one.name) or {}).get("Decision") or {}
            if "Verdict" in decision:
                yield str(decision.get("Sentence", ""))


def _evaluate(run: StepRun, conditions: Sequence[ConditionNode]) -> Outcome:
    try:
        return evaluate(conditions, lambda value: resolve(value, run.scope, "Arguments.Conditions"))
    except IncomparableValues as error:
        raise StepFailed(f'Step "{run.identity.step}": {error}') from None


def decision_of(outcome: Outcome) -> dict[str, Any]:
    """``outcome`` in the form that is pushed, logged and shown."""
    terms = [{"Text": t.text, "Op": t.op, "Left": t.left, "Right": t.right, "Result": t.result} for t in outcome.terms]
    words = "; ".join(f"{t.text} is {'true' if t.result else 'false'}" for t in outcome.terms) or "no conditions"
    return {
        "Outcome": outcome.value,
        "Terms": terms,
        "Sentence": f"{'True' if outcome.value else 'False'}: {words}",
    }
