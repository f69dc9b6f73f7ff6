"""The pages over many runs as blocks: a DAG, a comparison, the models, one model, and the card on the home page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .blocks import (
    Block,
    Cell,
    as_number,
    badge,
    bullets,
    chart,
    counted,
    dag_link,
    metric_said,
    model_link,
    note,
    one_chart,
    paragraph,
    run_address,
    run_link,
    section,
    slot,
    table,
)
from .comparison_view import ComparisonView
from .home_view import HomeChampion, HomeView
from .model_view import Change, ModelVersion, ModelView
from .trend_view import Series, TrendRun, TrendView

REBUILD = "“sagemaker-mlops records verify --rebuild-index”"
MAX_ALERTS = 6
Groups = Mapping[str, Sequence[str]]


def dag_head(view: TrendView, kind: str = "h1") -> list[Block]:
    """The head of a DAG's page: its last champion, its last run, and what is missing; ``kind`` is that of its title."""
    runs = view["runs"]
    last = runs[-1]
    champion = next((run for run in reversed(runs) if run["champion"]), None)
    title = f"Version {champion['champion']} is the last champion that this DAG made" if champion else ""
    facts: list[Cell] = [f"{counted(len(runs), 'run')}, the last", {"time": last["started"]}, badge(last)]
    facts += [badge(last["verdict"])]
    facts += [{"muted": "champion since"}, {"time": champion["started"]}] if champion else []
    missing = []
    if view["cut"].get("runs"):
        missing.append(note(f"{counted(view['cut']['runs'], 'older run')} are not shown."))
    if view["damaged"]:
        missing.append(
            note(f"{counted(view['damaged'], 'object')} of the index cannot be read. {REBUILD} rebuilds it.")
        )
    if view["without_facts"]:
        old = counted(view["without_facts"], "run")
        missing.append(note(f"An earlier version recorded {old}, without metrics in the index. {REBUILD} adds them."))
    return [
        paragraph(title or counted(len(runs), "recorded run"), kind=kind),
        paragraph(*facts, kind="smk-row"),
        *missing,
    ]


# The signs repeat the shapes of the marks in a chart, so that it can be read without colours.
VERDICTS = (("good", "●", "promote"), ("bad", "■", "reject"), ("unsure", "▲", "inconclusive"))
GATE_LINE = ("plain", "┅", "what a candidate had to exceed, or a floor")
CHAMPION = ("plain", "★", "became champion")
TONES = {"promote": "good", "reject": "bad", "inconclusive": "unsure"}


def dag_page(dag_id: str, view: TrendView, group: str = "") -> list[Block]:
    """The page of a pipeline, in the task group ``group`` if it has one, up to the comparison of its runs."""
    places = [
        {
            "time": run["started"],
            "to": run_address(dag_id, run["run_id"], group, run["instance"]),
            "read": [
                {"muted": run["instance"]},
                badge(run["verdict"] or run),
                {"muted": run["verdict"]["sentence"]} if run["verdict"] else "",
            ],
        }
        for run in view["runs"]
    ]
    metrics = [_metric_chart(series, view["runs"]) for series in view["series"]]
    note_ = (
        "bars are the intervals that the gate judged" if any(one["source"] == "gate" for one in view["series"]) else ""
    )
    empty = note("The index has no metrics of these runs.")
    return [
        *dag_head(view),
        section("Metrics", chart(metrics, places) if metrics else empty, note=note_),
        *_spent("Duration", "seconds", view, places, view["median_seconds"]),
        *_spent(f"Cost in {view['currency']}", "cost", view, places, view["median_cost"]),
        section("Runs", runs_table(dag_id, view, group), note="choose two to six to compare them"),
    ]


def _metric_chart(series: Series, runs: Sequence[TrendRun]) -> Block:
    is_gated = series["source"] == "gate"
    points = [
        {
            "at": point["run"],
            "value": point["value"],
            "low": point["low"],
            "high": point["high"],
            "gate": point["gate"],
            "tone": TONES.get(point["verdict"], "busy"),
            "star": bool(runs[point["run"]]["champion"]),
        }
        for point in series["points"]
    ]
    goal = {"minimize": "less is better", "maximize": "more is better"}.get(series["goal"], "")
    legend = [*VERDICTS, GATE_LINE, CHAMPION] if is_gated else [("busy", "●", "as a job reported it")]
    legend += [("plain", "", goal)] if goal else []
    return one_chart(series["title"], legend, points, [series["floor"], series["ceiling"]])


