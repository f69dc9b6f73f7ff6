"""The report on a failed job: the cause in one line, its last log lines, its command, and where its log is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .secret_masking import mask

if TYPE_CHECKING:
    from ..json_types import AwsShape

LAST_LINES = 10
MAX_COMMAND = 400
# The format of the framework toolkits: ExecuteUserScriptError: ExitCode 1 ErrorMessage "..." Command "..."
_USER_ERROR = re.compile(r'ErrorMessage "(?P<message>.*?)"\s*(?:ExtraInfo "|Command ")', re.DOTALL)
_EXCEPTION = re.compile(r"^(?:\d\d:\d\d:\d\d )?(?P<error>[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit)(?::\s.*)?)$")
_NOTHING_SAID = "See job logs for more information"


def report(
    problem: str, reason: str, answer: Mapping[str, object], last_lines: Sequence[str] = (), whole_log: str = ""
) -> str:
    """The task log's lines about a failed job, cause first.

    :param problem: the sentence that names step, job and status
    :param reason: the service's ``FailureReason``
    :param answer: the job's properties
    :param last_lines: of its containers' log, in order
    :param whole_log: location of the whole log
    """
    lines = [cause_of_failure(reason, last_lines) or problem, problem]
    command = command_of(answer)
    if command:
        lines.append(f"Command: {command}")
    if last_lines:
        lines += ["Last lines of its log:", *(f"  {line}" for line in last_lines)]
    if whole_log:
        lines.append(f"Whole log: {whole_log}")
    return "\n".join(str(mask(line)) for line in (lines[1:] if lines[0] == lines[1] else lines))


def cause_of_failure(reason: str, last_lines: Sequence[str] = ()) -> str:
    """The cause in one line: the script's exception if it is known, otherwise the service's reason."""
    found = _USER_ERROR.search(reason)
    message = found["message"].strip() if found else ""
    if message:
        return message.splitlines()[-1].strip()
    said = reason.removeprefix("AlgorithmError: ").strip()
    if not said or said.startswith((_NOTHING_SAID, "ExecuteUserScriptError")):
        exceptions = (match["error"] for line in reversed(last_lines) if (match := _EXCEPTION.match(line.strip())))
        said = next(exceptions, said)
    return said.splitlines()[0] if said else ""


def command_of(answer: AwsShape) -> str:
    """The command of a job's container as typed in a shell, secrets masked; empty if it is the image's own."""
    image = answer.get("AppSpecification") or answer.get("AlgorithmSpecification") or {}
    words = [*(image.get("ContainerEntrypoint") or ()), *(image.get("ContainerArguments") or ())]
    if not words:
        named = (answer.get("HyperParameters") or {}).get("sagemaker_program")
        program = str(named or (answer.get("Environment") or {}).get("SAGEMAKER_PROGRAM") or "")
        words = [program.strip('"')] if program else []
    text = shlex.join(str(word) for word in mask(words))
    return text if len(text) <= MAX_COMMAND else f"{text[:MAX_COMMAND]} ..."
