"""Problems of a definition, and the two errors that report them.

A :class:`Problem` is one sentence about the user's document, with its place and the fix.  Problems are collected and
raised together; ``str()`` of the error is the whole report, because Airflow's UI shows nothing else.

A :data:`Place` is a linked list ``(parent, key)`` that costs nothing to make; its text is only built for a problem.

Codes: SM1xx document, SM2xx graph and references, SM30x not supported here, SM31x champion gates, SM4xx options and
run-time values.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

Place = tuple[Any, str | int] | None  # in a document; None is the root
Severity = Literal["error", "warning"]
MAX_PROBLEMS = 1000  # per kind; a document with more is broken, and more lines would not help its author
MAX_NAMES = 1000  # searched for suggestions
MAX_ALIKE = 64
LONGEST_WORD = 256
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_:\-]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem.

    code      stable and documented, e.g. ``SM201``; SM30x means "valid, but not supported"
    where     document path, e.g. ``$.Steps[1].DependsOn[0]``
    what      a full sentence about the user's document, quoting their words
    fix       the way to fix it, or empty
    line      1-based, ``None`` if the source has no text (a dict or an SDK object)
    column    1-based, with ``line``
    """

    code: str
    where: str
    what: str
    fix: str = ""
    line: int | None = None
    column: int | None = None
    severity: Severity = "error"

    @property
    def is_unsupported(self) -> bool:
        """Whether the document is valid, but this package cannot run it."""
        return self.code.startswith("SM30")


def warning(code: str, where: str, what: str, fix: str = "") -> Problem:
    """A problem that does not prevent a run."""
    return Problem(code, where, what, fix, severity="warning")


def key_twice(key: str, line: int, column: int) -> Problem:
    """The problem of a repeated key, for both JSON and YAML."""
    what = f'the key "{key}" appears twice in one object.'
    return Problem("SM102", "$", what, "Keep one of them.", line=line, column=column)


def not_listed(severity: Severity) -> Problem:
    """The problem reported in place of those beyond ``MAX_PROBLEMS``."""
    what = f"more than {MAX_PROBLEMS} {severity}s of one kind; the others are not listed."
    return Problem("SM163", "$", what, "Fix the first ones, and check again.", severity=severity)


class PipelineError(ValueError):
    """Base class of all errors that refuse a definition.

    ``problems`` is never empty; ``source`` is the user's name for the document (a file name, "definition").
    """

    headline = "is not a pipeline definition this package can use"
    consequence = "no DAG was built"

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(report(source, self.headline, self.problems, self.consequence))

    @classmethod
    def several(cls, errors: Sequence[PipelineError]) -> PipelineError:
        """One error for several documents: all their problems, and their reports one after another."""
        made = cls(errors[0].source, [problem for error in errors for problem in error.problems])
        made.args = ("\n".join(str(error) for error in errors),)
        return made

    def report_with(self, consequence: str = "") -> str:
        """The report with another ``consequence`` than "no DAG was built", for commands that build none."""
        return report(self.source, self.headline, self.problems, consequence)


class InvalidPipeline(PipelineError):
    """The document is invalid; SageMaker Pipelines would refuse it, too."""

    headline = "is not a valid pipeline definition"


class UnsupportedPipeline(PipelineError):
    """The document is valid, but this package cannot run it natively (yet)."""

    headline = "cannot be run on Airflow as it is"


def report(source: str, headline: str, problems: tuple[Problem, ...], consequence: str) -> str:
    """The report as text: a headline and two lines per problem."""
    count = f"{len(problems)} problem" + ("" if len(problems) == 1 else "s")
    lines = [f"{source} {headline}: {count}{consequence and f', {consequence}'}."]
    for problem in problems:
        lines.append("  " + render_problem(source, problem))
    return "\n".join(lines)


def render_problem(source: str, problem: Problem, name: str = "") -> str:
    """``pipeline.json:41:7  $.Steps[1].DependsOn[0]  [SM201] no step is ...`` with the fix on the next line."""
    place = source
    if problem.line is not None:
        place += f":{problem.line}"
        if problem.column is not None:
            place += f":{problem.column}"
    text = f"{place}  {problem.where}  [{problem.code}{name and f' {name}'}] {problem.what}"
    if problem.fix:
        text += f"\n      {problem.fix}"
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion from ``known`` for the misspelt ``word``; lists all of ``known`` if none is similar and it is short.

    Takes about as long for 1,000 names as for 100: if there are many, compares only names that begin or end alike.
    """
    import difflib  # only a document with a problem pays for this import

    names = sorted(islice(known, MAX_NAMES + 1))
    if len(names) <= MAX_NAMES and len(word) <= LONGEST_WORD:
        near = difflib.get_close_matches(word, _alike(word, names), n=1)
        if near:
            return f'Did you mean "{near[0]}"?'
    if names and len(names) <= 12:
        return "Use one of: " + ", ".join(names) + "."
    return ""


def misspelt(key: str, written: Iterable[object]) -> str:
    """``Write "Type" instead of "type".`` if a ``written`` key is like the missing ``key``; otherwise empty."""
    import difflib

    words = {word.lower(): word for word in islice(written, MAX_NAMES) if isinstance(word, str) and word != key}
    near = difflib.get_close_matches(key.lower(), words, n=1)
    return f'Write "{key}" instead of "{words[near[0]]}".' if near else ""


def _alike(word: str, names: list[str]) -> list[str]:
    """The sorted ``names``; if more than ``MAX_ALIKE``, those nearest to ``word`` in forward or reversed order."""
    if len(names) <= MAX_ALIKE:
        return names
    half = MAX_ALIKE // 4
    at = bisect_left(names, word)
    backwards = sorted(name[::-1] for name in names)
    back = bisect_left(backwards, word[::-1])
    near = set(names[max(at - half, 0) : at + half])
    return sorted(near.union(name[::-1] for name in backwards[max(back - half, 0) : back + half]))


def place_text(place: Place) -> str:
    """``$.Steps[1].Arguments.Environment['my key']``."""
    keys: list[str | int] = []
    while place is not None:
        keys.append(place[1])
        place = place[0]
    return "$" + "".join(key_text(key) for key in reversed(keys))


def key_text(key: str | int) -> str:
    """One part of a place: ``[1]``, ``.Steps`` or ``['my key']``."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"['{key}']"
