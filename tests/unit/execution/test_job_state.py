"""The journal's states: the table of transitions, and the effect of every state on every possible job."""

from __future__ import annotations

import ast
import asyncio
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from fake_aws import FakeAws

from airflow_sagemaker_mlops.execution import engine, job_state
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.job_state import TRANSITIONS, JobState, TransitionRefused, check_transition
from airflow_sagemaker_mlops.execution.journal import Entry, MemoryJournal, entry_from_json
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import StepRun
from airflow_sagemaker_mlops.plan.spec import StepSpec

pytestmark = pytest.mark.usefixtures("short_pauses")
S = JobState
ARGUMENTS = {
    "RoleArn": "arn:aws:iam::123456789012:role/any",
    "AppSpecification": {"ImageUri": "image"},
    "ProcessingResources": {
        "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
    },
}
FIRST = StepIdentity("p", "Prep", "p", "run", "Prep", generation="m4", run_started="2026-01-01T00:00:00+00:00")
ATTEMPTS = {
    "the same attempt, in another process": FIRST,
    "a retry": replace(FIRST, try_number=2),
    "after a clear": replace(FIRST, try_number=2, generation="m5"),
    "a later attempt in the triggerer": replace(FIRST, try_number=2, generation=""),
}
STATUSES = ("", "InProgress", "Stopping", "Completed", "Failed", "Stopped")  # "": AWS has no such job


class StrictJournal(MemoryJournal):
    """Refuses what the table does not have: an attempt begins with SUBMITTING or RUNNING, and advances from there."""

    async def write(self, entry: Entry) -> None:
        before = self.entry
        begins = entry.state.is_under_way and (before is None or entry.try_number >= before.try_number)
        if before is not None and not begins:
            assert (entry.name, entry.ordinal, entry.try_number) == (before.name, before.ordinal, before.try_number)
            check_transition(before.state, entry.state)
        await super().write(entry)


def run_of(aws: FakeAws, identity: StepIdentity, entry: Entry | None = None) -> StepRun:
    made: Any = aws
    return StepRun(
        StepSpec(ARGUMENTS),
        "Processing",
        identity,
        Scope("Prep", {}, {}, {}, {}, lambda _uri: b""),
        made,
        lambda *_words: None,
        journal=StrictJournal(entry),
    )


@dataclass(frozen=True)
class Wanted:
    """What an attempt is to do: go on with the job of the attempt before, or create the next one."""

    creates_another: bool
    ends_it_first: bool = False


def wanted(state: JobState, attempt: str, status: str) -> Wanted:
    """The rules in words, read from ``docs/running.md`` and the issue of every rule: a second opinion on ``submit``."""
    same = attempt == "the same attempt, in another process"
    if attempt == "after a clear":
        asked = True
    elif attempt == "a retry":
        asked = state is S.STOP_REQUESTED
    elif same:
        asked = False
    else:  # the triggerer cannot tell a clear from a retry, so whoever can has noted an interruption as such
        asked = state is not S.INTERRUPTED
    if same and state in (S.SUBMITTING, S.RUNNING):
        return Wanted(creates_another=False)
    if status == "Completed":
        return Wanted(creates_another=asked)
    if status == "Stopping":
        return Wanted(creates_another=True, ends_it_first=True)
    if status == "InProgress":
        return Wanted(creates_another=asked, ends_it_first=asked)
    if same:
        return Wanted(creates_another=state is not S.FAILED)
    # It has failed, or was stopped.  What an interrupted attempt could not report is reported now, not tried again.
    if status == "Stopped" and state in (S.SUBMITTING, S.RUNNING, S.INTERRUPTED):
        return Wanted(creates_another=True)  # its own process has stopped it while it was being ended
    if state is S.FAILED:
        return Wanted(creates_another=False)
    return Wanted(creates_another=asked or state is S.FAILURE_REPORTED)


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(JobState)


def test_states_are_compared_in_one_module_only() -> None:
    package = Path(job_state.__file__).parents[1]
    found = []
    for path, text in ((path, path.read_text()) for path in package.rglob("*.py")):
        tree = ast.parse(text if "JobState" in text else "")
        compares = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
        if any("JobState" in ast.unparse(node) for node in compares):
            found.append(path.relative_to(package).as_posix())
    assert found == ["execution/job_state.py"]


