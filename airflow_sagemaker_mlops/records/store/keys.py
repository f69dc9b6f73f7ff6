"""Where things lie under a base location.

``<dag>/records/<run>.json``             the record, written once
``<dag>/fragments/<run>/<step>.json``    steps of a run, also while it is on
``<dag>/starts/<run>.json``              what a run of the command line began with, see ``unfinished``
``<dag>/sources/<run>.json``             which run a run of a part takes results from, see ``pinned``
``<dag>/index/<level>/<name>.json``      what ``list`` reads, see ``index``
``<dag>/heads.json``                     ends of the hash chain, see ``chain``
``<dag>/amendments/<run>/<n>.json``      approvals given after the record was sealed, each written once
``<dag>/signatures/<run>/<hash>.json``  the signature of a record or amendment, where a key is given
``<dag>/cache/<step>/<key>.json``        latest success of a step under a cache key
``<dag>/definitions/<sha256>.json``      definitions, requests too large for a record, and listings of inputs, each
``<dag>/requests/<sha256>.json``         under the hash of its content
``<dag>/listings/<sha256>.tsv``
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote, unquote

LONGEST = 200  # of a name; file systems take 255 bytes
_NAME = r"(?!\.)[A-Za-z0-9_.~:+@=%-]+"  # as ``segment`` makes it
_LAID_OUT = re.compile(
    rf"heads\.json|(?:records|starts|sources)/{_NAME}\.json|(?:fragments|signatures|cache)/{_NAME}/{_NAME}\.json"
    rf"|index/[0-9]+/{_NAME}\.json|amendments/{_NAME}/[0-9]+\.json"
    r"|(?:definitions|requests)/[0-9a-f]{64}\.json|listings/[0-9a-f]{64}\.tsv"
)


def segment(name: str) -> str:
    """``name`` as one segment of a key, readable and unique: ``manual__2026-01-01T00:00:00+00:00`` stays as it is."""
    plain = quote(name, safe="-_~:+@=.")
    if plain.startswith("."):
        plain = "%2E" + plain[1:]
    if len(plain) <= LONGEST:
        return plain
    return f"{plain[: LONGEST - 65]}-{hashlib.sha256(name.encode()).hexdigest()}"


def is_laid_out(dag_id: str, key: str) -> bool:
    """Whether something of this package's can lie at ``key``, which is below the DAG."""
    return _LAID_OUT.fullmatch(key.removeprefix(f"{segment(dag_id)}/")) is not None


def name_of(part: str) -> str:
    """The name that became ``part``; cut when it was too long."""
    return unquote(part)


def record_key(dag_id: str, run_id: str) -> str:
    """Key of a run's record."""
    return f"{records_prefix(dag_id)}{segment(run_id)}.json"


def records_prefix(dag_id: str) -> str:
    """What the keys of all records of a DAG begin with."""
    return f"{segment(dag_id)}/records/"


def step_record_key(dag_id: str, run_id: str, step: str) -> str:
    """Key of a step record."""
    return f"{step_records_prefix(dag_id, run_id)}{segment(step)}.json"


def step_records_prefix(dag_id: str, run_id: str) -> str:
    """What the keys of all step records of a run begin with."""
    return f"{segment(dag_id)}/fragments/{segment(run_id)}/"


def starts_prefix(dag_id: str) -> str:
    """What the keys of all notes about starts begin with."""
    return f"{segment(dag_id)}/starts/"


def start_key(dag_id: str, run_id: str) -> str:
    """Key of the note about the start of a run."""
    return f"{starts_prefix(dag_id)}{segment(run_id)}.json"


def source_key(dag_id: str, run_id: str) -> str:
    """Key of the note which run ``run_id`` takes results from."""
    return f"{segment(dag_id)}/sources/{segment(run_id)}.json"


def index_prefix(dag_id: str) -> str:
    """What the keys of all index objects of a DAG begin with."""
    return f"{segment(dag_id)}/index/"


def heads_key(dag_id: str) -> str:
    """Key of the ends of the chain."""
    return f"{segment(dag_id)}/heads.json"


def amendments_prefix(dag_id: str, run_id: str = "") -> str:
    """What the keys of all amendments of a record begin with; of all of a DAG without a run."""
    return f"{segment(dag_id)}/amendments/{segment(run_id) + '/' if run_id else ''}"


def signature_key(dag_id: str, run_id: str, sha256: str) -> str:
    """Key of the signature of what was sealed with ``sha256`` for a run."""
    return f"{segment(dag_id)}/signatures/{segment(run_id)}/{sha256}.json"


def cache_key_of(dag_id: str, step: str, key: str) -> str:
    """Key of the cache entry of a step."""
    return f"{segment(dag_id)}/cache/{segment(step)}/{key}.json"


def content_key(dag_id: str, kind: str, sha256: str, ending: str = "json") -> str:
    """Key of what is stored under its own hash; ``kind`` is definitions, requests or listings."""
    return f"{content_prefix(dag_id, kind)}{sha256}.{ending}"


def content_prefix(dag_id: str, kind: str) -> str:
    """What the keys of everything of this kind begin with."""
    return f"{segment(dag_id)}/{kind}/"
