"""The cost of a run by the user's own prices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from record_examples import PLAN, TRAIN, identity

from airflow_sagemaker_mlops.records.compare.runs import diff
from airflow_sagemaker_mlops.records.model.prices import Prices, read_prices
from airflow_sagemaker_mlops.records.model.record import assemble
from airflow_sagemaker_mlops.records.store.sealed import read_schema, seal_document

PRICES = Prices("USD", {"ml.m5.large": 0.36})


def run_of(seconds: float, prices: Prices | None = PRICES, kind: str = "ml.m5.large") -> dict[str, Any]:
    step = replace(TRAIN, billable_seconds=seconds, instance_type=kind)
    return seal_document(assemble(PLAN, identity(), parameters={}, step_records=[step], prices=prices), [])


def test_totals_have_the_cost_and_fit_the_schema() -> None:
    document = run_of(100.0)
    assert document["totals"]["cost"] == {"amount": 0.01, "currency": "USD"}
    assert list(Draft202012Validator(read_schema()).iter_errors(document)) == []


def test_types_without_a_price_are_named_and_not_made_up() -> None:
    document = run_of(100.0, kind="ml.p5.48xlarge")
    assert document["totals"]["cost"] == {"amount": 0.0, "currency": "USD", "unpriced": ["ml.p5.48xlarge"]}
    assert list(Draft202012Validator(read_schema()).iter_errors(document)) == []


def test_without_prices_there_is_no_cost() -> None:
    assert "cost" not in run_of(100.0, None)["totals"]


def test_diff_says_the_cost_where_both_runs_have_it() -> None:
    assert "cost 0.01 -> 0.0112 USD (+12 %)" in diff(run_of(100.0), run_of(112.0))
    assert "cost +12 %" in diff(run_of(100.0, None), run_of(112.0))
    assert not [line for line in diff(run_of(100.0), run_of(100.0)) if line.startswith("cost")]
    other = Prices("EUR", PRICES.instances)
    assert "cost +12 %" in diff(run_of(100.0), run_of(112.0, other))


def test_prices_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("currency: USD\ninstances: {ml.m5.large: 0.36, ml.t3.medium: 0}\n")
    assert read_prices(file) == Prices("USD", {"ml.m5.large": 0.36, "ml.t3.medium": 0.0})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "prices must be an object"),
        ("currency: USD\ninstances: {}\ninstance: {ml.m5.large: 1}", 'no key "instance". Did you mean "instances"'),
        ("instances: {ml.m5.large: 1}", "prices must be an object"),
        ("currency: USD\ninstances: [1]", "prices must be an object"),
        ("currency: USD\ninstances: {ml.m5.large: cheap}", "the price of ml.m5.large is 'cheap'"),
        ("currency: USD\ninstances: {ml.m5.large: -1}", "the price of ml.m5.large is -1"),
        ("currency: USD\ninstances: {ml.m5.large: .nan}", "the price of ml.m5.large is '.nan'"),
        ("currency: [", "the prices cannot be read"),
    ],
)
def test_a_file_that_has_no_prices_says_what_is_wrong(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=why):
        read_prices(file)
    with pytest.raises(ValueError, match="cannot be read"):
        read_prices(tmp_path / "none.yaml")
