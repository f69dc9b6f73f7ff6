"""The last task of a pipeline: recomputes how SageMaker Pipelines would say the run ended, and ends likewise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator, Context

from ..airflow_versions import AirflowFailException
from ..plan.outcome import verdict
from .ends import ends_of, states_of


class PipelineFailed(AirflowFailException):
    """The pipeline ended Failed; the message names the steps that failed."""


class PipelineVerdictOperator(BaseOperator):
    """Fails when a step failed that no other step handled; succeeds otherwise.

    A skipped leaf counts as success for Airflow, so without this task a failed step behind a branch that was not taken
    could leave a green run.

    :param steps: {task id: step type} of the pipeline
    :param handlers: {task id: {other task id: trigger}} of the steps that run when it ends badly
    """

    def __init__(
        self, *, steps: Mapping[str, str], handlers: Mapping[str, Mapping[str, str]] | None = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        kwargs.setdefault("retries", 2)
        super().__init__(**kwargs)
        self.steps = dict(steps)
        self.handlers = dict(handlers or {})

    def execute(self, context: Context) -> dict[str, Any]:
        """The verdict as XCom: status, and the steps by what became of them."""
        ti: Any = context["ti"]
        states, ends = states_of(ti, list(self.steps)), ends_of(ti, list(self.steps))
        status: str = verdict(ends, self.handlers)
        if status == "Succeeded" and "upstream_failed" in states.values():
            status = "Failed"  # something outside of the pipeline failed that its steps wait for
        said = {
            "Status": status,
            "Failed": sorted(name for name, end in ends.items() if end == "Failed"),
            "Stopped": sorted(name for name, end in ends.items() if end == "Stopped"),
            "NotStarted": sorted(name for name, state in states.items() if state == "upstream_failed"),
            "NotTaken": sorted(name for name, state in states.items() if state == "skipped"),
        }
        for sentence in self._decisions(ti, states):
            self.log.info("%s", sentence)
        bad = ", ".join([*said["Failed"], *(f"{name} (stopped)" for name in said["Stopped"])])
        if status == "Failed":
            ti.xcom_push(key="return_value", value=said)
            rest = f"; {len(said['NotStarted'])} did not start" if said["NotStarted"] else ""
            failed = bad or "a step outside this pipeline"
            raise PipelineFailed(f"Step failure: one or multiple steps failed: {failed}{rest}. See their logs.")
        if status == "CompletedWithFailures":
            self.log.warning("CompletedWithFailures: %s failed and was handled", bad)
        ran = sum(end != "NotRun" for end in ends.values())
        self.log.info("The pipeline ended %s: %d steps ran", status, ran)
        return said

    def _decisions(self, ti: Any, states: Mapping[str, str | None]) -> list[str]:
        sentences = []
        for task_id, step_type in self.steps.items():
            if step_type == "Condition" and states.get(task_id) == "success":
                result = ti.xcom_pull(task_ids=task_id, key="return_value") or {}
                sentences.append(f"{task_id}: {(result.get('Decision') or {}).get('Sentence', 'no decision kept')}")
        return sentences
