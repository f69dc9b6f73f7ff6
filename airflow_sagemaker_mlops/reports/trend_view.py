"""A DAG's runs over time: metrics with gate lines and intervals, durations and costs with their medians.

Pure; reads index entries only, so that a thousand runs are one request.  Entries of earlier versions have no metrics:
they are counted in ``without_facts``, and their durations are shown.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import TypedDict

from ..json_types import JsonObject
from .index_entries import Run, Verdict, ends_of, metric_title, ordered, run_of, short, verdicts_of, version_in
from .reading import ListLimits, mapping, number, objects, text

MAX_RUNS = 1_000
MAX_SERIES = 12


class Decided(TypedDict):
    """The verdict shown for a run."""

    step: str
    word: str
    tone: str
    sentence: str


class TrendRun(TypedDict):
    """A run, and what it decided.

    name       of its record; ``run_id`` is Airflow's, for links, and ``instance`` "[2]" in a mapped task group
    verdict    of its last gate or failed drift check; ``None`` without one
    champion   the version that the run made the champion; "" if it made none
    changed    whether the definition differs from the previous run's
    """

    name: str
    run_id: str
    instance: str
    started: str
    word: str
    tone: str
    seconds: float | None
    cost: float | None
    failed_step: str
    verdict: Decided | None
    champion: str
    changed: bool


class Point(TypedDict):
    """One value.

    run          index in the list of runs
    low, high    interval of the value; of a comparison, the interval of the difference at the champion's value
    gate         what the rule's bound had to exceed
    """

    run: int
    value: float
    low: float | None
    high: float | None
    gate: float | None
    verdict: str


class Series(TypedDict):
    """A metric over the runs; ``floor`` and ``ceiling`` are those of the newest run."""

    id: str
    title: str
    source: str
    goal: str
    floor: float | None
    ceiling: float | None
    points: list[Point]


class TrendView(TypedDict):
    """The trend; ``runs`` has the oldest first."""

    schema: str
    runs: list[TrendRun]
    series: list[Series]
    median_seconds: float | None
    median_cost: float | None
    currency: str
    without_facts: int
    damaged: int
    cut: dict[str, int]


def trend_view(summaries: Iterable[object], *, damaged: int = 0) -> TrendView:
    """The trend of a DAG's index entries; ``damaged`` counts index objects that cannot be read."""
    cutter = ListLimits()
    found = ordered(summaries)[::-1]
    entries = cutter.first("runs", found, MAX_RUNS)[::-1]
    known = [run_of(entry) for entry in entries]
    series = cutter.first("series", _series(entries), MAX_SERIES)
    whole = [run for run in known if run["status"] == "Succeeded"]
    currency = next((run["currency"] for run in reversed(known) if run["currency"]), "")
    return {
        "schema": "1.0",
        "runs": _runs(entries, known, currency),
        "series": series,
        "median_seconds": _median([run["seconds"] for run in whole]),
        "median_cost": _median([run["cost"] for run in whole if run["currency"] == currency]),
        "currency": currency,
        "without_facts": sum("definition" not in entry for entry in entries),
        "damaged": damaged,
        "cut": cutter.cut,
    }


def _runs(entries: list[JsonObject], known: list[Run], currency: str) -> list[TrendRun]:
    """The runs; costs in another currency than the newest are left out."""
    runs: list[TrendRun] = []
    before = ""
    for entry, run in zip(entries, known, strict=True):
        promoted = objects(entry.get("promoted"))
        runs.append(
            {
                "name": run["name"],
                "run_id": run["run_id"],
                "instance": run["instance"],
                "started": run["started"],
                "word": run["word"],
                "tone": run["tone"],
                "seconds": run["seconds"],
                "cost": run["cost"] if run["currency"] == currency else None,
                "failed_step": run["failed_step"],
                "verdict": _shown_verdict(verdicts_of(entry)),
                "champion": version_in(text(promoted[-1].get("arn"))) if promoted else "",
                "changed": bool(before and run["definition"] and run["definition"] != before),
            }
        )
        before = run["definition"] or before
    return runs


def _shown_verdict(verdicts: list[Verdict]) -> Decided | None:
    """The last gate's verdict, or that of a drift check that found something."""
    gates = [one for one in verdicts if one["kind"] == "gate"]
    for one in gates[-1:] or [one for one in verdicts if one["tone"] != "good"][-1:]:
        return {"step": one["step"], "word": one["word"], "tone": one["tone"], "sentence": one["sentence"]}
    return None


def _series(entries: list[JsonObject]) -> list[Series]:
    """Gates' metrics first, then those of jobs, each in the order in which they appeared."""
    gated: dict[str, Series] = {}
    jobs: dict[str, Series] = {}
    for index, entry in enumerate(entries):
        for verdict in verdicts_of(entry):
            for rule in verdict["rules"]:
                _add_rule(gated, verdict["step"], rule, index)
        for name, value in mapping(entry.get("metrics")).items():
            if (shown := short(number(value))) is not None:
                series = jobs.setdefault(str(name), _empty(f"job {name}", str(name), "job"))
                series["points"].append(_point(index, shown))
    steps = {series["id"].partition(" ")[0] for series in gated.values()}
    for series in gated.values():
        if len(steps) > 1:
            series["title"] = f"{series['title']} ({series['id'].partition(' ')[0]})"
    return [*gated.values(), *jobs.values()]


def _add_rule(gated: dict[str, Series], step: str, rule: JsonObject, index: int) -> None:
    metric, value = text(rule.get("metric")), short(number(rule.get("candidate")))
    if value is None:
        return
    series = gated.setdefault(f"{step} {metric}", _empty(f"{step} {metric}", metric_title(metric), "gate"))
    series["goal"] = "minimize" if rule.get("goal") == "minimize" else "maximize"
    for limit in ("floor", "ceiling"):
        if (found := number(rule.get(limit))) is not None:
            series[limit] = found
    champion, margin = number(rule.get("champion")), number(rule.get("margin"))
    low, high = ends_of(rule.get("interval"))
    beside = champion if champion is not None and number(rule.get("difference")) is not None else 0.0
    point = _point(index, value)
    point["low"] = None if low is None else short(low + beside)
    point["high"] = None if high is None else short(high + beside)
    point["gate"] = None if champion is None or margin is None else short(champion + margin)
    point["verdict"] = text(rule.get("verdict"))
    if series["points"] and series["points"][-1]["run"] == index:  # a second rule on the metric, such as its floor
        known = series["points"][-1]
        if known["gate"] is None and point["gate"] is not None:
            series["points"][-1] = point
        return
    series["points"].append(point)


def _empty(ident: str, title: str, source: str) -> Series:
    return {"id": ident, "title": title, "source": source, "goal": "", "floor": None, "ceiling": None, "points": []}


def _point(index: int, value: float) -> Point:
    return {"run": index, "value": value, "low": None, "high": None, "gate": None, "verdict": ""}


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return short(statistics.median(known)) if known else None
