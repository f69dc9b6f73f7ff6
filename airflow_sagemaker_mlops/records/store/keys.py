"""The keys of stored objects below a base location.

``<dag>/records/<run>.json``             the record, written once
``<dag>/fragments/<run>/<step>.json``    step records, written during the run
``<dag>/starts/<run>.json``              how a command-line run started, see ``unfinished_runs``
``<dag>/sources/<run>.json``             source run of a selective run, see ``reuse``
``<dag>/index/<level>/<name>.json``      summaries for ``list``, see ``index``
``<dag>/heads.json``                     heads of the hash chain, see ``seal.hash_chain``
``<dag>/amendments/<run>/<n>.json``      approvals given after the record was sealed, each written once
``<dag>/signatures/<run>/<hash>.json``  signature of a record or amendment, if a key is configured
``<dag>/cache/<step>/<key>.json``        latest success of a step under a cache key
``<dag>/definitions/<sha256>.json``      definitions, requests too large for a record, and listings of inputs,
``<dag>/requests/<sha256>.json``         each named by the hash of its content
``<dag>/listings/<sha256>.tsv``
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote, unquote

LONGEST = 200  # characters of a name; file systems allow 255 bytes
_NAME = r"(?!\.)[A-Za-z0-9_.~:+@=%-]+"  # as ``segment`` returns it
_LAID_OUT = re.compile(
    rf"heads\.json|(?:records|starts|sources)/{_NAME}\.json|(?:fragments|signatures|cache)/{_NAME}/{_NAME}\.json"
    rf"|index/[0-9]+/{_NAME}\.json|amendments/{_NAME}/[0-9]+\.json"
    r"|(?:definitions|requests)/[0-9a-f]{64}\.json|listings/[0-9a-f]{64}\.tsv"
)


def segment(name: str) -> str:
    """``name`` as one segment of a key, readable and unique; ``manual__2026-01-01T00:00:00+00:00`` is unchanged."""
    plain = quote(name, safe="-_~:+@=.")
    if plain.startswith("."):
        plain = "%2E" + plain[1:]
    if len(plain) <= LONGEST:
        return plain
    return f"{plain[: LONGEST - 65]}-{hashlib.sha256(name.encode()).hexdigest()}"


def is_laid_out(dag_id: str, key: str) -> bool:
    """Whether this package can have written ``key``, a key below the DAG."""
    return _LAID_OUT.fullmatch(key.removeprefix(f"{segment(dag_id)}/")) is not None


def name_of(part: str) -> str:
    """The name behind the segment ``part``; truncated if it was too long."""
    return unquote(part)


def record_key(dag_id: str, run_id: str) -> str:
    """Key of a run's record."""
    return f"{records_prefix(dag_id)}{segment(run_id)}.json"


def records_prefix(dag_id: str) -> str:
    """Prefix of all records of a DAG."""
    return f"{segment(dag_id)}/records/"


def step_record_key(dag_id: str, run_id: str, step: str) -> str:
    """Key of a step record."""
    return f"{step_records_prefix(dag_id, run_id)}{segment(step)}.json"


def step_records_prefix(dag_id: str, run_id: str) -> str:
    """Prefix of all step records of a run."""
    return f"{segment(dag_id)}/fragments/{segment(run_id)}/"


def starts_prefix(dag_id: str) -> str:
    """Prefix of all start notes of a DAG."""
    return f"{segment(dag_id)}/starts/"


def start_key(dag_id: str, run_id: str) -> str:
    """Key of a run's start note."""
    return f"{starts_prefix(dag_id)}{segment(run_id)}.json"


def source_key(dag_id: str, run_id: str) -> str:
    """Key of the note that holds the source run of ``run_id``."""
    return f"{segment(dag_id)}/sources/{segment(run_id)}.json"


def index_prefix(dag_id: str) -> str:
    """Prefix of all index objects of a DAG."""
    return f"{segment(dag_id)}/index/"


def heads_key(dag_id: str) -> str:
    """Key of the heads of the hash chain."""
    return f"{segment(dag_id)}/heads.json"


def amendments_prefix(dag_id: str, run_id: str = "") -> str:
    """Prefix of all amendments of a record; of all records of the DAG if ``run_id`` is omitted."""
    return f"{segment(dag_id)}/amendments/{segment(run_id) + '/' if run_id else ''}"


def signature_key(dag_id: str, run_id: str, sha256: str) -> str:
    """Key of the signature of a run's document whose seal is ``sha256``."""
    return f"{segment(dag_id)}/signatures/{segment(run_id)}/{sha256}.json"


def cache_key_of(dag_id: str, step: str, key: str) -> str:
    """Key of the cache entry of a step."""
    return f"{segment(dag_id)}/cache/{segment(step)}/{key}.json"


def content_key(dag_id: str, kind: str, sha256: str, ending: str = "json") -> str:
    """Key of an object named by its own hash; ``kind`` is definitions, requests or listings."""
    return f"{content_prefix(dag_id, kind)}{sha256}.{ending}"


def content_prefix(dag_id: str, kind: str) -> str:
    """Prefix of all objects of this kind."""
    return f"{segment(dag_id)}/{kind}/"
