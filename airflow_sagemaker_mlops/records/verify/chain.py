"""Whether all records of a DAG are as they were sealed, and none is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..model.errors import NoSuchRecord, RecordError
from ..seal.amendments import read_amendments
from ..seal.hash_chain import heads_are_damaged, heads_of, read_heads, rewrite_heads
from ..seal.sealed import belongs_to, hash_of, parse_record, previous_of, record_name
from ..store.index import READERS, Index, Summary, read_index, rebuild, summary_of
from ..store.keys import (
    amendments_prefix,
    heads_key,
    is_laid_out,
    name_of,
    record_key,
    records_prefix,
    segment,
)
from ..store.protocol import Store, address
from ..store.reader import dags_of
from .contents import contents
from .finding import Finding
from .outside import Evidence, against

UNNAMED = (
    "its record lies there and nothing names it: no other record, not the index, not the end of the chain. Its sealing "
    "was interrupted, which clearing the run's last task finishes, or somebody put it there."
)
STRANGE = "is no part of the records: somebody put it there."


@dataclass(frozen=True, slots=True)
class Verified:
    """How many records were read, and what was found."""

    records: int
    findings: tuple[Finding, ...]

    @property
    def is_good(self) -> bool:
        """Whether every record is as it was."""
        return all(finding.harmless for finding in self.findings)


def verify(store: Store, dag_id: str, evidence: Evidence | None = None) -> Verified:
    """Read every record of a DAG: hashes, the chain, what the index says, and what records keep beside themselves.

    No hash chain can show what somebody did who may write all of it: forge the history anew, or take its end away.
    ``evidence`` from elsewhere can.  Raises :class:`NoSuchRecord` where there is nothing to verify.
    """
    good, findings = _read_all(store, dag_id)
    if not good and not findings and dag_id not in dags_of(store):
        raise NoSuchRecord(f'there is nothing of DAG "{dag_id}" at {store.base}.')
    bad = {finding.run_id for finding in findings}
    index = read_index(store, dag_id)
    findings += _chain(good, bad)
    findings += against(store, dag_id, good, bad, evidence or Evidence())
    findings += _against_index(store, dag_id, good, bad, index)
    findings += _heads(store, dag_id, good, bad, index)
    findings += contents(store, dag_id, good)
    findings += _amendments(store, dag_id, good, bad)
    findings += _strangers(store, dag_id)
    return Verified(len(good) + len(bad), tuple(dict.fromkeys(findings)))


def rebuild_index(store: Store, dag_id: str) -> int:
    """Make index and heads of a DAG anew out of its records; damaged ones are left out.  How many were read."""
    good, _ = _read_all(store, dag_id)
    summaries = {run_id: summary_of(document) for run_id, document in good.items()}
    rebuild(store, dag_id, summaries.values())
    rewrite_heads(store, dag_id, summaries)
    return len(summaries)


def _read_all(store: Store, dag_id: str) -> tuple[dict[str, dict[str, Any]], list[Finding]]:
    keys = [key for key in store.keys(records_prefix(dag_id)) if is_laid_out(dag_id, key)]

    def read(key: str) -> dict[str, Any] | Finding:
        named = name_of(key.rpartition("/")[2].removesuffix(".json"))
        found = store.read(key)
        if found is None:
            return Finding(named, "it went away while it was read.")
        try:
            document = parse_record(found.data, address(store, key))
            run_id = record_name(document["run"])
            belongs_to(document, dag_id, run_id if record_key(dag_id, run_id) == key else named, address(store, key))
        except RecordError as error:
            return Finding(named, str(error))
        return document

    with ThreadPoolExecutor(max_workers=READERS) as readers:
        results = list(readers.map(read, keys))
    good = {record_name(result["run"]): result for result in results if isinstance(result, dict)}
    return good, [result for result in results if isinstance(result, Finding)]


def _chain(good: Mapping[str, Mapping[str, Any]], bad: set[str]) -> Iterator[Finding]:
    for run_id, document in good.items():
        for link in previous_of(document):
            if link.run_id in bad:
                continue
            if link.run_id not in good:
                yield Finding(link.run_id, f'its record is missing: run "{run_id}" names it as the one before.')
            elif hash_of(good[link.run_id]) != link.sha256:
                what = f'its record was replaced by another one: run "{run_id}" names hash {link.sha256[:12]}…'
                yield Finding(link.run_id, f"{what}, it has {hash_of(good[link.run_id])[:12]}….")


def _against_index(
    store: Store, dag_id: str, good: Mapping[str, Mapping[str, Any]], bad: set[str], index: Index
) -> Iterator[Finding]:
    for run_id, summary in index.summaries.items():
        if run_id in bad:
            continue
        if run_id not in good:
            yield Finding(run_id, "its record is missing: the index has it.")
        elif hash_of(good[run_id]) != summary["sha256"]:
            yield Finding(run_id, "its record was replaced by another one: the index has another hash.")
        elif _contradicts(summary, summary_of(good[run_id])):
            yield Finding(run_id, "the index says something else of it; build the index again.", harmless=True)
    for run_id in sorted(good.keys() - index.summaries.keys()):
        yield Finding(run_id, "the index does not have it; build the index again.", harmless=True)
    if heads_are_damaged(store, dag_id):
        where = address(store, heads_key(dag_id))
        yield Finding("", f"{where} is damaged; the index was read in its place. Build the index again.", harmless=True)
    for key in index.damaged:
        yield Finding("", f"index object {key} is damaged; build the index again.", harmless=True)


def _amendments(store: Store, dag_id: str, good: Mapping[str, Mapping[str, Any]], bad: set[str]) -> Iterator[Finding]:
    prefix = amendments_prefix(dag_id)
    amended = {key.removeprefix(prefix).partition("/")[0] for key in store.keys(prefix)}
    for run in sorted(amended - {segment(run_id) for run_id in (*good, *bad)}):
        yield Finding(name_of(run), "there is an amendment to its record, and no record.")
    for run_id, document in good.items():
        if segment(run_id) in amended:
            try:
                read_amendments(store, document)
            except RecordError as error:
                yield Finding(run_id, str(error))


def _strangers(store: Store, dag_id: str) -> Iterator[Finding]:
    """Whatever lies below the DAG and is not of this package; nothing where all of it is not, for that is no DAG."""
    strange = {key: not is_laid_out(dag_id, key) for key in store.keys(f"{segment(dag_id)}/")}
    if not all(strange.values()):
        yield from (Finding("", f"{address(store, key)} {STRANGE}") for key in strange if strange[key])


def _contradicts(summary: Summary, right: Summary) -> bool:
    """Whether an index entry, perhaps of an older version with fewer members, is not what the record says."""
    return any(right.get(key) != value for key, value in summary.items() if key in right)


def _heads(
    store: Store, dag_id: str, good: Mapping[str, Mapping[str, Any]], bad: set[str], index: Index
) -> Iterator[Finding]:
    summaries: dict[str, Summary] = {run_id: summary_of(document) for run_id, document in good.items()}
    for link in read_heads(store, dag_id).links:
        if link.run_id not in good and link.run_id not in bad and link.run_id not in index.summaries:
            yield Finding(link.run_id, "its record is missing: it is named as the latest.")
        elif link.run_id in good and hash_of(good[link.run_id]) != link.sha256:
            yield Finding(link.run_id, "its record was replaced by another one: the end of the chain has another hash.")
    named = {link.run_id for link in read_heads(store, dag_id).links}
    for link in heads_of(summaries.values()):
        if link.run_id in named or bad:
            continue
        if link.run_id in index.summaries:
            what = "no later record names it, and the end of the chain does not either; build the index again."
            yield Finding(link.run_id, what, harmless=True)
        else:
            yield Finding(link.run_id, UNNAMED)
