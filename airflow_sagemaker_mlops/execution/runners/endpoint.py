"""Endpoint and InferenceComponent: created or updated, and awaited until they are in service.

Others may change the same resource concurrently, and AWS rolls back an update without an error: the endpoint is
InService again with its old configuration, and FailureReason may be empty.  So the configuration that is finally in
service is compared with the requested one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from ...aws_errors import error_code, error_message
from ..alarms import alarms_during
from ..aws.calls import as_json, call
from ..aws.errors import IN_USE
from ..backoff import Backoff, poll_until
from ..describe import address_of, describe
from ..exceptions import JobFailed, StepFailed
from ..job_state import JobState
from ..journal import Entry
from ..request import build_request
from ..step_run import StepResult, StepRun, Submitted, now
from ..watch.console_links import facts_about
from .base import WaitingRunner
from .job import ended_well, result_of

if TYPE_CHECKING:
    from ...json_types import AwsShape

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
BUSY_WAIT_S = 10 * 3600.0  # an update takes up to 8 hours (MaximumExecutionTimeoutInSeconds), plus its rollback
SHOWN_WITHIN_S = 30.0  # right after an update was accepted, Describe may not show it
BROKEN = "UpdateRollbackFailed"
TRIES = 5  # attempts to apply our change


class EndpointRunner(WaitingRunner):
    """Creates or updates an endpoint.

    config_key            member of request and description that fully identifies what it serves, "" if there is none
    is_lost_when_failed   AWS can only delete it once it has failed
    """

    request_from = "call"
    is_named = True
    config_key: ClassVar[str] = "EndpointConfigName"
    is_lost_when_failed: ClassVar[bool] = True

    async def submit(self, run: StepRun) -> Submitted:
        """Create or update the resource; does nothing if it already matches the request."""
        request = await build_request(run, 0)
        entry, identity = run.entry, run.identity
        name = str(request[entry.name_key])
        facts: dict[str, Any] = {"wanted": _served(request), "alarms": list(entry.alarms(request))}
        before = await run.journal.read()
        accepted = before is not None and before.state.was_accepted
        if before is not None and accepted and (before.name, before.try_number) == (name, identity.try_number):
            # Within this attempt, a rolled-back update is reported and not repeated.
            return Submitted(name, before.handle, 0, now(), adopted=True, facts=facts)
        await run.journal.write(Entry.of(identity, name, 0))
        answer, found = await self._changed(run, name, request)
        facts |= {"before": _served(found), "modified": found.get("LastModifiedTime") or ""}
        made = Submitted(name, str(answer.get(entry.arn_key, "")), 0, now(), facts=facts)
        await run.journal.write(made.entry(identity))
        await run.publish(facts_about(run, name, made.handle))
        return made

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait until the requested configuration is in service.  Raises :class:`JobFailed` if another one is."""
        wanted: Mapping[str, str] = job.facts.get("wanted") or {}
        await _until_shown(run, job, wanted)
        try:
            answer = await ended_well(run, job, address_of(run, job.name))
        except JobFailed as error:
            if error.status == BROKEN:
                reason = f"{await self._why(run, job)} The rollback failed, too, so what it serves is unknown. "
                raise _failed(run, job, error.status, reason + error.reason, error.result) from None
            raise
        other = _other(wanted, answer)
        if not other:
            return result_of(run, job.name, answer, started=job.since)
        await run.journal.write(job.entry(run.identity).advance(JobState.FAILED))
        has = " and ".join(
            f'{key} "{value}" instead of "{wanted[key]}"' if value else f'no {key} instead of "{wanted[key]}"'
            for key, value in other.items()
        )
        before = job.facts.get("before")
        if before is None:  # only another process knew
            why = "the update was rolled back, or somebody else has updated it since then."
        elif before == {} or _other(before, answer):
            why = "somebody else has updated it since then."
        else:
            kept = " and ".join(f'"{value}"' for value in other.values() if value) or "What it served"
            why = f"{await self._why(run, job)} {kept} stays in service."
        left = result_of(run, job.name, answer, started=job.since, status="Failed").as_json()
        reason = f"it serves {has}: {why} {run.entry.reason_of(answer)}".rstrip()
        raise _failed(run, job, run.entry.status_of(answer), reason, left)

    async def _why(self, run: StepRun, job: Submitted) -> str:
        """Why AWS rolled the update back, in a sentence."""
        names = job.facts.get("alarms") or []
        off = await alarms_during(run, names, job.since)
        if off:
            alarms = f"the alarm{'s' if len(off) > 1 else ''} " + " and ".join(f'"{name}"' for name in off)
            return f"the update was rolled back because of {alarms}."
        return "the update was rolled back."

    async def _changed(
        self, run: StepRun, name: str, request: Mapping[str, object]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The response of the create or update call, and the previous properties, ``{}`` for a new resource.

        The response is those properties if there is nothing to change, or if the same update is already in progress.

        If another change is in progress, which may be our own with a lost response or somebody else's, the call is
        repeated after it, unless that change leads to the requested state.
        """
        wanted, differed = _served(request), False
        for attempt, pause in enumerate(islice(Backoff(2.0, 10.0, 2.0), TRIES), 1):
            found = await _idle(run, name, wanted)
            if found is not None and _coming(found, wanted):
                run.log(f"{name} is already being updated to that")
                return found, found
            # Describe does not show every requested detail, but it does show a different configuration in service.
            made = differed and found is not None and not _other(wanted, found)
            if found is not None and (made or self._is_so_already(run, found, request)):
                run.log(f"{name} already serves that")
                return found, found
            differed = found is None or bool(_other(wanted, found))
            answer = await self._ask(run, name, request, found, last=attempt == TRIES)
            if answer is not None:
                return answer, found or {}
            await asyncio.sleep(pause)  # until Describe shows the other change
        raise AssertionError("the last attempt raises")

    async def _ask(
        self, run: StepRun, name: str, request: Mapping[str, object], found: Mapping[str, object] | None, *, last: bool
    ) -> dict[str, Any] | None:
        """The response of the create or update call; ``None`` if another change began meanwhile.

        last   whether such a change is an error
        """
        entry = run.entry
        if found is not None and self.is_lost_when_failed and entry.status_of(found) == "Failed":
            raise StepFailed(
                f'Step "{run.identity.step}": {name} is Failed ({entry.reason_of(found)}), and AWS can '
                f"only delete it. Delete it and clear the step, which then creates it again."
            )
        operation = entry.create if found is None else entry.update
        keys = [key for key in request if key not in entry.update_only] if found is None else entry.update_members
        members = {key: request[key] for key in keys if key in request}
        try:
            answer = await call(run.aws, entry.service, operation, **members)
        except Exception as error:
            if last or not await _is_under_way(run, name, error):
                raise
            run.log(f"{operation}: {name} is already being changed; waiting for that: {error_message(error)}")
            return None
        run.log(f"{operation}: {name}")
        return dict(as_json(answer))

    def _is_so_already(self, run: StepRun, found: Mapping[str, object], request: Mapping[str, object]) -> bool:
        """Whether an update would change nothing, as far as ``config_key`` can tell."""
        serves = run.entry.status_of(found) in run.entry.succeeded
        return serves and bool(self.config_key) and found.get(self.config_key) == request.get(self.config_key)


class InferenceComponentRunner(EndpointRunner):
    """Creates or updates an inference component, whose served configuration is in several members."""

    config_key = ""
    is_lost_when_failed = False


async def _is_under_way(run: StepRun, name: str, error: Exception) -> bool:
    """Whether ``error`` says that the resource already exists or is being changed."""
    words, code = error_message(error).lower(), error_code(error)
    if code in IN_USE or "already exist" in words or "in-progress" in words:
        return True
    if code != "ValidationException":
        return False
    found = await describe(run, name)  # the messages are not documented
    return found is not None and run.entry.status_of(found) in BUSY


def _failed(run: StepRun, job: Submitted, status: str, reason: str, left: Mapping[str, object]) -> JobFailed:
    return JobFailed(run.identity.step, job.name, status, reason, left)


def _coming(found: AwsShape, wanted: Mapping[str, str]) -> bool:
    """Whether an update to the ``wanted`` configuration is in progress: ours from before a kill, or somebody else's."""
    pending = (found.get("PendingDeploymentSummary") or {}).get("EndpointConfigName")
    return bool(pending) and pending == wanted.get("EndpointConfigName")


def _served(document: Mapping[str, Any]) -> dict[str, str]:
    """The served configuration in a request or a description: the members that both have.

    Of an inference component with a specification for each instance type, their names begin with that.
    """
    members = {"EndpointConfigName": document.get("EndpointConfigName"), **_specified(document.get("Specification"))}
    for one in document.get("Specifications") or []:
        members |= {f"{one.get('InstanceType')} {key}": value for key, value in _specified(one).items()}
    return {key: str(value) for key, value in members.items() if value}


def _specified(specification: Mapping[str, Any] | None) -> dict[str, Any]:
    given = specification or {}
    container = given.get("Container") or {}
    return {
        "ModelName": given.get("ModelName"),
        "Image": container.get("Image") or (container.get("DeployedImage") or {}).get("SpecifiedImage"),
        "ArtifactUrl": container.get("ArtifactUrl"),
    }


def _other(wanted: Mapping[str, str], found: Mapping[str, object]) -> dict[str, str]:
    """What is served instead of ``wanted``, "" for what is not described; empty if it is the same, as far as known."""
    served = _served(found)
    return {key: served.get(key, "") for key, value in wanted.items() if served.get(key) != value}


async def _until_shown(run: StepRun, job: Submitted, wanted: Mapping[str, str]) -> None:
    """Return when Describe no longer shows the state before the update."""
    modified = job.facts.get("modified")

    def is_shown(found: AwsShape | None) -> bool:
        if found is None or run.entry.status_of(found) in BUSY or not _other(wanted, found):
            return True
        return bool(modified) and found.get("LastModifiedTime") not in (None, modified)  # already rolled back

    await poll_until(lambda: describe(run, job.name), is_shown, Backoff(1.0, 10.0), SHOWN_WITHIN_S)


async def _idle(run: StepRun, name: str, wanted: Mapping[str, str]) -> dict[str, Any] | None:
    """The resource once no change except the ``wanted`` one is in progress; AWS refuses concurrent updates."""

    def is_idle(found: AwsShape | None) -> bool:
        status = run.entry.status_of(found) if found is not None else ""
        return found is None or status not in BUSY or (status == "Updating" and _coming(found, wanted))

    found = await poll_until(lambda: describe(run, name), is_idle, Backoff(0.5, 30.0), BUSY_WAIT_S)
    if found is not None and not is_idle(found):
        status, hours = run.entry.status_of(found), BUSY_WAIT_S / 3600
        raise StepFailed(f'Step "{run.identity.step}": {name} stayed {status} for {hours:.0f} hours.')
    return found
