"""The task before a step that runs on another step's failure, stop or any end: decides whether the step runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator, Context

from ..airflow_versions import AirflowSkipException
from ..plan.run_rules import unmet
from ..runtime.infrastructure_retries import outlast_outages
from ..runtime.task_states import ends_of


class RunConditionOperator(BaseOperator):
    """Skips itself, and thus the step after it, unless every upstream step ended as its trigger requires.

    :param triggers: {upstream task id: "Completed", "Failed", "Stopped" or "Any"}
    """

    def __init__(self, *, triggers: Mapping[str, str], **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        outlast_outages(kwargs, kwargs)
        super().__init__(**kwargs)
        self.triggers = dict(triggers)

    def execute(self, context: Context) -> dict[str, str]:
        """Return how every upstream step ended."""
        from ..runtime.retry_budget import errors_counted

        with errors_counted(self, context):
            ends = ends_of(context["ti"], list(self.triggers))
        missing = unmet(self.triggers, ends)
        for task_id, trigger in self.triggers.items():
            self.log.info("%s: expected %s, is %s", task_id, trigger, ends[task_id])
        if missing:
            wanted = "; ".join(f"{name} ended {end}, not {self.triggers[name]}" for name, end in missing.items())
            raise AirflowSkipException(f"the step does not run: {wanted}")
        return ends
