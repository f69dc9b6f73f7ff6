"""The record of a run in one process: its location, and its sealing."""

from __future__ import annotations

import getpass
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..execution.aws.clients import SessionAws
from ..execution.local_executor import PipelineRun
from ..records.capture.background_writes import BackgroundWrites
from ..records.capture.git_commit import commit_of
from ..records.capture.image_digests import digests_of
from ..records.capture.recorder import Recorder, RecordOptions
from ..records.capture.run_recorder import parameters_of, seal_run, versions
from ..records.model.errors import RecordError
from ..records.model.prices import Prices
from ..records.model.record import Parameter
from ..records.model.run_info import RunInfo
from ..records.reuse.unfinished_runs import delete_start
from ..records.seal.prefetch import SealPrefetch
from ..records.seal.seal import Sealed
from ..records.seal.signing import Signer, open_signer
from ..records.store.keys import segment
from ..records.store.open import open_store
from .clients import Target, state_folder
from .definition_source import DefinitionSource

if TYPE_CHECKING:
    from ..json_types import JsonObject

OFF = "off"
SIGNING_KEY = "SAGEMAKER_MLOPS_SIGNING_KEY"


@dataclass(frozen=True, slots=True)
class Recording:
    """The record of one run of ``source``.

    :param trigger: what started the run, for the record: "cli" or "api"
    :param inherited: parameters with values inherited from another run
    :param prices: prices of instances, if the user gave some
    :param prefetch: data for the sealing, collected while the run ended
    :param signer: signs the record; the key is that of SAGEMAKER_MLOPS_SIGNING_KEY
    """

    recorder: Recorder
    source: DefinitionSource
    trigger: str = "api"
    inherited: frozenset[str] = frozenset()
    prices: Prices | None = None
    prefetch: SealPrefetch | None = None
    signer: Signer | None = None

    def prepared(self, document: JsonObject, secrets: frozenset[str]) -> Recording:
        """The same recording, which prepares its sealing while the run ends; keeps ``secrets`` out of it."""
        prefetch = SealPrefetch(self.recorder.store, self.recorder.dag_id, document, secrets)
        recorder = replace(self.recorder, prefetch=(prefetch.find_heads, prefetch.copy_definition), secrets=secrets)
        return replace(self, recorder=recorder, prefetch=prefetch)

    def seal(self, run: PipelineRun, document: JsonObject) -> Sealed:
        """Seal the record.  Raises :class:`RecordError` if it cannot be written, which does not affect the run."""
        identity = RunInfo(
            dag_id=run.pipeline,
            run_id=run.run_id,
            pipeline=run.pipeline,
            status=run.status,
            started=run.started,
            ended=run.ended or "",
            trigger=self.trigger,
            user=user_name(),
            versions=versions(),
        )
        sealed = seal_run(
            self.recorder.store,
            run.plan,
            identity,
            parameters=self._parameters(run),
            document=document,
            source_kind=self.source.kind,
            ends={name: step.state for name, step in run.steps.items()},
            step_records=self.recorder.step_records,
            prices=self.prices,
            digests=self.recorder.digests,
            prefetch=self.prefetch,
            signer=self.signer,
        )
        with suppress(RecordError):  # a record says more than a note about its start, so a stale note is harmless
            delete_start(self.recorder.store, self.recorder.dag_id, run.run_id)
        return sealed

    def _parameters(self, run: PipelineRun) -> dict[str, Parameter]:
        given = parameters_of(run.plan, run.parameters, self.trigger)
        return {n: replace(p, source="source run") if n in self.inherited else p for n, p in given.items()}


def recording_of(
    records: str | None,
    target: Target,
    aws: SessionAws,
    pipeline: str,
    run_id: str,
    *,
    source: DefinitionSource,
    cache: bool,
    trigger: str = "api",
) -> Recording | None:
    """The recording of a run; ``None`` if it is off.

    Without a location, records of runs on the embedded AWS are in its bucket, and records of runs on an account are in
    a local folder: enough to resume a killed run, but no other machine sees it, so no step is taken from the cache.
    """
    if records == OFF:
        return None
    if records is None and not target.is_local_aws:
        records, cache = str(folder_of_runs(target.label, target.state_dir)), False
    elif records is None:
        records = records_location(target.started().bucket)
    with ThreadPoolExecutor(max_workers=1) as asking:
        # git is slow, and so is creating a client
        commit = asking.submit(commit_of, source.file) if source.file is not None else None
        store, s3 = open_store(records, lambda: aws.client("s3")), aws.client("s3")
    code = tuple(filter(None, [commit.result() if commit else None]))
    options = RecordOptions(caching=cache)
    recorder = Recorder(
        store, pipeline, run_id, s3, options, code, background=BackgroundWrites(), digests=digests_of(aws)
    )
    key = os.environ.get(SIGNING_KEY)
    return Recording(recorder, source, trigger, signer=open_signer(key, lambda: aws.client("kms")) if key else None)


def folder_of_runs(label: str, state_dir: Path | None) -> Path:
    """The default folder for records of runs on the account ``label``, next to the embedded AWS's state folder."""
    state = state_folder(state_dir)
    return state.with_name(f"{state.name}-runs") / segment(label)


def records_location(bucket: str) -> str:
    """The default location of records in a bucket."""
    return f"s3://{bucket}/records"


def user_name() -> str:
    """The user who runs this process; empty in a container that has no name for its user."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
