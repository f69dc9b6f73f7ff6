"""A model package group: versions, champion and its changes, approvals, metrics, and which endpoint serves what.

Pure.  Records of DAGs that the reader may see tell which runs created the versions; the registry, if it answered, tells
the current state.  Changes by DAGs that the reader may not see are shown without run, author and text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from ..json_types import JsonObject
from ..records.model.timestamps import moment
from ..registry.history import Entry
from .index_entries import Verdict, ends_of, metric_title, ordered, run_of, short, verdicts_of, version_in
from .reading import ListLimits, mapping, number, objects, sentence, text, time
from .wording import approval_said

MAX_VERSIONS = 1_000
MAX_CHANGES = 200
MAX_METRICS = 6
PRODUCTION = "Production"


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry's answers.

    versions   rows of ListModelPackages
    champion   ARN; "" if no version is approved
    changes    entries of the history as JSON, newest first
    serving    {endpoint: ARN of the model package that it serves}, of endpoints that answered
    """

    versions: Sequence[JsonObject] = ()
    champion: str = ""
    changes: Sequence[JsonObject] = ()
    serving: Mapping[str, str] = field(default_factory=dict)


class Metric(TypedDict):
    """A metric of a version, with the interval of its value."""

    title: str
    goal: str
    value: float
    low: float | None
    high: float | None
    verdict: str


class ModelVersion(TypedDict):
    """A version; ``dag_id`` and ``run_id`` are those of the run that registered it, "" if it is not known."""

    version: str
    arn: str
    created: str
    stage: str
    approval: str
    word: str
    tone: str
    is_champion: bool
    dag_id: str
    run_id: str
    step: str
    verdict: Verdict | None
    metrics: list[Metric]
    decided_by: str
    decided_at: str
    comment: str
    serves: list[str]


class Change(TypedDict):
    """A change of the champion."""

    number: float | None
    kind: str
    word: str
    version: str
    replaced: str
    at: str
    dag_id: str
    run_id: str
    user: str
    sentence: str


class Served(TypedDict):
    """What an endpoint serves since a run updated it, or since somebody else changed it (``changed``)."""

    endpoint: str
    changed: bool
    version: str
    at: str
    dag_id: str
    run_id: str


class ModelView(TypedDict):
    """The page of a group; the newest version and the newest change come first."""

    schema: str
    group: str
    dags: list[str]
    champion: ModelVersion | None
    previous: str
    versions: list[ModelVersion]
    history: list[Change]
    endpoints: list[Served]
    live: bool
    notes: list[str]
    cut: dict[str, int]


def groups_of(by_dag: Mapping[str, Iterable[object]]) -> dict[str, list[str]]:
    """{group: the DAGs whose records register versions of it, judge them, or promote them}."""
    found: dict[str, set[str]] = {}
    for dag_id, summaries in by_dag.items():
        for entry in ordered(summaries):
            for name in _groups_in(entry):
                found.setdefault(name, set()).add(dag_id)
    return {name: sorted(dags) for name, dags in sorted(found.items())}


def model_view(
    group: str,
    by_dag: Mapping[str, Iterable[object]],
    registry: Registry | None,
    why: str = "",
    *,
    readable: Collection[str] = (),
) -> ModelView:
    """The page of ``group``.

    by_dag     index entries of the DAGs that the reader may see
    readable   other DAGs that the reader may see, such as those that roll back: they have no records
    registry   its answers; ``None`` if it was not asked or did not answer, which ``why`` explains in a sentence
    """
    cutter, notes = ListLimits(), [why] if why else []
    entries = sorted(
        ((dag_id, entry) for dag_id, summaries in by_dag.items() for entry in ordered(summaries)),
        key=lambda one: moment(one[1].get("started")),
    )
    ours = [(dag_id, entry) for dag_id, entry in entries if group in _groups_in(entry)]
    versions: dict[str, ModelVersion] = {}
    for dag_id, entry in ours:
        _registered(versions, group, dag_id, entry)
    history = _recorded_changes(group, ours)
    for change in history:  # a promotion approves
        if change["version"] in versions:
            version = versions[change["version"]]
            version["approval"], (version["word"], version["tone"]) = "Approved", approval_said("Approved")
    _approved(versions, entries)
    champion = history[0]["version"] if history else ""
    if registry is not None:
        _live(versions, registry, notes)
        champion = version_in(registry.champion)
        history = [_change(one, {*by_dag, *readable}) for one in registry.changes] or history
    endpoints = _endpoints(group, ours, registry.serving if registry is not None else {})
    for served in endpoints:
        if served["version"] in versions:
            versions[served["version"]]["serves"].append(served["endpoint"])
    newest = sorted(versions.values(), key=lambda one: int(one["version"] or 0), reverse=True)
    for version in newest:
        version["is_champion"] = bool(champion) and version["version"] == champion
    return {
        "schema": "1.0",
        "group": text(group),
        "dags": sorted({dag_id for dag_id, _ in ours}),
        "champion": next((one for one in newest if one["is_champion"]), None),
        "previous": _champion_before(champion, history, versions),
        "versions": cutter.first("versions", newest, MAX_VERSIONS),
        "history": cutter.first("changes", history, MAX_CHANGES),
        "endpoints": endpoints,
        "live": registry is not None,
        "notes": notes,
        "cut": cutter.cut,
    }


