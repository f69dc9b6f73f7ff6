"""``sagemaker-mlops local``: serving the embedded AWS."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Any

from .. import local
from ..local.faults import FILE, read_rules
from .terminal import console


def state_folder(state_dir: Path | None) -> Path:
    """The folder given, or the default outside any repository."""
    return (state_dir or local.default_state_dir()).absolute()


def serve_local(
    *, port: int, reset: bool, detach: bool, sandbox: str, state_dir: Path | None, faults: Path | None = None
) -> int:
    """Serve until Ctrl-C, or start in the background; exit code."""
    if sandbox not in ("auto", "namespace", "rewrite"):
        print(f'--sandbox is "{sandbox}"; use auto, namespace or rewrite.', file=sys.stderr)
        return 2
    folder = state_folder(state_dir)
    if reset:
        local.stop(folder)
        local.reset(folder)
    try:
        use_faults(folder, faults)
    except (OSError, ValueError) as error:
        print(f"{faults}: {error}", file=sys.stderr)
        return 2
    aws = local.start(folder, port=port, sandbox=sandbox)  # type: ignore[arg-type]
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


def use_faults(folder: Path, faults: Path | None) -> None:
    """Inject the faults of the file, or none.  Raises ``OSError`` and ``ValueError`` for a file that cannot be used."""
    if faults is None:
        (folder / FILE).unlink(missing_ok=True)
        return
    text = faults.read_text()
    read_rules(text)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / FILE).write_text(text)


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
    """Stop it; exit code 1 when nothing ran."""
    folder = state_folder(state_dir)
    if local.stop(folder):
        print("stopped")
        return 0
    print(f"not running (state in {folder})")
    return 1


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
