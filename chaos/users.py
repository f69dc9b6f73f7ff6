"""What users do by hand while the drill goes on: clear a running step, mark a step or a whole run failed."""

from __future__ import annotations

import time
import urllib.error
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from .airflow_api import AirflowApi
from .plan import Action, PlannedRun

UNDER_WAY = frozenset({"running", "deferred"})
PATIENCE_S = 240.0


@dataclass(slots=True)
class Users:
    """All users; ``clears`` is {(dag id, run id): {task id: how often}}."""

    api: AirflowApi
    log: Callable[[str], None]
    clears: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    done: int = 0

    def act(self, run: PlannedRun) -> None:
        """Do the actions planned for ``run``, each while its task is under way; leave out what comes too late."""
        for action in run.actions:
            if self._wait_until_under_way(run, action):
                time.sleep(action.after_s)
                self._do(run, action)

    def _wait_until_under_way(self, run: PlannedRun, action: Action) -> bool:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            state = self.api.tasks(run.dag_id, run.run_id).get(action.task_id, "none")
            if state in UNDER_WAY:
                return True
            if state in ("success", "failed"):
                break
            time.sleep(1)
        self.log(f"{action.deed} {run.dag_id} {run.run_id} {action.task_id}: left out")
        return False

    def _do(self, run: PlannedRun, action: Action) -> None:
        who = (run.dag_id, run.run_id)
        try:
            match action.deed:
                case "clear":
                    self.clears.setdefault(who, Counter())[action.task_id] += 1
                    self.api.clear(*who, action.task_id)
                case "fail_task":
                    self.api.fail_task(*who, action.task_id)
                case "fail_run":
                    self.api.fail_run(*who)
        except urllib.error.HTTPError as error:
            self.log(f"{action.deed} {run.dag_id} {run.run_id}: {error.code} {error.read()[:200]!r}")
            return
        self.done += 1
        self.log(f"{action.deed} {run.dag_id} {run.run_id} {action.task_id}")
