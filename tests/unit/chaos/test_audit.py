"""The audit of a fault drill: what it reports about the jobs of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chaos.audit import Expected, Findings, Job, RunEnd, audit

KEY = ("chain-worker", "chaos-0001")
WANTED = Expected("success", {"First": "success", "Second": "success"}, {"First": 1, "Second": 1})
RUN = RunEnd(*KEY, "success", 100.0, {"First": "success", "Second": "success", "pipeline.status": "success"})


def job(name: str, task_id: str, created: float, ended: float | None, status: str = "Completed") -> Job:
    return Job(name, f"step of {task_id}", *KEY, task_id, status, created, ended)


FIRST, SECOND = job("f0", "First", 10, 20), job("s0", "Second", 21, 30)
GOOD = [FIRST, SECOND]


def found(jobs: list[Job], run: RunEnd | None = RUN, wanted: Expected = WANTED) -> Findings:
    return audit(jobs, [run] if run else [], {KEY: wanted})


def kinds(findings: Findings) -> dict[str, int]:
    return {kind: count for kind, count in findings.counts().items() if count}


def test_a_good_run_gives_no_findings() -> None:
    assert kinds(found(GOOD)) == {}


def test_a_second_completed_job_of_a_step_is_a_duplicate_and_no_single_job_is_left() -> None:
    findings = found([*GOOD, job("f1", "First", 22, 25)])
    assert kinds(findings) == {"duplicates": 1, "lost": 1}
    assert [made["name"] for made in findings.duplicates[0]["jobs"]] == ["f0", "f1"]


def test_two_jobs_of_a_step_at_the_same_time_are_a_duplicate_even_if_one_was_stopped() -> None:
    assert kinds(found([*GOOD, job("f1", "First", 15, 18, "Stopped")])) == {"duplicates": 1}
    assert kinds(found([*GOOD, job("f1", "First", 5, 10, "Stopped")])) == {}


def test_a_clear_asks_for_one_more_job_and_no_more() -> None:
    cleared = replace(WANTED, by_hand=True, clears={"First": 1})
    again, third = job("f1", "First", 22, 25), job("f2", "First", 26, 28)
    assert kinds(found([*GOOD, again], wanted=cleared)) == {}
    assert kinds(found([*GOOD, again, third], wanted=cleared)) == {"duplicates": 1}
    assert kinds(found([*GOOD, job("f1", "First", 19, 25)], wanted=cleared)) == {"duplicates": 1}


def test_a_step_that_succeeded_without_a_completed_job_is_lost() -> None:
    findings = found([FIRST, job("s0", "Second", 21, 30, "Stopped")])
    assert kinds(findings) == {"lost": 1}
    assert findings.lost[0]["task_id"] == "Second"


def test_a_loop_needs_one_job_for_every_item() -> None:
    wanted = Expected("success", {"Loop": "success"}, {"Loop.Each": 2})
    run = replace(RUN, tasks={"Loop": "success"})
    items = [replace(job(f"e{i}", "Loop.Each", 1 + i, 2 + i), step=f"item {i}") for i in range(2)]
    assert kinds(found(items, run, wanted)) == {}
    assert kinds(found(items[:1], run, wanted)) == {"lost": 1}


@pytest.mark.parametrize(
    ("status", "ended", "orphans"),
    [("InProgress", None, 1), ("Stopping", None, 1), ("Stopped", 110.0, 0), ("Completed", 300.0, 1)],
)
def test_a_job_that_outlives_its_run_is_an_orphan(status: str, ended: Any, orphans: int) -> None:
    by_hand = replace(WANTED, by_hand=True)
    run = replace(RUN, state="failed", tasks={"First": "success", "Second": "failed"})
    findings = found([FIRST, job("s0", "Second", 21, ended, status)], run, by_hand)
    assert kinds(findings) == ({"orphans": orphans} if orphans else {})


def test_a_job_at_work_of_a_run_nobody_knows_is_an_orphan() -> None:
    stranger = replace(job("x", "First", 1, None, "InProgress"), run_id="another", step="another step")
    assert kinds(found([*GOOD, stranger])) == {"orphans": 1}


def test_a_run_or_a_task_that_ended_otherwise_is_a_wrong_end() -> None:
    assert kinds(found(GOOD, replace(RUN, state="failed"))) == {"wrong_ends": 1}
    skipped = replace(RUN, tasks={"First": "success", "Second": "skipped"})
    findings = found([FIRST], skipped)
    assert kinds(findings) == {"wrong_ends": 1}
    assert findings.wrong_ends[0]["expected"] == {"Second": "success"}
    assert kinds(found(GOOD, replace(RUN, state="failed"), replace(WANTED, by_hand=True))) == {}


def test_a_run_that_did_not_end_or_is_not_there_is_stuck() -> None:
    assert kinds(found(GOOD, replace(RUN, state="running", ended=None))) == {"stuck": 1}
    assert kinds(found(GOOD, None)) == {"stuck": 1}


def test_a_job_that_failed_by_its_own_fault_and_was_made_again_is_a_duplicate() -> None:
    wanted = Expected("failed", {"First": "failed"}, {})
    run = replace(RUN, state="failed", tasks={"First": "failed"})
    twice = [job("f0", "First", 1, 2, "Failed"), job("f1", "First", 3, 4, "Failed")]
    assert kinds(found(twice, run, wanted)) == {"duplicates": 1}
    assert kinds(found(twice[:1], run, wanted)) == {}
