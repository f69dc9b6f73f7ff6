"""Records as tables and lines of text.  Text from users is never interpreted as markup or control codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...records.compare.json_diff import show, show_number
from ...records.model.documents import (
    AmendmentDocument,
    ApprovalDocument,
    CostDocument,
    RecordDocument,
    ResourceDocument,
    StepDocument,
    SummaryDocument,
)
from ...records.model.step_record import StepRecord
from ...records.model.timestamps import seconds_between
from ...records.store.reader import parameters_of_record
from ...records.store.sealed import record_name
from .terminal import Cell, say, say_about, say_styled, say_table


class ListedRecord(SummaryDocument):
    """A record of a list: its entry in the index, and its DAG."""

    dag_id: str


STYLES = {"Succeeded": "green", "Failed": "red", "Stopped": "yellow", "CompletedWithFailures": "yellow"}


def cell(value: object, style: str = "") -> Cell:
    """A table cell."""
    return "" if value is None else str(value), style


def print_list(summaries: Sequence[ListedRecord], base: str) -> None:
    """Print a line per record."""
    if not summaries:
        say(f"no records at {base}")
        return
    rows = [
        [
            cell(item["dag_id"]),
            cell(item["run_id"]),
            cell(item.get("status"), STYLES.get(str(item.get("status")), "")),
            cell(item.get("started", "")[:19]),
            cell(_seconds(item.get("seconds"))),
            cell(item.get("jobs_started", "")),
            cell(item.get("cached", "")),
            cell(_seconds(item.get("billable_seconds"))),
            cell(item.get("user") or item.get("trigger") or ""),
        ]
        for item in summaries
    ]
    heads = ("DAG", "Run", "Status", "Started", "Time", "Jobs", "Cached", "Billable", "By")
    _table(heads, rows, title=f"Records at {base}")


def print_record(record: RecordDocument, amendments: Sequence[AmendmentDocument] = ()) -> None:
    """Print the whole record in the order of an auditor's questions, and the amendments appended since."""
    run = record["run"]
    say_styled(f"{run['dag_id']}  {record_name(run)}: {run.get('status', '')}", "bold")
    _lines(_about(record))
    values = parameters_of_record(record)
    if values:
        given = record["externalParameters"]
        rows = [[cell(name), cell(show(value)), cell(given[name]["source"])] for name, value in values.items()]
        _table(("Parameter", "Value", "From"), rows)
    sources = record.get("resolvedDependencies", [])
    if sources:
        _table(("Read from outside", "What", "Fingerprint", "By"), [_source(item) for item in sources[:MAX_ROWS]])
        _rest(len(sources))
    children = sum("loop" in step for step in record["steps"])
    shown = record["steps"][: len(record["steps"]) - max(0, children - MAX_ROWS)]  # children stand last
    _table(("Step", "Type", "Status", "Time", "Cache", "Outcome"), [_step(step) for step in shown])
    _rest(children)
    for decision in record.get("decisions", []):
        say_about(decision["step"], decision["sentence"])
    for model in record.get("models", []):
        say_styled(f"model {model.get('arn', '')} ({model.get('approval_status', 'no status')})")
    for approval in record.get("approvals", []):
        say_styled(approved(approval))
    for amendment in amendments:
        say_styled(f"later: {approved(amendment['approval'])}")
    if "integrity" in record:
        links = ", ".join(link["run_id"] for link in record["integrity"]["previous"]) or "none, this is the first"
        say_styled(f"sha256 {record['integrity']['sha256']}; previous: {links}", "dim")


MAX_ROWS = 50


def approved(approval: ApprovalDocument) -> str:
    """An approval in words."""
    by = f" by {approval['user']}" if approval.get("user") else ""
    by = " by default, as nobody answered in time" if approval.get("by_default") else by
    at = f" at {approval['at']}" if approval.get("at") else ""
    comment = f": {approval['comment']}" if approval.get("comment") else ""
    index = approval.get("map_index")
    what = approval.get("model") or str(approval.get("task", "")) + (f"[{index}]" if index is not None else "")
    return f"{what} {approval.get('decision', '')}{by}{at}{comment}"


def _about(record: RecordDocument) -> Iterable[str]:
    run, totals, definition = record["run"], record.get("totals"), record.get("definition")
    who = run.get("user") or "nobody"
    if run.get("started"):
        yield f"started {run['started']}, ended {run.get('ended', '')}; {run.get('trigger') or 'run'} by {who}"
    if definition:
        yield f"definition {definition['source']} ({definition['source_kind']}), sha256 {definition['sha256']}"
    versions = ", ".join(f"{name} {version}" for name, version in record.get("versions", {}).items())
    bundle = f"; bundle {run['bundle_name']} {run.get('bundle_version', '')}" if run.get("bundle_name") else ""
    if versions or bundle:
        yield f"run by {versions}{bundle}"
    if totals:
        saved = f", {totals['saved_seconds']:.0f} s saved" if totals.get("saved_seconds") else ""
        yield (
            f"{totals['jobs_started']} jobs started, {totals['cached']} steps from the cache, "
            f"{totals['billable_seconds']:.0f} billable seconds{saved}{_cost(totals.get('cost'))}"
        )


def _cost(cost: CostDocument | None) -> str:
    if cost is None:
        return ""
    unpriced = f", without {', '.join(cost['unpriced'])}" if cost.get("unpriced") else ""
    return f"; cost {cost['amount']:.6g} {cost['currency']}{unpriced}"


def _source(item: ResourceDocument) -> list[Cell]:
    about = item.get("annotations", {})
    digest = next(iter(item.get("digest", {}).values()), "") or about.get("etag", "") or about.get("problem", "")
    count = f", {about['objects']} objects, {about['bytes']} bytes" if "objects" in about else ""
    role = about.get("role", item.get("name", ""))
    steps = ", ".join(about.get("steps", []))
    return [cell(item.get("uri", "")), cell(f"{role}{count}"), cell(digest[:16]), cell(steps)]


def _step(step: StepDocument) -> list[Cell]:
    took = seconds_between(step.get("started"), step.get("ended"))
    cache = step.get("cache", {})
    result = cache.get("result", "")
    from_run = f" ({cache['source_run']})" if result in ("hit", "reused") and cache.get("source_run") else ""
    return [
        cell(step["step"]),
        cell(step["type"]),
        cell(step["status"], STYLES.get(step["status"], "")),
        cell(_seconds(took)),
        cell(f"{'' if result == 'off' else result}{from_run}"),
        cell(_outcome(step)),
    ]


def _outcome(step: StepDocument) -> str:
    if step.get("failure_reason"):
        return show(step["failure_reason"])
    if step.get("metrics"):
        metrics = StepRecord.from_json(step).metrics
        return ", ".join(f"{name} {show_number(value, 4)}" for name, value in metrics.items())
    if verdict := (step.get("decision") or {}).get("Verdict"):
        return str(verdict)
    attempts = step.get("attempts") or [{}]
    return str(attempts[-1].get("name", ""))


def _seconds(value: float | None) -> str:
    return f"{value:.0f} s" if isinstance(value, int | float) else ""


def _lines(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


def _rest(count: int) -> None:
    if count > MAX_ROWS:
        say_styled(f"and {count - MAX_ROWS} more; --format json has all", "dim")


def _table(heads: Sequence[str], rows: Sequence[Sequence[Cell]], title: str = "") -> None:
    say_table(heads, rows, title, right=("Time", "Jobs", "Billable"))
