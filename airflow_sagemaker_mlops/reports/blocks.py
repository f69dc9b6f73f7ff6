"""Pages as data: headings, tables and sentences that a small script draws, so that wording stays in Python.

A cell is a text, a list of cells, or an object: ``{"word", "tone", "title"}`` is a badge, ``{"to", "text" or "time"}``
a link inside Airflow, ``{"href", "text"}`` one that leaves it if ``href`` is not empty, ``{"uri", "href"}`` an address
of AWS, ``{"time"}`` a time in the reader's zone, ``{"seconds"}`` a duration, ``{"mono", "title"}`` a hash,
``{"bold"}`` and ``{"muted"}`` texts in the foreground and the background, and ``{"small"}`` a line below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from .index_entries import short

if TYPE_CHECKING:
    from .model_view import Metric

Cell = Any  # a JSON value; see above
Block = dict[str, Any]
RUN_TAB, DAG_TAB, MODELS = "plugin/sagemaker-run", "plugin/sagemaker-pipeline", "/plugin/sagemaker-models"


def section(title: str, *blocks: Block | None, note: str = "") -> Block:
    """A section; without blocks it is empty."""
    return {"section": title, "note": note, "blocks": [block for block in blocks if block]}


def paragraph(*cells: Cell, kind: str = "") -> Block:
    """A paragraph; ``kind`` is a class of the style sheet, or "h1" and "h3" for headings."""
    return {"cells": list(cells), "kind": kind}


def note(text: str, tone: str = "plain") -> Block:
    """A note beside the text."""
    return {"alert": text, "tone": tone}


def bullets(*cells: Cell) -> Block | None:
    """A list; ``None`` for an empty one."""
    return {"bullets": list(cells)} if cells else None


def slot(name: str) -> Block:
    """A placeholder for a component of the page."""
    return {"slot": name}


def table(label: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], mine: Sequence[bool] = ()) -> Block:
    """A table; a column whose title begins with ``>`` is aligned to the right, and ``mine`` marks rows."""
    return {
        "table": label,
        "columns": [{"title": name.lstrip(">"), "right": name.startswith(">")} for name in columns],
        "rows": [{"cells": list(row), "mine": bool(mine and mine[at])} for at, row in enumerate(rows)],
    }


def chart(charts: Sequence[Block], places: Sequence[Block]) -> Block:
    """Charts over the same places; the reader chooses one.

    charts   of :func:`one_chart`
    places   {"label" or "time", "to": address of the run, "read": cells}
    """
    return {"charts": list(charts), "places": list(places)}


def one_chart(
    title: str,
    legend: Sequence[Sequence[str]],
    points: Sequence[Block],
    limits: Sequence[float | None] = (),
    unit: str = "",
) -> Block:
    """A chart.

    legend   [[tone, sign, words]]
    points   {"at": place, "value", "low", "high", "gate", "tone", "star"}
    limits   values with a dashed line over the whole width
    unit     "s" for durations; durations and costs ("money") are columns from 0
    """
    lines = sorted({limit for limit in limits if limit is not None})
    return {
        "title": title,
        "legend": [*map(list, legend)],
        "points": list(points),
        "limits": lines,
        "unit": unit,
        "zero": bool(unit),
    }


def badge(of: Any) -> Cell:
    """The badge of an object with ``word`` and ``tone``; "" without a word."""
    if not of or not of.get("word"):
        return ""
    title = of.get("sentence") or of.get("title") or ""
    return {"word": of["word"], "tone": of.get("tone", "plain"), "title": title}


def run_link(of: Any, text: str = "", time: str = "") -> Cell:
    """A link to the run of an object with ``dag_id`` and ``run_id``; only its text without a run."""
    shown: Cell = {"time": time} if time else text or of.get("dag_id", "")
    if not of.get("run_id"):
        return shown
    to = run_address(of["dag_id"], of["run_id"])
    return {"to": to, "time": time} if time else {"to": to, "text": text or of["dag_id"]}


def run_address(dag_id: str, run_id: str, group: str = "", instance: str = "") -> str:
    """The tab of a run inside Airflow, or of one pipeline in it; "" without a run.  ``instance`` is "[2]" or ""."""
    which = {"group": group, "instance": instance.strip("[]")} if group or instance else {}
    query = f"?{urlencode(which)}" if which else ""
    return f"/dags/{quoted(dag_id)}/runs/{quoted(run_id)}/{RUN_TAB}{query}" if run_id else ""


def dag_link(dag_id: str, text: str = "") -> Cell:
    """A link to the tab of a DAG."""
    return {"to": f"/dags/{quoted(dag_id)}/{DAG_TAB}", "text": text or dag_id}


def model_link(group: str) -> Cell:
    """A link to the page of a group."""
    return {"to": f"{MODELS}?group={quoted(group)}", "text": group}


def quoted(text: str) -> str:
    """``text``, quoted for an address."""
    return quote(text, safe="", errors="replace")


def as_number(value: float | None, digits: int = 4) -> str:
    """A number as shown to readers."""
    return "–" if value is None else f"{short(value, digits):,g}"


def counted(number: int, one: str) -> str:
    """``3 runs``."""
    return f"{number:,} {one}" + ("" if number == 1 else "s")


def metric_said(metric: Metric) -> str:
    """``AUC 0.68 (0.66 to 0.7)``."""
    ends = f" ({as_number(metric['low'])} to {as_number(metric['high'])})" if metric.get("low") is not None else ""
    return f"{metric['title']} {as_number(metric['value'])}{ends}"