def _champion_before(champion: str, history: Sequence[Change], versions: Mapping[str, ModelVersion]) -> str:
    """The version that a rollback restores, found as the registry finds it; "" if there is none.

    It is the champion that was replaced when ``champion`` was promoted, or one further back if that was rejected since.
    """
    wanted = champion
    for one in history:
        if one["kind"] != "rollback" and one["version"] == wanted:
            wanted = one["replaced"]
            if not wanted or (wanted in versions and versions[wanted]["approval"] != "Rejected"):
                return wanted
    return ""


def changes_of(view: ModelView) -> list[Entry]:
    """The changes of the champion that the view shows, newest first, as entries of a history."""
    group = view["group"]
    return [
        Entry(
            number=int(one["number"] or 0),
            uri="",
            kind=one["kind"] or "promotion",
            group=group,
            model_package=f"{group}/{one['version']}",
            replaced=f"{group}/{one['replaced']}" if one["replaced"] else "",
            ident="",
            at=one["at"],
            baseline="",
            by={name: one[name] for name in ("dag_id", "run_id", "user") if one[name]},
            sentence=one["sentence"],
        )
        for one in view["history"]
    ]


def _groups_in(entry: JsonObject) -> set[str]:
    named = {text(model.get("group")).rpartition("/")[2] for model in objects(entry.get("models"))}
    named |= {text(one.get("arn")).partition(":model-package/")[2].partition("/")[0] for one in _moved(entry)}
    return {name for name in named | {verdict["group"] for verdict in verdicts_of(entry)} if name}


def _moved(entry: JsonObject) -> list[JsonObject]:
    return [*objects(entry.get("promoted")), *objects(entry.get("deployed"))]


def _registered(versions: dict[str, ModelVersion], group: str, dag_id: str, entry: JsonObject) -> None:
    """Add the versions that a run registered, with the verdict of its gate about the group."""
    gates = [one for one in verdicts_of(entry) if one["kind"] == "gate" and one["group"] in (group, "")]
    run = run_of(entry)
    for model in objects(entry.get("models")):
        arn = text(model.get("arn"))
        if text(model.get("group")).rpartition("/")[2] != group or not version_in(arn):
            continue
        version = _version(arn, text(model.get("approval_status")))
        version |= {"dag_id": dag_id, "run_id": run["run_id"], "step": text(model.get("step"))}
        version["created"] = run["ended"] or run["started"]
        if gates:
            version["verdict"] = {**gates[-1], "rules": []}
            version["metrics"] = _metrics(gates[-1])
        versions.setdefault(version["version"], version)


def _version(arn: str, status: str) -> ModelVersion:
    word, tone = approval_said(status) if status else ("", "plain")
    return {
        "version": version_in(arn),
        "arn": arn,
        "created": "",
        "stage": "",
        "approval": status,
        "word": word,
        "tone": tone,
        "is_champion": False,
        "dag_id": "",
        "run_id": "",
        "step": "",
        "verdict": None,
        "metrics": [],
        "decided_by": "",
        "decided_at": "",
        "comment": "",
        "serves": [],
    }


def _metrics(gate: Verdict) -> list[Metric]:
    found: dict[str, Metric] = {}
    for rule in gate["rules"]:
        value = short(number(rule.get("candidate")))
        title = metric_title(text(rule.get("metric")))
        if value is None or title in found:
            continue
        low, high = ends_of(rule.get("interval"))
        champion = number(rule.get("champion"))
        beside = champion if champion is not None and number(rule.get("difference")) is not None else 0.0
        found[title] = {
            "title": title,
            "goal": "minimize" if rule.get("goal") == "minimize" else "maximize",
            "value": value,
            "low": None if low is None else short(low + beside),
            "high": None if high is None else short(high + beside),
            "verdict": text(rule.get("verdict")),
        }
    return list(found.values())[:MAX_METRICS]


