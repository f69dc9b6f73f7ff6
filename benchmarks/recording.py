"""The cost of recording: the example with and without records, in turn, running every job (no cache).

Measures the wall time of the whole command, as its user waits for it, and the calls to S3 in addition to those of the
run itself.  Listings, from which fingerprints are made, are reported separately.

A job is polled every quarter of a second, so a run takes a quarter of a second more or less by chance, and sometimes
the machine is busy with something else.  Recording costs less than that, so the result is the mean of the middle half
of many pairs' differences.  Pairs are measured until the error of that mean is a third of the limit, or ``BUDGET_S`` is
spent; the figures say which error was reached.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "dags" / "daily_model"
FEWEST_PAIRS, MAX_PAIRS = 8, 25
BUDGET_S = 180.0  # for pairs; a run of the example takes seconds of CPU
LIMIT = 0.03  # of a run's wall time
LISTINGS = ("ListObjectsV2", "ListObjectVersions")


def measure() -> dict[str, Any]:
    """Medians of both, what recording adds to them, and the calls that it adds."""
    from airflow_sagemaker_mlops import local_aws

    sys.path.insert(0, str(EXAMPLE))
    import publish

    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "aws"
        aws = local_aws.start(state)
        try:
            publish.publish(aws.client, aws.bucket, aws.role_arn)
            extra = _calls(state, "counted-on", records=None)
            extra.subtract(_calls(state, "counted-off", records="off"))
            taken = _pairs(state)
        finally:
            local_aws.stop(state)
    wall = {kind: statistics.median(seconds) for kind, seconds in taken.items()}
    more = sorted(on - off for on, off in zip(taken["on"], taken["off"], strict=True))
    quarter = len(more) // 4
    middle = statistics.mean(more[quarter : len(more) - quarter])
    steps = _steps()
    beyond = sum(count for name, count in extra.items() if name not in LISTINGS)
    return {
        "wall_s_median": {kind: round(seconds, 2) for kind, seconds in wall.items()},
        "overhead": round(middle / wall["off"], 4),
        "error_of_overhead": round(_error_of_middle(more) / wall["off"], 4),
        "more_s_of_pairs": {
            "middle": round(middle, 3),
            "median": round(statistics.median(more), 3),
            "mean": round(statistics.mean(more), 3),
            "error_of_middle": round(_error_of_middle(more), 3),
            "each": [round(seconds, 2) for seconds in more],
        },
        "steps": steps,
        "extra_s3_calls_a_step_beyond_listings": round(beyond / steps, 2),
        "extra_s3_calls": {name: count for name, count in sorted(extra.items()) if count},
        "pairs": len(more),
        "limits": {"overhead": LIMIT, "extra_s3_calls_a_step_beyond_listings": 3},
    }


def _pairs(state: Path) -> dict[str, list[float]]:
    """Seconds of runs without and with records, in turn; as many pairs as the figure needs or the time allows."""
    taken: dict[str, list[float]] = {"off": [], "on": []}
    begun = time.monotonic()
    for index in range(MAX_PAIRS):
        for kind in ("off", "on") if index % 2 else ("on", "off"):
            taken[kind].append(_command(state, f"run-{index}-{kind}", kind))
        more = sorted(on - off for on, off in zip(taken["on"], taken["off"], strict=True))
        precise = len(more) >= FEWEST_PAIRS and _error_of_middle(more) <= LIMIT / 3 * statistics.median(taken["off"])
        if precise or (len(more) >= 2 and time.monotonic() - begun > BUDGET_S):
            break
    return taken


def _error_of_middle(more: list[float]) -> float:
    """Standard error of the mean of the middle half of the sorted differences ``more``.

    As for a trimmed mean (Tukey and McLaughlin 1963): from the differences with the outer quarters moved to the
    nearest one that is kept.
    """
    quarter = len(more) // 4
    low, high = more[quarter], more[len(more) - quarter - 1]
    inner = [min(max(one, low), high) for one in more]
    kept = (len(more) - 2 * quarter) / len(more)
    return statistics.stdev(inner) / (kept * len(more) ** 0.5)


def _command(state: Path, name: str, kind: str) -> float:
    """Seconds of one run with a unique name, so that it reuses no results."""
    words = [sys.executable, "-m", "airflow_sagemaker_mlops.cli", "run", str(EXAMPLE / "definition.yaml"), "--quiet"]
    words += ["-p", "Day=day-1", "--name", name, "--state-dir", str(state), "--no-cache"]
    words += ["--records", "off"] if kind == "off" else []
    begun = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - begun


def _steps() -> int:
    from airflow_sagemaker_mlops import load_pipeline
    from airflow_sagemaker_mlops.plan import make_plan
    from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES

    plan = make_plan(load_pipeline(EXAMPLE / "definition.yaml"))
    return sum(task.step_type in STEP_TYPES for task in plan.tasks)


def _calls(state: Path, name: str, *, records: str | None) -> Counter[str]:
    """S3 calls of one run."""
    from airflow_sagemaker_mlops import run_pipeline

    with _counted() as calls:
        run_pipeline(
            EXAMPLE / "definition.yaml",
            {"Day": "day-1"},
            name=name,
            state_dir=state,
            records=records,
            cache=False,
            publish=False,
        ).raise_for_status()
    return calls


@contextlib.contextmanager
def _counted() -> Iterator[Counter[str]]:
    from botocore.client import BaseClient

    calls: Counter[str] = Counter()
    original = BaseClient._make_api_call

    def count(self: Any, operation: str, members: Any) -> Any:
        if self.meta.service_model.service_name == "s3":
            calls[operation] += 1
        return original(self, operation, members)

    BaseClient._make_api_call = count
    try:
        yield calls
    finally:
        BaseClient._make_api_call = original
