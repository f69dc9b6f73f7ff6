"""The numbers of a drift check, against hand-computed values and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from airflow_sagemaker_mlops.drift import statistics


def test_the_index_of_equal_shares_is_zero() -> None:
    value, _ = statistics.population_stability_index(np.array([100, 300]), np.array([100, 300]))
    assert value == pytest.approx(0, abs=1e-12)


def test_the_index_is_the_sum_over_the_bins() -> None:
    # Shares 0.5, 0.5 against 0.9, 0.1 of so many records that half a record a bin is nothing:
    # (0.9 - 0.5) ln(0.9 / 0.5) + (0.1 - 0.5) ln(0.1 / 0.5) = 0.4 (ln 1.8 + ln 5) = 0.4 ln 9
    value, noise = statistics.population_stability_index(
        np.array([500_000_000, 500_000_000]), np.array([900_000_000, 100_000_000])
    )
    assert value == pytest.approx(0.4 * math.log(9), rel=1e-6)
    assert noise == pytest.approx(3.841459 * 2e-9, rel=1e-6)  # 95 % point of chi-squared with one degree of freedom


def test_an_empty_bin_has_no_infinite_weight() -> None:
    value, _ = statistics.population_stability_index(np.array([0, 100]), np.array([100, 0]))
    assert math.isfinite(value)
    assert value > 5


def test_unchanged_data_exceeds_the_noise_of_the_index_once_in_twenty() -> None:
    random = np.random.default_rng(5)
    shares = np.full(10, 0.1)
    above = 0
    for _ in range(2000):
        old, new = random.multinomial(20_000, shares), random.multinomial(900, shares)
        value, noise = statistics.population_stability_index(old, new)
        above += value > noise
    assert 0.035 < above / 2000 < 0.065


def test_the_distance_is_that_of_scipy() -> None:
    random = np.random.default_rng(1)
    old, new = random.normal(size=2000), random.normal(0.4, 1.2, size=700)
    value, noise = statistics.kolmogorov_smirnov(old, len(old), new)
    assert value == pytest.approx(stats.ks_2samp(old, new).statistic)
    # 95 % point of the Kolmogorov distribution: 1.3581 (Smirnov 1948, table)
    assert noise == pytest.approx(1.3581 * math.sqrt(1 / 2000 + 1 / 700), rel=1e-4)


def test_the_rise_of_a_share_has_the_error_of_the_pooled_test() -> None:
    value, noise = statistics.increase_of_share(20, 1000, 50, 500)
    pooled = 70 / 1500
    assert value == pytest.approx(0.08)
    assert noise == pytest.approx(1.644854 * math.sqrt(pooled * (1 - pooled) * (1 / 1000 + 1 / 500)), rel=1e-6)


def test_the_change_of_a_mean_has_the_error_of_both_sides() -> None:
    before, now = statistics.Mean(0.2, 0.16, 400), statistics.Mean(0.1, 0.09, 100)
    value, noise = statistics.change_of_mean(before, now)
    assert value == pytest.approx(0.1)
    assert noise == pytest.approx(1.959964 * math.sqrt(0.16 / 400 + 0.09 / 100), rel=1e-6)


def test_categories_seen_once_say_how_many_new_ones_are_to_be_expected() -> None:
    value, noise = statistics.share_of_new(30, 1000, singletons=20, records_before=1000)
    assert value == 0.03
    assert noise == pytest.approx(0.02 + 1.644854 * math.sqrt(0.02 * 0.98 / 1000), rel=1e-6)
