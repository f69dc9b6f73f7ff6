"""Recording one step: before it runs (request, inputs, cache), and after it (outputs, cost, step record).

The edge calls :meth:`Recorder.begin` before it submits and :meth:`Recorder.end` when the step is over.  Neither changes
how the step ends: what cannot be recorded is told in the step's log, unless ``fail_on_error`` asks otherwise.

Everything is looked at while it is as it was: inputs before the step is submitted, outputs before the step counts as
ended and another one may change them.  Only writing may go on in the :mod:`background <.background_writes>`.

S3 calls a step, without those that list inputs and outputs: one read of the cache, one write of the step record, and
after a success one write for the cache.
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
from ..cache.cache import Lookup, look_up, remember
from ..cache.key import CacheKey, cache_key, is_cacheable
from ..model.canonical_json import plain
from ..model.errors import RecordError
from ..model.step_record import Artifact, Attempt, CacheOutcome, Code, StepRecord
from ..seal.seal import write_step_record
from ..store.protocol import Store
from .background_writes import BackgroundWrites
from .billing import billed_together
from .fingerprint import fingerprint, lost
from .image_digests import Digests
from .listing_cache import ListingCache
from .requests import resolved_request
from .secrets import secrets_of_step
from .sources import code_of, images_of, inputs_of, instances_of, outputs_of
from .step_start import StepStart

MOST_JOBS = 200  # of one step, that its retry policies may have begun
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What is recorded, and what the cache takes into account.

    caching          follow ``CacheConfig``; without, every step runs, and its result is kept for later runs as ever
    input_contents   count the contents of inputs in cache keys, not only their paths
    versions         list version ids of inputs and outputs as well, so that the run can be made again from them
    fail_on_error    a record that cannot be written fails the step
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
    s3: Any
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
        """Request and inputs of the step, and its result when an earlier run has it."""
        start = StepStart(now(), secrets=self._secrets_of(run))
        return await self._tolerant(run, "not recorded before it ran", self._begin(run, start), start)

    def submitted(self, start: StepStart) -> None:
        """A job of the step runs, so this machine has nothing to do: time to ask for the digests of its images."""
        if self.background is not None and self.digests is not None:
            self.background.start(self._ask(self.digests, start))

    async def _ask(self, digests: Digests, start: StepStart) -> None:
        with suppress(Exception):  # the sealing asks again, and tells it
            await in_thread(self.threads, digests.ask, images_of(start.request or {}))

    def job_ended(self, name: str, answer: Mapping[str, Any]) -> None:
        """A job has ended as ``answer`` says: its outputs can be listed while its log is read."""
        if self.background is not None:
            self._outputs[name] = asyncio.ensure_future(self._left_by(plain(answer)))

    def resumed(self, data: Mapping[str, Any]) -> StepStart:
        """What another process was answered by :meth:`begin`, out of ``StepStart.as_json()``."""
        return StepStart.from_json(data)

    async def end(
        self,
        run: StepRun,
        start: StepStart,
        *,
        status: str,
        result: Mapping[str, Any] | None,
        jobs_started: int = 0,
        failure_reason: str = "",
    ) -> StepRecord | None:
        """Write what became of the step; ``None`` when that could not be written.

        Where writing goes on beside, what is being written; that it could not be is told then.
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

    async def keep(self, run: StepRun, step_record: StepRecord) -> StepRecord | None:
        """Write a step record that is known already; ``None`` when it could not be written."""
        return await self._tolerant(run, "not recorded", self._write(run, step_record, self._secrets_of(run)), None)

    async def _write(
        self, run: StepRun, step_record: StepRecord, secrets: frozenset[str], more: Callable[[], None] | None = None
    ) -> StepRecord | None:
        """Keep ``step record`` without ``secrets``, and do ``more`` writing at the same time."""
        masked = step_record.masked(*secrets)
        self.step_records.append(masked)  # sealed even if the store cannot take the step record now
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
            return otherwise  # the step itself meets it, and tells it better
        except Exception as error:
            if self.options.fail_on_error:
                raise
            told = error if isinstance(error, RecordError | ValueError) else f"{type(error).__name__}: {error}"
            run.tell(f"{what}: {told}")
            return otherwise

    async def _begin(self, run: StepRun, start: StepStart) -> StepStart:
        request = await resolved_request(run)
        if request is None:
            return start
        listing = asyncio.ensure_future(self._fingerprints(_inputs(run, request)))
        start = replace(start, request=request, secrets=start.secrets.union(secrets_in(plain(request))))
        config = run.spec.get("CacheConfig") or {}
        # A child of a loop may go on with what an earlier attempt of the loop began.
        if config.get("Enabled") is not True or run.loop or not is_cacheable(run.step_type):
            return replace(start, inputs=await listing)
        contents = await listing if self.options.input_contents else None
        key = cache_key(run.step_type, request, contents, secrets=start.secrets)
        start = replace(start, cache=CacheOutcome(key.key, key.attributes, "miss"))
        found = await self._looked_up(run, key) if self.options.caching else None
        start = replace(start, inputs=await listing)
        return start if found is None else await self._checked(run, start, found)

    async def _looked_up(self, run: StepRun, key: CacheKey) -> Lookup | None:
        expire_after, wanted = run.spec["CacheConfig"].get("ExpireAfter"), run.spec.get("Outputs") or ()
        look = partial(look_up, expire_after=expire_after, wanted=wanted)
        looking = in_thread(self.threads, look, self.store, self.dag_id, run.identity.step, key)
        return await self._tolerant(run, "the cache was not asked", looking, None)

    async def _checked(self, run: StepRun, start: StepStart, found: Lookup) -> StepStart:
        """A hit, if what the earlier run left is still there as it left it."""
        outputs = await self._fingerprints(found.outputs)
        for was, now_there in zip(found.outputs, outputs, strict=True):
            if why := lost(was, now_there):
                reason = f'{was.uri} of run "{found.outcome.source_run}" {why}'
                run.tell(f"no cache hit: {reason}")
                outcome = start.cache
                return replace(start, cache=replace(outcome, reason=reason) if outcome else None)
        run.tell(found.sentence)
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
            # one that an earlier process of this task began counts as well
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
        # Both: what began elsewhere knows no parameters here, and what could not be begun knows no request.
        secrets = start.secrets | self._secrets_of(run)
        if ended.status == "Succeeded" and start.cache is not None and start.result is None:
            return await self._write(
                run, step_record, secrets, partial(self._remember, run, step_record, described, secrets)
            )
        return await self._write(run, step_record, secrets)

    async def _left(self, name: Any, described: Mapping[str, Any]) -> tuple[Artifact, ...]:
        looking = self._outputs.pop(name, None)
        return await (looking if looking is not None else self._left_by(described))

    async def _left_by(self, described: Mapping[str, Any]) -> tuple[Artifact, ...]:
        looked = time.monotonic()
        outputs = await self._fingerprints(outputs_of(described))
        self.listing_cache.note(outputs, looked)
        return outputs

    def _remember(
        self, run: StepRun, step_record: StepRecord, described: Mapping[str, Any], secrets: frozenset[str]
    ) -> None:
        properties = described if described and not runner_of(run.entry).adds_properties else None
        kept = run.spec.get("Outputs") or ()
        remember(self.store, self.dag_id, self.run_id, step_record, properties=properties, kept=kept, secrets=secrets)

    async def _described(self, run: StepRun, result: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if runner_of(run.entry).is_described and result.get("Name"):
            return await _properties(run, str(result["Name"]))
        return None

    async def _earlier(self, run: StepRun, start: StepStart, ended: StepRecord) -> dict[str, Mapping[str, Any]]:
        """The jobs of this run before the last one, {name: as described}; asked for only after retries."""
        result = ended.result or {}
        # A step that failed does not say how often it was retried, but how many jobs it began.
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
        result: Mapping[str, Any],
        described: Mapping[str, Any],
        earlier: Mapping[str, Mapping[str, Any]],
    ) -> tuple[Attempt, ...]:
        """The resources of this run, the last one at the end."""
        if start.result is not None or not result.get("Name"):
            return ()
        before = (_attempt(run, name, answer) for name, answer in earlier.items())
        about = {**described, run.entry.arn_key: result.get("Arn")} if run.entry.arn_key else described
        return (*before, _attempt(run, str(result["Name"]), about, result))

    async def settled(self) -> None:
        """Return when nothing is being written beside the run any more, and what the sealing needs was looked for."""
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
        """What is there now.  Listings of folders that are read from are kept: to tell what changed, and to pin it."""

        def look(artifact: Artifact) -> Artifact:
            seen = self.listing_cache.of(artifact) if artifact.role in ("input", "code") else None
            if seen is not None:
                return seen
            keep_in = self.store if artifact.role in ("input", "code") else None
            return fingerprint(self.s3, artifact, versions=self.options.versions, keep_in=keep_in, dag_id=self.dag_id)

        return tuple(await asyncio.gather(*(in_thread(self.threads, look, artifact) for artifact in artifacts)))


async def _properties(run: StepRun, name: str) -> Mapping[str, Any] | None:
    """What the step's resource called ``name`` was like when it had ended; asked for where nobody has seen that."""
    return run.seen.get(name) or await describe(run, name)


def _names_before(run: StepRun, last: str) -> list[str]:
    """Names of the step's earlier jobs, which are counted; also of those before a user cleared it."""
    names: list[str] = []
    for ordinal in range(MOST_JOBS):
        name = name_of(run, ordinal)
        if name == last:
            return names
        names.append(name)
    return []


def _inputs(run: StepRun, request: Mapping[str, Any]) -> tuple[Artifact, ...]:
    """What the step reads; of copies that a reproduction reads also what they stand for."""
    stands_for = {copied: uri for uri, copied in run.options.pins.uris.items()}
    return tuple(replace(artifact, instead_of=stands_for.get(artifact.uri, "")) for artifact in inputs_of(request))


def _attempt(run: StepRun, name: str, described: Mapping[str, Any], result: Mapping[str, Any] | None = None) -> Attempt:
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


def _packages(run: StepRun, described: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
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
