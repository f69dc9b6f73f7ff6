"""``sagemaker-mlops local``: serves the embedded AWS."""

from __future__ import annotations

import shlex
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from .. import local_aws
from ..local_aws.fault_injection import FILE, read_rules, write_rules
from ..runs.clients import state_folder
from ..runs.local_aws_guard import look_after
from .output.terminal import say, say_json, say_styled, say_unmasked

if TYPE_CHECKING:
    from ..local_aws import LocalAws

MAX_PORT = 65535


def serve_local(
    *, port: int, reset: bool, detach: bool, sandbox: str, state_dir: Path | None, faults: Path | None = None
) -> int:
    """Serve until Ctrl-C, or start in the background; exit code: 2 for unusable options."""
    if sandbox not in ("auto", "namespace", "rewrite"):
        say(f'--sandbox is "{sandbox}"; use auto, namespace or rewrite.', err=True)
        return 2
    if not 0 <= port <= MAX_PORT:
        say(f"--port is {port}; use 0 to {MAX_PORT}.", err=True)
        return 2
    folder = state_folder(state_dir)
    try:
        text = read_faults(faults) if faults is not None else None
    except (OSError, ValueError) as error:
        say(f"{faults}: {error}", err=True)
        return 2
    try:
        if reset:
            local_aws.stop(folder)
            local_aws.reset(folder)
        use_faults(folder, text)
        aws = local_aws.start(folder, port=port, sandbox=sandbox)  # type: ignore[arg-type]
    except OSError as error:
        return _unusable(folder, error)
    except RuntimeError as error:  # it did not start
        say(error, err=True)
        return 1
    describe(aws)
    if faults is not None:
        say_styled(f"Faults        from {faults}", "bold yellow")
    if detach:
        return 0
    say_styled("Ctrl-C stops it.", "dim")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    why = ""
    try:
        why = look_after(aws, ended.wait, say, sandbox)  # type: ignore[arg-type]
    except KeyboardInterrupt:
        say()
    if why and not local_aws.was_stopped(folder):
        say(why, err=True)
        return 1
    local_aws.stop(folder)
    say("stopped")
    return 0


def read_faults(file: Path) -> str:
    """The rules in ``file``, as text.  Raises ``OSError`` and ``ValueError`` if the file is unusable."""
    text = file.read_text()
    read_rules(text)
    return text


def use_faults(folder: Path, text: str | None) -> None:
    """Inject the faults of ``text``, or none.  Raises ``OSError`` if the folder is unusable."""
    if text is None:
        (folder / FILE).unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_rules(folder, text)


def show_status(state_dir: Path | None, output: str = "text") -> int:
    """Print the server's address; exit code 1 if it is not running."""
    folder = state_folder(state_dir)
    try:
        aws = local_aws.status(folder)
    except OSError as error:
        return _unusable(folder, error)
    if output == "json":
        about = {"running": aws is not None, "state_dir": str(folder)}
        where = ("endpoint_url", "region", "bucket", "role_arn", "pid")
        say_json({**about, **{name: getattr(aws, name) for name in where if aws is not None}})
        return 0 if aws is not None else 1
    if aws is None:
        say(f"not running (state in {folder})")
        return 1
    describe(aws)
    return 0


def show_environment(state_dir: Path | None, form: str) -> int:
    """Print the environment for other clients; exit code 1 if the server is not running, 2 for an unknown form.

    ``eval`` does not see the exit code, so the output is then a command that fails.
    """
    folder = state_folder(state_dir)
    if form not in ("sh", "json", "dotenv"):
        say(f'--format is "{form}"; use sh, json or dotenv.', err=True)
        return 2
    try:
        aws = local_aws.status(folder)
    except OSError as error:
        return _unusable(folder, error)
    if aws is None:
        how = "sagemaker-mlops local --detach"
        if state_dir is not None:
            how += f" --state-dir {shlex.quote(str(state_dir))}"
        say(f"The embedded AWS is not running (state in {folder}), so nothing was set. Start it: {how}", err=True)
        if form == "sh":
            say("false")
        return 1
    values = aws.environment()
    match form:
        case "json":
            say_json(values)
        case "dotenv":
            for name, value in values.items():
                say_unmasked(f"{name}={value}")
        case _:
            for name, value in values.items():
                say_unmasked(f"export {name}={shlex.quote(value)}")
    return 0


def stop_local(state_dir: Path | None) -> int:
    """Stop the server; exit code 1 if it was not running, 2 for an unusable folder."""
    folder = state_folder(state_dir)
    try:
        stopped = local_aws.stop(folder)
    except OSError as error:
        return _unusable(folder, error)
    if stopped:
        say("stopped")
        return 0
    say(f"not running (state in {folder})")
    return 1


def _unusable(folder: Path, error: OSError) -> int:
    say(f"--state-dir {folder} cannot be used: {error.strerror or error}.", err=True)
    return 2


def describe(aws: LocalAws) -> None:
    """Print address, seeds and the Airflow connection."""
    rows = {
        "Embedded AWS": aws.endpoint_url,
        "Bucket": f"s3://{aws.bucket}",
        "Role": aws.role_arn,
        "State": aws.state_dir,
    }
    for name, value in rows.items():
        say(f"{name:<14}{value}")
    say("Environment   sagemaker-mlops local env prints it for other clients")
    say("Airflow connection, for AIRFLOW_CONN_AWS_DEFAULT or the UI:")
    say_unmasked(aws.connection_json())
