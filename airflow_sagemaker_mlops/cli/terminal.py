"""The terminal that commands print to."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any


def console(**options: Any) -> Any:
    """A rich console; imported late because --help should be quick."""
    from rich.console import Console

    return Console(**options)


def write_out(text: str, out: Path | None) -> int:
    """Write ``text`` to the file of ``--output``, or print it; exit code 2 where the file cannot be written."""
    if out is None:
        sys.stdout.write(text)
        return 0
    try:
        out.write_text(text, newline="")
    except OSError as error:
        print(f"{out} cannot be written: {error.strerror or error}.", file=sys.stderr)
        return 2
    return 0


def user_name() -> str:
    """Who runs the command."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return ""


def tell(error: ValueError, consequence: str = "") -> int:
    """Print why a definition cannot be used, and what came of that, on standard error; the exit code."""
    from ..document.problems import PipelineError
    from .records_text import safe

    print(safe(error.told(consequence) if isinstance(error, PipelineError) else error), file=sys.stderr)
    return int(getattr(error, "exit_code", 1))


def print_anything() -> None:
    """Have standard output and error show what their encoding does not have, half a letter for one, as ``\\ud800``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
