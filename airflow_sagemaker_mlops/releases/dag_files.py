"""Reads the DAG files of a bundle without executing them, to find what they would lack in Airflow."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator, Mapping

from ..definition.problems import Problem, did_you_mean
from ..stages.model import BAD_VALUE, NOT_IN_STAGE, Stage

_PIPELINES = frozenset({"SageMakerPipelineDag", "SageMakerPipelineTaskGroup"})


def dag_file_problems(stage: Stage, files: Mapping[str, bytes]) -> Iterator[Problem]:
    """SM357 for a DAG file that is not Python, or that reads a definition outside of the bundle; SM359 for a pipeline
    that the stage does not list.
    """
    for name in sorted(files):
        if "/" in name or not name.endswith(".py"):
            continue
        shown = f"{stage.dag_folder}/{name}"
        try:
            tree = ast.parse(files[name], name)
        except (SyntaxError, ValueError, RecursionError) as error:
            line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            why = error.msg if isinstance(error, SyntaxError) else error
            yield Problem(BAD_VALUE, "$.dag_folder", f"{shown}{line} is not valid Python: {why}.")
            continue
        for ident, definition, at in _pipelines(tree):
            if definition is not None and posixpath.normpath(definition) not in files:
                what = f'{shown}:{at} reads "{definition}", which the bundle does not have.'
                fix = f"Put the file into {stage.dag_folder}/, and name it relative to the DAG file."
                yield Problem(BAD_VALUE, "$.dag_folder", what, fix)
            if ident is not None and ident not in stage.pipelines:
                what = f'{shown}:{at} makes pipeline "{ident}", which the stage does not list.'
                fix = did_you_mean(ident, stage.pipelines) or f'Add "{ident}" under pipelines.'
                yield Problem(NOT_IN_STAGE, "$.pipelines", what, fix)


def pipelines_without_dag(stage: Stage, files: Mapping[str, bytes]) -> list[str]:
    """The pipelines of the stage that no file makes.

    Empty if that cannot be told: if a file computes the id of one or cannot be read, or if all are made elsewhere.
    """
    made: set[str | None] = set()
    for name in files:
        if name.endswith(".py"):
            try:
                made.update(ident for ident, _, _ in _pipelines(ast.parse(files[name], name)))
            except (SyntaxError, ValueError, RecursionError):
                made.add(None)
    return [] if not made or None in made else [name for name in stage.pipelines if name not in made]


def _pipelines(tree: ast.AST) -> Iterator[tuple[str | None, str | None, int]]:
    """(id, file of the definition, line) of each pipeline in a DAG file; ``None`` for values computed at run time."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called not in _PIPELINES:
            continue
        named = {one.arg: one.value for one in node.keywords}
        ident = node.args[0] if node.args else named.get("dag_id") or named.get("group_id")
        definition = node.args[1] if len(node.args) > 1 else named.get("definition")
        yield _text(ident), _file(_text(definition)), node.lineno


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _file(text: str | None) -> str | None:
    """``text`` if it names a file relative to the DAG file; ``None`` for a definition as text, and for other paths."""
    is_text = text is not None and ("\n" in text or text.lstrip().startswith(("{", '"')))
    return None if text is None or is_text or text.startswith("/") else text
