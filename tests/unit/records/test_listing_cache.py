"""The listing of what a step wrote is reused for the step that reads it right after."""

from __future__ import annotations

import time

import pytest

from airflow_sagemaker_mlops.records.capture.listing_cache import FRESH_S, ListingCache
from airflow_sagemaker_mlops.records.model.step_record import Artifact

LEFT = Artifact("s3://b/model.tar.gz", name="model", role="model", etag="e1", objects=1, bytes=7, sha256="f" * 64)
READ = Artifact("s3://b/model.tar.gz", name="model-in", role="input", instead_of="s3://b/given")


def test_an_input_is_what_the_step_before_has_just_left() -> None:
    listing_cache = ListingCache()
    listing_cache.save([LEFT], time.monotonic())
    seen = listing_cache.recent(READ)
    assert seen is not None
    assert (seen.etag, seen.bytes, seen.sha256) == ("e1", 7, "f" * 64)
    assert (seen.name, seen.role, seen.instead_of) == ("model-in", "input", "s3://b/given")


@pytest.mark.parametrize(
    ("left", "age_s"),
    [
        (LEFT, FRESH_S + 0.1),
        (Artifact("s3://b/model.tar.gz", objects=2), 0),
        (Artifact("s3://b/model.tar.gz", objects=0, problem="nothing there"), 0),
        (Artifact("s3://b/model.tar.gz", problem="access denied"), 0),
        (Artifact("s3://b/model", objects=1), 0),
    ],
)
def test_what_is_older_a_folder_missing_or_elsewhere_is_looked_at_again(left: Artifact, age_s: float) -> None:
    listing_cache = ListingCache()
    listing_cache.save([left], time.monotonic() - age_s)
    assert listing_cache.recent(READ) is None
