"""Index entries of a DAG as runs for readers: bounded, in order, one per run, whatever an entry holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypedDict

from ..gate.rules import METRICS
from ..json_types import Json, JsonObject
from ..records.model.timestamps import moment
from .reading import mapping, number, objects, sentence, text, time
from .wording import DRIFT, GATE, RUNS, said_of

GATE_STEP, DRIFT_STEP = "x-champion-gate", "x-drift-check"
_NAME = re.compile(r"(?P<run>.*?)(?:\[(?P<instance>\d{1,6})\])?(?:#(?P<cleared>\d{1,6}))?", re.DOTALL)


class Verdict(TypedDict):
    """A verdict; ``word`` and ``tone`` say it to people."""

    step: str
    kind: str
    verdict: str
    word: str
    tone: str
    sentence: str
    group: str
    champion: str
    records: float | None
    others: str
    rules: list[JsonObject]


class Run(TypedDict):
    """One run, as far as its index entry describes it.

    name       of its record
    run_id     Airflow's run id, for links
    instance   "[2]" for the third instance of a pipeline in a mapped task group
    """

    name: str
    run_id: str
    instance: str
    started: str
    ended: str
    status: str
    word: str
    tone: str
    seconds: float | None
    billable_seconds: float | None
    cost: float | None
    currency: str
    steps: float | None
    cached: float | None
    trigger: str
    user: str
    failed_step: str
    definition: str


def ordered(summaries: Iterable[object]) -> list[JsonObject]:
    """The entries, oldest first; of a cleared run, only the last one."""
    found: dict[str, JsonObject] = {}
    for entry in summaries:
        if isinstance(entry, Mapping) and isinstance(entry.get("run_id"), str):
            name = str(entry["run_id"])
            run = name.rpartition("#")[0] if _cleared(name) else name
            if run not in found or _cleared(name) >= _cleared(str(found[run]["run_id"])):
                found[run] = entry
    return sorted(found.values(), key=lambda entry: (moment(entry.get("started")), str(entry["run_id"])))


def run_of(entry: JsonObject) -> Run:
    """The run of an entry."""
    name = text(entry.get("run_id"))
    parts = _NAME.fullmatch(name)
    status = text(entry.get("status"))
    word, tone = said_of(status, RUNS)
    cost = mapping(entry.get("cost"))
    instance = parts["instance"] if parts else None
    return {
        "name": name,
        "run_id": parts["run"] if parts else name,
        "instance": f"[{instance}]" if instance else "",
        "started": time(entry.get("started")),
        "ended": time(entry.get("ended")),
        "status": status,
        "word": word,
        "tone": tone,
        "seconds": number(entry.get("seconds")),
        "billable_seconds": number(entry.get("billable_seconds")),
        "cost": number(cost.get("amount")),
        "currency": text(cost.get("currency")),
        "steps": number(entry.get("steps")),
        "cached": number(entry.get("cached")),
        "trigger": text(entry.get("trigger")),
        "user": text(entry.get("user")),
        "failed_step": text(entry.get("failed_step")),
        "definition": text(entry.get("definition")),
    }


def verdicts_of(entry: JsonObject) -> list[Verdict]:
    """The verdicts of gates and drift checks."""
    return [_verdict(one) for one in objects(entry.get("verdicts"))]


def metric_title(metric: str) -> str:
    """``AUC`` for ``auc``; the function's name for a metric of the user."""
    return METRICS[metric].title if metric in METRICS else metric.rpartition(":")[2] or metric


def ends_of(value: Json) -> tuple[float | None, float | None]:
    """The ends of an interval."""
    ends = [number(end) for end in value] if isinstance(value, list) and len(value) == 2 else [None, None]
    return ends[0], ends[1]


def short(value: float | None, digits: int = 6) -> float | None:
    """``value`` with fewer digits, which is enough for a picture."""
    return None if value is None else float(f"{value:.{digits}g}")


def version_in(arn: str) -> str:
    """``3`` for ``…:model-package/churn/3``; "" for anything else."""
    number_ = arn.rpartition("/")[2]
    return number_ if ":model-package/" in arn and number_.isdecimal() else ""


def group_in(arn: str) -> str:
    """``churn`` for ``…:model-package/churn/3``; "" for anything else."""
    parts = arn.partition(":model-package/")[2].split("/")
    return parts[0] if len(parts) == 2 else ""


def _verdict(one: JsonObject) -> Verdict:
    kind = text(one.get("type"))
    verdict = text(one.get("verdict"))
    word, tone = said_of(verdict, DRIFT if kind == DRIFT_STEP else GATE)
    return {
        "step": text(one.get("step")),
        "kind": "drift" if kind == DRIFT_STEP else "gate",
        "verdict": verdict,
        "word": word,
        "tone": tone,
        "sentence": sentence(one.get("sentence")),
        "group": text(one.get("group")).rpartition("/")[2],
        "champion": text(one.get("champion")),
        "records": number(one.get("records")),
        "others": text(one.get("others")),
        "rules": objects(one.get("rules")),
    }


def _cleared(name: str) -> int:
    digits = name.rpartition("#")[2]
    return int(digits) if "#" in name and digits.isdecimal() and len(digits) <= 6 else 0
