"""Airflow's REST API, asked until it answers: the API server is among what gets killed."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from .audit import ENDED, RunEnd

PATIENCE_S = 180.0
PAGE = 1000


class AirflowApi:
    """A client with patience."""

    def __init__(self, port: int, outage_s: float = 0.0) -> None:
        self.patience_s = PATIENCE_S + outage_s
        self.base = f"http://127.0.0.1:{port}"
        self._token = ""

    def call(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """The answer as JSON.  Raises ``HTTPError`` for a refusal, ``TimeoutError`` when nothing answers for long."""
        deadline = time.monotonic() + self.patience_s
        while True:
            try:
                if not self._token:
                    self._token = self._ask("/auth/token", None, None)["access_token"]
                return self._ask(f"/api/v2{path}", body, method)
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise
            except (OSError, ValueError):
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path}: no answer for {self.patience_s:.0f} s")
            time.sleep(1)

    def _ask(self, path: str, body: Any, method: str | None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.base}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def dag_ids(self) -> set[str]:
        """DAGs that can be run."""
        return {dag["dag_id"] for dag in self.call(f"/dags?limit={PAGE}")["dags"]}

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, str]) -> None:
        """Start a run; one that is there already was started by a call whose answer got lost."""
        try:
            body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
            self.call(f"/dags/{dag_id}/dagRuns", body)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise

    def state(self, dag_id: str, run_id: str) -> str:
        """The state of a run."""
        return str(self.call(f"/dags/{dag_id}/dagRuns/{quote(run_id)}")["state"])

    def live(self) -> set[tuple[str, str]]:
        """(dag id, run id) of runs that have not ended."""
        return {(run["dag_id"], run["dag_run_id"]) for run in self._runs("&state=running&state=queued")}

    def _runs(self, which: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            answer = self.call(f"/dags/~/dagRuns?limit={PAGE}&offset={len(found)}{which}")
            found += answer["dag_runs"]
            if not answer["dag_runs"] or len(found) >= answer["total_entries"]:
                return found

    def ends(self) -> list[RunEnd]:
        """Every run, with the states of its tasks."""
        return [self._end(run) for run in self._runs()]

    def _end(self, run: Mapping[str, Any]) -> RunEnd:
        dag_id, run_id = run["dag_id"], run["dag_run_id"]
        instances = self._instances(dag_id, run_id)
        return RunEnd(
            dag_id=dag_id,
            run_id=run_id,
            state=run["state"],
            ended=_seconds(run["end_date"]) if run["state"] in ENDED else None,
            tasks=_states(instances),
            tries={task["task_id"]: task["try_number"] for task in instances},
        )

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str]:
        """{task id: state}; a task that has none yet is "none"."""
        return _states(self._instances(dag_id, run_id))

    def _instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        answer = self.call(f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances?limit={PAGE}")
        return list(answer["task_instances"])

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Clear one task, as with the button."""
        only = {"only_failed": False, "include_downstream": False, "task_ids": [task_id]}
        self.call(f"/dags/{dag_id}/clearTaskInstances", {"dag_run_id": run_id, "dry_run": False, **only})

    def fail_task(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Mark one task failed."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{quote(task_id)}"
        self.call(path, {"new_state": "failed"}, "PATCH")

    def fail_run(self, dag_id: str, run_id: str) -> None:
        """Mark a whole run failed."""
        self.call(f"/dags/{dag_id}/dagRuns/{quote(run_id)}", {"state": "failed"}, "PATCH")


def _states(instances: list[dict[str, Any]]) -> dict[str, str]:
    return {task["task_id"]: task["state"] or "none" for task in instances}


def _seconds(text: str | None) -> float | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None
