"""``records …`` and ``why-not-cached``: find stores and runs, and print the answers of the room ``records``.

Exit codes: 0; 1 if a record could not be read or is not intact; 2 for unusable arguments.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from ..definition.problems import did_you_mean
from ..records.model.errors import NoSuchRecord, RecordError
from ..records.model.step_record import StepRecord
from ..records.model.timestamps import moment
from ..records.seal.amendments import read_amendments
from ..records.store.index import read_index
from ..records.store.listing import read_listing
from ..records.store.protocol import Store
from ..records.store.reader import dags_of, read_record, run_named, steps_of
from ..records.store.sealed import record_name
from ..runs.clients import visited
from ..runs.errors import RunError
from ..runs.records_location import RecordsLocation
from .option_names import in_options
from .output import records_text as text
from .output.terminal import say, say_json, write_out

if TYPE_CHECKING:
    from ..records.model.documents import RecordDocument, RunDocument
    from .verifying import VerifyOptions

Words = ParamSpec("Words")
MAX_SEARCHED = 100  # records that are read to find the last success of a step


def printing_errors(
    work: Callable[Concatenate[Store, Words], int],
) -> Callable[Concatenate[RecordsLocation, Words], int]:
    """Wrap ``work``: open the store, and print every error to standard error."""

    @functools.wraps(work)
    def run(place: RecordsLocation, /, *args: Words.args, **options: Words.kwargs) -> int:
        output = options.get("output", "text")
        if output not in ("text", "json"):
            say(f'--format is "{output}"; use text or json.', err=True)
            return 2
        try:
            with visited(place.state_dir) if place.is_in_local_aws else nullcontext():
                return work(place.open(), *args, **options)
        except RunError as error:
            say(in_options(error), err=True)
            return 2
        except RecordError as error:
            say(str(error), err=True)
        except Exception as error:
            if not type(error).__module__.startswith("botocore"):
                raise
            say(f"AWS cannot be reached: {error}", err=True)
        return 1

    return run


@printing_errors
def list_records(store: Store, dag: str | None, *, limit: int, output: str) -> int:
    """Print the newest records of one DAG or all DAGs; exit code."""
    dags = [_known_dag(store, dag)] if dag is not None else dags_of(store)
    found: list[text.ListedRecord] = []
    for dag_id in dags:
        index = read_index(store, dag_id)
        found += [{"dag_id": dag_id, **summary} for summary in index.newest(limit or None)]
        if index.damaged:
            what = f"{len(index.damaged)} damaged index objects, so records may be missing here"
            way_out = f"sagemaker-mlops records verify {dag_id} --rebuild-index rebuilds the index"
            say(f"{dag_id}: {what}. {way_out}.", err=True)
    newest = sorted(found, key=lambda summary: moment(summary.get("started")), reverse=True)[: limit or None]
    if output == "json":
        _print_json(newest)
    else:
        text.print_list(newest, store.base)
    return 0


@printing_errors
def show_record(
    store: Store,
    dag: str | None,
    run: str,
    *,
    step: str | None,
    output: str,
    html: Path | None,
    log_of: Callable[[StepRecord], Iterable[str]],
    console: bool,
) -> int:
    """Print one record, or what an unfinished run has recorded so far, or write its report; exit code.

    :param log_of: the log lines of a step's job, for the report
    :param console: whether the report links to the AWS console
    """
    dag_id, name = dag_and_run(store, dag, run)
    try:
        document = read_record(store, dag_id, run_named(store, dag_id, name))
    except NoSuchRecord:
        document = _unfinished(store, dag_id, name)
        say(f'run "{name}" has no record yet: it is still running, or its record was never sealed.', err=True)
    steps = steps_of(store, document)
    amendments = read_amendments(store, document) if "integrity" in document else []
    if html is not None:
        from .html_reports import write_run

        return write_run(store, document, steps, amendments=amendments, log_of=log_of, console=console, out=html)
    if step is not None:
        _print_json(_step(steps, step).as_json())
    elif output == "json":
        _print_json({**document, "amendments": amendments} if amendments else document)
    else:
        text.print_record(document, amendments)
    return 0


@printing_errors
def note_approvals(
    store: Store,
    dag: str | None,
    run: str,
    *,
    client: Callable[[str], Any],
    sign_key: str | None = None,
    output: str = "text",
) -> int:
    """Append the decisions made about a run's models since it ended; exit code."""
    from ..records.seal.signing import open_signer
    from .approvals import note_approvals as note

    dag_id, name = dag_and_run(store, dag, run)
    signer = open_signer(sign_key, lambda: client("kms")) if sign_key else None
    record = read_record(store, dag_id, run_named(store, dag_id, name))
    return note(store, record, lambda: client("sagemaker"), signer, output=output)


