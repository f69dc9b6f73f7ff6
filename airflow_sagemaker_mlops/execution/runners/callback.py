"""Callback: sends a message with a token to an SQS queue, then waits for the answer with that token.

The message is that of SageMaker Pipelines (docs/language/steps/calls.md#callback); answers arrive in ``run.inbox``.
"""

from __future__ import annotations

import json
from typing import Any

from ...definition.expressions import parse_value
from .. import callback_tokens
from ..aws.calls import call
from ..aws.threads import in_thread
from ..backoff import Backoff, poll_until
from ..exceptions import StepFailed
from ..job_state import JobState
from ..journal import Entry
from ..request import resolved_arguments
from ..scope import resolve
from ..step_run import StepResult, StepRun, Submitted, now
from ..submit import requested_again
from .base import WaitingRunner, typed_outputs


class CallbackRunner(WaitingRunner):
    """Sends the message, then waits for the answer."""

    request_from = "settings"
    needs_journal = True

    async def submit(self, run: StepRun) -> Submitted:
        """Send the message; repeats the token if this attempt may have sent it before."""
        identity = run.identity
        queue = await _queue(run)
        ticket, ordinal, sent, is_open = await _earlier(run)
        handle = callback_tokens.handle(ticket)
        if not sent:
            await run.journal.write(Entry.of(identity, ticket, ordinal, handle=queue))
            if not is_open:  # otherwise the answer to an earlier message would be lost
                await run.inbox.open(handle)
            if not is_open or await run.inbox.answer(handle) is None:
                await _send(run, queue, ticket, "Executing")
        waiting = Submitted(ticket, queue, ordinal, now(), adopted=sent)
        await run.journal.write(waiting.entry(identity))
        what = "still waiting for an answer to the token" if sent else "SendMessage: a token"
        run.log(f"{what} with the hash {handle[:12]}, queue {queue}")
        return waiting

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for the answer, without a time limit."""
        identity = run.identity
        inbox, handle = run.inbox, callback_tokens.handle(job.name)
        pauses = Backoff(0.5, run.options.poll_interval_s, 1.1)
        answer = await poll_until(lambda: inbox.answer(handle), lambda found: found is not None, pauses) or {}
        good = answer.get("Status") == "Succeeded"
        await run.journal.write(job.entry(identity).advance(JobState.SUCCEEDED if good else JobState.FAILED))
        if not good:
            raise StepFailed(
                f'Step "{identity.step}": {answer.get("FailureReason") or "the callback reported a failure"}'
            )
        properties = {"OutputParameters": _outputs(run, answer.get("OutputParameters") or [])}
        return StepResult(identity.step, run.step_type, job.name, None, properties, job.since, now())

    async def stop(self, run: StepRun, name: str, handle: str) -> bool:
        """Notify the consumer that the step no longer waits, as the service does, and stop accepting an answer."""
        if not name or not handle:
            return False
        await run.inbox.close(callback_tokens.handle(name))
        await _send(run, handle, name, "Stopping")
        return True


async def _earlier(run: StepRun) -> tuple[str, int, bool, bool]:
    """(ticket, its number, whether its message was sent, whether it is open or answered) of this attempt.

    Creates a new ticket unless an existing one continues.
    """
    entry = await run.journal.read()
    fresh = callback_tokens.new_ticket(run.inbox.secret)
    if entry is None:
        return fresh, 0, False, False
    same = entry.try_number == run.identity.try_number
    ended = entry.state.asks_for_another or (entry.state.has_failed and not same)
    handle = callback_tokens.handle(entry.name)
    if not ended and not requested_again(run, entry):
        is_open = await run.inbox.is_open(handle)
        sent = is_open and not entry.state.is_submitting
        if sent or callback_tokens.token_of(run.inbox.secret, entry.name) is not None:
            return entry.name, entry.ordinal, sent, is_open
    await run.inbox.close(handle)
    return fresh, entry.ordinal + 1, False, False


async def _queue(run: StepRun) -> str:
    queue = parse_value(run.spec.settings.get("SqsQueueUrl"), "SqsQueueUrl")
    resolved = await in_thread(run.aws.key, resolve, queue, run.scope, "SqsQueueUrl")
    if not isinstance(resolved, str) or not resolved:
        raise StepFailed(f'Step "{run.identity.step}": SqsQueueUrl is {resolved!r}, which is not the URL of a queue.')
    return resolved


async def _send(run: StepRun, queue: str, ticket: str, status: str) -> None:
    token = callback_tokens.token_of(run.inbox.secret, ticket)
    if token is None:  # only affects the "Stopping" message, whose answers are refused anyway
        run.log("the deployment's secret has changed, so the consumer is not notified that the step no longer waits")
        return
    message = {
        "token": token,
        "pipelineExecutionArn": run.scope.execution.get("PipelineExecutionArn", ""),
        "arguments": await resolved_arguments(run) if status == "Executing" else {},
        "status": status,
    }
    members: dict[str, Any] = {"QueueUrl": queue, "MessageBody": json.dumps(message)}
    if queue.endswith(".fifo"):
        members |= {"MessageGroupId": run.identity.execution_id, "MessageDeduplicationId": f"{token}-{status}"}
    await call(run.aws, "sqs", "SendMessage", **members)


def _outputs(run: StepRun, given: list[dict[str, Any]]) -> dict[str, Any]:
    """The declared outputs converted from text to their types; ignores undeclared ones."""
    outputs = typed_outputs(run, {str(item.get("Name")): item.get("Value") for item in given})
    for declared in run.spec.output_parameters:
        if declared.name not in outputs:
            run.log(f'the answer has no output "{declared.name}"')
    return outputs