def _spent(title: str, key: str, view: TrendView, places: list[Block], median: float | None) -> list[Block]:
    """Durations or costs as columns with their median; nothing if no run has any."""
    points = []
    for at, run in enumerate(view["runs"]):
        value = run["seconds"] if key == "seconds" else run["cost"]
        if value is not None:
            tone = "busy" if run["tone"] == "good" else run["tone"]
            points.append(
                {"at": at, "value": value, "low": 0, "high": value, "gate": None, "tone": tone, "star": False}
            )
    if not points:
        return []
    unit = "s" if key == "seconds" else "money"
    legend = [("busy", "■", "succeeded"), ("bad", "■", "failed"), ("plain", "┅", "median of runs that succeeded")]
    middle = (
        {"muted": ""}
        if median is None
        else [{"muted": "median"}, {"seconds": median} if unit == "s" else as_number(median)]
    )
    return [section(title, paragraph(middle), chart([one_chart(title, legend, points, [median], unit)], places))]


def runs_table(dag_id: str, view: TrendView, group: str = "") -> Block:
    """The runs, newest first; ``pick`` names what the page compares."""
    series = view["series"][0] if view["series"] else None
    values = {point["run"]: point["value"] for point in series["points"]} if series else {}
    columns = ["Run", "State", "Decision", f">{series['title']}" if series else ">Metric", ">Duration"]
    columns += [f">Cost ({view['currency']})"] if view["currency"] else []
    block = table("Runs", [*columns, "Changes"], [])
    block["rows"] = [
        {
            "pick": run["name"],
            "cells": _run_cells(
                run_address(dag_id, run["run_id"], group, run["instance"]),
                run,
                values.get(index),
                bool(view["currency"]),
            ),
            "mine": False,
        }
        for index, run in reversed(list(enumerate(view["runs"])))
    ]
    return block


def _run_cells(address: str, run: TrendRun, value: float | None, has_costs: bool) -> list[Cell]:
    failed = f"failed in {run['failed_step']}" if run["failed_step"] else ""
    changes = [f"★ version {run['champion']}"] if run["champion"] else []
    changes += ["new definition"] if run["changed"] else []
    return [
        [{"to": address, "time": run["started"]}, {"muted": run["instance"]}],
        badge({"word": run["word"], "tone": run["tone"], "title": failed}),
        badge(run["verdict"]),
        as_number(value),
        "–" if run["seconds"] is None else {"seconds": run["seconds"]},
        *([as_number(run["cost"])] if has_costs else []),
        ", ".join(changes),
    ]


def comparison_page(view: ComparisonView) -> list[Block]:
    """Why each run differs from the one before, and the rows that differ; rows that are the same are folded."""
    started = {run["name"]: run["started"] for run in view["runs"]}
    blocks = [note(text, "unsure") for text in view["notes"]]
    for why in view["why"]:
        before, after = started.get(why["before"], ""), started.get(why["run"], "")
        blocks.append(paragraph("Why", {"time": after}, "is different from", {"time": before}, kind="h3"))
        blocks.append(bullets(*why["different"]) or paragraph("Nothing differs."))
        if why["same"]:
            blocks.append(paragraph({"muted": f"The same: {', '.join(why['same'])}."}))
    hidden: list[Block] = []
    for part in view["sections"]:
        for rows, into in (
            ([row for row in part["rows"] if row["changed"]], blocks),
            ([row for row in part["rows"] if not row["changed"]], hidden),
        ):
            if rows:
                heads = [{"title": "", "right": False}, *({"time": run["started"]} for run in view["runs"])]
                block = table(part["title"], [], [[row["name"], *_values(row["values"])] for row in rows])
                into += [paragraph(part["title"], kind="h3"), {**block, "columns": heads}]
    return [*blocks, {"fold": "What is the same", "blocks": hidden}] if hidden else blocks


