"""Recent events of several DAGs: champions, and gates and drift checks that need a person.

Pure; the caller passes only DAGs that the reader may see.  The page itself asks Airflow for pending approvals, with
the reader's own permissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypedDict

from ..json_types import JsonObject
from ..records.model.timestamps import moment
from .index_entries import group_in, metric_title, ordered, run_of, short, verdicts_of, version_in
from .reading import ListLimits, mapping, number, objects, text

DAYS = 7
MAX_CHAMPIONS = 50
MAX_ALERTS = 50


class HomeChampion(TypedDict):
    """The champion that a run promoted or restored last; the model's page has other changes, too."""

    group: str
    version: str
    since: str
    dag_id: str
    run_id: str
    metric: str
    value: float | None


class Alert(TypedDict):
    """A recent verdict that is not good."""

    dag_id: str
    run_id: str
    name: str
    at: str
    step: str
    kind: str
    word: str
    tone: str
    sentence: str
    group: str


class HomeView(TypedDict):
    """The home page; newest first."""

    schema: str
    days: int
    champions: list[HomeChampion]
    alerts: list[Alert]
    groups: list[str]
    dags: int
    runs: int
    cut: dict[str, int]


def home_view(by_dag: Mapping[str, Iterable[object]], now: datetime, rollbacks: Iterable[JsonObject] = ()) -> HomeView:
    """The view over the index entries of several DAGs.

    by_dag      index entries by DAG id
    now         in UTC; runs that are dated after it count as new
    rollbacks   entries of histories, by runs of DAGs that the reader may see
    """
    cutter = ListLimits()
    champions: dict[str, tuple[datetime, HomeChampion]] = {}
    alerts: list[Alert] = []
    groups: set[str] = set()
    runs = 0
    for dag_id, summaries in by_dag.items():
        for entry in ordered(summaries):
            groups |= _groups(entry)
            for champion in _champions(dag_id, entry):
                at = moment(champion["since"])
                if champion["group"] not in champions or champions[champion["group"]][0] <= at:
                    champions[champion["group"]] = at, champion
            if moment(entry.get("ended") or entry.get("started")) >= now - timedelta(days=DAYS):
                runs += 1
                alerts += _alerts(dag_id, entry)
    for entry in rollbacks:
        champion, at = _restored(entry), moment(entry.get("at"))
        if champion["group"] in champions and champions[champion["group"]][0] <= at:
            champions[champion["group"]] = at, champion
    newest = sorted((one for _, one in champions.values()), key=lambda one: moment(one["since"]), reverse=True)
    alerts.sort(key=lambda alert: moment(alert["at"]), reverse=True)
    return {
        "schema": "1.0",
        "days": DAYS,
        "champions": cutter.first("champions", newest, MAX_CHAMPIONS),
        "alerts": cutter.first("alerts", alerts, MAX_ALERTS),
        "groups": sorted(groups),
        "dags": len(by_dag),
        "runs": runs,
        "cut": cutter.cut,
    }


def _groups(entry: JsonObject) -> set[str]:
    named = {text(model.get("group")).rpartition("/")[2] for model in objects(entry.get("models"))}
    return {name for name in named | {verdict["group"] for verdict in verdicts_of(entry)} if name}


def _champions(dag_id: str, entry: JsonObject) -> Iterable[HomeChampion]:
    for promoted in objects(entry.get("promoted")):
        arn = text(promoted.get("arn"))
        if group_in(arn):
            metric, value = main_metric(entry)
            yield {
                "group": group_in(arn),
                "version": version_in(arn),
                "since": text(promoted.get("at")) or text(entry.get("ended")),
                "dag_id": dag_id,
                "run_id": run_of(entry)["run_id"],
                "metric": metric,
                "value": value,
            }


def _restored(entry: JsonObject) -> HomeChampion:
    arn, by = text(entry.get("model_package")), mapping(entry.get("by"))
    run = run_of({"run_id": text(by.get("run_id"))})["run_id"]
    return {
        "group": group_in(arn),
        "version": version_in(arn),
        "since": text(entry.get("at")),
        "dag_id": text(by.get("dag_id")),
        "run_id": run,
        "metric": "",
        "value": None,
    }


def main_metric(entry: JsonObject) -> tuple[str, float | None]:
    """Title and candidate's value of the first rule of the first gate."""
    for verdict in verdicts_of(entry):
        for rule in verdict["rules"]:
            return metric_title(text(rule.get("metric"))), short(number(rule.get("candidate")))
    return "", None


def _alerts(dag_id: str, entry: JsonObject) -> Iterable[Alert]:
    run = run_of(entry)
    for verdict in verdicts_of(entry):
        if verdict["tone"] not in ("good", "plain"):
            yield {
                "dag_id": dag_id,
                "run_id": run["run_id"],
                "name": run["name"],
                "at": run["ended"] or run["started"],
                "step": verdict["step"],
                "kind": verdict["kind"],
                "word": verdict["word"],
                "tone": verdict["tone"],
                "sentence": verdict["sentence"],
                "group": verdict["group"],
            }
