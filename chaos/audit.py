"""The audit: what the ledger of AWS says, against what Airflow says.  Pure functions over plain data.

A *step* is told by the tag ``airflow:step``, which is the same for all jobs that a step of a run ever made.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ENDED = frozenset({"success", "failed"})
COMPLETED = "Completed"
AT_WORK = frozenset({"InProgress", "Stopping", "Pending"})
SETTLED_S = 60.0  # how long a job may run on after a user ended its run: Airflow notifies a trigger about 20 s later


@dataclass(frozen=True, slots=True)
class Job:
    """One resource in AWS: a job, or one that is complete once it exists (a model).

    step      the tag ``airflow:step``; empty for a resource without a step
    created   epoch seconds
    ended     epoch seconds; ``None`` while it runs
    """

    name: str
    step: str
    dag_id: str
    run_id: str
    task_id: str
    status: str
    created: float
    ended: float | None

    def told(self) -> dict[str, Any]:
        """Its part of a report."""
        whole = {"name": self.name, "status": self.status, "created": self.created, "ended": self.ended}
        return {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": self.task_id, **whole}


@dataclass(frozen=True, slots=True)
class RunEnd:
    """A run according to Airflow.

    ended   epoch seconds
    tasks   {task id: state}
    tries   {task id: attempts}: they show whether a run only ran out of retries
    """

    dag_id: str
    run_id: str
    state: str
    ended: float | None
    tasks: Mapping[str, str]
    tries: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """The correct outcome of a run.

    made       {task id of the tags: number of steps of that id that complete one resource each}
    by_hand    a user intervened: no fixed outcome, only no duplicates and no orphans
    clears     {task id: how often a user cleared it}
    """

    state: str
    tasks: Mapping[str, str]
    made: Mapping[str, int]
    by_hand: bool = False
    clears: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Findings:
    """The violations, each with the ids needed to look it up."""

    duplicates: list[dict[str, Any]] = field(default_factory=list)
    lost: list[dict[str, Any]] = field(default_factory=list)
    orphans: list[dict[str, Any]] = field(default_factory=list)
    wrong_ends: list[dict[str, Any]] = field(default_factory=list)
    stuck: list[dict[str, Any]] = field(default_factory=list)

    COUNTED = ("duplicates", "lost", "orphans", "wrong_ends", "stuck")

    def counts(self) -> dict[str, int]:
        """{kind of violation: count}; all must be zero."""
        return {kind: len(getattr(self, kind)) for kind in self.COUNTED}


Key = tuple[str, str]  # (dag id, run id)


def audit(jobs: Sequence[Job], runs: Sequence[RunEnd], expected: Mapping[Key, Expected]) -> Findings:
    """All findings; an expected run that is not in ``runs`` is stuck."""
    found = Findings()
    by_step: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        by_step[job.step].append(job)
    ends = {(run.dag_id, run.run_id): run for run in runs}
    found.orphans += orphans(jobs, ends)
    for step, made in by_step.items():
        if step:
            wanted = expected.get((made[0].dag_id, made[0].run_id))
            found.duplicates += duplicates(made, wanted)
    for key, wanted in expected.items():
        run = ends.get(key)
        if run is None or run.state not in ENDED:
            state = run.state if run else "unknown"
            found.stuck.append(
                {"dag_id": key[0], "run_id": key[1], "state": state, "tasks": dict(run.tasks) if run else {}}
            )
            continue
        own = [job for job in jobs if (job.dag_id, job.run_id) == key]
        found.lost += lost(run, own, wanted)
        found.wrong_ends += wrong_ends(run, wanted)
    return found


def duplicates(made: Sequence[Job], wanted: Expected | None) -> Iterable[dict[str, Any]]:
    """More completed or failed jobs of a step than requested, and simultaneous jobs of a step."""
    clears = wanted.clears.get(made[0].task_id, 0) if wanted else 0
    done = [job for job in made if job.status == COMPLETED]
    if len(done) > 1 + clears:
        yield {"why": f"{len(done)} completed jobs, {1 + clears} asked for", "jobs": [job.told() for job in done]}
    in_order = sorted(made, key=lambda job: job.created)
    for before, after in itertools.pairwise(in_order):
        if before.ended is None or before.ended > after.created:
            yield {"why": "two jobs at the same time", "jobs": [before.told(), after.told()]}
    # A job that fails because of its own code must not be repeated, unless the step requests that.
    failed = [job for job in made if job.status == "Failed"]
    is_meant_to_fail = wanted is not None and wanted.tasks.get(made[0].task_id) == "failed" and not wanted.by_hand
    if is_meant_to_fail and len(failed) > 1:
        yield {"why": f"{len(failed)} failed jobs", "jobs": [job.told() for job in failed]}


def orphans(jobs: Iterable[Job], ends: Mapping[Key, RunEnd]) -> Iterable[dict[str, Any]]:
    """Jobs that outlive their run, and running jobs of unknown runs."""
    for job in jobs:
        run = ends.get((job.dag_id, job.run_id))
        if run is None:
            if job.status in AT_WORK:
                yield {"why": "of no run that is known", **job.told()}
        elif run.state in ENDED and run.ended is not None:
            if job.status in AT_WORK:
                yield {"why": "at work after its run has ended", **job.told()}
            elif job.ended is not None and job.ended > run.ended + SETTLED_S:
                yield {"why": f"went on {job.ended - run.ended:.0f} s after its run had ended", **job.told()}


def lost(run: RunEnd, jobs: Sequence[Job], wanted: Expected) -> Iterable[dict[str, Any]]:
    """Steps whose task succeeded without a completed job each.

    Without a user's intervention, exactly one job each; :func:`duplicates` also reports more than one.
    """
    for task_id, count in wanted.made.items():
        if run.tasks.get(task_id.partition(".")[0]) != "success":
            continue
        done = Counter(job.step for job in jobs if job.task_id == task_id and job.status == COMPLETED)
        good = len(done) if wanted.by_hand else sum(number == 1 for number in done.values())
        if good != count:
            who = {"dag_id": run.dag_id, "run_id": run.run_id, "task_id": task_id}
            yield {**who, "why": f"{good} steps with a completed job, {count} expected"}


def wrong_ends(run: RunEnd, wanted: Expected) -> Iterable[dict[str, Any]]:
    """A run or a task that ended in a wrong state."""
    if wanted.by_hand:
        return
    others = {task: state for task, state in wanted.tasks.items() if run.tasks.get(task) != state}
    if run.state != wanted.state or others:
        yield {
            "dag_id": run.dag_id,
            "run_id": run.run_id,
            "why": f"{run.state}, expected {wanted.state}; {_most_tries(run)}",
            "tasks": dict(run.tasks),
            "expected": others,
        }


def _most_tries(run: RunEnd) -> str:
    task, tries = max(run.tries.items(), key=lambda item: item[1], default=("no task", 0))
    return f"most attempts: {task}, {tries}"