def _values(values: Sequence[str]) -> list[Cell]:
    """The values of several runs; those that differ from the run before are bold."""
    before = [*values[:1], *values]
    return [
        value or "–" if value == old else {"bold": value or "–"} for old, value in zip(before, values, strict=False)
    ]


def models_page(groups: Groups, champions: Sequence[HomeChampion], why: str) -> list[Block]:
    """The list of model package groups."""
    known = {champion["group"]: champion for champion in champions}
    rows = []
    for group, dags in groups.items():
        champion = known.get(group)
        rows.append(
            [
                model_link(group),
                f"★ version {champion['version']}" if champion else {"muted": "no run has made one"},
                f"{champion['metric']} {as_number(champion['value'])}" if champion and champion["metric"] else "",
                run_link(champion, time=champion["since"]) if champion else "",
                [dag_link(dag) for dag in dags],
            ]
        )
    found = table("Model package groups", ["Model package group", "Champion", "Metric", "Since", "DAGs"], rows)
    empty = note("No run of a DAG that you may read has registered a model yet.")
    head = [paragraph("Models", kind="h1"), slot("approvals")]
    return [*head, *([note(why, "unsure")] if why else []), *([found] if rows else [] if why else [empty])]


def model_page(view: ModelView, dags: Sequence[Mapping[str, object]] = ()) -> list[Block]:
    """The page of a group; ``dags`` can roll back its champion."""
    champion = view["champion"]
    since = next((one for one in view["history"] if champion and one["version"] == champion["version"]), None)
    title = (
        f"{view['group']}: version {champion['version']} is the champion"
        if champion
        else f"{view['group']} has no champion"
    )
    why = since["sentence"] if since else ""
    why = why or (champion["verdict"]["sentence"] if champion and champion["verdict"] else "")
    return [
        paragraph({"to": "/plugin/sagemaker-models", "text": "← All models"}),
        paragraph(title, kind="h1"),
        paragraph(*_champion_facts(view, champion, since), kind="smk-row"),
        *([paragraph(why)] if why else []),
        *(note(text) for text in view["notes"]),
        slot("approvals"),
        *_way_back(view, dags),
        *_endpoints(view, champion),
        *_metrics(view),
        _versions(view),
        *_changes(view),
    ]


def _champion_facts(view: ModelView, champion: ModelVersion | None, since: Change | None) -> list[Cell]:
    facts: list[Cell] = []
    if champion:
        facts += [badge(champion), badge({"word": champion["stage"]})]
    if since:
        by = f"by {since['user']}" if since["user"] else ""
        facts += [
            [since["word"].removesuffix(" to").lower(), {"time": since["at"]}, by, run_link(since, "in this run")]
        ]
    if champion:
        facts += [f"{one['title']} {as_number(one['value'])}" for one in champion["metrics"]]
    made = f", made by {', '.join(view['dags'])}" if view["dags"] else ""
    return [*filter(None, facts), {"muted": counted(len(view["versions"]), "version") + made}]


def _endpoints(view: ModelView, champion: ModelVersion | None) -> list[Block]:
    rows = []
    for one in view["endpoints"]:
        served = f"version {one['version']}" if one["version"] else "a model of another group"
        is_other = champion is not None and one["version"] != champion["version"]
        other = badge({"word": "not the champion", "tone": "unsure"}) if is_other else ""
        rows.append(
            [
                one["endpoint"],
                [served, other],
                [run_link(one, time=one["at"]), "(changed since)" if one["changed"] else ""],
            ]
        )
    words = "what they serve now" if view["live"] else "as runs deployed them"
    return (
        [section("Endpoints", table("Endpoints", ["Endpoint", "Serves", "Deployed"], rows), note=words)] if rows else []
    )


