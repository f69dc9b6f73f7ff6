"""What tells a task that starts in the triggerer that a user has cleared it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.journal import Entry, MemoryJournal
from airflow_sagemaker_mlops.runtime.task_store import journal as room
from airflow_sagemaker_mlops.runtime.task_store.journal import generation_in_triggerer

FIRST = StepIdentity("p", "Train", "d", "r", "Train")


def generation(journal: MemoryJournal, try_number: int) -> str:
    return asyncio.run(generation_in_triggerer(journal, try_number))


def attempt(journal: MemoryJournal, try_number: int) -> str:
    """The generation of an attempt, which notes the job that it is about to create."""
    found = generation(journal, try_number)
    identity = replace(FIRST, try_number=try_number, generation=found)
    asyncio.run(journal.write(Entry.of(identity, "job", 0)))
    return found


def test_retries_share_a_generation_and_a_clear_that_discards_the_journal_begins_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "CLEARS_DISCARD_STATE", True)
    before, after = MemoryJournal(), MemoryJournal()
    assert attempt(before, 1) == attempt(before, 1) == attempt(before, 2)
    assert attempt(after, 3) == attempt(after, 3) == attempt(after, 4)
    assert attempt(before, 5) != attempt(after, 5)


def test_where_the_journal_outlasts_clears_it_alone_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "CLEARS_DISCARD_STATE", False)
    assert generation(MemoryJournal(), 1) == generation(MemoryJournal(), 3) == ""
