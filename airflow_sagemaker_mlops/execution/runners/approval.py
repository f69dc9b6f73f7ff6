"""x-approval: waits until a person has approved or rejected a version of a model package group.

The registry holds the decision.  Whoever asks people in another way (Airflow's required actions, the command line)
leaves the answer in the step's notes, and the step writes it into the registry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ...definition.values import as_text
from ...registry.wording import fitted
from ..aws.clients import as_json, call, insist
from ..exceptions import StepFailed
from ..job_state import JobState
from ..journal import Entry
from ..request import resolved_arguments, show_request
from ..step_run import StepResult, StepRun, Submitted, now
from .base import WaitingRunner
from .job import result_of

ANSWER = "approval"  # name of the note
PENDING, APPROVED, REJECTED = "PendingManualApproval", "Approved", "Rejected"
ASKED = "To be decided."
FASTEST_S = 0.5
SLOWER = 1.5


@dataclass(frozen=True, slots=True)
class Question:
    """What people are asked about a version.

    status     ``ModelApprovalStatus`` of the version now
    sentence   why it is a candidate, in the gate's words
    users      who may answer; anybody if empty
    default    the decision when time is up; "" if the step fails then
    """

    arn: str
    status: str
    subject: str
    sentence: str
    users: tuple[str, ...]
    timeout_s: int | None
    default: str

    @property
    def is_decided(self) -> bool:
        """Whether the registry has a decision."""
        return self.status in (APPROVED, REJECTED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person has answered; ``user`` is empty if nobody did and the default counts."""

    decision: str
    user: str = ""
    at: str = ""
    comment: str = ""


