"""What can be wrong with a definition, and the two errors that say so.

A :class:`Problem` is one sentence about the user's document with its place and the way out.  Problems are collected
and raised together; ``str()`` of the error is the whole report, because Airflow's UI shows nothing else.

Codes: SM1xx document, SM2xx graph and references, SM3xx not supported here, SM4xx options and run-time values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    code      stable and documented, e.g. ``SM201``; SM3xx is "right, but not supported"
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
        return self.code.startswith("SM3")


def key_twice(key: str, line: int, column: int) -> Problem:
    """What JSON and YAML say alike of a repeated key."""
    what = f'the key "{key}" stands twice in one object.'
    return Problem("SM102", "$", what, "Keep one of them.", line=line, column=column)


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
    """A suggestion out of ``known`` for the misspelt ``word``; the whole (short) list when nothing is near."""
    import difflib  # only a document with a problem pays for it

    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f'Did you mean "{near[0]}"?'
    if names and len(names) <= 12:
        return "Use one of: " + ", ".join(names) + "."
    return ""