def _metrics(view: ModelView) -> list[Block]:
    """The metrics of the versions, oldest first."""
    versions = view["versions"][::-1]
    points: dict[str, list[Block]] = {}
    for at, one in enumerate(versions):
        for metric in one["metrics"]:
            ends = {"low": metric["low"], "high": metric["high"], "gate": None, "star": one["is_champion"]}
            tone = TONES.get(metric["verdict"], "busy")
            points.setdefault(metric["title"], []).append({"at": at, "value": metric["value"], "tone": tone, **ends})
    if not points:
        return []
    places = [
        {
            "label": one["version"],
            "to": run_address(one["dag_id"], one["run_id"]),
            "read": [badge(one["verdict"]), {"muted": one["verdict"]["sentence"]} if one["verdict"] else ""],
        }
        for one in versions
    ]
    charts = [one_chart(title, [*VERDICTS, ("plain", "★", "champion")], found) for title, found in points.items()]
    return [section("Metrics by version", chart(charts, places), note="with the intervals of the gate")]


def rollback(view: ModelView, dags: Sequence[Mapping[str, object]]) -> dict[str, Any] | None:
    """The data of the rollback button; ``None`` without an earlier champion."""
    if view["champion"] is None or not view["previous"]:
        return None
    return {"group": view["group"], "from": view["champion"]["version"], "to": view["previous"], "dags": list(dags)}


def _way_back(view: ModelView, dags: Sequence[Mapping[str, object]]) -> list[Block]:
    if dags or not view["previous"]:
        return [slot("rollback")]
    call = f'champion_rollback_dag("{view["group"]}-rollback", "{view["group"]}")'
    return [paragraph({"muted": f"To roll back from here, add {call} to a DAG file."})]


def _versions(view: ModelView) -> Block:
    rows, mine = [], []
    for one in view["versions"]:
        mine.append(one["is_champion"])
        decided: list[Cell] = [f"{one['decided_by']},", {"time": one["decided_at"]}] if one["decided_by"] else []
        decided += [{"muted": f"“{one['comment']}”"}] if one["comment"] else []
        rows.append(
            [
                f"★ {one['version']}" if one["is_champion"] else one["version"],
                [badge(one), badge({"word": one["stage"]})],
                badge(one["verdict"]),
                ", ".join(map(metric_said, one["metrics"])),
                decided,
                run_link(one, time=one["created"]) if one["created"] else "",
                ", ".join(one["serves"]),
            ]
        )
    columns = ["Version", "Status", "Gate", "Metrics", "Decided by", "Registered", "Serves"]
    return section("Versions", table("Versions", columns, rows, mine))


def _changes(view: ModelView) -> list[Block]:
    rows = []
    for one in view["history"]:
        instead = f" instead of {one['replaced']}" if one["replaced"] else ""
        what = f"{one['word']} version {one['version']}{instead}"
        rows.append([{"time": one["at"]}, what, [one["user"], run_link(one) if one["run_id"] else ""], one["sentence"]])
    words = "every change, the newest first" if view["live"] else "promotions by runs, the newest first"
    found = table("Champions", ["When", "What", "By", "Why"], rows)
    return [section("Champions", found, slot("report"), note=words)] if rows else []


def home_card(view: HomeView) -> list[Block]:
    """The card; empty if there is nothing to say."""
    champions: list[Cell] = []
    for one in view["champions"]:
        value = f", {one['metric']} {as_number(one['value'])}" if one["metric"] else ""
        champions.append(
            [
                "★",
                model_link(one["group"]),
                f"version {one['version']}{value}",
                {"muted": "since"},
                {"time": one["since"]},
            ]
        )
    alerts: list[Any] = [
        [badge({"word": one["word"], "tone": one["tone"]}), run_link(one), {"time": one["at"]}, one["sentence"]]
        for one in view["alerts"][:MAX_ALERTS]
    ]
    if len(view["alerts"]) > MAX_ALERTS:
        alerts.append({"muted": f"and {len(view['alerts']) - MAX_ALERTS} more"})
    if not champions and not alerts:
        return []
    head: list[Cell] = [{"to": "/plugin/sagemaker-models", "text": "SageMaker models"}]
    head.append({"muted": f"{counted(view['runs'], 'run')} in the last {view['days']} days"})
    blocks = [paragraph(*head, kind="h2"), slot("approvals"), bullets(*champions)]
    blocks += [paragraph("Not promoted, or drifted", kind="h3"), bullets(*alerts)] if alerts else []
    return [block for block in blocks if block]
