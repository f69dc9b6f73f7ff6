"""How often the gate is wrong, how often it sees what is there, and what a large test set costs.

Equal candidates are drawn with the champion from one distribution, so every promotion is false.  The judge of the large
test set is a process of its own, because its greatest memory is measured.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SIMULATIONS = 1000
RECORDS = 1000
GAIN = 0.02
DAYS = 60  # of equal models, before the better one
LARGE = 1_000_000
SLICES = 10

_LARGE_RULES = [
    {"Metric": "auc", "Must": "improve"},
    {"Metric": "log_loss", "Must": "not_worsen", "By": "1%"},
    {"Metric": "f1", "Slice": "region", "Must": "not_worsen", "By": 0.02, "MinRecords": 200},
]
_JUDGE = """
import json, resource, sys, time
from pathlib import Path
start = time.perf_counter()
from airflow_sagemaker_mlops.gate import parse_rules
from airflow_sagemaker_mlops.gate.judge import judge
from airflow_sagemaker_mlops.gate.read_predictions import read_predictions
rules = parse_rules(json.loads(sys.argv[2]))
read = read_predictions(Path(sys.argv[1]), ("region",))
middle = time.perf_counter()
report = judge(rules, read)
end = time.perf_counter()
cpu = time.process_time()
print(json.dumps({
    "verdict": report.verdict,
    "results": len(report.rules),
    "read_s": round(middle - start, 2),
    "judge_s": round(end - middle, 2),
    "total_s": round(end - start, 2),
    "cpu_s": round(cpu, 2),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
}))
"""


def measure() -> dict[str, Any]:
    """Shares of false promotions and of true ones, and time and memory for a million records."""
    return {
        "simulations": SIMULATIONS,
        "records": RECORDS,
        "false_promotions": {metric: _promoted(metric, 0.0) for metric in ("auc", "accuracy", "rmse", "f1")},
        "other_rules_on_equal_models": _other_rules(0.0),
        # Of 1,000 records the rarer class decides: a test at 5 % cannot see 0.02 more often than this
        "power_at_0.02_auc": {
            "30 % positive": {"this gate": _promoted("auc", GAIN), **_other_rules(GAIN)},
            "50 % positive": {"this gate": _promoted("auc", GAIN, 0.5), **_other_rules(GAIN, 0.5)},
        },
        "better_than_a_stored_number": _against_a_stored_number(),
        "one_million_records": _large(),
    }


def _promoted(metric: str, gain: float, positive: float = 0.3) -> float:
    """The share of simulated candidates that are promoted."""
    from airflow_sagemaker_mlops.gate import evaluate, parse_rules

    rules = parse_rules([{"Metric": metric, "Must": "improve"}])
    count = 0
    for seed in range(SIMULATIONS):
        drawn = _regression(seed) if metric == "rmse" else binormal(seed, RECORDS, gain, positive)
        label, candidate, champion = drawn
        count += evaluate(rules, label=label, candidate=candidate, champion=champion).verdict == "promote"
    return count / SIMULATIONS


def _other_rules(gain: float, positive: float = 0.3) -> dict[str, float]:
    """The shares that rules promote which know no interval of the difference, or take the models for independent."""
    from airflow_sagemaker_mlops.gate.comparison import quantile
    from airflow_sagemaker_mlops.gate.delong import compare_areas

    counts = {"candidate > champion": 0, "better by 0.005": 0, "unpaired test": 0}
    for seed in range(SIMULATIONS):
        label, *scores = binormal(seed, RECORDS, gain, positive)
        mine, other = (compare_areas(label == 1, one, None)[2] for one in scores)
        difference = mine.gain - other.gain
        counts["candidate > champion"] += difference > 0
        counts["better by 0.005"] += difference >= 0.005
        counts["unpaired test"] += difference > quantile(0.95) * (mine.error**2 + other.error**2) ** 0.5
    return {rule: count / SIMULATIONS for rule, count in counts.items()}


def _against_a_stored_number() -> float:
    """
    How often a model that is better by ``GAIN`` exceeds the champion's number of the day of its promotion.

    Each day before has an equal model and its own test set, so the champion is the model with the greatest number.
    """
    passed = 0
    for trial in range(SIMULATIONS):
        days = range(SIMULATIONS + trial * DAYS, SIMULATIONS + (trial + 1) * DAYS)
        stored = max(_area(*binormal(day, RECORDS, 0.0)[:2]) for day in days)
        passed += _area(*binormal(trial, RECORDS, GAIN)[:2]) > stored
    return passed / SIMULATIONS


def _area(label: Any, score: Any) -> float:
    """The AUC by the ranks of the scores (Mann-Whitney)."""
    from scipy.stats import rankdata

    positives = label.sum()
    ranks = rankdata(score)[label == 1].sum() - positives * (positives + 1) / 2
    return float(ranks / (positives * (len(label) - positives)))


def binormal(seed: int, records: int, gain: float, positive: float = 0.3) -> tuple[Any, Any, Any]:
    """(label, candidate, champion): AUC 0.85 + gain and 0.85, noise of the scores correlated by 0.8."""
    import numpy as np
    from scipy.special import expit, ndtri

    generator = np.random.default_rng(seed)
    label = (generator.random(records) < positive).astype(float)
    shared, *own = generator.standard_normal((3, records))
    scores = (
        expit(0.8**0.5 * shared + 0.2**0.5 * one + 2**0.5 * ndtri(0.85 + more) * label - 1.5)
        for one, more in zip(own, (gain, 0), strict=True)
    )
    return (label, *scores)


def _regression(seed: int) -> tuple[Any, Any, Any]:
    """(value, candidate, champion): two models whose errors are correlated by 0.8."""
    import numpy as np

    generator = np.random.default_rng(seed)
    label, shared, *own = generator.standard_normal((4, RECORDS))
    return (label, *(label + 0.8**0.5 * shared + 0.2**0.5 * one for one in own))


def _large() -> dict[str, Any]:
    label, candidate, champion = binormal(0, LARGE, 0.01)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.csv"
        with path.open("w") as file:
            file.write("id,label,candidate,champion,region\n")
            for index, (y, mine, other) in enumerate(zip(label, candidate, champion, strict=True)):
                file.write(f"{index},{y:.0f},{mine:.6f},{other:.6f},r{index % SLICES}\n")
        done = subprocess.run(
            [sys.executable, "-c", _JUDGE, str(path), json.dumps(_LARGE_RULES)],
            capture_output=True,
            text=True,
            check=True,
        )
    return dict(json.loads(done.stdout))
