"""The only way to the terminal: everything printed for people passes through :func:`clean`.

Names, log lines, error messages and values come from documents, jobs and AWS.  They may hold secrets, and escape
sequences that would move the cursor, retitle the window or hide text.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from ...execution.secret_masking import mask, without
from ...visible_text import shown

# Our own text, which looks like "password: value" if a step or file has such a name
_OURS = re.compile(r'(Step "[^"\n]*": |^\S+\.(?:json|ya?ml|py):(?:\d+(?::\d+)?)? )', re.MULTILINE)
_SECRETS: set[str] = set()  # per process, which runs one command


def register_secrets(secrets: Iterable[str]) -> None:
    """Never print ``secrets`` from now on."""
    _SECRETS.update(secrets)


def clean(text: object) -> str:
    """``text`` for the terminal: secrets are masked, control characters escaped."""
    parts = _OURS.split(str(text))
    masked = [part if position % 2 else mask(part) for position, part in enumerate(parts)]
    return shown(without("".join(masked), _SECRETS))


def say(text: object = "", *, err: bool = False) -> None:
    """Print a line for people; ``err`` for standard error, if the line is not a result."""
    print(clean(text), file=sys.stderr if err else sys.stdout)


def say_unmasked(text: object) -> None:
    """Print a line that holds a secret which the user asked for, e.g. a key of the embedded AWS."""
    print(shown(text), flush=True)


def say_about(name: str, text: object) -> None:
    """Print ``text`` about the step ``name``, whatever that name looks like."""
    print(f"{shown(without(name, _SECRETS))}: {clean(text)}")


def say_json(value: object) -> None:
    """Print data for programs; its producer has masked it."""
    print(on_terminal(json.dumps(value, indent=2, ensure_ascii=False)))


def on_terminal(text: str) -> str:
    """Data unchanged, except that control characters are escaped on a terminal."""
    return shown(text) if sys.stdout.isatty() else text


def say_styled(text: object, style: str = "") -> None:
    """Print a line, in colour on a terminal; it is never wrapped or truncated."""
    if sys.stdout.isatty():
        console().print(clean(text), style=style or None, markup=False, highlight=False, soft_wrap=True)
    else:
        say(text)


Cell = tuple[str, str]  # text and style


def say_table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], title: str = "", right: Sequence[str] = ()) -> None:
    """Print a table: with borders on a terminal; elsewhere untruncated columns, two spaces apart.

    right   heads of right-aligned columns
    """
    table = [[(clean(text).replace("\n", " "), style) for text, style in row] for row in rows]
    if not sys.stdout.isatty():
        _say_columns(heads, [[text for text, _ in row] for row in table], title, right)
        return
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=Text(clean(title)) if title else None, title_justify="left", title_style="bold")
    for head in heads:
        drawn.add_column(head, overflow="fold", justify="right" if head in right else "left")
    for row in table:
        drawn.add_row(*(Text(text, style=style) for text, style in row))
    console().print(drawn)


def _say_columns(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str, right: Sequence[str]) -> None:
    if title:
        say(title)
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        cells = (
            text.rjust(width) if head in right else text.ljust(width)
            for text, width, head in zip(line, widths, heads, strict=True)
        )
        print("  ".join(cells).rstrip())


def console(**options: Any) -> Any:
    """A rich console; imported late to keep --help fast."""
    from rich.console import Console

    return Console(**options)


def write_out(text: str, out: Path | None) -> int:
    """Write ``text`` to the file of ``--output``, or print it; exit code 2 if the file cannot be written."""
    if out is None:
        sys.stdout.write(on_terminal(text))
        return 0
    try:
        write_file(out, text)
    except OSError as error:
        say(f"{out} cannot be written: {error.strerror or error}.", err=True)
        return 2
    return 0


def write_file(file: Path, text: str) -> None:
    """Write a file that the user named; creates missing folders.  Raises ``OSError``."""
    try:
        file.write_text(text, newline="")
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, newline="")


def say_error(error: ValueError, consequence: str = "") -> int:
    """Print to standard error why a definition cannot be used, and the consequence; returns the exit code."""
    from ...definition.problems import PipelineError

    say(error.report_with(consequence) if isinstance(error, PipelineError) else error, err=True)
    return int(getattr(error, "exit_code", 1))


class _Unread:
    """A stream that becomes the null device once its reader is gone: ``| head`` ended, or the terminal closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or drop."""
        try:
            return int(self._stream.write(text))
        except OSError:
            self._lose()
            return len(text)

    def flush(self) -> None:
        """Flush, or drop."""
        try:
            self._stream.flush()
        except OSError:
            self._lose()

    def _lose(self) -> None:
        with contextlib.suppress(OSError):  # a stream without a file
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)


@contextlib.contextmanager
def outliving_readers() -> Iterator[None]:
    """Let no print fail in this context: a run has jobs to watch and a record to write, even if its reader is gone."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Unread(stream) for stream in before)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


def print_anything() -> None:
    """Escape what the encoding of standard output and error cannot represent, e.g. a lone surrogate as ``\\ud800``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
