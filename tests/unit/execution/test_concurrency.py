"""The limit on parallel steps holds regardless of clocks and of who watches the steps."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from airflow_sagemaker_mlops.execution import concurrency
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.concurrency import BEGUN, ahead_of
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.journal import Entry, MemoryJournal
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import StepRun
from airflow_sagemaker_mlops.plan.spec import StepSpec


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "SETTLE_S", 0.0)


@dataclass
class Board:
    """The tickets of one run, as all see them."""

    kept: dict[str, float] = field(default_factory=dict)


@dataclass
class Ticket:
    """One step's; ``clock_s`` is how far the clock of its machine is off."""

    board: Board
    step: str
    clock_s: float = 0.0

    async def take(self) -> float:
        return self.board.kept.setdefault(self.step, time.time() + self.clock_s)

    async def begin(self) -> None:
        self.board.kept[self.step] = BEGUN

    async def others(self) -> dict[str, float]:
        return {step: ticket for step, ticket in self.board.kept.items() if step != self.step}


def ahead(ticket: Ticket, max_parallel_steps: int = 1, journal: MemoryJournal | None = None) -> list[str]:
    identity = StepIdentity("p", ticket.step, "d", "r", ticket.step, try_number=2)
    scope = Scope(ticket.step, {}, {}, {}, {}, lambda _uri: b"")
    aws = SessionAws(None, "us-east-1")
    run = StepRun(StepSpec(), "Training", identity, scope, aws, log=print, journal=journal or MemoryJournal())
    return asyncio.run(ahead_of(run, ticket, max_parallel_steps))


@pytest.mark.parametrize("clock_s", [-120.0, 120.0])
def test_what_has_begun_is_ahead_though_its_clock_is_wrong(clock_s: float) -> None:
    board = Board()
    first, second = Ticket(board, "A", clock_s), Ticket(board, "B", -clock_s)
    assert ahead(first) == []
    assert ahead(second) == ["A"]
    assert ahead(first) == []  # it has begun, and goes on
    del board.kept["A"]
    assert ahead(second) == []


def test_earlier_tickets_come_first() -> None:
    board = Board({"A": 5.0, "B": 6.0})
    assert ahead(Ticket(board, "C"), max_parallel_steps=2) == ["A", "B"]
    assert ahead(Ticket(board, "B"), max_parallel_steps=2) == []


@pytest.mark.parametrize(
    "entry", [Entry("job", 0, 2, "", JobState.RUNNING), Entry("job", 0, 1, "", JobState.INTERRUPTED)]
)
def test_a_step_whose_job_is_on_its_way_does_not_queue_again(entry: Entry) -> None:
    """Its process was started again, or the attempt broke off: it counts from now on, before it has any turn."""
    board = Board({"A": BEGUN})
    assert ahead(Ticket(board, "B"), journal=MemoryJournal(entry)) == []
    assert board.kept["B"] == BEGUN


def test_a_step_that_was_cleared_queues_again() -> None:
    killed = MemoryJournal(Entry("job", 0, 1, "", JobState.STOP_REQUESTED))
    assert ahead(Ticket(Board({"A": BEGUN}), "B"), journal=killed) == ["A"]
