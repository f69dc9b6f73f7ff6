"""The statistics against definitions, other implementations and hand-computed examples."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import binormal

from airflow_sagemaker_mlops.gate import evaluate, parse_rules
from airflow_sagemaker_mlops.gate.bootstrap import MAX_PARTS
from airflow_sagemaker_mlops.gate.delong import compare_areas
from airflow_sagemaker_mlops.gate.holm import holm_levels
from airflow_sagemaker_mlops.gate.mcnemar import compare_proportions, exact_tail, tango_z
from airflow_sagemaker_mlops.gate.metrics import sums_of

LABEL, CANDIDATE, CHAMPION = binormal(11, 700, 0.02)


def kernel(label: Any, scores: Any) -> Any:
    """(positives, negatives): 1 where the positive stands above the negative, 0.5 for a tie; by definition."""
    positives, negatives = scores[label == 1][:, np.newaxis], scores[label == 0]
    return (positives > negatives) + 0.5 * (positives == negatives)


def delong_by_definition(label: Any, mine: Any, other: Any) -> tuple[float, float]:
    """Difference and variance, equations 2 to 5 of DeLong, DeLong and Clarke-Pearson (1988), without ranks."""
    kernels = [kernel(label, scores) for scores in (mine, other)]
    rows = np.cov([one.mean(axis=1) for one in kernels])
    columns = np.cov([one.mean(axis=0) for one in kernels])
    covariance = rows / kernels[0].shape[0] + columns / kernels[0].shape[1]
    contrast = np.array([1, -1])
    return float(kernels[0].mean() - kernels[1].mean()), float(contrast @ covariance @ contrast)


@pytest.mark.parametrize("digits", [15, 1])
def test_the_areas_and_their_variance_are_those_of_delongs_definition_also_with_ties(digits: int) -> None:
    mine, other = CANDIDATE.round(digits), CHAMPION.round(digits)
    area, champion, comparison = compare_areas(LABEL == 1, mine, other)
    difference, variance = delong_by_definition(LABEL, mine, other)
    assert area == pytest.approx(sklearn.metrics.roc_auc_score(LABEL, mine), abs=1e-12)
    assert champion == pytest.approx(sklearn.metrics.roc_auc_score(LABEL, other), abs=1e-12)
    assert comparison.gain == pytest.approx(difference, abs=1e-12)
    assert comparison.error**2 == pytest.approx(variance, rel=1e-9)


def test_an_area_with_groups_of_one_is_delongs_but_for_the_correction_of_small_samples() -> None:
    alone = compare_areas(LABEL == 1, CANDIDATE, CHAMPION)[2]
    groups = compare_areas(LABEL == 1, CANDIDATE, CHAMPION, np.arange(len(LABEL)))[2]
    assert groups.error == pytest.approx(alone.error, rel=0.005)
    doubled = [np.repeat(values, 2) for values in (LABEL, CANDIDATE, CHAMPION)]
    pairs = compare_areas(doubled[0] == 1, *doubled[1:], np.repeat(np.arange(len(LABEL)), 2))[2]
    assert pairs.error == pytest.approx(groups.error, rel=1e-9)  # copies are no evidence


@pytest.mark.parametrize(("better", "worse"), [(10, 3), (3, 10), (25, 25), (0, 4), (4, 0), (0, 0), (300, 250)])
def test_mcnemars_test_is_the_exact_binomial_one(better: int, worse: int) -> None:
    if better + worse:
        expected = scipy.stats.binomtest(better, better + worse, 0.5, alternative="greater").pvalue
        assert exact_tail(better, worse) == pytest.approx(expected, abs=1e-12)
    comparison = compare_proportions(better, worse, 1000, 0.0)
    for alpha in (0.01, 0.05, 0.2):
        assert (comparison.lower(alpha) > 0) == (comparison.p_above(0.0) <= alpha)
        assert (comparison.upper(alpha) < 0) == (comparison.p_below(0.0) <= alpha)


def constrained_z(better: int, worse: int, records: int, difference: float) -> float:
    """Tango's statistic with the constrained maximum of the likelihood found numerically."""
    rest = records - better - worse

    def loss(share: float) -> float:
        parts = (share + difference, share, 1 - 2 * share - difference)
        return -sum(n * np.log(p) for n, p in zip((better, worse, rest), parts, strict=True) if n)

    low, high = max(0.0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12
    share = scipy.optimize.minimize_scalar(loss, (low, high), (low, high), method="bounded", options={"xatol": 1e-13}).x
    return (better - worse - records * difference) / np.sqrt(records * (2 * share + difference - difference**2))


@pytest.mark.parametrize(("better", "worse", "records"), [(43, 12, 200), (12, 43, 200), (5, 1, 30), (150, 86, 1600)])
@pytest.mark.parametrize("difference", [-0.1, -0.02, 0.03, 0.15])
def test_tangos_statistic_is_the_score_at_the_constrained_maximum(
    better: int, worse: int, records: int, difference: float
) -> None:
    expected = constrained_z(better, worse, records, difference)
    assert tango_z(better, worse, records, difference) == pytest.approx(expected, abs=1e-5)


def test_tangos_interval_ends_where_its_test_begins_to_refuse() -> None:
    comparison = compare_proportions(43, 12, 200, 0.01)
    assert tango_z(43, 12, 200, comparison.lower(0.05)) == pytest.approx(scipy.stats.norm.ppf(0.95), abs=1e-9)
    assert tango_z(43, 12, 200, comparison.upper(0.05)) == pytest.approx(-scipy.stats.norm.ppf(0.95), abs=1e-9)


REFERENCES = {
    "accuracy": lambda y, s: sklearn.metrics.accuracy_score(y, s >= 0.5),
    "error_rate": lambda y, s: 1 - sklearn.metrics.accuracy_score(y, s >= 0.5),
    "precision": lambda y, s: sklearn.metrics.precision_score(y, s >= 0.5),
    "recall": lambda y, s: sklearn.metrics.recall_score(y, s >= 0.5),
    "f1": lambda y, s: sklearn.metrics.f1_score(y, s >= 0.5),
    "log_loss": sklearn.metrics.log_loss,
    "brier": sklearn.metrics.brier_score_loss,
    "rmse": sklearn.metrics.root_mean_squared_error,
    "mae": sklearn.metrics.mean_absolute_error,
    "r2": sklearn.metrics.r2_score,
}


@pytest.mark.parametrize("metric", REFERENCES)
def test_metrics_have_the_values_of_scikit_learn(metric: str) -> None:
    (rule,) = parse_rules([{"Metric": metric, "Must": "improve"}])
    sums = sums_of(rule, LABEL, CANDIDATE)
    value = sums.value(np.array([column.sum() for column in sums.columns]))
    assert value == pytest.approx(REFERENCES[metric](LABEL, CANDIDATE), abs=1e-12)


def test_cost_is_the_mean_of_what_mistakes_cost() -> None:
    (rule,) = parse_rules([{"Metric": "cost", "Must": "improve", "Cost": {"FalsePositive": 1, "FalseNegative": 5}}])
    sums = sums_of(rule, np.array([0.0, 0, 1, 1]), np.array([0.9, 0.1, 0.2, 0.8]))
    assert sums.value(np.array([column.sum() for column in sums.columns])) == (1 + 5) / 4


@pytest.mark.parametrize("metric", ["f1", "log_loss", "rmse", "precision"])
def test_the_interval_is_that_of_scipys_paired_bootstrap_within_its_error(metric: str) -> None:
    reference = REFERENCES[metric]

    def difference(y: Any, a: Any, b: Any) -> float:
        return float(reference(y, a) - reference(y, b))

    if metric in ("f1", "precision"):  # vectorless calls of scikit-learn are slow; the same by counts

        def difference(y: Any, a: Any, b: Any) -> float:
            def value(s: Any) -> float:
                true, false = ((s >= 0.5) & (y == 1)).sum(), ((s >= 0.5) & (y == 0)).sum()
                missed = (y == 1).sum() - true
                return float(true / (true + false) if metric == "precision" else 2 * true / (2 * true + false + missed))

            return value(a) - value(b)

    if metric in ("log_loss", "rmse"):

        def difference(y: Any, a: Any, b: Any) -> float:
            def value(s: Any) -> float:
                if metric == "rmse":
                    return float(np.sqrt(((y - s) ** 2).mean()))
                return float(-np.log(np.where(y == 1, s, 1 - s)).mean())

            return value(a) - value(b)

    data = (LABEL, CANDIDATE, CHAMPION)
    other = scipy.stats.bootstrap(
        data, difference, paired=True, vectorized=False, method="percentile", n_resamples=1500, rng=1
    )
    report = evaluate([{"Metric": metric, "Must": "improve"}], label=LABEL, candidate=CANDIDATE, champion=CHAMPION)
    result = report.rules[0]
    assert result.difference == pytest.approx(difference(*data), abs=1e-12)
    assert result.interval == pytest.approx(tuple(other.confidence_interval), abs=0.25 * other.standard_error)


def test_more_records_than_parts_give_the_error_of_the_central_limit_theorem() -> None:
    label, candidate, champion = binormal(3, 5 * MAX_PARTS, 0.01)
    report = evaluate([{"Metric": "brier", "Must": "improve"}], label=label, candidate=candidate, champion=champion)
    differences = (candidate - label) ** 2 - (champion - label) ** 2
    low, high = report.rules[0].interval
    half = 1.96 * differences.std() / np.sqrt(len(differences))
    assert (high - low) / 2 == pytest.approx(half, rel=0.08)


def test_groups_that_agree_within_themselves_widen_the_interval_as_copies_should() -> None:
    label, candidate, champion = (np.repeat(values, 4) for values in binormal(2, 500, 0.02))
    data = {"label": label, "candidate": candidate, "champion": champion}
    customer = np.repeat(np.arange(500), 4)
    widths = []
    for unit in ({}, {"Unit": "customer"}):
        rules = [{"Metric": "brier", "Must": "improve", **unit}]
        low, high = evaluate(rules, **data, columns={"customer": customer}).rules[0].interval
        widths.append(high - low)
    assert widths[1] / widths[0] == pytest.approx(2, rel=0.12)  # four copies: twice the standard error


def test_holms_procedure_on_a_worked_example() -> None:
    # p-values 0.01, 0.04, 0.03, 0.005: 0.005 <= 0.05/4, 0.01 <= 0.05/3, 0.03 > 0.05/2, so two are refused
    p_values = [0.01, 0.04, 0.03, 0.005]
    levels = holm_levels(p_values, [0.05] * 4)
    assert levels == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4])
    assert [p <= level for p, level in zip(p_values, levels, strict=True)] == [True, False, False, True]


