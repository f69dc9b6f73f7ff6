"""Recording one step: before it runs (request, inputs, cache), and after it (outputs, cost, fragment).

The edge calls :meth:`Recorder.begin` before it submits and :meth:`Recorder.end` when the step is over.  Neither changes
how the step ends: what cannot be recorded is told in the step's log, unless ``fail_on_error`` asks otherwise.

Everything is looked at while it is as it was: inputs before the step is submitted, outputs before the step counts as
ended and another one may change them.  Only writing may go on :mod:`beside <.beside>` the run.

S3 calls a step beside listing inputs and outputs: one read of the cache, one write of the fragment, and after a success
one write for the cache.
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
from ...execution.exceptions import StepFailed
from ...execution.request import name_of
from ...execution.secret_masking import secrets_in
from ...execution.step_run import StepRun, now
from ..cache.cache import Lookup, look_up, remember
from ..cache.key import CacheKey, cache_key, is_cacheable
from ..model.canonical_json import plain
from ..model.errors import RecordError
from ..model.step_record import Artifact, Attempt, CacheMark, Code, StepFragment
from ..seal.seal import write_fragment
from ..store.protocol import Store
from .background_writes import Beside
from .billing import billed_together
from .fingerprint import fingerprint, lost
from .image_digests import Digests
from .listing_cache import Fresh
from .requests import resolved_request
from .secrets import secrets_of_step
from .sources import code_of, images_of, inputs_of, instances_of, outputs_of
from .step_start import Begun

DESCRIBED = frozenset({"job", "check", "package"})
MOST_JOBS = 200  # of one step, that its retry policies may have begun
JOBS = frozenset({"job", "check", "started", "emr", "serverless"})
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

    s3          boto3 client that lists inputs and outputs
    code        the repository that the definition lies in, when known
    fragments   what this recorder wrote, in the order in which steps ended
    beside      where given, steps do not wait for writing; who gave it waits for it before the run is over
    digests     of images, to be asked for beside the run; what was told is for the sealing
    fresh       looks at outputs that a step right behind may take over
    ahead       what to do for the sealing beside the last writing; what fails there is the sealing's to tell
    secrets     of the run, where they are known: a step that knows only its own can be given another one's in a result
    threads     which it talks to S3 in
    _outputs    listings under way of what a job has left, by its name
    """

    store: Store
    dag_id: str
    run_id: str
    s3: Any
    options: RecordOptions = field(default_factory=RecordOptions)
    code: tuple[Code, ...] = ()
    fragments: list[StepFragment] = field(default_factory=list)
    beside: Beside | None = None
    digests: Digests | None = None
    fresh: Fresh = field(default_factory=Fresh)
    ahead: Sequence[Callable[[], None]] = ()
    secrets: frozenset[str] = frozenset()
    threads: str = "records"
    _outputs: dict[str, asyncio.Future[tuple[Artifact, ...]]] = field(default_factory=dict)

    async def begin(self, run: StepRun) -> Begun:
        """Request and inputs of the step, and its result when an earlier run has it."""
        begun = Begun(now(), secrets=self._secrets_of(run))
        return await self._tolerant(run, "not recorded before it ran", self._begin(run, begun), begun)

    def submitted(self, begun: Begun) -> None:
        """A job of the step runs, so this machine has nothing to do: time to ask for the digests of its images."""
        if self.beside is not None and self.digests is not None:
            self.beside.start(self._ask(self.digests, begun))

    async def _ask(self, digests: Digests, begun: Begun) -> None:
        with suppress(Exception):  # the sealing asks again, and tells it
            await in_thread(self.threads, digests.ask, images_of(begun.request or {}))

    def job_ended(self, name: str, answer: Mapping[str, Any]) -> None:
        """A job has ended as ``answer`` says: its outputs can be listed while its log is read."""
        if self.beside is not None:
            self._outputs[name] = asyncio.ensure_future(self._left_by(plain(answer)))

    def resumed(self, data: Mapping[str, Any]) -> Begun:
        """What another process was answered by :meth:`begin`, out of ``Begun.as_json()``."""
        return Begun.from_json(data)

    async def end(
        self,
        run: StepRun,
        begun: Begun,
        *,
        status: str,
        result: Mapping[str, Any] | None,
        jobs_started: int = 0,
        failure_reason: str = "",
    ) -> StepFragment | None:
        """Write what became of the step; ``None`` when that could not be written.

        Where writing goes on beside, what is being written; that it could not be is told then.
        """
        ended = StepFragment(
            step=run.identity.step,
            type=run.step_type,
            status=status,
            loop=run.loop,
            started=begun.started,
            ended=now(),
            jobs_started=jobs_started,
            result=dict(result) if result else None,
            failure_reason=failure_reason,
        )
        work = self._end(run, begun, ended)
        return await self._tolerant(run, "not recorded after it ran", work, None)

    async def keep(self, run: StepRun, fragment: StepFragment) -> StepFragment | None:
        """Write a fragment that is known already; ``None`` when it could not be written."""
        return await self._tolerant(run, "not recorded", self._write(run, fragment, self._secrets_of(run)), None)

    async def _write(
        self, run: StepRun, fragment: StepFragment, secrets: frozenset[str], more: Callable[[], None] | None = None
    ) -> StepFragment | None:
        """Keep ``fragment`` without ``secrets``, and do ``more`` writing at the same time."""
        masked = fragment.masked(*secrets)
        self.fragments.append(masked)  # sealed even if the store cannot take the fragment now
        writing = self._written(fragment, secrets, more)
        if self.beside is None or self.options.fail_on_error:
            return await writing
        self.beside.start(self._tolerant(run, "not recorded after it ran", writing, None))
        return masked

    def _secrets_of(self, run: StepRun) -> frozenset[str]:
        return self.secrets | secrets_of_step(run)

    async def _written(
        self, fragment: StepFragment, secrets: frozenset[str], more: Callable[[], None] | None
    ) -> StepFragment:
        keeping = in_thread(self.threads, write_fragment, self.store, self.dag_id, self.run_id, fragment, secrets)
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

    async def _begin(self, run: StepRun, begun: Begun) -> Begun:
        request = await resolved_request(run)
        if request is None:
            return begun
        listing = asyncio.ensure_future(self._fingerprints(_inputs(run, request)))
        begun = replace(begun, request=request, secrets=begun.secrets.union(secrets_in(plain(request))))
        config = run.spec.get("CacheConfig") or {}
        # A child of a loop may go on with what an earlier attempt of the loop began.
        if config.get("Enabled") is not True or run.loop or not is_cacheable(run.step_type):
            return replace(begun, inputs=await listing)
        contents = await listing if self.options.input_contents else None
        key = cache_key(run.step_type, request, contents, secrets=begun.secrets)
        begun = replace(begun, cache=CacheMark(key.key, key.attributes, "miss"))
        found = await self._looked_up(run, key) if self.options.caching else None
        begun = replace(begun, inputs=await listing)
        return begun if found is None else await self._checked(run, begun, found)

    async def _looked_up(self, run: StepRun, key: CacheKey) -> Lookup | None:
        expire_after, wanted = run.spec["CacheConfig"].get("ExpireAfter"), run.spec.get("Outputs") or ()
        look = partial(look_up, expire_after=expire_after, wanted=wanted)
        looking = in_thread(self.threads, look, self.store, self.dag_id, run.identity.step, key)
        return await self._tolerant(run, "the cache was not asked", looking, None)

    async def _checked(self, run: StepRun, begun: Begun, found: Lookup) -> Begun:
        """A hit, if what the earlier run left is still there as it left it."""
        outputs = await self._fingerprints(found.outputs)
        for was, now_there in zip(found.outputs, outputs, strict=True):
            if why := lost(was, now_there):
                reason = f'{was.uri} of run "{found.mark.source_run}" {why}'
                run.tell(f"no cache hit: {reason}")
                mark = begun.cache
                return replace(begun, cache=replace(mark, reason=reason) if mark else None)
        run.tell(found.sentence)
        return replace(begun, cache=found.mark, result=found.result, outputs=outputs)

    async def _end(self, run: StepRun, begun: Begun, ended: StepFragment) -> StepFragment | None:
        given = ended.result or {}
        answer = None if begun.result is not None else await self._described(run, given)
        described = plain(answer) if answer else {}
        instance_type, _ = instances_of(begun.request or {})
        earlier = await self._earlier(run, begun, ended)
        attempts = self._attempts(run, begun, given, described, earlier)
        fragment = replace(
            ended,
            attempts=attempts,
            # one that an earlier process of this task began counts as well
            jobs_started=max(ended.jobs_started, len(attempts) if run.entry.how in JOBS else 0),
            request=begun.request,
            billable_seconds=billed_together([*earlier.values(), described]),
            instance_type=instance_type,
            inputs=begun.inputs,
            outputs=begun.outputs or await self._left(given.get("Name"), described),
            images=images_of(begun.request or {}),
            code=(*code_of(begun.request or {}, begun.inputs), *(self.code if begun.request else ())),
            metrics=given.get("Metrics") or {},
            cache=begun.cache,
            decision=given.get("Decision"),
            model_packages=_packages(run, described),
        )
        # Both: what began elsewhere knows no parameters here, and what could not be begun knows no request.
        secrets = begun.secrets | self._secrets_of(run)
        if ended.status == "Succeeded" and begun.cache is not None and begun.result is None:
            return await self._write(run, fragment, secrets, partial(self._remember, run, fragment, described, secrets))
        return await self._write(run, fragment, secrets)

    async def _left(self, name: Any, described: Mapping[str, Any]) -> tuple[Artifact, ...]:
        looking = self._outputs.pop(name, None)
        return await (looking if looking is not None else self._left_by(described))

    async def _left_by(self, described: Mapping[str, Any]) -> tuple[Artifact, ...]:
        looked = time.monotonic()
        outputs = await self._fingerprints(outputs_of(described))
        self.fresh.note(outputs, looked)
        return outputs

    def _remember(
        self, run: StepRun, fragment: StepFragment, described: Mapping[str, Any], secrets: frozenset[str]
    ) -> None:
        properties = described if described and run.entry.how == "job" else None
        kept = run.spec.get("Outputs") or ()
        remember(self.store, self.dag_id, self.run_id, fragment, properties=properties, kept=kept, secrets=secrets)

    async def _described(self, run: StepRun, result: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if run.entry.how in DESCRIBED and result.get("Name"):
            return await _properties(run, str(result["Name"]))
        return None

    async def _earlier(self, run: StepRun, begun: Begun, ended: StepFragment) -> dict[str, Mapping[str, Any]]:
        """The jobs of this run before the last one, {name: as described}; asked for only after retries."""
        result = ended.result or {}
        # A step that failed does not say how often it was retried, but how many jobs it began.
        most = max(int(result.get("Retries") or 0), ended.jobs_started - 1)
        if begun.result is not None or run.entry.how != "job" or not result.get("Name") or most < 1:
            return {}
        names = _names_before(run, str(result["Name"]))[-most:]
        answers = {name: await _properties(run, name) for name in names}
        return {name: plain(answer) for name, answer in answers.items() if answer is not None}

    def _attempts(
        self,
        run: StepRun,
        begun: Begun,
        result: Mapping[str, Any],
        described: Mapping[str, Any],
        earlier: Mapping[str, Mapping[str, Any]],
    ) -> tuple[Attempt, ...]:
        """The resources of this run, the last one at the end."""
        if begun.result is not None or not result.get("Name"):
            return ()
        before = (_attempt(run, name, answer) for name, answer in earlier.items())
        about = {**described, run.entry.arn_key: result.get("Arn")} if run.entry.arn_key else described
        return (*before, _attempt(run, str(result["Name"]), about, result))

    async def settled(self) -> None:
        """Return when nothing is being written beside the run any more, and what the sealing needs was looked for."""
        if self.beside is not None:
            for work in self.ahead:
                self.beside.start(self._tried(work))
            await self.beside.settled()

    async def _tried(self, work: Callable[[], None]) -> None:
        with suppress(Exception):
            await in_thread(self.threads, work)

    def look(self, artifact: Artifact) -> Artifact:
        """``artifact`` as it is now.  Blocking."""
        return fingerprint(self.s3, artifact, versions=self.options.versions)

    async def _fingerprints(self, artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
        """What is there now.  Listings of folders that are read from are kept: to tell what changed, and to pin it."""

        def look(artifact: Artifact) -> Artifact:
            seen = self.fresh.of(artifact) if artifact.role in ("input", "code") else None
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
    if run.entry.how != "package" or not described:
        return ()
    about = {
        "arn": described.get("ModelPackageArn"),
        "group": described.get("ModelPackageGroupName"),
        "version": described.get("ModelPackageVersion"),
        "approval_status": described.get("ModelApprovalStatus"),
        "data": run.entry.s3_output(described),
    }
    return ({name: value for name, value in about.items() if value},)