class ApprovalRunner(WaitingRunner):
    """Waits for the decision in the registry, or writes the answer that it was given."""

    name = "approval"
    request_from = "arguments"
    needs_journal = True

    async def submit(self, run: StepRun) -> Submitted:
        """Write the answer, if there is one; else say in the registry what is to be decided."""
        question = await question_of(run)
        answer = await _given(run)
        if answer is not None:
            await _write(run, question, answer)
        elif not question.is_decided:
            await _announce(run, question)
        job = Submitted(question.arn, question.arn, 0, now(), facts={"timeout": question.timeout_s})
        await run.journal.write(job.entry(run.identity))
        await run.publish({"name": question.arn, "arn": question.arn})
        return job

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for the decision.  Raises :class:`StepFailed` if time is up and no decision is the default."""
        pause = FASTEST_S
        while True:
            found = as_json(await insist(run.aws, "sagemaker", "DescribeModelPackage", ModelPackageName=job.name))
            if found.get("ModelApprovalStatus") in (APPROVED, REJECTED):
                return await _decided(run, job, found)
            left = _left(job)
            if left <= 0:
                await _time_is_up(run, job)
                continue
            await asyncio.sleep(min(pause, run.options.poll_interval_s, max(left, 0.1)))
            pause *= SLOWER

    async def stop(self, run: StepRun, name: str, handle: str) -> bool:
        """Nothing runs that could be stopped: the question stays in the registry."""
        return True


async def _time_is_up(run: StepRun, job: Submitted) -> None:
    question = await question_of(run)
    if question.is_decided:
        return
    if not question.default:
        await run.journal.write(Entry.of(run.identity, job.name, 0, is_running=True).advance(JobState.FAILED))
        raise StepFailed(nobody_decided(run.identity.step, question))
    await _write(run, question, Answer(question.default, at=now()))


def nobody_decided(step: str, question: Question) -> str:
    """The sentence of a step whose time is up."""
    version = question.arn.rpartition(":model-package/")[2]
    return f'Step "{step}": nobody has approved or rejected {version} within {question.timeout_s} s.'


async def question_of(run: StepRun) -> Question:
    """What the step asks, and what the registry says about it now."""
    arguments = await resolved_arguments(run)
    await show_request(run, arguments)
    arn = arguments.get("ModelPackageArn")
    if not isinstance(arn, str) or not arn:
        raise StepFailed(f'Step "{run.identity.step}": ModelPackageArn is {arn!r}, which names no version.')
    found = await call(run.aws, "sagemaker", "DescribeModelPackage", ModelPackageName=arn)
    seconds = arguments.get("TimeoutInSeconds")
    version = arn.rpartition(":model-package/")[2]
    return Question(
        arn=str(found.get("ModelPackageArn") or arn),
        status=str(found.get("ModelApprovalStatus") or ""),
        subject=as_text(arguments.get("Subject") or f"Approve {version}?"),
        sentence=as_text(arguments.get("Sentence") or ""),
        users=tuple(as_text(name) for name in arguments.get("AssignedUsers") or ()),
        timeout_s=int(as_text(seconds)) if seconds is not None else None,
        default=as_text(arguments.get("Default") or ""),
    )


async def save_answer(run: StepRun, answer: Answer) -> None:
    """Leave ``answer`` for the step; it counts until a user clears the task."""
    await run.notes.save(ANSWER, {**asdict(answer), "generation": run.identity.generation})


async def has_answer(run: StepRun) -> bool:
    """Whether an answer was left for the step."""
    return await _given(run) is not None


async def _given(run: StepRun) -> Answer | None:
    note = await run.notes.load(ANSWER)
    if not isinstance(note, Mapping) or note.get("generation") != run.identity.generation:
        note = run.options.answers.get(run.identity.step)
    if not isinstance(note, Mapping) or note.get("decision") not in (APPROVED, REJECTED):
        return None
    return Answer(*(str(note.get(key) or "") for key in ("decision", "user", "at", "comment")))


async def _announce(run: StepRun, question: Question) -> None:
    members = {"ModelApprovalStatus": PENDING, "ApprovalDescription": fitted(f"{ASKED} {question.sentence}")}
    await call(run.aws, "sagemaker", "UpdateModelPackage", ModelPackageArn=question.arn, **members)
    run.tell(f"waiting until {question.arn} is approved or rejected: in Studio, by UpdateModelPackage, or with")
    status = "--model-approval-status Approved --approval-description WHY"
    run.tell(f"aws sagemaker update-model-package --model-package-arn {question.arn} {status}")


async def _write(run: StepRun, question: Question, answer: Answer) -> None:
    """Have the registry say what was answered.  A rejection stands, whoever approves later."""
    if question.status == REJECTED and answer.decision == APPROVED:
        run.tell(f"{question.arn} has been rejected in the registry meanwhile, which stands")
        return
    by = f"by {answer.user}" if answer.user else "by default, as nobody answered in time,"
    comment = f" {answer.comment}" if answer.comment else ""
    text = f"{answer.decision} {by} at {answer.at}.{comment} {question.sentence}"
    members = {"ModelApprovalStatus": answer.decision, "ApprovalDescription": fitted(text)}
    await call(run.aws, "sagemaker", "UpdateModelPackage", ModelPackageArn=question.arn, **members)
    await save_answer(run, answer)


async def _decided(run: StepRun, job: Submitted, found: Mapping[str, object]) -> StepResult:
    decision = str(found["ModelApprovalStatus"])
    answer = await _given(run)
    if answer is None or answer.decision != decision:
        answer = _in_registry(decision, found)
    await run.journal.write(job.entry(run.identity).advance(JobState.SUCCEEDED))
    comment = f": {answer.comment}" if answer.comment else ""
    run.tell(f"{job.name}: {decision} by {answer.user or 'default'}{comment}")
    properties = {
        "Approved": decision == APPROVED,
        "Decision": decision,
        "DecidedBy": answer.user,
        "DecidedAt": answer.at,
        "Comment": answer.comment,
    }
    approval = {"model": job.name, **{key: value for key, value in asdict(answer).items() if value}}
    made = result_of(run, job.name, properties, started=job.since)
    return replace(made, facts={**made.facts, "Approval": approval | ({} if answer.user else {"by_default": True})})


def _in_registry(decision: str, found: Mapping[str, Any]) -> Answer:
    """A decision that somebody made in the registry itself."""
    by = found.get("LastModifiedBy") or {}
    user = by.get("UserProfileName") or (by.get("IamIdentity") or {}).get("Arn") or "somebody in the registry"
    description = str(found.get("ApprovalDescription") or "")
    comment = "" if description.startswith(ASKED) else description
    return Answer(decision, str(user), str(found.get("LastModifiedTime") or now()), comment)


def _left(job: Submitted) -> float:
    """Seconds until time is up."""
    seconds = job.facts.get("timeout")
    if not isinstance(seconds, int):
        return float("inf")
    return seconds - (datetime.now(UTC) - datetime.fromisoformat(job.since)).total_seconds()
