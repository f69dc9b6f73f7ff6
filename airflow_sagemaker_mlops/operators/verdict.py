"""The last task of a pipeline: recomputes how SageMaker Pipelines would say the run ended, and ends likewise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

FAILED = frozenset({"failed", "upstream_failed"})


class PipelineFailed(AirflowFailException):
    """The pipeline ended Failed; the message names the steps and, as far as they left one, their reasons."""


class PipelineVerdictOperator(BaseOperator):
    """Succeeds when every step that started succeeded; fails with the failed steps' names otherwise.

    A skipped leaf counts as success for Airflow, so without this task a failed step behind a branch that was not taken
    could leave a green run.

    :param steps: {task id: step type} of the pipeline
    """

    def __init__(self, *, steps: Mapping[str, str], **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        kwargs.setdefault("retries", 2)
        super().__init__(**kwargs)
        self.steps = dict(steps)

    def execute(self, context: Context) -> dict[str, Any]:
        """The verdict as XCom: status, and the steps by what became of them."""
        ti: Any = context["ti"]
        by_run = ti.get_task_states(dag_id=ti.dag_id, task_ids=list(self.steps), run_ids=[ti.run_id])
        states: dict[str, str | None] = by_run.get(ti.run_id) or {}
        verdict = {
            "Status": "Failed" if any(state in FAILED for state in states.values()) else "Succeeded",
            "Failed": sorted(name for name, state in states.items() if state == "failed"),
            "NotStarted": sorted(name for name, state in states.items() if state == "upstream_failed"),
            "NotTaken": sorted(name for name, state in states.items() if state == "skipped"),
        }
        decisions = self._decisions(ti, states)
        for sentence in decisions:
            self.log.info("%s", sentence)
        if verdict["Status"] == "Failed":
            ti.xcom_push(key="return_value", value=verdict)
            failed = ", ".join(verdict["Failed"]) or "a step outside this pipeline"
            rest = f"; {len(verdict['NotStarted'])} did not start" if verdict["NotStarted"] else ""
            raise PipelineFailed(f"Step failure: one or multiple steps failed: {failed}{rest}. See their logs.")
        self.log.info("The pipeline succeeded: %d steps ran", sum(s == "success" for s in states.values()))
        return verdict

    def _decisions(self, ti: Any, states: Mapping[str, str | None]) -> list[str]:
        sentences = []
        for task_id, step_type in self.steps.items():
            if step_type == "Condition" and states.get(task_id) == "success":
                result = ti.xcom_pull(task_ids=task_id, key="return_value") or {}
                sentences.append(f"{task_id}: {(result.get('Decision') or {}).get('Sentence', 'no decision kept')}")
        return sentences