@printing_errors
def show_changes(store: Store, dag: str | None, old: str, new: str, *, output: str, html: Path | None = None) -> int:
    """Print what changed between two runs, or write a report of it; exit code."""
    from ..records.compare.runs import diff

    (old_dag, old_name), (new_dag, new_name) = (dag_and_run(store, dag, name) for name in (old, new))
    before = read_record(store, old_dag, run_named(store, old_dag, old_name))
    after = read_record(store, new_dag, run_named(store, new_dag, new_name))
    old_steps, new_steps = steps_of(store, before), steps_of(store, after)
    phrases = diff(
        before,
        after,
        old_steps=old_steps,
        new_steps=new_steps,
        listing_of=lambda sha256: read_listing(store, old_dag, sha256) or read_listing(store, new_dag, sha256),
    )
    if html is not None:
        from .html_reports import write_comparison

        return write_comparison([(before, old_steps), (after, new_steps)], phrases, out=html)
    if output == "json":
        _print_json({"old": before["run"], "new": after["run"], "changes": phrases})
    else:
        say(f"{record_name(before['run'])} -> {record_name(after['run'])}")
        for phrase in phrases:
            say(f"  {phrase}")
    return 0


@printing_errors
def verify_records(store: Store, dag: str | None, wanted: VerifyOptions, *, rebuild: bool, output: str) -> int:
    """Print what is wrong with the records; exit code 1 if a record is altered or missing, or if there are none."""
    from ..records.verify.chain import Verified, rebuild_index, verify

    found = []
    # If all records are gone, let --expect report them: its message names each one.
    dags = [dag if wanted.expect else _known_dag(store, dag)] if dag is not None else dags_of(store)
    for dag_id, evidence in wanted.evidence(dags, store.base).items():
        verified = verify(store, dag_id, evidence)
        if rebuild:
            # A record hidden by the new index because nothing had named it is reported only once.
            serious = [finding for finding in verified.findings if not finding.harmless]
            rebuild_index(store, dag_id)
            after = verify(store, dag_id, evidence)
            verified = Verified(after.records, tuple(dict.fromkeys([*serious, *after.findings])))
        found.append((dag_id, verified))
    if not any(verified.records or verified.findings for _, verified in found):
        raise NoSuchRecord(f"there are no records at {store.base}, so nothing was verified. Check the location.")
    good = all(verified.is_good for _, verified in found)
    if output == "json":
        _print_json(
            [
                {
                    "dag_id": dag_id,
                    "records": verified.records,
                    "intact": verified.is_good,
                    "findings": [
                        {"run_id": f.run_id, "what": f.what, "harmless": f.harmless} for f in verified.findings
                    ],
                }
                for dag_id, verified in found
            ]
        )
        return 0 if good else 1
    for dag_id, verified in found:
        word = "intact" if verified.is_good else "NOT intact"
        say(f"{dag_id}: {verified.records} records, {word}")
        for finding in verified.findings:
            named = f"run {finding.run_id}: " if finding.run_id else ""
            say(f"  {'note: ' if finding.harmless else ''}{named}{finding.what}")
    return 0 if good else 1


def export_records(place: RecordsLocation, dag: str | None, runs: list[str], *, form: str, out: Path | None) -> int:
    """Write records in another form; exit code."""
    if form not in ("slsa", "openlineage", "csv"):
        say(f'--format is "{form}"; use slsa, openlineage or csv.', err=True)
        return 2
    return _export(place, dag, runs, form, out)


@printing_errors
def _export(store: Store, dag: str | None, runs: list[str], form: str, out: Path | None) -> int:
    from ..records.export.csv_rows import rows
    from ..records.export.openlineage import events
    from ..records.export.slsa import statement
    from ..records.store.keys import record_key
    from ..records.store.protocol import address

    named = [dag_and_run(store, dag, run) for run in runs]
    records = [read_record(store, dag_id, run_named(store, dag_id, name)) for dag_id, name in named]
    match form:
        case "csv":
            written = rows(records)
        case "slsa":
            made = [
                statement(r, address(store, record_key(r["run"]["dag_id"], record_name(r["run"])))) for r in records
            ]
            written = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in made)
        case _:
            exported = (
                event
                for r in records
                for event in events(r, uri=address(store, record_key(r["run"]["dag_id"], record_name(r["run"]))))
            )
            written = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in exported)
    return write_out(written, out)