def test_the_number_of_records_is_that_of_the_power_of_a_one_sided_test() -> None:
    # The difference of 0.0041 with an interval of -0.0046 to +0.0128 on 169 records: about 1,250 for a difference of
    # 0.004, one-sided 5 %, power 80 %: (1.645 + 0.842)^2 * variance / difference^2
    from airflow_sagemaker_mlops.gate.comparison import Normal

    error = (0.0128 + 0.0046) / 2 / 1.96
    assert Normal(0.004, error, 169, "").needed(0.0, 0.05) == pytest.approx(1250, rel=0.05)


RULES = parse_rules([{"Metric": metric, "Must": "improve"} for metric in ("auc", "accuracy", "f1", "log_loss")])


def judged(order: Any, mine: Any, other: Any) -> Any:
    return evaluate(RULES, label=LABEL[order], candidate=mine[order], champion=other[order], ids=order)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_records_changes_nothing(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(LABEL))
    assert judged(order, CANDIDATE, CHAMPION) == judged(np.arange(len(LABEL)), CANDIDATE, CHAMPION)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_models_that_change_places_change_signs_only(seed: int) -> None:
    label, mine, other = binormal(seed, 400, 0.01)
    data = {"label": label, "ids": np.arange(400)}
    there = evaluate(RULES, candidate=mine, champion=other, **data).rules
    back = evaluate(RULES, candidate=other, champion=mine, **data).rules
    for one, two in itertools.zip_longest(there, back):
        assert one.difference == pytest.approx(-two.difference, abs=1e-12)
        if one.level == two.level:  # Holm's levels depend on which are better
            width = one.interval[1] - one.interval[0]
            within = 0.1 * width if one.metric == "f1" else 1e-12  # kinds of records are drawn in another order
            assert one.interval == pytest.approx((-two.interval[1], -two.interval[0]), abs=within)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_a_rising_transform_of_the_scores_leaves_the_area(power: float, shift: float) -> None:
    plain = compare_areas(LABEL == 1, CANDIDATE, CHAMPION)
    bent = compare_areas(LABEL == 1, np.log(CANDIDATE) * power + shift, CHAMPION**3)
    assert bent[:2] == pytest.approx(plain[:2], abs=1e-12)
    assert bent[2].error == pytest.approx(plain[2].error, rel=1e-9)
