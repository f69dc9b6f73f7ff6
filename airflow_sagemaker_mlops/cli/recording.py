"""The record of ``sagemaker-mlops run``: where it goes, and its sealing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..execution.local_executor import PipelineRun
from ..records.capture.background_writes import BackgroundWrites
from ..records.capture.git_commit import commit_of
from ..records.capture.image_digests import digests_of
from ..records.capture.prices import Prices
from ..records.capture.recorder import Recorder, RecordOptions
from ..records.capture.run_recorder import parameters_of, seal_run, versions
from ..records.model.errors import RecordError
from ..records.model.record import Parameter
from ..records.model.run_info import RunInfo
from ..records.seal.prefetch import SealPrefetch
from ..records.seal.signing import Signer, open_signer
from ..records.store.open import open_store
from ..records.store.unfinished_runs import forget_start
from ..runs.clients import started
from .records import folder_of_connection, records_location
from .sources import Source
from .terminal import say, user_name

OFF = "off"
SIGNING_KEY = "SAGEMAKER_MLOPS_SIGNING_KEY"


@dataclass(frozen=True, slots=True)
class Recording:
    """The record of one run of ``source``.

    inherited   parameters with the values of the run that it follows
    prices      of instances, where the user gave some
    ahead       what is found for the sealing while the run ends
    signer      signs the record; the key is that of SAGEMAKER_MLOPS_SIGNING_KEY
    """

    recorder: Recorder
    source: Source
    inherited: frozenset[str] = frozenset()
    prices: Prices | None = None
    prefetch: SealPrefetch | None = None
    signer: Signer | None = None

    def prepared(self, document: Mapping[str, Any], secrets: frozenset[str]) -> Recording:
        """The same, with what its sealing needs done beside the end of the run where it can be, without ``secrets``."""
        prefetch = SealPrefetch(self.recorder.store, self.recorder.dag_id, document, secrets)
        recorder = replace(self.recorder, prefetch=(prefetch.find_heads, prefetch.copy_definition), secrets=secrets)
        return replace(self, recorder=recorder, prefetch=prefetch)

    def seal(self, run: PipelineRun, document: Mapping[str, Any]) -> None:
        """Seal it and say where it is; or why it cannot be written, which changes nothing about the run."""
        identity = RunInfo(
            dag_id=run.pipeline,
            run_id=run.run_id,
            pipeline=run.pipeline,
            status=run.status,
            started=run.started,
            ended=run.ended or "",
            trigger="cli",
            user=user_name(),
            versions=versions(),
        )
        try:
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
        except RecordError as error:
            say(f"the run was not recorded: {error}", err=True)
        else:
            say(f"record {sealed.uri}")
            with suppress(RecordError):  # a record says more than a note about its start, so a stale note is harmless
                forget_start(self.recorder.store, self.recorder.dag_id, run.run_id)

    def _parameters(self, run: PipelineRun) -> dict[str, Parameter]:
        given = parameters_of(run.plan, run.parameters, "cli")
        return {n: replace(p, source="source run") if n in self.inherited else p for n, p in given.items()}


def recording_of(
    records: str | None,
    conn: str | None,
    state_dir: Path | None,
    aws: Any,
    pipeline: str,
    run_id: str,
    *,
    source: Source,
    cache: bool,
) -> Recording | None:
    """The recording of a run; ``None`` when it is off.

    Without a location it is in the embedded AWS, or for a connection in a folder of this machine: enough to resume a
    run that was killed, but nothing that another machine sees, so no step is taken from the cache for it.
    """
    if records == OFF:
        return None
    if records is None and conn is not None:
        records, cache = str(folder_of_connection(conn, state_dir)), False
    elif records is None:
        records = records_location(started(state_dir).bucket)
    with ThreadPoolExecutor(max_workers=1) as asking:
        commit = asking.submit(commit_of, source.file)  # git takes its time, and so does making a client
        store, s3 = open_store(records, lambda: aws.client("s3")), aws.client("s3")
    code = tuple(filter(None, [commit.result()]))
    options = RecordOptions(caching=cache)
    recorder = Recorder(
        store, pipeline, run_id, s3, options, code, background=BackgroundWrites(), digests=digests_of(aws)
    )
    key = os.environ.get(SIGNING_KEY)
    return Recording(recorder, source, signer=open_signer(key, lambda: aws.client("kms")) if key else None)