@printing_errors
def explain_cache(store: Store, dag: str, step: str, *, run: str, against: str | None, output: str) -> int:
    """Print why a step did not use the cache; exit code."""
    from ..records.cache.why_not import why_not_cached

    dag_id = _known_dag(store, dag)
    current = read_record(store, dag_id, run_named(store, dag_id, run))
    step_record = _step(steps_of(store, current), step)
    if against is not None:
        earlier = read_record(store, dag_id, run_named(store, dag_id, against))
        before: tuple[str, StepRecord] | None = (record_name(earlier["run"]), _step(steps_of(store, earlier), step))
    else:
        before = _last_success(store, dag_id, step, current)
    listed = functools.partial(read_listing, store, dag_id)
    sentences = why_not_cached(before[1] if before else None, step_record, listed)
    if output == "json":
        compared = before[0] if before else None
        said = {"dag_id": dag_id, "step": step, "run": record_name(current["run"]), "compared_with": compared}
        _print_json({**said, "because": sentences})
        return 0
    compared = f", compared with {before[0]}" if before else ""
    say(f"{step} in run {record_name(current['run'])}{compared}:")
    for sentence in sentences:
        say(f"  {sentence}")
    return 0


def _last_success(store: Store, dag_id: str, step: str, current: RecordDocument) -> tuple[str, StepRecord] | None:
    """The run before ``current`` in which the step itself ran and succeeded, and its record."""
    started = moment(current["run"].get("started"))
    older = [s for s in read_index(store, dag_id).newest() if moment(s.get("started")) < started]
    for summary in older[:MAX_SEARCHED]:
        try:
            step_record = steps_of(store, read_record(store, dag_id, str(summary["run_id"]))).get(step)
        except RecordError as error:  # altered, or of an older schema, so unusable for this comparison
            say(f"skipped: {error}", err=True)
            continue
        taken = (
            step_record is not None and step_record.cache is not None and step_record.cache.result in ("hit", "reused")
        )
        if step_record is not None and step_record.status == "Succeeded" and not taken:
            return str(summary["run_id"]), step_record
    return None


def _unfinished(store: Store, dag_id: str, run_id: str) -> RecordDocument:
    """What an unfinished run has recorded, shaped like a record.  Raises :class:`NoSuchRecord` if it has nothing."""
    from ..records.seal.seal import read_step_records

    step_records = read_step_records(store, dag_id, run_id)
    if not step_records:
        run_named(store, dag_id, run_id)  # raises an error that names similar runs
    run: RunDocument = {"dag_id": dag_id, "run_id": run_id, "status": "Executing"}
    return {"run": run, "steps": [step_record.as_json() for step_record in step_records]}


def _step(steps: Mapping[str, StepRecord], name: str) -> StepRecord:
    if name not in steps:
        raise NoSuchRecord(f'the run has no step "{name}". {did_you_mean(name, steps)}'.strip())
    return steps[name]


def _known_dag(store: Store, dag: str) -> str:
    dags = dags_of(store)
    if dag not in dags:
        raise NoSuchRecord(f'there are no records of DAG "{dag}" at {store.base}. {did_you_mean(dag, dags)}'.strip())
    return dag


def dag_and_run(store: Store, dag: str | None, run: str) -> tuple[str, str]:
    """DAG and run from the arguments: ``--dag`` and run, ``dag/run``, or only a run if there is one DAG."""
    if dag is not None:
        return _known_dag(store, dag), run
    dags = dags_of(store)
    before, separator, after = run.partition("/")
    if separator and before in dags:
        return before, after or "latest"
    if len(dags) == 1:
        return dags[0], run
    if not dags:
        raise NoSuchRecord(f"there are no records at {store.base}.")
    which = did_you_mean("", dags)
    raise NoSuchRecord(f"there are records of {len(dags)} DAGs at {store.base}: add --dag. {which}".strip())


def _print_json(value: object) -> None:
    say_json(value)
