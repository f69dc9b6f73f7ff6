"""Compiles SDK code to a definition in a separate process and interpreter, without an AWS account.

AWS calls of the code (the default bucket, uploads of scripts) go to the embedded AWS, to an Airflow connection, or to
the user's account, as :class:`Compiling` says.  The embedded AWS is started when the code creates its first client.
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
from typing import IO, TYPE_CHECKING, Any, Literal

from .. import local_aws
from ..runs.clients import connected, started, state_folder
from ..runs.errors import NoAws
from .option_names import in_options
from .output.terminal import say
from .parameters import texts_of

if TYPE_CHECKING:
    from ..execution.aws.clients import SessionAws

CHILD = Path(__file__).with_name("compile_child.py")
LONGEST_LINE = 16_384  # bytes; longer lines of output are split
OUTPUT_S = 5.0  # how long processes that the code left behind may keep its output open
REGION = "us-east-1"


class NotCompiled(ValueError):
    """The code produced no definition; ``str()`` says why.

    exit_code   2 if the command's arguments are wrong, 1 if the code is
    """

    def __init__(self, why: str, exit_code: int = 2) -> None:
        super().__init__(why)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """How to compile code.

    python      interpreter that has the SDK
    arguments   "name=value" for a function
    calls       destination of the code's AWS calls: the embedded AWS, or the user's account if boto3 finds credentials
    conn        Airflow connection to use instead
    keeps       whether to keep an embedded AWS that was started for the code
    show_output whether to show the code's output if it succeeds
    """

    python: Path = Path(sys.executable)
    arguments: Sequence[str] = ()
    calls: Literal["embedded", "own"] = "embedded"
    conn: str | None = None
    region: str | None = None
    state_dir: Path | None = None
    keeps: bool = False
    show_output: bool = False

    def named_arguments(self) -> dict[str, str]:
        """{name: text}.  Raises :class:`NotCompiled` for a word without "="."""
        for word in self.arguments:
            if "=" not in word[1:]:
                raise NotCompiled(f'--arg is "{word}"; write --arg name=value.')
        try:
            return texts_of(self.arguments)
        except ValueError as error:
            raise NotCompiled(f"--arg: {error}") from None


@dataclass(frozen=True, slots=True)
class Compiled:
    """The definition that the code produced, and the pipeline's name."""

    definition: str
    name: str


def compile_target(target: str, options: CompileOptions) -> Compiled:
    """The definition of ``target``, "module:object" or "file.py:object".  Raises :class:`NotCompiled`."""
    given = json.dumps(options.named_arguments())
    parent, child = socket.socketpair()
    with tempfile.TemporaryDirectory() as folder, parent:  # of mode 0700
        arguments, result = Path(folder) / "arguments.json", Path(folder) / "result.json"
        arguments.touch(mode=0o600)
        arguments.write_text(given)
        with child:
            files = [str(arguments), str(result), str(child.fileno())]
            mode = options.calls if options.conn is None else "embedded"
            try:
                process = subprocess.Popen(
                    [str(options.python), "-u", "-c", CHILD.read_text(), target, *files, mode],
                    env=_environment(options),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=[child.fileno()],
                )
            except OSError as error:
                raise NotCompiled(f'--python "{options.python}" cannot be run: {error.strerror or error}.') from None
        answering, output = _Answering(parent, options), _Output(process.stdout, shown=options.show_output)
        answering.start()
        output.start()
        try:
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            answering.finish()
        output.join(timeout=OUTPUT_S)
        answer = json.loads(result.read_text()) if code == 0 and result.exists() else None
        if answer is None:
            raise NotCompiled(_why(target, options, code, output), 1)
        if "problem" in answer:
            raise NotCompiled(answer["problem"], answer["exit_code"])
        return Compiled(**answer)


def _environment(options: CompileOptions) -> dict[str, str]:
    """The child's environment: the SDK refuses to be imported without a region."""
    region = options.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION
    return {"AWS_REGION": region, **os.environ, "AWS_DEFAULT_REGION": region}


def _why(target: str, options: CompileOptions, code: int, output: _Output) -> str:
    if "ModuleNotFoundError: No module named 'sagemaker" in output.last:
        return (
            f"{target} needs the SageMaker SDK, which {options.python} does not have. Install it there "
            "(pip install sagemaker), or name the interpreter of an environment that has it: --python path/to/python, "
            "or SAGEMAKER_MLOPS_PYTHON."
        )
    if not output.last:
        ended = f"with signal {-code}" if code < 0 else f"with exit code {code}"
        return f"{target} produced no pipeline: its process ended {ended} without an error message."
    return f"{output.text}\n{target} could not be compiled; see its error above.".lstrip()


class _Output(threading.Thread):
    """The code's output, either shown line by line with control characters escaped, or collected.

    text   output that has not been shown
    last   the last line
    """

    def __init__(self, stream: IO[bytes] | None, *, shown: bool) -> None:
        super().__init__(daemon=True)
        self._stream, self._shown = stream, shown
        self.text = self.last = ""

    def run(self) -> None:
        if self._stream is None:
            return
        with self._stream as lines:
            while line := lines.readline(LONGEST_LINE):
                text = line.decode(errors="replace").rstrip("\r\n")
                self.last = text if text.strip() else self.last
                if self._shown:
                    say(text, err=True)
                else:
                    self.text += f"{text}\n"


class _Answering(threading.Thread):
    """Tells the child which AWS to use, and stops an embedded AWS that was started only for it."""

    def __init__(self, channel: socket.socket, options: CompileOptions) -> None:
        super().__init__(daemon=True)
        self._channel, self._options = channel, options
        self._ours: Path | None = None

    def run(self) -> None:
        with self._channel.makefile() as lines:
            for _question in lines:
                try:
                    answer = self._answer()
                except (NoAws, RuntimeError) as error:
                    answer = {"problem": in_options(error)}
                self._channel.sendall(f"{json.dumps(answer)}\n".encode())

    def finish(self) -> None:
        """Wait for the last answer, and stop the embedded AWS unless somebody else uses it."""
        self.join(timeout=60)
        if self._ours is not None:
            local_aws.stop(self._ours)

    def _answer(self) -> Mapping[str, Any]:
        options = self._options
        if options.conn is not None:
            return _of_connection(connected(options.conn, options.region))
        folder = state_folder(options.state_dir)
        if local_aws.status(folder) is None and not options.keeps:
            self._ours = folder
        aws = started(options.state_dir)
        keys = {"aws_access_key_id": aws.access_key, "aws_secret_access_key": aws.secret_key}
        return {"endpoint_url": aws.endpoint_url, "region": aws.region, **keys}


def _of_connection(aws: SessionAws) -> Mapping[str, Any]:
    found = aws.session.get_credentials()
    if found is None:
        raise NoAws("--conn has no credentials, so the code cannot be compiled with it.")
    frozen = found.get_frozen_credentials()
    return {
        "endpoint_url": aws.endpoint_of("s3"),
        "region": aws.region,
        "aws_access_key_id": frozen.access_key,
        "aws_secret_access_key": frozen.secret_key,
        "aws_session_token": frozen.token,
    }
