"""Recording one step: before it runs (request, inputs, cache), and after it (outputs, cost, step record).

The caller calls :meth:`Recorder.begin` before it submits the step and :meth:`Recorder.end` after the step has ended.
Neither changes how the step ends: recording errors go to the step's log, unless ``fail_on_error`` is set.

Inputs are listed before the step is submitted, and outputs before the step counts as ended, because later steps may
change them.  Only writes may continue in the :mod:`background <.background_writes>`.

S3 calls per step, besides listing inputs and outputs: one read of the cache, one write of the step record, and after a
success one write to the cache.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from ...execution.aws.threads import in_thread
from ...execution.describe import describe
from ...execution.engine import runner_of
from ...execution.exceptions import StepFailed
from ...execution.request import name_of
from ...execution.secret_masking import secrets_in
from ...execution.step_run import StepRun, now
from ...json_types import AwsShape
from ...s3 import S3Client
from ..cache.cache import Lookup, look_up, store_result
from ..cache.key import CacheKey, cache_key, is_cacheable
from ..model.canonical_json import plain
from ..model.errors import RecordError
from ..model.step_record import Artifact, Attempt, CacheOutcome, Code, StepRecord
from ..seal.seal import write_step_record
from ..store.protocol import Store
from .background_writes import BackgroundWrites
from .billing import billed_together
from .fingerprint import change_since, fingerprint
from .image_digests import Digests
from .listing_cache import ListingCache
from .requests import resolved_request
from .sources import code_of, images_of, inputs_of, instances_of, outputs_of
from .step_secrets import secrets_of_step
from .step_start import StepStart

MAX_JOBS = 200  # that the retry policies of one step may have started
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """Options of recording and of the cache.

    caching          follow ``CacheConfig``; if false, every step runs, but results are still stored in the cache
    input_contents   include the contents of inputs in cache keys, not only their paths
    versions         also list version ids of inputs and outputs, so that the run can be reproduced from them
    fail_on_error    fail the step if its record cannot be written
    """

    caching: bool = True
    input_contents: bool = False
    versions: bool = True
    fail_on_error: bool = False


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records the steps of one run.

    s3              boto3 client that lists inputs and outputs
    code            the repository that holds the definition, if known
    step_records    the records written so far, in the order in which steps ended
    background      if given, steps do not wait for writes; the caller waits for them before the run ends
    digests         image digests, queried in the background and kept for sealing
    listing_cache   recent listings of outputs, for a step that reads them right away
    prefetch        work for sealing, done while the last records are written; sealing reports its failures
    secrets         of the run, if known: a step that knows only its own secrets can receive another's in a result
    threads         name of the thread pool for S3 calls
    _outputs        pending listings of a job's outputs, by job name
    """

    store: Store
    dag_id: str
    run_id: str
    s3: S3Client
    options: RecordOptions = field(default_factory=RecordOptions)
    code: tuple[Code, ...] = ()
    step_records: list[StepRecord] = field(default_factory=list)
    background: BackgroundWrites | None = None
    digests: Digests | None = None
    listing_cache: ListingCache = field(default_factory=ListingCache)
    prefetch: Sequence[Callable[[], None]] = ()
    secrets: frozenset[str] = frozenset()
    threads: str = "records"
    _outputs: dict[str, asyncio.Future[tuple[Artifact, ...]]] = field(default_factory=dict)

    async def begin(self, run: StepRun) -> StepStart:
        """Request and inputs of the step, and its result if the cache has it."""
        start = StepStart(now(), secrets=self._secrets_of(run))
        return await self._tolerant(run, "not recorded before it ran", self._begin(run, start), start)

    def submitted(self, start: StepStart) -> None:
        """A job of the step was submitted; query the digests of its images while this machine is idle."""
        if self.background is not None and self.digests is not None:
            self.background.start(self._ask(self.digests, start))

    async def _ask(self, digests: Digests, start: StepStart) -> None:
        with suppress(Exception):  # sealing queries again and reports errors
            await in_thread(self.threads, digests.ask, images_of(start.request or {}))

    def job_ended(self, name: str, answer: AwsShape) -> None:
        """A job has ended; ``answer`` describes it.  Its outputs can be listed while its log is read."""
        if self.background is not None:
            self._outputs[name] = asyncio.ensure_future(self._left_by(plain(answer)))

    def resumed(self, data: Mapping[str, object]) -> StepStart:
        """The result of :meth:`begin` in another process, from ``StepStart.as_json()``."""
        return StepStart.from_json(data)

    async def end(
        self,
        run: StepRun,
        start: StepStart,
        *,
        status: str,
        result: Mapping[str, object] | None,
        jobs_started: int = 0,
        failure_reason: str = "",
    ) -> StepRecord | None:
        """Write the record of the ended step; returns it, or ``None`` if it could not be written.

        With background writes, returns the record that is being written; errors are logged later.
        """
        ended = StepRecord(
            step=run.identity.step,
            type=run.step_type,
            status=status,
            loop=run.loop,
            started=start.started,
            ended=now(),
            jobs_started=jobs_started,
            result=dict(result) if result else None,
            failure_reason=failure_reason,
        )
        work = self._end(run, start, ended)
        return await self._tolerant(run, "not recorded after it ran", work, None)

    async def record(self, run: StepRun, step_record: StepRecord) -> StepRecord | None:
        """Write a complete step record; ``None`` if it could not be written."""
        return await self._tolerant(run, "not recorded", self._write(run, step_record, self._secrets_of(run)), None)

    async def _write(
        self, run: StepRun, step_record: StepRecord, secrets: frozenset[str], more: Callable[[], None] | None = None
    ) -> StepRecord | None:
        """Write ``step_record`` without ``secrets``, and do the ``more`` writes concurrently."""
        masked = step_record.masked(*secrets)
        self.step_records.append(masked)  # sealed even if this write fails
        writing = self._written(step_record, secrets, more)
        if self.background is None or self.options.fail_on_error:
            return await writing
        self.background.start(self._tolerant(run, "not recorded after it ran", writing, None))
        return masked

    def _secrets_of(self, run: StepRun) -> frozenset[str]:
        return self.secrets | secrets_of_step(run)

    async def _written(
        self, step_record: StepRecord, secrets: frozenset[str], more: Callable[[], None] | None
    ) -> StepRecord:
        keeping = in_thread(self.threads, write_step_record, self.store, self.dag_id, self.run_id, step_record, secrets)
        if more is None:
            return await keeping
        written, _ = await asyncio.gather(keeping, in_thread(self.threads, more))
        return written

    async def _tolerant(self, run: StepRun, what: str, work: Awaitable[Result], otherwise: Result) -> Result:
        try:
            return await work
        except StepFailed:
            return otherwise  # the step raises it too, with a better message
        except Exception as error:
            if self.options.fail_on_error:
                raise
            message = error if isinstance(error, RecordError | ValueError) else f"{type(error).__name__}: {error}"
            run.log(f"{what}: {message}")
            return otherwise

    async def _begin(self, run: StepRun, start: StepStart) -> StepStart:
        request = await resolved_request(run)
        if request is None:
            return start
        listing = asyncio.ensure_future(self._fingerprints(_inputs(run, request)))
        start = replace(start, request=request, secrets=start.secrets.union(secrets_in(plain(request))))
        # A child of a loop may continue a job of an earlier attempt of the loop.
        if not run.spec.cache.enabled or run.loop or not is_cacheable(run.step_type):
            return replace(start, inputs=await listing)
        contents = await listing if self.options.input_contents else None
        key = cache_key(run.step_type, request, contents, secrets=start.secrets)
        start = replace(start, cache=CacheOutcome(key.key, key.attributes, "miss"))
        found = await self._looked_up(run, key) if self.options.caching else None
        start = replace(start, inputs=await listing)
        return start if found is None else await self._checked(run, start, found)

    async def _looked_up(self, run: StepRun, key: CacheKey) -> Lookup | None:
        read_cache = partial(look_up, expire_after=run.spec.cache.expire_after, wanted=run.spec.outputs)
        looking = in_thread(self.threads, read_cache, self.store, self.dag_id, run.identity.step, key)
        return await self._tolerant(run, "the cache was not read", looking, None)

    async def _checked(self, run: StepRun, start: StepStart, found: Lookup) -> StepStart:
        """The hit, if the outputs of the earlier run are unchanged; otherwise a miss with its reason."""
        outputs = await self._fingerprints(found.outputs)
        for was, now_there in zip(found.outputs, outputs, strict=True):
            if why := change_since(was, now_there):
                reason = f'{was.uri} of run "{found.outcome.source_run}" {why}'
                run.log(f"no cache hit: {reason}")
                outcome = start.cache
                return replace(start, cache=replace(outcome, reason=reason) if outcome else None)
        run.log(found.sentence)
        return replace(start, cache=found.outcome, result=found.result, outputs=outputs)

    async def _end(self, run: StepRun, start: StepStart, ended: StepRecord) -> StepRecord | None:
        given = ended.result or {}
        answer = None if start.result is not None else await self._described(run, given)
        described = plain(answer) if answer else {}
        instance_type, _ = instances_of(start.request or {})
        earlier = await self._earlier(run, start, ended)
        attempts = self._attempts(run, start, given, described, earlier)
        step_record = replace(
            ended,
            attempts=attempts,
            # includes jobs of an earlier process of this task
            jobs_started=max(ended.jobs_started, len(attempts) if runner_of(run.entry).is_job else 0),
            request=start.request,
            billable_seconds=billed_together([*earlier.values(), described]),
            instance_type=instance_type,
            inputs=start.inputs,
            outputs=start.outputs or await self._left(given.get("Name"), described),
            images=images_of(start.request or {}),
            code=(*code_of(start.request or {}, start.inputs), *(self.code if start.request else ())),
            metrics=given.get("Metrics") or {},
            cache=start.cache,
            decision=given.get("Decision"),
            model_packages=_packages(run, described),
        )
        # Both: a step that started elsewhere has no parameters here; one that could not start has no request.
        secrets = start.secrets | self._secrets_of(run)
        if ended.status == "Succeeded" and start.cache is not None and start.result is None:
            return await self._write(
                run, step_record, secrets, partial(self._store_result, run, step_record, described, secrets)
            )
        return await self._write(run, step_record, secrets)

    async def _left(self, name: str | None, described: AwsShape) -> tuple[Artifact, ...]:
        looking = self._outputs.pop(name, None) if name else None
        return await (looking if looking is not None else self._left_by(described))

    async def _left_by(self, described: AwsShape) -> tuple[Artifact, ...]:
        listed = time.monotonic()
        outputs = await self._fingerprints(outputs_of(described))
        self.listing_cache.save(outputs, listed)
        return outputs

    def _store_result(
        self, run: StepRun, step_record: StepRecord, described: AwsShape, secrets: frozenset[str]
    ) -> None:
        properties = described if described and not runner_of(run.entry).adds_properties else None
        store_result(
            self.store,
            self.dag_id,
            self.run_id,
            step_record,
            properties=properties,
            kept=run.spec.outputs,
            secrets=secrets,
        )

    async def _described(self, run: StepRun, result: Mapping[str, object]) -> Mapping[str, Any] | None:
        if runner_of(run.entry).is_described and result.get("Name"):
            return await _properties(run, str(result["Name"]))
        return None

    async def _earlier(self, run: StepRun, start: StepStart, ended: StepRecord) -> dict[str, Mapping[str, Any]]:
        """The jobs of this run before the last one, {name: Describe answer}; only queried after retries."""
        result = ended.result or {}
        # A failed step does not report its number of retries, but its number of jobs.
        most = max(int(result.get("Retries") or 0), ended.jobs_started - 1)
        named = runner_of(run.entry).makes_named_jobs
        if start.result is not None or not named or not result.get("Name") or most < 1:
            return {}
        names = _names_before(run, str(result["Name"]))[-most:]
        answers = {name: await _properties(run, name) for name in names}
        return {name: plain(answer) for name, answer in answers.items() if answer is not None}

    def _attempts(
        self,
        run: StepRun,
        start: StepStart,
        result: Mapping[str, object],
        described: AwsShape,
        earlier: Mapping[str, AwsShape],
    ) -> tuple[Attempt, ...]:
        """The jobs or resources of this run, in order."""
        if start.result is not None or not result.get("Name"):
            return ()
        before = (_attempt(run, name, answer) for name, answer in earlier.items())
        about = {**described, run.entry.arn_key: result.get("Arn")} if run.entry.arn_key else described
        return (*before, _attempt(run, str(result["Name"]), about, result))

    async def settled(self) -> None:
        """Wait until background writes have ended, and the prefetch for sealing too."""
        if self.background is not None:
            for work in self.prefetch:
                self.background.start(self._tried(work))
            await self.background.settled()

    async def _tried(self, work: Callable[[], None]) -> None:
        with suppress(Exception):
            await in_thread(self.threads, work)

    def inspect(self, artifact: Artifact) -> Artifact:
        """``artifact`` as it is now.  Blocking."""
        return fingerprint(self.s3, artifact, versions=self.options.versions)

    async def _fingerprints(self, artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
        """``artifacts`` as they are now.  Listings of input folders are stored, for comparisons and reproductions."""

        def inspect(artifact: Artifact) -> Artifact:
            recent = self.listing_cache.recent(artifact) if artifact.role in ("input", "code") else None
            if recent is not None:
                return recent
            store = self.store if artifact.role in ("input", "code") else None
            return fingerprint(self.s3, artifact, versions=self.options.versions, store=store, dag_id=self.dag_id)

        return tuple(await asyncio.gather(*(in_thread(self.threads, inspect, artifact) for artifact in artifacts)))


async def _properties(run: StepRun, name: str) -> Mapping[str, Any] | None:
    """The Describe answer of the step's ended resource ``name``; queried if the step does not have it."""
    return run.finished_jobs.get(name) or await describe(run, name)


def _names_before(run: StepRun, last: str) -> list[str]:
    """Names of the step's earlier jobs, which are numbered; includes jobs from before a user cleared the step."""
    names: list[str] = []
    for ordinal in range(MAX_JOBS):
        name = name_of(run, ordinal)
        if name == last:
            return names
        names.append(name)
    return []


def _inputs(run: StepRun, request: AwsShape) -> tuple[Artifact, ...]:
    """The inputs of the step; a copy that a reproduction reads also has the original URI."""
    stands_for = {copied: uri for uri, copied in run.options.overrides.uris.items()}
    return tuple(replace(artifact, instead_of=stands_for.get(artifact.uri, "")) for artifact in inputs_of(request))


def _attempt(run: StepRun, name: str, described: AwsShape, result: Mapping[str, object] | None = None) -> Attempt:
    result = result or {}
    started = described.get("CreationTime") or result.get("StartTime") or ""
    return Attempt(
        name=name,
        arn=str(described.get(run.entry.arn_key) or result.get("Arn") or "") if run.entry.arn_key else "",
        status=run.entry.status_of(described) or str(result.get("Status") or ""),
        started=str(started),
        ended=str(described.get("LastModifiedTime") or result.get("EndTime") or ""),
        failure_reason=run.entry.reason_of(described) if described else "",
    )


def _packages(run: StepRun, described: AwsShape) -> tuple[Mapping[str, Any], ...]:
    if run.entry.arn_key != "ModelPackageArn" or not described:
        return ()
    about = {
        "arn": described.get("ModelPackageArn"),
        "group": described.get("ModelPackageGroupName"),
        "version": described.get("ModelPackageVersion"),
        "approval_status": described.get("ModelApprovalStatus"),
        "data": run.entry.s3_output(described),
    }
    return ({name: value for name, value in about.items() if value},)
