"""The drill: starts the planned runs, makes the planned kills, waits for the runs to end, and runs the audit."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from airflow_sagemaker_mlops import local_aws

from . import ledger, pipelines
from .airflow_api import AirflowApi
from .audit import Expected, Findings, audit
from .consumer import Consumer
from .deployment import Deployment, prepare
from .machine import free_ports
from .plan import Kill, Outage, Plan, PlannedRun
from .supervisor import Supervisor
from .users import Users

SLOTS = 24
BACK_S = 120.0
AHEAD = 4  # number of overdue kills before runs wait for them
DAGS_S = 180.0


@dataclass(slots=True)
class Progress:
    """The progress shown on the screen; ``note`` adds a line to the drill's log."""

    note: Callable[[str], None]
    started: int = 0
    ended: int = 0
    killed: int = 0
    phase: str = "coming up"


@contextmanager
def standing(home: Path, supervisor: Supervisor, progress: Progress) -> Iterator[Deployment]:
    """A deployment with an embedded AWS, not started yet; everything is stopped at the end."""
    state_dir = home / "aws"
    state_dir.mkdir(parents=True, mode=0o700)
    (state_dir / "config.json").write_text(f'{{"slots": {SLOTS}}}')
    aws = local_aws.start(state_dir, port=free_ports(1)[0])
    try:
        deployment = prepare(home, aws, supervisor)
    except BaseException:
        local_aws.stop(state_dir)
        raise
    try:
        yield deployment
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave processes behind
        progress.phase = "ending"
        deployment.end()
        local_aws.stop(state_dir)