@pytest.mark.parametrize(("before", "after"), list(product(JobState, JobState)))
def test_what_the_table_does_not_have_is_refused(before: JobState, after: JobState) -> None:
    entry = Entry("job", 0, 1, "", before)
    if after is before or after in TRANSITIONS[before]:
        assert entry.advance(after).state is after
    else:
        with pytest.raises(TransitionRefused, match=f"{before} cannot become {after}"):
            entry.advance(after)


@pytest.mark.parametrize("state", JobState)
def test_an_entry_survives_its_store(state: JobState) -> None:
    entry = Entry("job", 2, 3, "m4", state, "arn")
    stored = entry.as_json()
    assert type(stored["state"]) is str  # Airflow's XComs take no enum
    assert entry_from_json(stored) == entry
    assert entry_from_json({**stored, "state": "unheard of"}) is None
    before = {"arn" if key == "handle" else key: value for key, value in stored.items()}
    assert entry_from_json(before) == entry  # as earlier versions stored it


SITUATIONS = [
    (state, attempt, status)
    for state, attempt, status in product(JobState, ATTEMPTS, STATUSES)
    # One attempt does not submit after its end, and not after an interruption: the next attempt does.
    if not (attempt.startswith("the same") and state in (S.SUCCEEDED, S.STOP_REQUESTED, S.INTERRUPTED))
]


@pytest.mark.parametrize(("state", "attempt", "status"), SITUATIONS)
def test_an_attempt_continues_with_the_job_or_creates_the_next_one(state: JobState, attempt: str, status: str) -> None:
    aws = FakeAws()
    in_triggerer = attempt == "a later attempt in the triggerer"
    first = replace(FIRST, generation="") if in_triggerer else FIRST
    made = asyncio.run(engine.submit(run_of(aws, first)))
    aws.calls.clear()
    if status:
        aws.end(made.name, status)
    else:
        del aws.jobs[made.name]
    entry = Entry(made.name, 0, 1, first.generation, state, made.handle)
    run = run_of(aws, ATTEMPTS[attempt], entry)
    second = asyncio.run(engine.submit(run))
    if not status:  # nothing to go on with: the name is free, and taken
        assert (second.name, second.ordinal, second.adopted) == (made.name, 0, False)
        return
    expected = wanted(state, attempt, status)
    assert (second.ordinal, second.adopted) == (int(expected.creates_another), not expected.creates_another)
    assert len(aws.jobs) == 1 + expected.creates_another
    if expected.ends_it_first:
        assert aws.jobs[made.name]["ProcessingJobStatus"] == "Stopped"
    assert len(aws.running) <= 1  # never two jobs of one step side by side
    kept = asyncio.run(run.journal.read())
    assert kept is not None
    assert (kept.name, kept.try_number) == (second.name, run.identity.try_number) or kept == entry


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_answer_that_got_lost_makes_no_second_job(attempt: str) -> None:
    """Whoever tries again, in the same attempt or a later one, and whether or not the journal is there."""
    for keeps_journal in (True, False):
        aws = FakeAws(lose=["CreateProcessingJob"])
        first = run_of(aws, FIRST)
        with pytest.raises(ReadTimeoutError):
            asyncio.run(engine.submit(first))
        entry = asyncio.run(first.journal.read()) if keeps_journal else None
        assert entry is None or entry.state is S.SUBMITTING
        again = asyncio.run(engine.submit(run_of(aws, ATTEMPTS[attempt], entry)))
        assert len(aws.running) == 1
        assert aws.running == [again.name]


@pytest.mark.parametrize("state", JobState)
def test_a_stop_asks_aws_where_the_attempt_is_under_way(state: JobState) -> None:
    aws = FakeAws()
    made = asyncio.run(engine.submit(run_of(aws, FIRST)))
    entry = Entry(made.name, 0, 1, "m4", state, made.handle)
    run = run_of(aws, FIRST, entry)
    asyncio.run(engine.stop_current(run))
    kept = asyncio.run(run.journal.read())
    assert kept is not None
    if state in (S.SUBMITTING, S.RUNNING):
        assert (aws.called("StopProcessingJob"), kept.state) == ([made.name], S.STOP_REQUESTED)
    else:
        assert (aws.called("StopProcessingJob"), kept.state) == ([], state)
