"""Chosen runs side by side, and why each differs from the one before, in sentences.

Pure.  The sentences are those of ``records diff``; a record that is too old or too incomplete for it gets a note.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypedDict, cast

from ..json_types import Json, JsonObject
from ..records.compare.runs import diff
from ..records.model.documents import RecordDocument
from ..records.model.errors import RecordError
from ..records.model.timestamps import moment
from ..records.store.index import summary_of
from ..records.store.listing import ListingOf, no_listing
from .index_entries import Run, metric_title, run_of, short, verdicts_of
from .reading import ListLimits, as_text, clipped, mapping, number, objects, text

MAX_RUNS = 6
MAX_ROWS = 200
MAX_PHRASES = 60
SENTENCE = 600
_Rows = Iterator[tuple[str, str]]


class Row(TypedDict):
    """One property of the runs, "" where a run has none."""

    name: str
    values: list[str]
    changed: bool


class Section(TypedDict):
    """Rows under a heading, starting with those that differ."""

    title: str
    rows: list[Row]
    changed: int


class Why(TypedDict):
    """How ``run`` differs from ``before``: one sentence for each difference, and what is the same."""

    before: str
    run: str
    different: list[str]
    same: list[str]


class ComparisonView(TypedDict):
    """The comparison; the oldest run comes first."""

    schema: str
    runs: list[Run]
    sections: list[Section]
    why: list[Why]
    notes: list[str]
    cut: dict[str, int]


def comparison_view(records: Sequence[object], *, listing_of: ListingOf = no_listing) -> ComparisonView:
    """Compare ``records``, which may be incomplete.  ``listing_of`` reads stored listings by hash."""
    cutter = ListLimits()
    found = [mapping(record) for record in records if mapping(mapping(record).get("run"))]
    found.sort(key=lambda record: moment(mapping(record["run"]).get("started")))
    chosen = cutter.first("runs", found, MAX_RUNS)
    notes: list[str] = []
    why = [_why(old, new, listing_of, notes) for old, new in itertools.pairwise(chosen)]
    sections = [_section(title, rows, chosen, cutter) for title, rows in _SECTIONS]
    return {
        "schema": "1.0",
        "runs": [_run(record) for record in chosen],
        "sections": [section for section in sections if section["rows"]],
        "why": why,
        "notes": list(dict.fromkeys(notes)),
        "cut": cutter.cut,
    }


def _run(record: JsonObject) -> Run:
    run = mapping(record["run"])
    return run_of({**run, **mapping(record.get("totals")), "run_id": _name(record)})


def _name(record: JsonObject) -> str:
    run = mapping(record["run"])
    cleared = number(run.get("clear_number"))
    return f"{text(run.get('run_id'))}#{cleared:.0f}" if cleared else text(run.get("run_id"))


def _why(old: JsonObject, new: JsonObject, listing_of: ListingOf, notes: list[str]) -> Why:
    why: Why = {"before": _name(old), "run": _name(new), "different": [], "same": []}
    try:
        phrases = diff(cast("RecordDocument", old), cast("RecordDocument", new), listing_of=listing_of)
    except (RecordError, LookupError, TypeError, ValueError, AttributeError):
        notes.append(
            f"{_name(old)} and {_name(new)} cannot be compared in sentences: one of the records is unfinished, or of "
            "an older version."
        )
        return why
    for phrase in phrases[:MAX_PHRASES]:
        said = clipped(phrase, SENTENCE)
        if said.startswith("same "):
            why["same"] += [part.removeprefix("same ") for part in said.split(", ")]
        else:
            why["different"].append(_as_sentence(said))
    if len(phrases) > MAX_PHRASES:
        why["different"].append(f"And {len(phrases) - MAX_PHRASES} more differences.")
    return why


def _as_sentence(phrase: str) -> str:
    return f"{phrase[:1].upper()}{phrase[1:]}".replace(" -> ", " → ") + ("" if phrase.endswith(".") else ".")


def _section(title: str, rows_of: Callable[[JsonObject], _Rows], runs: list[JsonObject], cutter: ListLimits) -> Section:
    columns = [dict(rows_of(record)) for record in runs]
    rows: list[Row] = []
    for name in dict.fromkeys(name for column in columns for name in column):
        values = [column.get(name, "") for column in columns]
        known = {value for value in values if value or title != "Code"}  # a step that did not run has no code
        rows.append({"name": name, "values": values, "changed": len(known) > 1})
    rows.sort(key=lambda row: not row["changed"])
    changed = sum(row["changed"] for row in rows)
    return {"title": title, "rows": cutter.first(title.lower(), rows, MAX_ROWS), "changed": changed}


def _parameters(record: JsonObject) -> _Rows:
    for name, parameter in mapping(record.get("externalParameters")).items():
        yield clipped(str(name), 300), as_text(mapping(parameter).get("value"))


def _code(record: JsonObject) -> _Rows:
    definition = mapping(record.get("definition"))
    yield "definition", text(definition.get("sha256"))[:12]
    steps = objects(record.get("steps"))
    commits = [_commit(one) for step in steps for one in objects(step.get("code")) if one.get("commit")]
    if commits:
        yield "commit", ", ".join(dict.fromkeys(commits))
    for step in steps:
        name = text(step.get("step"))
        code = [_code_version(one) for one in objects(step.get("code")) if not one.get("commit") or one.get("sha256")]
        if code:
            yield f"code of {name}", ", ".join(dict.fromkeys(code))
        images = [text(one.get("digest"))[7:19] or text(one.get("uri")) for one in objects(step.get("images"))]
        if images:
            yield f"image of {name}", ", ".join(images)


def _commit(code: JsonObject) -> str:
    return text(code.get("commit"))[:12] + (" with uncommitted changes" if code.get("dirty") is True else "")


def _code_version(code: JsonObject) -> str:
    version = next((text(code.get(key))[:12] for key in ("sha256", "version") if code.get(key)), "")
    return version or text(code.get("uri"))


def _inputs(record: JsonObject) -> _Rows:
    for item in objects(record.get("resolvedDependencies")):
        notes, digest = mapping(item.get("annotations")), mapping(item.get("digest"))
        if notes.get("role") != "input":
            continue
        identity = next((text(value) for value in (notes.get("version"), notes.get("etag")) if text(value)), "")
        identity = identity or next((text(value) for value in digest.values()), "") or text(notes.get("problem"))
        objects_, size = number(notes.get("objects")), number(notes.get("bytes"))
        details = [identity.strip('"')[:12]]
        details += [f"{objects_:,.0f} object{'s' if objects_ != 1 else ''}"] if objects_ is not None else []
        details += [f"{size:,.0f} bytes"] if size is not None else []
        yield text(item.get("name")) or text(item.get("uri")), ", ".join(part for part in details if part)


def _metrics(record: JsonObject) -> _Rows:
    try:
        summary: Mapping[str, Json] = cast("Mapping[str, Json]", summary_of(cast("RecordDocument", record)))
    except (LookupError, TypeError, AttributeError, ValueError):  # not sealed, or older
        summary = {}
    for verdict in verdicts_of(summary):
        yield f"verdict of {verdict['step']}", verdict["word"]
        for rule in verdict["rules"]:
            value = short(number(rule.get("candidate")))
            yield (
                f"{metric_title(text(rule.get('metric')))} in {verdict['step']}",
                "" if value is None else f"{value:g}",
            )
    for step in objects(record.get("steps")):
        for name, measured in mapping(step.get("metrics")).items():
            value = short(number(measured))
            yield f"{name} of {text(step.get('step'))}", as_text(measured) if value is None else f"{value:g}"


def _results(record: JsonObject) -> _Rows:
    for step in objects(record.get("steps")):
        status, cache = text(step.get("status")), mapping(step.get("cache")).get("result")
        if status not in ("NotTaken", ""):
            yield text(step.get("step")), f"{status} (from the cache)" if cache == "hit" else status


def _cost(record: JsonObject) -> _Rows:
    totals = mapping(record.get("totals"))
    cost = mapping(totals.get("cost"))
    if (amount := number(cost.get("amount"))) is not None:
        yield "cost", f"{amount:.4g} {text(cost.get('currency'))}"
    for key, name in (("seconds", "seconds"), ("billable_seconds", "billable seconds"), ("saved_seconds", "saved")):
        if (value := number(totals.get(key))) is not None:
            yield name, f"{value:,.0f}"
    for key, name in (("jobs_started", "jobs"), ("cached", "steps from the cache")):
        if (value := number(totals.get(key))) is not None:
            yield name, f"{value:,.0f}"


_SECTIONS: Iterable[tuple[str, Callable[[JsonObject], _Rows]]] = (
    ("Parameters", _parameters),
    ("Code", _code),
    ("Inputs", _inputs),
    ("Results", _results),
    ("Metrics", _metrics),
    ("Cost", _cost),
)