@dataclass(slots=True)
class Drill:
    """One drill over ``home``, with at most ``parallel`` runs at a time.

    patience_s   how long runs may take to end after the last one was started
    """

    plan: Plan
    home: Path
    parallel: int
    patience_s: float
    progress: Progress
    outage: Outage = field(default_factory=Outage)
    outage_lasted_s: float = 0.0
    findings: Findings = field(default_factory=Findings)
    faults: dict[str, int] = field(default_factory=dict)
    user_actions: int = 0
    restarts: int = 0
    jobs: int = 0
    _acting: list[threading.Thread] = field(default_factory=list)

    def run(self) -> None:
        """Run the whole drill; everything is stopped when it returns or raises."""
        supervisor = Supervisor(self.progress.note)
        with standing(self.home, supervisor, self.progress) as deployment:
            markers = self.home / "markers"
            markers.mkdir()
            pipelines.publish(deployment.aws)
            dag_ids = pipelines.write(self.home / "dags", deployment.aws, markers)
            try:
                deployment.start()
                self._drill(deployment, dag_ids)
            finally:
                self.restarts = supervisor.restarts

    def _drill(self, deployment: Deployment, dag_ids: list[str]) -> None:
        state_dir = Path(deployment.aws.state_dir)
        api = AirflowApi(deployment.port, self.outage.seconds)
        users = Users(api, self.progress.note)
        wait_until(lambda: api.dag_ids() >= set(dag_ids), DAGS_S)
        consumer = Consumer(deployment.aws, deployment.port)
        consumer.start()
        ledger.make_faults(state_dir, self.plan.seed)
        killer = threading.Thread(target=self._kill_all, args=(deployment.supervisor,), daemon=True)
        killer.start()
        away = threading.Thread(target=self._be_away, args=(deployment.supervisor,), daemon=True)
        away.start()
        self.progress.phase = "running"
        self._start_all(api, users)
        self._wait_for_ends(api)
        killer.join(BACK_S)
        away.join(self.outage.seconds + BACK_S)
        ledger.end_faults(state_dir)
        self._wait_until_up(deployment.supervisor, "aws")
        self.progress.phase = "auditing"
        self._settle(deployment, api)
        consumer.end()
        made = ledger.jobs(deployment.aws)
        self.jobs, self.user_actions = len(made), users.done
        self.faults = ledger.faults_made(state_dir)
        self.findings = audit(made, api.ends(), self._expected(users))

    def _start_all(self, api: AirflowApi, users: Users) -> None:
        for run in self.plan.runs:
            while self._kills_due(self.progress.started) - self.progress.killed > AHEAD:
                self._count_ends(api)
                time.sleep(1)
            while self._count_ends(api) >= self.parallel:
                time.sleep(1)
            api.trigger(run.dag_id, run.run_id, run.case.conf)
            self.progress.note(f"run {run.dag_id} {run.run_id}")
            self.progress.started += 1
            if run.actions:
                self._act(users, run)

    def _act(self, users: Users, run: PlannedRun) -> None:
        thread = threading.Thread(target=users.act, args=(run,), daemon=True)
        thread.start()
        self._acting.append(thread)

    def _count_ends(self, api: AirflowApi) -> int:
        """The number of live runs."""
        live = len(api.live())
        self.progress.ended = self.progress.started - live
        return live

    def _wait_for_ends(self, api: AirflowApi) -> None:
        deadline = time.monotonic() + self.patience_s
        self.progress.phase = "waiting for the last runs"
        while self._count_ends(api) or any(thread.is_alive() for thread in self._acting):
            if time.monotonic() > deadline:
                return
            time.sleep(1)

    def _kills_due(self, started: int) -> int:
        return sum(kill.after_runs <= started for kill in self.plan.kills)

    def _kill_all(self, supervisor: Supervisor) -> None:
        for kill in self.plan.kills:
            while self.progress.started < kill.after_runs:
                time.sleep(0.2)
            time.sleep(kill.pause_s)
            self._kill(supervisor, kill)

    def _be_away(self, supervisor: Supervisor) -> None:
        """The long outage, once half of the runs have started."""
        if not self.outage.seconds:
            return
        while self.progress.started < len(self.plan.runs) / 2:
            time.sleep(0.2)
        begun = time.monotonic()
        supervisor.hold(self.outage.parts)
        time.sleep(self.outage.seconds)
        supervisor.release()
        self.outage_lasted_s = time.monotonic() - begun

    def _kill(self, supervisor: Supervisor, kill: Kill) -> None:
        while kill.target in supervisor.held:
            time.sleep(0.5)
        self._wait_until_up(supervisor, kill.target)
        supervisor.kill(kill.target)
        self.progress.killed += 1

    def _wait_until_up(self, supervisor: Supervisor, name: str) -> None:
        deadline = time.monotonic() + BACK_S
        while not supervisor.parts[name].is_up():
            if time.monotonic() > deadline:
                self.progress.note(f"{name} has not come back for {BACK_S:.0f} s")
                return
            time.sleep(0.3)

    def _settle(self, deployment: Deployment, api: AirflowApi) -> None:
        """Wait for jobs of ended runs to stop; jobs that do not stop in time are orphans."""
        from .audit import AT_WORK, SETTLED_S

        deadline = time.monotonic() + SETTLED_S
        while time.monotonic() < deadline:
            live = api.live()
            left = [job for job in ledger.jobs(deployment.aws) if job.status in AT_WORK]
            if not [job for job in left if (job.dag_id, job.run_id) not in live]:
                return
            time.sleep(5)

    def _expected(self, users: Users) -> dict[tuple[str, str], Expected]:
        found = {}
        for run in self.plan.runs:
            key = (run.dag_id, run.run_id)
            case, clears = run.case, dict(users.clears.get(key) or {})
            found[key] = Expected(case.state, case.tasks, case.made, by_hand=bool(run.actions), clears=clears)
        return found


def wait_until(check: Callable[[], bool], timeout_s: float) -> None:
    """Wait for the DAGs.  Raises ``TimeoutError`` if they do not appear in time."""
    deadline = time.monotonic() + timeout_s
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError("the DAGs did not appear in time")
        time.sleep(1)
