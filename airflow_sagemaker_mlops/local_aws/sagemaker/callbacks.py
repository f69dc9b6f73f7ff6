"""SendPipelineExecutionStepSuccess and -Failure, for Callback steps of ``sagemaker-mlops run``."""

from __future__ import annotations

from ..callbacks import Callbacks, UnknownToken
from ..errors import invalid
from .context import Answer, Context, Handler, Request


def _send(status: str) -> Handler:
    def send(context: Context, request: Request) -> Answer:
        token = str(request["CallbackToken"])
        answer = {
            "Status": status,
            "OutputParameters": list(request.get("OutputParameters") or []),
            "FailureReason": request.get("FailureReason") or "",
        }
        try:
            Callbacks(context.state_dir).answer(token, answer)
        except UnknownToken:
            raise invalid(f"There is no step waiting for the callback token {token}.") from None
        return {"PipelineExecutionArn": context.arn("pipeline/local/execution/local")}

    return send


HANDLERS: dict[str, Handler] = {
    "SendPipelineExecutionStepSuccess": _send("Succeeded"),
    "SendPipelineExecutionStepFailure": _send("Failed"),
}
