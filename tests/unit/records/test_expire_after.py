"""``ExpireAfter``: every spelling of the service's documentation (docs/language/caching.md#durations)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_sagemaker_mlops.definition.values import parse_duration


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30d", timedelta(days=30)),
        ("5y", timedelta(days=5 * 365)),
        ("T16m", timedelta(minutes=16)),
        ("30dT5h", timedelta(days=30, hours=5)),
        ("p30d", timedelta(days=30)),
        ("P30D", timedelta(days=30)),
        ("T12H", timedelta(hours=12)),
        ("PT1H", timedelta(hours=1)),
        ("P4DT12H", timedelta(days=4, hours=12)),
        ("P2W", timedelta(weeks=2)),
        ("1m", timedelta(days=30)),
        ("PT1.5S", timedelta(seconds=1.5)),
        ("P0,5D", timedelta(hours=12)),
        ("p1y2m3w4dt5h6m7s", timedelta(days=365 + 60 + 21 + 4, hours=5, minutes=6, seconds=7)),
        (" P1D ", timedelta(days=1)),
        ("P" + "9" * 400 + "D", timedelta(days=365_000)),
        ("P999999999999Y", timedelta(days=365_000)),
    ],
)
def test_documented_durations_are_read(text: str, meant: timedelta) -> None:
    assert parse_duration(text) == meant


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "30", "30 days", "1h", "T", "P1DT", "-P1D", "P1H", "d30", "P1.D", "P1D2", "P1D1W", "x" * 99]
)
def test_what_is_no_duration_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration\. Write one like P30D"):
        parse_duration(text)
