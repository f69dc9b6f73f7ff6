"""The cache in both kinds of store."""

from __future__ import annotations

from dataclasses import replace

from record_examples import TRAIN

from airflow_sagemaker_mlops.records.cache.cache import look_up, store_result
from airflow_sagemaker_mlops.records.cache.key import cache_key
from airflow_sagemaker_mlops.records.model.step_record import CacheOutcome
from airflow_sagemaker_mlops.records.store.protocol import Store

KEY = cache_key("Training", TRAIN.request or {})
SUCCESS = replace(TRAIN, cache=CacheOutcome(KEY.key, KEY.attributes, "miss"))


def test_a_success_is_found_by_the_next_run(store: Store) -> None:
    assert look_up(store, "daily", "TrainModel", KEY).outcome.result == "miss"
    assert store_result(store, "daily", "r1", SUCCESS)
    found = look_up(store, "daily", "TrainModel", KEY)
    assert found.outcome.result == "hit"
    assert found.outcome == CacheOutcome(KEY.key, KEY.attributes, "hit", "r1", "arn:job-2", 100.0)
    assert found.result == {
        "Step": "TrainModel",
        "Properties": {},
        "Reused": True,
        "CacheHitResult": {
            "SourceRunId": "r1",
            "SourceArn": "arn:job-2",
            "SourceEndTime": "2026-01-01T00:02:10Z",
        },
    }
    assert found.outputs == TRAIN.outputs
    assert found.sentence == (
        'cache hit: taken from run "r1", which ended 2026-01-01T00:02:10Z, saved 100 billable seconds'
    )


def test_the_latest_success_wins_whoever_writes_last(store: Store) -> None:
    later = replace(SUCCESS, ended="2026-01-05T00:00:00Z")
    assert store_result(store, "daily", "late", later)
    assert not store_result(store, "daily", "early", SUCCESS)
    assert look_up(store, "daily", "TrainModel", KEY).outcome.source_run == "late"
    assert store_result(store, "daily", "latest", replace(SUCCESS, ended="2026-01-06T00:00:00Z"))
    assert look_up(store, "daily", "TrainModel", KEY).outcome.source_run == "latest"
