"""Reads rule files of gates and drift checks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..definition.problems import PipelineError, Problem
from ..definition.read.line_numbers import locate
from ..definition.read.load import read_text
from ..definition.read.yaml_source import YamlRefused, plain_yaml
from ..gate.problems import InvalidRules

Rules = TypeVar("Rules")


class Refused(ValueError):
    """Invalid arguments or files; the message has one line per reason."""


def read_rule_file(path: Path, parse: Callable[[object], Rules]) -> Rules:
    """Parse a YAML or JSON file with ``parse``; raises :class:`Refused` with the place of each problem in the file."""
    name = str(path)
    try:
        text, _ = read_text(path, None, name)
    except PipelineError as error:
        raise Refused("\n".join(f"{name}: {problem.what}" for problem in error.problems)) from None
    try:
        return parse(plain_yaml(text))
    except YamlRefused as error:
        problem = error.problem
        raise Refused(
            f"{name}:{problem.line or 1}:{problem.column or 1}  {problem.what} {problem.fix}".rstrip()
        ) from None
    except InvalidRules as error:
        found = [Problem("", _path(problem.place), problem.what, problem.fix) for problem in error.problems]
        raise Refused("\n".join(_in_one_line(name, problem) for problem in locate(text, name, found))) from None
    except ValueError as error:
        raise Refused(f"{name}: {error}") from None


def _path(place: str) -> str:
    return f"${place}" if not place or place.startswith("[") else f"$.{place}"


def _in_one_line(name: str, problem: Problem) -> str:
    place = name if problem.line is None else f"{name}:{problem.line}:{problem.column or 1}"
    where = problem.where.removeprefix("$").removeprefix(".")
    first = f"{place}  {where}  {problem.what}" if where else f"{place}  {problem.what}"
    return f"{first}\n      {problem.fix}" if problem.fix else first
