"""Options of ``[sagemaker_mlops]``: misspelt ones are refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_sagemaker_mlops import settings
from airflow_sagemaker_mlops.provider_info import get_provider_info
from airflow_sagemaker_mlops.settings_table import OPTIONS, SECTION, markdown

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _looked_at_anew() -> Iterator[None]:
    settings._refuse_unknown_options.cache_clear()
    yield
    settings._refuse_unknown_options.cache_clear()


def test_an_unknown_option_is_refused_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SAGEMAKER_MLOPS__REGION_NAM", "eu-west-1")
    with pytest.raises(ValueError, match=r'has no option "region_nam"\. Did you mean "region_name"\?'):
        settings.records()


def test_a_flag_is_true_or_false(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SAGEMAKER_MLOPS__LINEAGE", "ture")
    with pytest.raises(ValueError, match=r'lineage is "ture"; use True or False'):
        settings.lineage()
    monkeypatch.setenv("AIRFLOW__SAGEMAKER_MLOPS__LINEAGE", "True")
    assert settings.lineage()


def test_the_table_has_every_option_that_is_read_and_no_other() -> None:
    source = Path(settings.__file__).read_text()
    assert set(re.findall(r"_(?:get|yes)\(\"(\w+)\"", source)) == set(OPTIONS)


def test_provider_metadata_and_the_page_say_what_the_table_says() -> None:
    declared = get_provider_info()["config"][SECTION]["options"]
    assert {name: (one["default"], one["type"]) for name, one in declared.items()} == {
        name: (option.default, option.type) for name, option in OPTIONS.items()
    }
    assert (ROOT / "docs" / "settings.md").read_text() == markdown(), "run `make docs`"


@pytest.mark.parametrize("value", ["0", "soon", "nan", "inf"])
def test_a_poll_interval_is_a_number_of_seconds(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AIRFLOW__SAGEMAKER_MLOPS__POLL_INTERVAL_S", value)
    with pytest.raises(ValueError, match=rf'poll_interval_s is "{value}"; use a number of seconds above 0'):
        settings.poll_interval_s()


def test_a_place_to_start_steps_in_is_one_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SAGEMAKER_MLOPS__START_STEPS_IN", "nowhere")
    with pytest.raises(ValueError, match='start_steps_in is "nowhere"; use triggerer or worker'):
        settings.start_steps_in()
