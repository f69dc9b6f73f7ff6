"""Lambda: one synchronous invocation with typed outputs."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from ...definition.expressions import parse_value
from ...definition.read.strict_json import NotJson, read_json
from ..aws.errors import may_be_done
from ..aws.threads import in_thread
from ..exceptions import StepFailed, Unanswered
from ..job_state import JobState
from ..journal import Entry
from ..request import resolved_arguments, show_request
from ..scope import resolve
from ..step_run import StepResult, StepRun, now
from ..submit import requested_again
from .base import Runner, typed_outputs

if TYPE_CHECKING:
    from ...json_types import AwsShape


class LambdaFunctionRunner(Runner):
    """Invokes the function and waits for its result."""

    request_from = "settings"
    needs_journal = True
    has_default_stub = True

    async def run(self, run: StepRun) -> StepResult:
        """Invoke the function and read its ``OutputParameters`` from the top level of its result."""
        started = now()
        arn = await _target(run)
        event = await resolved_arguments(run)
        await show_request(run, {"FunctionName": arn, "Payload": event})
        await _refuse_after_a_loss(run, arn)
        invocation = Entry.of(run.identity, arn, 0)
        await run.journal.write(invocation)
        try:
            answer = await in_thread(run.aws.key, _invoke, run, arn, json.dumps(event).encode())
        except Exception:
            # The retry policies decide whether to invoke it again.
            await run.journal.write(invocation.advance(JobState.FAILURE_REPORTED))
            raise
        await run.journal.write(invocation.advance(JobState.SUCCEEDED))
        for line in _log_tail(answer):
            run.log(line)
        payload = answer["Payload"]
        if answer.get("FunctionError"):
            raise StepFailed(f'Step "{run.identity.step}": {arn} failed: {_function_error(payload)}')
        outputs = _outputs(run, payload)
        properties: dict[str, Any] = {"OutputParameters": outputs}
        await run.publish({"arn": arn, **_links(run, arn)})
        return StepResult(
            step=run.identity.step,
            type=run.step_type,
            name=arn.rsplit(":function:", 1)[-1],
            arn=arn,
            properties=properties,
            started=started,
            ended=now(),
        )


async def _refuse_after_a_loss(run: StepRun, arn: str) -> None:
    """Refuse to repeat an invocation whose process was killed: like one whose response was lost, it may have run."""
    entry = await run.journal.read()
    if entry is not None and entry.state.is_submitting and not requested_again(run, entry):
        await run.journal.write(entry.advance(JobState.FAILURE_REPORTED))
        raise Unanswered(run.identity.step, arn, "the process that invoked it was killed")


async def _target(run: StepRun) -> str:
    function = parse_value(run.spec.settings.get("FunctionArn"), "FunctionArn")
    resolved = await in_thread(run.aws.key, resolve, function, run.scope, "FunctionArn")
    if not isinstance(resolved, str) or not resolved:
        raise StepFailed(f'Step "{run.identity.step}": FunctionArn is {resolved!r}, which is not a function name.')
    return resolved


def _invoke(run: StepRun, arn: str, event: bytes) -> dict[str, Any]:
    client = run.aws.client("lambda")
    try:
        answer = client.invoke(FunctionName=arn, InvocationType="RequestResponse", LogType="Tail", Payload=event)
        return {**answer, "Payload": answer["Payload"].read()}
    except Exception as error:
        if may_be_done(error):
            raise Unanswered(run.identity.step, arn, error) from error
        raise


def _log_tail(answer: AwsShape) -> list[str]:
    encoded = answer.get("LogResult")
    if not encoded:
        return []
    lines = base64.b64decode(encoded).decode("utf-8", "replace").splitlines()
    return [line for line in lines if line and not line.startswith(("START ", "END ", "REPORT "))]


def _function_error(payload: bytes) -> str:
    try:
        error = read_json(payload)
        return f"{error.get('errorType', 'error')}: {error.get('errorMessage', '')}"
    except (NotJson, AttributeError):
        return payload[:300].decode("utf-8", "replace")


def _outputs(run: StepRun, payload: bytes) -> dict[str, Any]:
    if not run.spec.output_parameters:
        return {}
    why = ""
    try:
        answer = read_json(payload)
    except NotJson as error:
        answer, why = None, f", which {error.predicate()}"
    if not isinstance(answer, dict):
        text = payload[:120].decode("utf-8", "replace")
        raise StepFailed(
            f'Step "{run.identity.step}": the function returned {text!r}{why}; outputs are read from a JSON object.'
        )
    return typed_outputs(run, answer)


def _links(run: StepRun, arn: str) -> dict[str, str]:
    if run.aws.is_local:
        return {}  # as in facts_about
    name = arn.rsplit(":function:", 1)[-1].split(":", maxsplit=1)[0]
    region = run.aws.region
    base = f"https://{region}.console.aws.amazon.com"
    return {
        "console": f"{base}/lambda/home?region={region}#/functions/{name}",
        "logs": f"{base}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/$252Faws$252Flambda$252F{name}",
    }
