"""The trigger that concludes a pipeline's run: a successful run needs no worker for that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent

from ..execution.journal import Entry, entry_from_json
from ..runtime.context import run_started
from ..runtime.events import PipelineEndedBadly, WorkerNeeded, to_payload
from ..runtime.pause import CHECK_AGAIN_AFTER
from ..runtime.pipeline_status import conclude
from ..runtime.selective.conf import needs_worker
from ..runtime.stopping.jobs import stop_left_running, waiting_steps
from ..runtime.supervisor_calls import ask
from ..runtime.task_states import xcom_of
from ..xcom_keys import JOURNAL_KEY
from .clients import open_aws

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol


class StatusTrigger(BaseTrigger):
    """Concludes a run and stops its running jobs; a worker fails a failed run, so that callbacks run.

    :param steps: {step type: task ids, separated by spaces}
    :param handlers: as for ``PipelineStatusOperator``; ``stands_in_for`` likewise
    """

    def __init__(
        self,
        steps: Mapping[str, str],
        handlers: Mapping[str, Mapping[str, str]] | None = None,
        stands_in_for: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.steps = dict(steps)
        self.handlers = {name: dict(by) for name, by in (handlers or {}).items()}
        self.stands_in_for = stands_in_for

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, as Airflow stores them."""
        arguments = {"steps": self.steps, "handlers": self.handlers, "stands_in_for": self.stands_in_for}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: the task has succeeded, or a worker must fail it or find out which steps are selected."""
        ti: Any = self.task_instance
        context = await ask(ti.get_template_context)
        if needs_worker(context["dag_run"].conf, ti.task.dag):
            yield TriggerEvent(to_payload(WorkerNeeded()))
            return
        steps = {name: step_type for step_type, names in self.steps.items() for name in names.split()}
        end = await ask(conclude, ti, steps, self.handlers, self.stands_in_for)
        while end.early:
            await asyncio.sleep(CHECK_AGAIN_AFTER.total_seconds())
            end = await ask(conclude, ti, steps, self.handlers, self.stands_in_for)
        for line in end.lines:
            self.log.info(line)
        if end.passed_over and not self.stands_in_for:
            await ask(_push_result, ti, dict(end.result))
            yield TaskSkippedEvent()
            return
        if end.result:
            await stop_left_running(
                ti,
                waiting_steps(ti, steps),
                started=run_started(context["dag_run"]),
                killed=end.killed,
                cut_off=end.cut_off,
                open_aws=open_aws,
                read_journal=self._read_journal,
                log=self.log.warning,
            )
        if end.failure:
            yield TriggerEvent(to_payload(PipelineEndedBadly(end.result, end.failure)))
            return
        await ask(_push_result, ti, dict(end.result))
        yield TaskSuccessEvent()

    async def _read_journal(self, task_id: str) -> Entry | None:
        ti: Any = self.task_instance
        return entry_from_json(await ask(xcom_of, ti, task_id, JOURNAL_KEY))


def _push_result(ti: RuntimeTaskInstanceProtocol, result: Mapping[str, object]) -> None:
    from airflow.sdk.execution_time.xcom import XCom

    XCom.set(
        key="return_value",
        value=dict(result),
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        map_index=ti.map_index,
    )
