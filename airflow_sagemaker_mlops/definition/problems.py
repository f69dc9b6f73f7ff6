"""What can be wrong with a definition, and the two errors that say so.

A :class:`Problem` is one sentence about the user's document with its place and the way out.  Problems are collected
and raised together; ``str()`` of the error is the whole report, because Airflow's UI shows nothing else.

Codes: SM1xx document, SM2xx graph and references, SM30x not supported here, SM31x champion gates, SM4xx options and
run-time values.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

Severity = Literal["error", "warning"]
MOST_PROBLEMS = 1000  # of one kind; a document with more is damaged, and each costs its writer a line
MOST_NAMES = 1000  # that are searched for what a misspelt one may mean
MOST_ALIKE = 64
LONGEST_WORD = 256


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    code      stable and documented, e.g. ``SM201``; SM30x is "right, but not supported"
    where     document path, e.g. ``$.Steps[1].DependsOn[0]``
    what      a full sentence about the user's document, quoting their words
    fix       what to type instead, or empty
    line      1-based, ``None`` when the source has no text (a dict or an SDK object)
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
        """Whether the document is right and only this package cannot run it."""
        return self.code.startswith("SM30")


def warning(code: str, where: str, what: str, fix: str = "") -> Problem:
    """A problem that no run has to fail for."""
    return Problem(code, where, what, fix, severity="warning")


def key_twice(key: str, line: int, column: int) -> Problem:
    """What JSON and YAML say alike of a repeated key."""
    what = f'the key "{key}" stands twice in one object.'
    return Problem("SM102", "$", what, "Keep one of them.", line=line, column=column)


def not_listed(severity: Severity) -> Problem:
    """What stands for problems of one kind beyond ``MOST_PROBLEMS``."""
    what = f"more than {MOST_PROBLEMS} {severity}s of one kind; the others are not listed."
    return Problem("SM163", "$", what, "Mend the first of them, and check again.", severity=severity)


class PipelineError(ValueError):
    """Base of everything a definition can be refused with.

    ``problems`` is never empty; ``source`` is what the user calls the document (a file name, "definition").
    """

    headline = "is not a pipeline definition this package can use"
    consequence = "no DAG was built"

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(report(source, self.headline, self.problems, self.consequence))

    @classmethod
    def several(cls, errors: Sequence[PipelineError]) -> PipelineError:
        """One error for several documents: their problems, and their reports one after the other."""
        made = cls(errors[0].source, [problem for error in errors for problem in error.problems])
        made.args = ("\n".join(str(error) for error in errors),)
        return made

    def told(self, consequence: str = "") -> str:
        """The report for somebody who was building no DAG: what came, or did not come, of ``consequence``."""
        return report(self.source, self.headline, self.problems, consequence)


class InvalidPipeline(PipelineError):
    """The document is wrong; SageMaker Pipelines would refuse it too."""

    headline = "is not a valid pipeline definition"


class UnsupportedPipeline(PipelineError):
    """The document is right, and this package cannot run it natively (yet)."""

    headline = "cannot be run on Airflow as it is"


def report(source: str, headline: str, problems: tuple[Problem, ...], consequence: str) -> str:
    """The text people read: a headline and two lines a problem."""
    count = f"{len(problems)} problem" + ("" if len(problems) == 1 else "s")
    lines = [f"{source} {headline}: {count}{consequence and f', {consequence}'}."]
    for problem in problems:
        lines.append("  " + render_problem(source, problem))
    return "\n".join(lines)


def render_problem(source: str, problem: Problem) -> str:
    """``pipeline.json:41:7  $.Steps[1].DependsOn[0]  [SM201] no step is ...`` and the fix on a line of its own."""
    place = source
    if problem.line is not None:
        place += f":{problem.line}"
        if problem.column is not None:
            place += f":{problem.column}"
    text = f"{place}  {problem.where}  [{problem.code}] {problem.what}"
    if problem.fix:
        text += f"\n      {problem.fix}"
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion out of ``known`` for the misspelt ``word``; the whole (short) list when nothing is near.

    Takes about as long for 1,000 names as for 100: of many, those are compared that begin or end like ``word``.
    """
    import difflib  # only a document with a problem pays for it

    names = sorted(islice(known, MOST_NAMES + 1))
    if len(names) <= MOST_NAMES and len(word) <= LONGEST_WORD:
        near = difflib.get_close_matches(word, _alike(word, names), n=1)
        if near:
            return f'Did you mean "{near[0]}"?'
    if names and len(names) <= 12:
        return "Use one of: " + ", ".join(names) + "."
    return ""


def _alike(word: str, names: list[str]) -> list[str]:
    """The sorted ``names``; of more than ``MOST_ALIKE`` those that stand nearest to ``word``, read from either end."""
    if len(names) <= MOST_ALIKE:
        return names
    half = MOST_ALIKE // 4
    at = bisect_left(names, word)
    backwards = sorted(name[::-1] for name in names)
    back = bisect_left(backwards, word[::-1])
    near = set(names[max(at - half, 0) : at + half])
    return sorted(near.union(name[::-1] for name in backwards[max(back - half, 0) : back + half]))
