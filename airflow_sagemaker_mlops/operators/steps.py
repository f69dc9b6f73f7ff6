"""The step operators, one per step type: generated from the type's name, except those that need to know Airflow.

Those are Fail, which is never retried, Condition, which skips tasks, and x-approval, which asks people by a required
action where Airflow has them (3.1 and later).  ``steps`` and ``execution`` say what a type does.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from ..airflow_versions import ASKS_PEOPLE, DownstreamTasksSkipped
from ..definition.step_types import operator_name
from .base import StepOperator

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from ..execution.runners.approval import Question

_ANSWERS = {"Approve": "Approved", "Reject": "Rejected"}  # {what people click: what the registry calls it}


class FailStepOperator(StepOperator):
    """Ends the run as failed with ``ErrorMessage``; never retried."""

    step_type = "Fail"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._retry_failed_steps = False
        self.retries = 0


class ConditionStepOperator(StepOperator):
    """Evaluates conditions and runs one of two branches.

    :param branches: {"If": [task ids], "Else": [task ids]} of the direct steps of the branches; passed by the factory
        or the DAG's author.  Downstream tasks in neither list run in any case.
    """

    step_type = "Condition"
    inherits_from_skipmixin = True  # so that a cleared task of the branch not taken stays skipped

    def __init__(self, *, branches: Mapping[str, list[str]] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.branches = branches if branches is not None else dict(self.step.spec.branches)

    def execute(self, context: Context) -> Any:
        """Push the outcome, then skip the branch that is not taken."""
        result = super().execute(context)
        taken = bool(result["Properties"]["Outcome"])
        skipped = list(self.branches.get("Else" if taken else "If") or [])
        if not skipped:
            return result
        ti = context["ti"]
        # Push now: the exception ends the task without a return value, and later steps may reference the outcome.
        ti.xcom_push(key="return_value", value=result)
        ti.xcom_push(key="skipmixin_key", value={"skipped": skipped})
        raise DownstreamTasksSkipped(tasks=[instance_to_skip(ti, task_id) for task_id in skipped])


def instance_to_skip(ti: RuntimeTaskInstanceProtocol, task_id: str) -> str | tuple[str, int]:
    """The task to skip, in Airflow's form: in a mapped task group, one instance of it."""
    from ..runtime.task_states import sibling_index

    index = sibling_index(ti, task_id)
    return task_id if index is None else (task_id, index)


class ApprovalStepOperator(StepOperator):
    """Asks a person whether a version may pass, and writes the answer into the registry and the record.

    A rejection is a result like an approval: a Condition on ``Steps.<name>.Approved`` decides what follows.
    """

    step_type = "x-approval"
    _begins_in_worker = ASKS_PEOPLE

    def _run_here(self, context: Context) -> Any:
        """Ask, unless the step does not run or the registry has a decision."""
        selection = self._selection(context)
        if not ASKS_PEOPLE or (selection is not None and selection.role != "selected"):
            return super()._run_here(context)
        kept = self._kept_result(context)
        if kept is not None:
            return kept
        self._begun = self._attempt(context)
        question = self._in_worker(self._begun.question(), context)
        if question is None:
            return self._in_worker(self._begun.run_at_once(), context)
        return self._ask(context, question)

    def _ask(self, context: Context, question: Question) -> Any:
        """Wait for an answer as the standard provider's operator does on this version of Airflow."""
        from airflow.providers.standard.operators.hitl import HITLOperator
        from airflow.sdk import Param

        limit = timedelta(seconds=question.timeout_s) if question.timeout_s is not None else None
        # Standard providers before Airflow 3.2's take the time for the answer from this one.
        takes_limit = "response_timeout" in inspect.signature(HITLOperator).parameters
        within: dict[str, Any] = {"response_timeout" if takes_limit else "execution_timeout": limit}
        asking = HITLOperator(
            task_id=self.task_id,
            subject=question.subject,
            body=f"{question.sentence}\n\n`{question.arn}`".strip(),
            options=[*_ANSWERS],
            defaults=next((option for option, decision in _ANSWERS.items() if decision == question.default), None),
            params={"comment": Param("", type=["null", "string"], title="Comment")},
            assigned_users=[{"id": name, "name": name} for name in question.users] or None,
            **within,
        )
        # Past the guard that warns of an operator that another one executes.  The task comes back to our
        # ``execute_complete``, which is called like the other operator's.
        return inspect.unwrap(HITLOperator.execute)(asking, context)

    def execute_complete(self, context: Context, event: Mapping[str, object]) -> Any:
        """Back with the answer, or because time is up."""
        from ..execution.runners.approval import Answer, undecided
        from ..runtime.approvals import answer_in

        given = answer_in(event)
        self._begun = self._attempt(context)
        if given is None:
            question = self._in_worker(self._begun.question(), context)
            if question is None:  # somebody has decided in the registry
                return self._in_worker(self._begun.run_at_once(), context)
            if event.get("error_type") == "timeout":
                raise self._failure(undecided(self.step.step or self.task_id, question))
            raise self._failure(f"Airflow could not take the answer: {event.get('error')}")
        [option] = given["chosen_options"]
        answer = Answer(
            decision=_ANSWERS[option],
            user=given["responded_by_user"],
            at=given["responded_at"],
            comment=str(given["params_input"].get("comment") or ""),
        )
        return self._in_worker(self._begun.answered(answer), context)


_OWN_CLASSES: dict[str, type[StepOperator]] = {
    kind.step_type: kind for kind in (FailStepOperator, ConditionStepOperator, ApprovalStepOperator)
}
# The shorter of their two import paths, because every serialized step contains it.
_HOME = __name__.partition(".")[0]


@functools.cache
def operator_class(step_type: str) -> type[StepOperator]:
    """The operator of ``step_type``, e.g. ``TrainingStepOperator``."""
    made = _OWN_CLASSES.get(step_type)
    if made is None:
        about = f"A {step_type} step; ``arguments`` as in a pipeline definition.  See docs/step-types.md."
        made = type(operator_name(step_type), (StepOperator,), {"step_type": step_type, "__doc__": about})
    made.__module__ = _HOME
    return made
