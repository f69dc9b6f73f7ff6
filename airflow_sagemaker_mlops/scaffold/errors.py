"""Errors of creating and updating projects."""

from __future__ import annotations

from collections.abc import Iterable

from ..definition.problems import Problem


class ProjectError(ValueError):
    """Nothing was written.  ``str()`` has a line for each of ``problems``, which is never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(one_line(problem) for problem in self.problems))


def refusal(code: str, where: str, what: str, fix: str = "") -> ProjectError:
    """The error for a single problem."""
    return ProjectError([Problem(code, where, what, fix)])


def one_line(problem: Problem) -> str:
    """``[SM371] "gats" is not a question. Did you mean "gate"?``"""
    return f"[{problem.code}] {problem.what}{' ' if problem.fix else ''}{problem.fix}"
