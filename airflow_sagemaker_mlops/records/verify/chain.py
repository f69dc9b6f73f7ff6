"""Checks that all records of a DAG are unchanged since they were sealed, and that none is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..model.documents import RecordDocument
from ..model.errors import NoSuchRecord, RecordError
from ..seal.amendments import read_amendments
from ..seal.hash_chain import heads_are_damaged, heads_of, read_heads, rewrite_heads
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
from ..store.sealed import belongs_to, hash_of, parse_record, previous_of, record_name
from .contents import contents
from .finding import Finding
from .outside import Evidence, against

UNNAMED = (
    "its record exists, but nothing refers to it: no other record, not the index, not the heads of the chain. Either "
    "its sealing was interrupted (clear the run's last task to finish it), or somebody added it."
)
STRANGE = "does not belong to the records: somebody added it."


@dataclass(frozen=True, slots=True)
class Verified:
    """The number of records read, and the findings."""

    records: int
    findings: tuple[Finding, ...]

    @property
    def is_good(self) -> bool:
        """Whether every record is unchanged."""
        return all(finding.harmless for finding in self.findings)


def verify(store: Store, dag_id: str, evidence: Evidence | None = None) -> Verified:
    """Check every record of a DAG: hashes, chain, index, amendments, and separately stored contents.

    A hash chain cannot reveal a forger with write access to all of it, who can rewrite the history or delete its end.
    ``evidence`` from elsewhere can.  Raises :class:`NoSuchRecord` if there is nothing to verify.
    """
    good, findings = _read_all(store, dag_id)
    if not good and not findings and dag_id not in dags_of(store):
        raise NoSuchRecord(f'there are no records of DAG "{dag_id}" at {store.base}.')
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
    """Rebuild index and heads of a DAG from its undamaged records; returns the number of records read."""
    good, _ = _read_all(store, dag_id)
    summaries = {run_id: summary_of(document) for run_id, document in good.items()}
    rebuild(store, dag_id, summaries.values())
    rewrite_heads(store, dag_id, summaries)
    return len(summaries)


def _read_all(store: Store, dag_id: str) -> tuple[dict[str, RecordDocument], list[Finding]]:
    keys = [key for key in store.keys(records_prefix(dag_id)) if is_laid_out(dag_id, key)]

    def read(key: str) -> RecordDocument | Finding:
        named = name_of(key.rpartition("/")[2].removesuffix(".json"))
        found = store.read(key)
        if found is None:
            return Finding(named, "it was deleted while it was read.")
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


def _chain(good: Mapping[str, RecordDocument], bad: set[str]) -> Iterator[Finding]:
    for run_id, document in good.items():
        for link in previous_of(document):
            if link.run_id in bad:
                continue
            if link.run_id not in good:
                yield Finding(link.run_id, f'its record is missing: run "{run_id}" refers to it as the previous one.')
            elif hash_of(good[link.run_id]) != link.sha256:
                what = f'its record was replaced: run "{run_id}" refers to hash {link.sha256[:12]}…'
                yield Finding(link.run_id, f"{what}, it has {hash_of(good[link.run_id])[:12]}….")


def _against_index(
    store: Store, dag_id: str, good: Mapping[str, RecordDocument], bad: set[str], index: Index
) -> Iterator[Finding]:
    for run_id, summary in index.summaries.items():
        if run_id in bad:
            continue
        if run_id not in good:
            yield Finding(run_id, "its record is missing, but the index lists it.")
        elif hash_of(good[run_id]) != summary["sha256"]:
            yield Finding(run_id, "its record was replaced: the index has another hash.")
        elif _contradicts(summary, summary_of(good[run_id])):
            yield Finding(run_id, "the index entry contradicts the record; rebuild the index.", harmless=True)
    for run_id in sorted(good.keys() - index.summaries.keys()):
        yield Finding(run_id, "the index does not list it; rebuild the index.", harmless=True)
    if heads_are_damaged(store, dag_id):
        where = address(store, heads_key(dag_id))
        yield Finding("", f"{where} is damaged; the index was read instead. Rebuild the index.", harmless=True)
    for key in index.damaged:
        yield Finding("", f"index object {key} is damaged; rebuild the index.", harmless=True)


def _amendments(store: Store, dag_id: str, good: Mapping[str, RecordDocument], bad: set[str]) -> Iterator[Finding]:
    prefix = amendments_prefix(dag_id)
    amended = {key.removeprefix(prefix).partition("/")[0] for key in store.keys(prefix)}
    for run in sorted(amended - {segment(run_id) for run_id in (*good, *bad)}):
        yield Finding(name_of(run), "there is an amendment to its record, but no record.")
    for run_id, document in good.items():
        if segment(run_id) in amended:
            try:
                read_amendments(store, document)
            except RecordError as error:
                yield Finding(run_id, str(error))


def _strangers(store: Store, dag_id: str) -> Iterator[Finding]:
    """Objects below the DAG that this package did not write; none if all are foreign, because then it is not a DAG."""
    strange = {key: not is_laid_out(dag_id, key) for key in store.keys(f"{segment(dag_id)}/")}
    if not all(strange.values()):
        yield from (Finding("", f"{address(store, key)} {STRANGE}") for key in strange if strange[key])


def _contradicts(summary: Summary, right: Summary) -> bool:
    """Whether an index entry, perhaps of an older version with fewer members, contradicts the record."""
    return any(right.get(key) != value for key, value in summary.items() if key in right)


def _heads(
    store: Store, dag_id: str, good: Mapping[str, RecordDocument], bad: set[str], index: Index
) -> Iterator[Finding]:
    summaries: dict[str, Summary] = {run_id: summary_of(document) for run_id, document in good.items()}
    for link in read_heads(store, dag_id).links:
        if link.run_id not in good and link.run_id not in bad and link.run_id not in index.summaries:
            yield Finding(link.run_id, "its record is missing, but the heads of the chain list it.")
        elif link.run_id in good and hash_of(good[link.run_id]) != link.sha256:
            yield Finding(link.run_id, "its record was replaced: the heads of the chain have another hash.")
    named = {link.run_id for link in read_heads(store, dag_id).links}
    for link in heads_of(summaries.values()):
        if link.run_id in named or bad:
            continue
        if link.run_id in index.summaries:
            what = "neither a later record nor the heads of the chain refer to it; rebuild the index."
            yield Finding(link.run_id, what, harmless=True)
        else:
            yield Finding(link.run_id, UNNAMED)
