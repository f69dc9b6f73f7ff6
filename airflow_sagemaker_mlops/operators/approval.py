"""x-approval in Airflow: a required action where Airflow has them (3.1 and later), else a wait for the registry."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..airflow_versions import ASKS_PEOPLE
from .base import StepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ..execution.runners.approval import Question

APPROVE, REJECT = "Approve", "Reject"
OPTIONS = {APPROVE: "Approved", REJECT: "Rejected"}


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
            options=[*OPTIONS],
            defaults=next((option for option, decision in OPTIONS.items() if decision == question.default), None),
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
            decision=OPTIONS[option],
            user=given["responded_by_user"],
            at=given["responded_at"],
            comment=str(given["params_input"].get("comment") or ""),
        )
        return self._in_worker(self._begun.answered(answer), context)