def _approved(versions: dict[str, ModelVersion], entries: list[tuple[str, JsonObject]]) -> None:
    """What people answered about the versions; a later answer replaces an earlier one."""
    by_arn = {version["arn"]: version for version in versions.values()}
    for _, entry in entries:
        for approval in objects(entry.get("approvals")):
            version = by_arn.get(text(approval.get("model")))
            if version is None:
                continue
            version["approval"] = text(approval.get("decision"))
            version["word"], version["tone"] = approval_said(version["approval"])
            version["decided_by"] = "nobody, by default" if approval.get("by_default") else text(approval.get("user"))
            version["decided_at"] = time(approval.get("at"))
            version["comment"] = sentence(approval.get("comment"))


def _live(versions: dict[str, ModelVersion], registry: Registry, notes: list[str]) -> None:
    """Replace the recorded state of a version with the registry's current one."""
    elsewhere = 0
    rows = {version_in(text(row.get("ModelPackageArn"))): row for row in registry.versions}
    for name, row in rows.items():
        if not name:
            continue
        status = text(row.get("ModelApprovalStatus"))
        version = versions.get(name)
        if version is None:
            elsewhere += 1
            version = versions[name] = _version(text(row.get("ModelPackageArn")), status)
        version["approval"] = status
        version["word"], version["tone"] = approval_said(status)
        version["stage"] = text(mapping(row.get("ModelLifeCycle")).get("Stage"))
        version["created"] = version["created"] or time(row.get("CreationTime"))
    for name, version in versions.items():
        if name not in rows:
            version["word"], version["tone"] = "Deleted from the registry", "plain"
    if elsewhere:
        notes.append(
            f"{elsewhere} version{'s were' if elsewhere > 1 else ' was'} registered by runs without a record, or by "
            "DAGs that you may not read: their runs and metrics are not shown."
        )


def _recorded_changes(group: str, ours: list[tuple[str, JsonObject]]) -> list[Change]:
    """Recorded changes of the champion: promotions, newest first."""
    found: list[Change] = []
    for dag_id, entry in ours:
        for promoted in objects(entry.get("promoted")):
            arn = text(promoted.get("arn"))
            if f":model-package/{group}/" in arn:
                gates = [one["sentence"] for one in verdicts_of(entry) if one["kind"] == "gate"]
                found.append(
                    {
                        "number": None,
                        "kind": "promotion",
                        "word": "Promoted",
                        "version": version_in(arn),
                        "replaced": version_in(text(promoted.get("replaced"))),
                        "at": time(promoted.get("at")),
                        "dag_id": dag_id,
                        "run_id": run_of(entry)["run_id"],
                        "user": "",
                        "sentence": gates[-1] if gates else "",
                    }
                )
    return sorted(found, key=lambda one: moment(one["at"]), reverse=True)


def _change(entry: JsonObject, readable: set[str]) -> Change:
    """A change in the history.  Text and author stay hidden if the reader may not see the DAG."""
    by = mapping(entry.get("by"))
    dag_id, kind = text(by.get("dag_id")), text(entry.get("kind"))
    hidden = bool(dag_id) and dag_id not in readable
    run = run_of({"run_id": text(by.get("run_id"))})
    return {
        "number": number(entry.get("number")),
        "kind": kind,
        "word": "Rolled back to" if kind == "rollback" else "Promoted",
        "version": version_in(text(entry.get("model_package"))),
        "replaced": version_in(text(entry.get("replaced"))),
        "at": time(entry.get("at")),
        "dag_id": "" if hidden else dag_id,
        "run_id": "" if hidden else run["run_id"],
        "user": "" if hidden else text(by.get("user")),
        "sentence": "" if hidden else sentence(entry.get("sentence")),
    }


def _endpoints(group: str, ours: list[tuple[str, JsonObject]], serving: Mapping[str, str]) -> list[Served]:
    """The endpoints that served the group after their last recorded update, with what they serve now if it is known."""
    found: dict[str, Served] = {}
    for dag_id, entry in ours:
        for deployed in objects(entry.get("deployed")):
            arn, name = text(deployed.get("arn")), text(deployed.get("endpoint"))
            if name and f":model-package/{group}/" in arn:
                found[name] = {
                    "endpoint": name,
                    "changed": serving.get(name, arn) != arn,
                    "version": version_in(serving.get(name, arn)),
                    "at": time(deployed.get("at")),
                    "dag_id": dag_id,
                    "run_id": run_of(entry)["run_id"],
                }
    return sorted(found.values(), key=lambda one: one["endpoint"])
