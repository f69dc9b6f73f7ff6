"""SDK code to its definition, in a process and an interpreter of its own, without an AWS account.

AWS calls of the code (the default bucket, uploads of scripts) go to the embedded AWS, to an Airflow connection, or to
the user's own account, as :class:`Compiling` says.  The embedded AWS is started when the first client is made.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .. import local_aws
from ..runs.clients import NoAws, connected, started, state_folder

CHILD = Path(__file__).with_name("compile_child.py")
UNUSABLE = 3
REGION = "us-east-1"


class NotCompiled(ValueError):
    """The code gave no definition; ``str()`` says why.

    exit_code   2 when the words on the command line are to blame, 1 when it is the code
    """

    def __init__(self, why: str, exit_code: int = 2) -> None:
        super().__init__(why)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Compiling:
    """How code is compiled.

    python      interpreter that has the SDK
    arguments   "name=value" for a function
    calls       where AWS calls of the code go: to the embedded AWS, or to the user's own account where boto3 finds
                credentials for one
    conn        Airflow connection that they go to instead
    keeps       whether an embedded AWS that is started for it stays
    told        whether the code's own output is shown when it succeeds
    """

    python: Path = Path(sys.executable)
    arguments: Sequence[str] = ()
    calls: Literal["embedded", "own"] = "embedded"
    conn: str | None = None
    region: str | None = None
    state_dir: Path | None = None
    keeps: bool = False
    told: bool = False

    def named_arguments(self) -> dict[str, str]:
        """{name: text}.  Raises :class:`NotCompiled` for a word that is none."""
        pairs = [(word, *word.partition("=")) for word in self.arguments]
        for word, name, separator, _ in pairs:
            if not separator or not name:
                raise NotCompiled(f'--arg is "{word}"; write --arg name=value.')
        return {name: text for _, name, _, text in pairs}


@dataclass(frozen=True, slots=True)
class Compiled:
    """The definition that the code gave, and the pipeline's name."""

    definition: str
    name: str


def compile_target(target: str, how: Compiling) -> Compiled:
    """The definition of ``target``, "module:object" or "file.py:object".  Raises :class:`NotCompiled`."""
    arguments = json.dumps(how.named_arguments())
    parent, child = socket.socketpair()
    with tempfile.TemporaryDirectory() as folder, parent:
        result, output = Path(folder) / "result.json", Path(folder) / "output"
        with child, output.open("wb") as written:
            # Unbuffered, so that our own sentence is the last line of what it writes.
            command = [
                str(how.python),
                "-u",
                "-c",
                CHILD.read_text(),
                target,
                str(result),
                arguments,
                str(child.fileno()),
            ]
            try:
                process = subprocess.Popen(
                    [*command, how.calls if how.conn is None else "embedded"],
                    env=_environment(how),
                    stdin=subprocess.DEVNULL,
                    stdout=None if how.told else written,
                    stderr=None if how.told else written,
                    pass_fds=[child.fileno()],
                )
            except OSError as error:
                raise NotCompiled(f'--python "{how.python}" cannot be run: {error.strerror or error}.') from None
        answering = _Answering(parent, how)
        answering.start()
        try:
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            answering.finish()
        if code == 0 and result.exists():
            return Compiled(**json.loads(result.read_text()))
        why = _why(target, how, code, output.read_text(errors="replace").strip())
        raise NotCompiled(why, 2 if code == UNUSABLE else 1)


def _environment(how: Compiling) -> dict[str, str]:
    """The child's environment: the SDK refuses to be imported without a region."""
    region = how.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION
    return {"AWS_REGION": region, **os.environ, "AWS_DEFAULT_REGION": region}


def _why(target: str, how: Compiling, code: int, output: str) -> str:
    last = output.rpartition("\n")[2]
    if code == UNUSABLE:
        return last or f"{target} could not be compiled; the reason is above."
    if "ModuleNotFoundError: No module named 'sagemaker" in last:
        return (
            f"{target} needs the SageMaker SDK, and {how.python} has none. Install it there (pip install sagemaker), "
            "or name the interpreter of an environment that has it: --python path/to/python, or SAGEMAKER_MLOPS_PYTHON."
        )
    return f"{output}\n{target} could not be compiled; its own error is above.".lstrip()


class _Answering(threading.Thread):
    """Answers the child's question for an AWS, and ends what was started for it alone."""

    def __init__(self, channel: socket.socket, how: Compiling) -> None:
        super().__init__(daemon=True)
        self._channel, self._how = channel, how
        self._ours: Path | None = None

    def run(self) -> None:
        with self._channel.makefile() as lines:
            for _question in lines:
                try:
                    answer = self._answer()
                except (NoAws, RuntimeError) as error:
                    answer = {"problem": str(error)}
                self._channel.sendall(f"{json.dumps(answer)}\n".encode())

    def finish(self) -> None:
        """Wait for the last answer, and stop the embedded AWS when nobody else has asked for it."""
        self.join(timeout=60)
        if self._ours is not None:
            local_aws.stop(self._ours)

    def _answer(self) -> Mapping[str, Any]:
        how = self._how
        if how.conn is not None:
            return _of_connection(connected(how.conn, how.region))
        folder = state_folder(how.state_dir)
        if local_aws.status(folder) is None and not how.keeps:
            self._ours = folder
        aws = started(how.state_dir)
        keys = {"aws_access_key_id": aws.access_key, "aws_secret_access_key": aws.secret_key}
        return {"endpoint_url": aws.endpoint_url, "region": aws.region, **keys}


def _of_connection(aws: Any) -> Mapping[str, Any]:
    found = aws.session.get_credentials()
    if found is None:
        raise NoAws("--conn leads to no credentials, so the code cannot be compiled with them.")
    frozen = found.get_frozen_credentials()
    return {
        "endpoint_url": aws.endpoint_of("s3"),
        "region": aws.region,
        "aws_access_key_id": frozen.access_key,
        "aws_secret_access_key": frozen.secret_key,
        "aws_session_token": frozen.token,
    }
