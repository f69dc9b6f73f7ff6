"""x-approval: waits until a person has approved or rejected a version of a model package group.

The registry holds the decision.  Whoever asks people in another way (Airflow's required actions, the command line)
leaves the answer in the step's notes, and the step writes it into the registry.

What a person decided in the registry stands.  UpdateModelPackage takes no condition, so the step reads the status right
before each write and again afterwards, and the text that announces the question leaves the status alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...definition.values import as_text
from ...registry.champion import require_version_of
from ...registry.errors import RegistryError
from ...registry.wording import fitted
from ..aws.calls import as_json, call, call_with_retries
from ..backoff import Backoff
from ..exceptions import StepFailed
from ..job_state import JobState
from ..journal import Entry
from ..request import resolved_arguments, show_request
from ..step_run import StepResult, StepRun, Submitted, now
from .base import WaitingRunner
from .job import result_of

if TYPE_CHECKING:
    from ...json_types import AwsShape

ANSWER = "approval"  # name of the note
PENDING, APPROVED, REJECTED = "PendingManualApproval", "Approved", "Rejected"
DECIDED = (APPROVED, REJECTED)
ASKED = "To be decided."
BY_DEFAULT = "by default, as nobody answered in time,"
UNNAMED = "somebody in the registry"


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
        return self.status in DECIDED


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person has answered; ``user`` is empty if nobody did and the default counts."""

    decision: str
    user: str = ""
    at: str = ""
    comment: str = ""


class ApprovalRunner(WaitingRunner):
    """Waits for the decision in the registry, or writes the answer that it was given."""

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
        job = Submitted(
            question.arn,
            question.arn,
            0,
            now(),
            facts={"timeout": question.timeout_s, "asked": not question.is_decided, "question": asdict(question)},
        )
        await run.journal.write(job.entry(run.identity))
        await run.publish({"name": question.arn, "arn": question.arn})
        return job

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for the decision.  Raises :class:`StepFailed` if time is up and no decision is the default."""
        for pause in Backoff(0.5, run.options.poll_interval_s):
            found = as_json(
                await call_with_retries(run.aws, "sagemaker", "DescribeModelPackage", ModelPackageName=job.name)
            )
            if found.get("ModelApprovalStatus") in DECIDED:
                return await _decided(run, job, found)
            left = _left(job)
            if left <= 0:
                await _time_is_up(run, job)
                continue
            await asyncio.sleep(min(pause, max(left, 0.1)))
        raise AssertionError("pauses have no end")

    async def stop(self, run: StepRun, name: str, handle: str) -> bool:
        """Nothing runs that could be stopped: the question stays in the registry."""
        return True


async def _time_is_up(run: StepRun, job: Submitted) -> None:
    # The trigger that waits has none of the values that the step's expressions need.
    question = replace(Question(**job.facts["question"]), status=await _status(run, job.name))
    if question.is_decided:
        return
    if not question.default:
        await run.journal.write(Entry.of(run.identity, job.name, 0, is_running=True).advance(JobState.FAILED))
        raise StepFailed(undecided(run.identity.step, question))
    await _write(run, question, Answer(question.default, at=now()))


def undecided(step: str, question: Question) -> str:
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
    if group := arguments.get("ModelPackageGroupName"):
        try:
            require_version_of(arn, str(found.get("ModelPackageGroupName") or ""), as_text(group))
        except RegistryError as error:
            raise StepFailed(f'Step "{run.identity.step}": {error}') from error
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
    if not isinstance(note, Mapping) or note.get("decision") not in DECIDED:
        return None
    return Answer(*(str(note.get(key) or "") for key in ("decision", "user", "at", "comment")))


async def _announce(run: StepRun, question: Question) -> None:
    """Have the registry say what is to be decided, unless a person has decided it there meanwhile."""
    status = await _status(run, question.arn)
    if status in DECIDED:
        return
    members = {"ApprovalDescription": fitted(f"{ASKED} {question.sentence}")}
    if status != PENDING:
        members["ModelApprovalStatus"] = PENDING
    await call(run.aws, "sagemaker", "UpdateModelPackage", ModelPackageArn=question.arn, **members)
    if await _status(run, question.arn) in DECIDED:
        return
    run.log(f"waiting until {question.arn} is approved or rejected: in Studio, by UpdateModelPackage, or with")
    command = "--model-approval-status Approved --approval-description WHY"
    run.log(f"aws sagemaker update-model-package --model-package-arn {question.arn} {command}")


async def _write(run: StepRun, question: Question, answer: Answer) -> None:
    """Have the registry say what was answered, unless a person has decided otherwise there meanwhile."""
    status = await _status(run, question.arn)
    if status in DECIDED and not _outweighs(answer, status):
        if status != answer.decision:
            run.log(f"{question.arn} has been {status.lower()} in the registry meanwhile, which stands")
        return
    by = f"by {answer.user}" if answer.user else BY_DEFAULT
    comment = f" {answer.comment}" if answer.comment else ""
    text = f"{answer.decision} {by} at {answer.at}.{comment} {question.sentence}"
    members = {"ModelApprovalStatus": answer.decision, "ApprovalDescription": fitted(text)}
    await call(run.aws, "sagemaker", "UpdateModelPackage", ModelPackageArn=question.arn, **members)
    status = await _status(run, question.arn)
    if status != answer.decision:
        run.log(f"{question.arn} has been changed to {status} in the registry meanwhile, which stands")
        return
    await save_answer(run, answer)


def _outweighs(answer: Answer, status: str) -> bool:
    """Whether ``answer`` replaces a decision in the registry: only a person's rejection replaces an approval."""
    return bool(answer.user) and (status, answer.decision) == (APPROVED, REJECTED)


