"""The approved versions for which a sweep sends events, given what earlier sweeps stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow_names import DagSerialization

from airflow_sagemaker_mlops import approved_models_dag
from airflow_sagemaker_mlops.operators.model_registry import news_of


def swept(stored: Any, *approved: int, task: str = "t") -> tuple[Any, list[int] | None, set[int]]:
    after, news = news_of(stored, approved, task)
    return (after, None, set()) if news is None else (after, news.numbers, set(news.first))


def test_the_first_sweep_remembers_and_sends_nothing() -> None:
    stored, numbers, _ = swept(None, 1, 2)
    assert numbers is None
    assert swept(stored, 1, 2)[1] == []
    assert swept(swept(None)[0], 1)[1:] == ([1], {1})


def test_a_version_has_one_event_also_if_older_ones_are_approved_later() -> None:
    stored = swept(None)[0]
    for approved, new in (((3,), [3]), ((3,), []), ((1, 3), [1]), ((1, 3), [])):
        stored, numbers, _ = swept(stored, *approved, task=f"{approved}{new}")
        assert numbers == new


def test_a_retry_of_the_task_sends_its_events_again_and_another_task_does_not() -> None:
    stored = swept(swept(None)[0], 1, task="monday")[0]
    assert swept(stored, 1, task="monday")[1:] == ([1], {1})
    assert swept(stored, 1, task="tuesday")[1] == []


def test_a_version_that_was_rejected_in_between_is_new_and_not_for_the_first_time() -> None:
    stored = swept(swept(None)[0], 1, task="monday")[0]
    stored, numbers, _ = swept(stored, task="tuesday")
    assert numbers == []
    stored, *news = swept(stored, 1, task="wednesday")
    assert news == [[1], set()]
    assert swept(stored, 1, task="wednesday")[1:] == ([1], set())


def test_the_dag_sweeps_by_time_or_is_woken_by_a_queue() -> None:
    by_time = approved_models_dag("a", "late-flights", every=timedelta(minutes=5), tags=["models"])
    woken = approved_models_dag("b", "arn:aws:sagemaker:eu-west-1:1:model-package-group/late-flights", queue_url="q")
    stored = DagSerialization.to_dict(woken)["dag"]
    assert "airflow_sagemaker_mlops.triggers.registry_events.ModelPackageEvents" in str(stored)
    assert "late-flights/changes" in str(stored)
    assert by_time.max_active_runs == woken.max_active_runs == 1
    DagSerialization.to_dict(by_time)
    with pytest.raises(ValueError, match="write a time above 0"):
        approved_models_dag("c", "late-flights", every=timedelta())
