"""Endpoint and InferenceComponent: created when missing, else updated, and waited for until they serve.

Others may change the same one meanwhile, and an update that fails is rolled back: what serves in the end is compared
with what was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from ..aws.clients import IN_USE, as_json, call, error_code, error_message
from ..describe import address_of, describe
from ..exceptions import JobFailed, StepFailed
from ..job_state import JobState
from ..journal import Entry
from ..request import build_request
from ..step_run import StepResult, StepRun, Submitted, now
from ..watch.console_links import facts_about
from .base import WaitingRunner
from .job import ended_well, result_of

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
BUSY_WAIT_S = 3600.0
SHOWN_WITHIN_S = 30.0  # right after an update was accepted Describe may not know of it
TRIES = 5  # to be the one that changes it


class EndpointRunner(WaitingRunner):
    """Creates or updates an endpoint.

    config_key            member of request and description that says in one word what it serves, "" when none does
    is_lost_when_failed   all that AWS does with a failed one is to delete it
    """

    name = "endpoint"
    request_from = "call"
    is_named = True
    config_key: ClassVar[str] = "EndpointConfigName"
    is_lost_when_failed: ClassVar[bool] = True

    async def submit(self, run: StepRun) -> Submitted:
        """The resource, made or told to change; nothing when it is what was asked for already."""
        request = await build_request(run, 0)
        entry, identity = run.entry, run.identity
        name, facts = str(request[entry.name_key]), {"wanted": _served(request)}
        before = await run.journal.read()
        accepted = before is not None and before.state.was_accepted
        if before is not None and accepted and (before.name, before.try_number) == (name, identity.try_number):
            # In this attempt: an update that was rolled back since is told, and not made a second time.
            return Submitted(name, before.arn, 0, now(), adopted=True, facts=facts)
        await run.journal.write(Entry.of(identity, name, 0))
        arn = str((await self._changed(run, name, request)).get(entry.arn_key, ""))
        made = Submitted(name, arn, 0, now(), facts=facts)
        await run.journal.write(made.entry(identity))
        await run.publish(facts_about(run, name, arn))
        return made

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait until it serves what was asked for.  Raises :class:`JobFailed` when it serves something else."""
        wanted: Mapping[str, str] = job.facts.get("wanted") or {}
        await _until_shown(run, job.name, wanted)
        answer = await ended_well(run, job, address_of(run, job.name))
        other = _other(wanted, answer)
        if other:
            await run.journal.write(job.entry(run.identity).advance(JobState.FAILED))
            words = " and ".join(f'{key} "{has}" instead of "{wanted[key]}"' for key, has in other.items())
            reason = run.entry.reason_of(answer)
            why = f"it serves {words}: the update was rolled back, or somebody has made another one since."
            left = result_of(run, job.name, answer, started=job.since, status="Failed").as_json()
            status = run.entry.status_of(answer)
            raise JobFailed(run.identity.step, job.name, status, f"{why} {reason}".rstrip(), left)
        return result_of(run, job.name, answer, started=job.since)

    async def _changed(self, run: StepRun, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """AWS's answer to the call that makes or changes it, or its properties when there is nothing to change.

        A call that finds a change under way is made again after it, if that does not lead to what is wanted: it may be
        our own, whose answer was lost, or somebody else's.
        """
        entry, wanted, attempt, differed = run.entry, _served(request), 0, False
        while True:
            attempt += 1
            found = await _idle(run, name)
            # A description does not tell all that an update asks for; that it serves the other thing now does.
            made = differed and found is not None and not _other(wanted, found)
            if found is not None and (made or self._is_so_already(run, found, request)):
                run.tell(f"{name} serves that already")
                return found
            if found is not None and self.is_lost_when_failed and run.entry.status_of(found) == "Failed":
                raise StepFailed(
                    f'Step "{run.identity.step}": {name} is Failed ({run.entry.reason_of(found)}), and all AWS does '
                    f"with such a one is to delete it. Delete it and clear the step, which makes it anew."
                )
            differed = found is None or bool(_other(wanted, found))
            operation = entry.create if found is None else entry.update
            keys = request.keys() if found is None else entry.update_members
            members = {key: request[key] for key in keys if key in request}
            try:
                answer = await call(run.aws, entry.service, operation, **members)
            except Exception as error:
                if attempt == TRIES or not await _is_under_way(run, name, error):
                    raise
                run.tell(f"{operation}: {name} is being changed already, which is waited for: {error_message(error)}")
                await asyncio.sleep(min(2.0**attempt, 10.0))  # until Describe shows it
            else:
                run.tell(f"{operation}: {name}")
                return dict(as_json(answer))

    def _is_so_already(self, run: StepRun, found: dict[str, Any], request: dict[str, Any]) -> bool:
        """Whether an update would change nothing, as far as one word says that."""
        serves = run.entry.status_of(found) in run.entry.succeeded
        return serves and bool(self.config_key) and found.get(self.config_key) == request.get(self.config_key)


class InferenceComponentRunner(EndpointRunner):
    """Creates or updates an inference component, which says what it serves in several members."""

    name = "inference_component"
    config_key = ""
    is_lost_when_failed = False


async def _is_under_way(run: StepRun, name: str, error: Exception) -> bool:
    """Whether ``error`` says that it exists already, or that a change to it is under way."""
    words, code = error_message(error).lower(), error_code(error)
    if code in IN_USE or "already exist" in words or "in-progress" in words:
        return True
    if code != "ValidationException":
        return False
    found = await describe(run, name)  # the words are not documented
    return found is not None and run.entry.status_of(found) in BUSY


def _served(document: Mapping[str, Any]) -> dict[str, str]:
    """What a request asks to be served, or a description says is: the members that both of them have."""
    specification = document.get("Specification") or {}
    container = specification.get("Container") or {}
    image = container.get("Image") or (container.get("DeployedImage") or {}).get("SpecifiedImage")
    members = {
        "EndpointConfigName": document.get("EndpointConfigName"),
        "ModelName": specification.get("ModelName"),
        "Image": image,
        "ArtifactUrl": container.get("ArtifactUrl"),
    }
    return {key: str(value) for key, value in members.items() if value}


def _other(wanted: Mapping[str, str], found: Mapping[str, Any]) -> dict[str, str]:
    """What is served instead of what is ``wanted``; empty when it is that, as far as one can tell."""
    return {key: has for key, has in _served(found).items() if key in wanted and has != wanted[key]}


async def _until_shown(run: StepRun, name: str, wanted: Mapping[str, str]) -> None:
    """Return when what Describe tells is not from before the update any more."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + SHOWN_WITHIN_S, 1.0
    while loop.time() < deadline:
        found = await describe(run, name)
        if found is None or run.entry.status_of(found) in BUSY or not _other(wanted, found):
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 10.0)


async def _idle(run: StepRun, name: str) -> dict[str, Any] | None:
    """The resource once no change to it is under way; AWS refuses to update one that is changing."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BUSY_WAIT_S
    pause = 0.5
    while True:
        found = await describe(run, name)
        status = run.entry.status_of(found) if found is not None else ""
        if found is None or status not in BUSY:
            return found
        if loop.time() > deadline:
            raise StepFailed(f'Step "{run.identity.step}": {name} stayed {status} for an hour.')
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 30.0)
