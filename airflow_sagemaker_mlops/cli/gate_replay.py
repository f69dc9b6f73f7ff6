"""``gate replay``: judges the candidates in the run records by other rules."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..definition.champion_gate import DEFAULT_NO_CHAMPION, INPUT
from ..definition.step_types import CHAMPION_GATE
from ..gate.job import read_values
from ..gate.problems import BadPredictions
from ..gate.replay import PastCandidate, Replayed, replay
from ..gate.rules import VALUES_FILE
from ..paths import UnsafePath, inside
from ..records.model.errors import RecordError
from ..records.model.timestamps import moment
from ..records.store.index import read_index
from ..records.store.protocol import Store
from ..records.store.reader import dags_of, read_record
from ..runs.records_location import RecordsLocation
from ..s3 import S3Client, pages, split_uri
from .gate import BAD_INPUT, read_rules
from .output.terminal import say, say_json
from .records import printing_errors
from .rule_files import Refused

if TYPE_CHECKING:
    from ..json_types import AwsShape
    from ..records.model.documents import RecordDocument, StepDocument

MAX_BYTES = 2_000_000_000  # of one candidate's predictions


@dataclass(frozen=True)
class Candidate:
    """A gate that ran, as its run record describes it.

    predictions   S3 URI of the folder
    no_champion   the verdict for a missing champion; ``None`` if there was a champion
    """

    name: str
    started: str
    predictions: str
    before: str
    no_champion: str | None


@printing_errors
def replay_group(
    store: Store, place: RecordsLocation, group: str, rules: Path, *, dag: str | None, limit: int, output: str
) -> int:
    """Judge the recorded candidates of ``group`` by other rules; return the exit code."""
    try:
        parsed = read_rules(rules)
    except Refused as error:
        say(error, err=True)
        return BAD_INPUT
    found = sorted(_candidates(store, group, dag), key=lambda one: moment(one.started))[-limit or None :]
    if not found:
        say(f'no gate of the model package group "{group}" is in the records at {store.base}.', err=True)
        return 1
    client = place.client("s3")

    def print_one(one: Replayed) -> None:
        if output == "text":
            say(one)

    with tempfile.TemporaryDirectory() as folder:
        pasts = (_past(client, one, Path(folder) / str(index)) for index, one in enumerate(found))
        done = replay(parsed, pasts, folder=rules.parent, judged=print_one)
    if output == "json":
        say_json(done.to_json())
    else:
        say(done.sentence)
    return 0


def _candidates(store: Store, group: str, dag: str | None) -> Iterator[Candidate]:
    for dag_id in [dag] if dag is not None else dags_of(store):
        for run_id in read_index(store, dag_id).summaries:
            try:
                record: RecordDocument = read_record(store, dag_id, run_id)
            except RecordError as error:
                say(f"left out: {error}", err=True)
                continue
            for step in record["steps"]:
                if step["type"] == CHAMPION_GATE and step["status"] == "Succeeded":
                    found = _candidate(f"{dag_id} {run_id}", step, group)
                    if found is not None:
                        yield found


def _candidate(name: str, step: StepDocument, group: str) -> Candidate | None:
    request: AwsShape = step.get("request") or {}
    decision = step.get("decision") or {}
    if (request.get("Champion") or {}).get("ModelPackageGroup") != group:
        return None
    inputs = (request.get("Arguments") or {}).get("ProcessingInputs") or []
    uris = [(one.get("S3Input") or {}).get("S3Uri") for one in inputs if one.get("InputName") == INPUT]
    otherwise = None if decision.get("Champion") else str(request.get("NoChampion") or DEFAULT_NO_CHAMPION)
    started, verdict = str(step.get("started", "")), str(decision.get("Verdict", ""))
    return Candidate(name, started, str(uris[0]), verdict, otherwise) if uris else None


def _past(client: S3Client, candidate: Candidate, folder: Path) -> PastCandidate:
    """Download all of the candidate's predictions; if any are missing, the candidate counts as not judged."""
    folder.mkdir()
    missing = _download(client, candidate.predictions, folder)
    values = folder / VALUES_FILE
    try:
        given = read_values(values) if values.exists() else None
    except BadPredictions as error:
        given, missing = None, missing or str(error)
    return PastCandidate(
        candidate.name, folder, candidate.before, values=given, no_champion=candidate.no_champion, missing=missing
    )


def _download(client: S3Client, uri: str, folder: Path) -> str:
    """Copy all objects below ``uri`` into ``folder``; why that is not possible, or an empty text."""
    bucket, key = split_uri(uri)
    prefix = f"{key.rstrip('/')}/"
    left = MAX_BYTES
    try:
        listed = pages(client.list_objects_v2, Bucket=bucket, Prefix=prefix)
        for item in (item for page in listed for item in page.get("Contents") or ()):
            if item["Key"].endswith("/"):
                continue  # a marker of the console
            left -= item["Size"]
            if left < 0:
                return f"{uri} has more than {MAX_BYTES:,} bytes"
            file = inside(folder, item["Key"].removeprefix(prefix))
            file.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, item["Key"], str(file))
    except UnsafePath as error:
        return str(error)
    except Exception as error:
        if not type(error).__module__.startswith("botocore"):
            raise
        return f"{uri} cannot be read: {error}"
    return ""
