"""``sagemaker-mlops local``: serving the embedded AWS."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Any

from .. import local
from ..local.faults import FILE, read_rules, write_rules
from .terminal import console

MOST_PORT = 65535


def state_folder(state_dir: Path | None) -> Path:
    """The folder given, or the default outside any repository."""
    return (state_dir or local.default_state_dir()).absolute()


def serve_local(
    *, port: int, reset: bool, detach: bool, sandbox: str, state_dir: Path | None, faults: Path | None = None
) -> int:
    """Serve until Ctrl-C, or start in the background; exit code: 2 for options that cannot be used."""
    if sandbox not in ("auto", "namespace", "rewrite"):
        print(f'--sandbox is "{sandbox}"; use auto, namespace or rewrite.', file=sys.stderr)
        return 2
    if not 0 <= port <= MOST_PORT:
        print(f"--port is {port}; use 0 to {MOST_PORT}.", file=sys.stderr)
        return 2
    folder = state_folder(state_dir)
    try:
        text = read_faults(faults) if faults is not None else None
    except (OSError, ValueError) as error:
        print(f"{faults}: {error}", file=sys.stderr)
        return 2
    try:
        if reset:
            local.stop(folder)
            local.reset(folder)
        use_faults(folder, text)
        aws = local.start(folder, port=port, sandbox=sandbox)  # type: ignore[arg-type]
    except OSError as error:
        return _unusable(folder, error)
    describe(aws)
    if faults is not None:
        console().print(f"Faults    as in {faults}", style="bold yellow")
    if detach:
        return 0
    out = console()
    out.print("Ctrl-C stops it.", style="dim")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        ended.wait()
    except KeyboardInterrupt:
        out.print()
    local.stop(folder)
    out.print("stopped")
    return 0


def read_faults(file: Path) -> str:
    """The rules in ``file``, as text.  Raises ``OSError`` and ``ValueError`` for a file that cannot be used."""
    text = file.read_text()
    read_rules(text)
    return text


def use_faults(folder: Path, text: str | None) -> None:
    """Inject the faults of ``text``, or none.  Raises ``OSError`` for a folder that cannot be used."""
    if text is None:
        (folder / FILE).unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_rules(folder, text)


def show_status(state_dir: Path | None) -> int:
    """Print where it runs; exit code 1 when it does not."""
    folder = state_folder(state_dir)
    aws = local.status(folder)
    if aws is None:
        print(f"not running (state in {folder})")
        return 1
    describe(aws)
    return 0


def stop_local(state_dir: Path | None) -> int:
    """Stop it; exit code 1 when nothing ran, 2 for a folder that cannot be its."""
    folder = state_folder(state_dir)
    try:
        stopped = local.stop(folder)
    except OSError as error:
        return _unusable(folder, error)
    if stopped:
        print("stopped")
        return 0
    print(f"not running (state in {folder})")
    return 1


def _unusable(folder: Path, error: OSError) -> int:
    print(f"--state-dir {folder} cannot be used: {error.strerror or error}.", file=sys.stderr)
    return 2


def describe(aws: Any) -> None:
    """Print address, seeds and the Airflow connection."""
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_row("Embedded AWS", aws.endpoint_url)
    table.add_row("Bucket", f"s3://{aws.bucket}")
    table.add_row("Role", aws.role_arn)
    table.add_row("State", str(aws.state_dir))
    out = console()
    out.print(table)
    out.print("Airflow connection, for AIRFLOW_CONN_AWS_DEFAULT or the UI:")
    print(aws.connection_json())