async def _status(run: StepRun, arn: str) -> str:
    found = await call(run.aws, "sagemaker", "DescribeModelPackage", ModelPackageName=arn)
    return str(found.get("ModelApprovalStatus") or "")


async def _decided(run: StepRun, job: Submitted, found: Mapping[str, object]) -> StepResult:
    decision = str(found["ModelApprovalStatus"])
    answer = await _given(run)
    by_default = answer is not None and not answer.user
    if answer is None or answer.decision != decision:
        answer = _in_registry(decision, found, asked=bool(job.facts.get("asked")))
        by_default = str(found.get("ApprovalDescription") or "").startswith(f"{decision} {BY_DEFAULT}")
    await run.journal.write(job.entry(run.identity).advance(JobState.SUCCEEDED))
    comment = f": {answer.comment}" if answer.comment else ""
    by = f"by {answer.user}" if answer.user else "by default" if by_default else "before this step asked"
    run.log(f"{job.name}: {decision} {by}{comment}")
    properties = {
        "Approved": decision == APPROVED,
        "Decision": decision,
        "DecidedBy": answer.user,
        "DecidedAt": answer.at,
        "Comment": answer.comment,
    }
    approval = {"model": job.name, **{key: value for key, value in asdict(answer).items() if value}}
    made = result_of(run, job.name, properties, started=job.since)
    return replace(made, facts={**made.facts, "Approval": approval | ({"by_default": True} if by_default else {})})


def _in_registry(decision: str, found: AwsShape, *, asked: bool) -> Answer:
    """The decision in the registry, which an earlier attempt of this step may have written as the default.

    asked   whether the version was undecided when this step began, so that somebody has decided since
    """
    description = str(found.get("ApprovalDescription") or "")
    at = str(found.get("LastModifiedTime") or found.get("CreationTime") or now())
    if description.startswith(f"{decision} {BY_DEFAULT}"):
        return Answer(decision, at=at)
    user = _identity(found.get("LastModifiedBy"))
    if not asked and user == _identity(found.get("CreatedBy")):
        user = ""  # who registered it with this status did not decide about it
    elif not user:
        user = UNNAMED
    return Answer(decision, user, at, "" if description.startswith(ASKED) else description)


def _identity(by: object) -> str:
    """Who changed a version, as DescribeModelPackage names them; "" if it does not."""
    found = by if isinstance(by, Mapping) else {}
    return str(found.get("UserProfileName") or (found.get("IamIdentity") or {}).get("Arn") or "")


def _left(job: Submitted) -> float:
    """Seconds until time is up."""
    seconds = job.facts.get("timeout")
    if not isinstance(seconds, int):
        return float("inf")
    return seconds - (datetime.now(UTC) - datetime.fromisoformat(job.since)).total_seconds()
