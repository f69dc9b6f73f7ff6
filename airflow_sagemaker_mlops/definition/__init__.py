"""Reading pipeline definitions: :func:`load_pipeline`, :func:`examine`, :func:`to_json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .checks.references import run_checks
from .model import Pipeline
from .parse import parse
from .problems import InvalidPipeline, Problem, UnsupportedPipeline
from .read.load import Source, read_source

__all__ = ["examine", "load_pipeline", "placed", "to_json"]


def load_pipeline(source: object, *, base_dir: Path | None = None, name: str | None = None) -> Pipeline:
    """Load the pipeline in ``source``: a file name, JSON or YAML text, a dict, or an SDK pipeline object.

    Relative file names are resolved against ``base_dir``; ``name`` is the document's name in messages.
    Raises :class:`InvalidPipeline`, or :class:`UnsupportedPipeline` if the document is valid but uses something that
    this package cannot run; both list every problem, in document order.
    """
    pipeline, problems = examine(source, base_dir=base_dir, name=name)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        supported = any(not problem.is_unsupported for problem in errors)
        raise (InvalidPipeline if supported else UnsupportedPipeline)(pipeline.source, errors)
    return replace(pipeline, warnings=tuple(problems))


def examine(source: object, *, base_dir: Path | None = None, name: str | None = None) -> tuple[Pipeline, list[Problem]]:
    """The pipeline in ``source`` as far as it can be parsed, with its errors and warnings in document order.

    Raises :class:`InvalidPipeline` if there is no document to parse.
    """
    read = read_source(source, base_dir, name)
    try:
        parsed = parse(read.document, read.name, read.written)
        problems = [*read.problems, *parsed.problems, *run_checks(parsed)]
    except RecursionError:
        problem = Problem("SM105", "$", "the document is nested too deeply.")
        raise InvalidPipeline(read.name, [problem]) from None
    if problems:
        problems = _in_order(read, problems)
    return parsed.pipeline, problems


def placed(problems: Iterable[Problem], source: object, *, name: str | None = None) -> list[Problem]:
    """``problems`` of the definition in ``source``, which has been read, with line and column in its text.

    If the definition is embedded in a template or an API response, that is the text of the whole template or response.
    """
    found = list(problems)
    return _in_order(read_source(source, None, name), found) if found else []


def _in_order(read: Source, problems: list[Problem]) -> list[Problem]:
    from .read.line_numbers import locate

    if read.within != "$":
        problems = [
            problem if problem.line is not None else replace(problem, where=read.within + problem.where[1:])
            for problem in problems
        ]
    if not read.text:
        return problems
    located = locate(read.text, read.name, problems, read.index)
    return sorted(located, key=lambda problem: (problem.line or 0, problem.column or 0))


def to_json(pipeline: Pipeline) -> str:
    """The definition as SageMaker Pipelines accepts it: JSON without ``x-airflow``."""
    import json

    return json.dumps(_without_airflow(pipeline.document), indent=2, ensure_ascii=False)


def _without_airflow(value: object) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_airflow(item) for key, item in value.items() if key != "x-airflow"}
    if isinstance(value, list):
        return [_without_airflow(item) for item in value]
    return value
