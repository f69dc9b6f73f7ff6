"""The drill of the deployment story: runs the lanes, kills at the planned points, and compares after every run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_sagemaker_mlops.local_aws import LocalAws

from .. import ledger
from ..airflow_api import AirflowApi
from ..audit import ENDED
from ..deployment import TRIGGERERS, WORKERS, Deployment
from ..drill import DAGS_S, Progress, standing, wait_until
from ..supervisor import Supervisor
from .agreement import disagreements, read_lane
from .client import Client
from .lanes import OUTCOMES, LaneRun, Point, Story, conf, publish

COUNTS = {"worker": WORKERS, "triggerer": TRIGGERERS}
UNDER_WAY = frozenset({"running", "deferred", "queued"})
LOOK_S = 0.4
BACK_S = 120.0


@dataclass(slots=True)
class Findings:
    """The violations, a sentence each; all have to be empty."""

    disagreements: list[str] = field(default_factory=list)
    wrong_ends: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """{kind of violation: count}."""
        return {name: len(getattr(self, name)) for name in self.__dataclass_fields__}


@dataclass(slots=True)
class Past:
    """The runs of a lane that have promoted a version, and those that have registered one, oldest first."""

    promoted: list[str] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)


@dataclass(slots=True)
class DeploymentDrill:
    """The story over ``home``.

    patience_s   how long a run may take
    points       where processes were killed, in words
    """

    story: Story
    home: Path
    patience_s: float
    progress: Progress
    findings: Findings = field(default_factory=Findings)
    points: list[str] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    restarts: int = 0
    _killing: threading.Lock = field(default_factory=threading.Lock)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Run the whole story; everything is stopped when it returns or raises."""
        supervisor = Supervisor(self.progress.note)
        with standing(self.home, supervisor, self.progress) as deployment:
            dag_ids = publish(deployment.aws, self.home / "dags")
            try:
                deployment.start()
                self._tell(deployment, dag_ids)
            finally:
                self.restarts = supervisor.restarts

    def _tell(self, deployment: Deployment, dag_ids: list[str]) -> None:
        state_dir = Path(deployment.aws.state_dir)
        api = AirflowApi(deployment.port)
        wait_until(lambda: api.dag_ids() >= set(dag_ids), DAGS_S)
        clients = [Client(deployment.aws, lane) for lane in self.story.lanes]
        for client in clients:
            client.start()
        # Otherwise the clients could not tell an injected fault from an endpoint that does not answer.
        ledger.make_faults(state_dir, self.story.seed, spare="InvokeEndpoint")
        self.progress.phase = "running"
        lanes = [
            threading.Thread(target=self._lane, args=(deployment, runs), daemon=True)  # Ctrl-C does not wait for it
            for runs in self.story.lanes.values()
        ]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        self.progress.phase = "auditing"
        ledger.end_faults(state_dir)
        for client in clients:
            client.end()
            self.asked += client.answered
            self.findings.unanswered += client.errors
        self.faults = ledger.faults_made(state_dir)

    def _lane(self, deployment: Deployment, runs: tuple[LaneRun, ...]) -> None:
        """Run one lane."""
        api = AirflowApi(deployment.port)
        past = Past()
        for run in runs:
            try:
                state = self._one(deployment, api, run)
                past.registered.append(run.run_id)
                if OUTCOMES[run.case].promotes:
                    past.promoted.append(run.run_id)
                if not state:
                    return  # what comes behind it would only wait
                self._compare(deployment.aws, run, past, _wrong_ends(run, state, api.tasks(run.dag_id, run.run_id)))
            except Exception as error:
                with self._counting:
                    self.findings.stuck.append(f"{run.run_id} ({run.case}): {type(error).__name__}: {error}")
                return

    def _one(self, deployment: Deployment, api: AirflowApi, run: LaneRun) -> str:
        """Start ``run`` and wait for its end, with its kill on the way; its state, "" if it does not end."""
        api.trigger(run.dag_id, run.run_id, conf(deployment.aws, run))
        with self._counting:
            self.progress.started += 1
        self.progress.note(f"run {run.dag_id} {run.run_id} {run.case}")
        deadline, points = time.monotonic() + self.patience_s, list(run.points)
        while time.monotonic() < deadline:
            state = api.state(run.dag_id, run.run_id)
            tasks = api.tasks(run.dag_id, run.run_id)
            if points and tasks.get(points[0].task) in (*UNDER_WAY, *ENDED):
                self._kill(deployment.supervisor, run, points.pop(0), tasks)
            if state in ENDED and not points:
                with self._counting:
                    self.progress.ended += 1
                return state
            time.sleep(LOOK_S)
        with self._counting:
            self.findings.stuck.append(f"{run.run_id} ({run.case}): {state} for {self.patience_s:.0f} s; {tasks}")
        return ""

    def _kill(self, supervisor: Supervisor, run: LaneRun, point: Point, tasks: Mapping[str, str]) -> None:
        """Kill every process of the kind, so that the one that runs the task is among them."""
        names = [f"{point.target}-{number}" for number in range(1, COUNTS[point.target] + 1)]
        late = " (it had ended)" if tasks.get(point.task) in ENDED else ""
        time.sleep(point.pause_s)
        with self._killing:
            for name in names:
                self._wait_until_up(supervisor, name)
            for name in names:
                supervisor.kill(name)
            self.progress.killed += 1
            self.points.append(
                f"{run.run_id} {run.case} {run.way_in}: {point.task} +{point.pause_s} s {point.target}{late}"
            )
        self.progress.note(f"killed at {self.points[-1]}")

    def _wait_until_up(self, supervisor: Supervisor, name: str) -> None:
        deadline = time.monotonic() + BACK_S
        while not supervisor.parts[name].is_up() and time.monotonic() < deadline:
            time.sleep(0.2)

    def _compare(self, aws: LocalAws, run: LaneRun, past: Past, wrong_ends: Iterable[str]) -> None:
        wrong = list(wrong_ends)
        found = [f"{run.run_id} ({run.case}): {said}" for said in _patiently(aws, run, past)]
        with self._counting:
            self.findings.wrong_ends += wrong
            self.findings.disagreements += found
        for line in (*wrong, *found):
            self.progress.note(line)


def _patiently(aws: LocalAws, run: LaneRun, past: Past) -> list[str]:
    """What does not agree; calls that a fault has spoiled are made again."""
    for attempt in range(5):
        try:
            return list(disagreements(read_lane(aws, run.lane), past.promoted, past.registered))
        except Exception as error:
            if attempt == 4 or not type(error).__module__.startswith("botocore"):
                raise
            time.sleep(1)
    raise AssertionError("the last attempt returns or raises")


def _wrong_ends(run: LaneRun, state: str, tasks: dict[str, Any]) -> Iterator[str]:
    right = OUTCOMES[run.case]
    others = {task: tasks.get(task) for task, wanted in right.tasks.items() if tasks.get(task) != wanted}
    if state != right.state or others:
        yield f"{run.run_id} ({run.case}): {state}, expected {right.state}; {others}; all: {tasks}"
