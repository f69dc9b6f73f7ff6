"""What the SageMaker SDK can write into a definition, from its source files; nothing of it is imported or run.

Version 3 has its modules in ``sagemaker/core/workflow`` and ``sagemaker/mlops/workflow``, version 2 in
``sagemaker/workflow``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FOLDERS = ("sagemaker/core/workflow", "sagemaker/mlops/workflow", "sagemaker/workflow")
REQUEST_METHODS = frozenset({"to_request"})


class NoSdk(Exception):
    """There is no SDK to read, or nothing in it is where it used to be."""


@dataclass(slots=True)
class Vocabulary:
    """What a version of the SDK has.

    :ivar enums: values of its enumerations, by name of the class
    :ivar marks: keys of objects with one member that an ``expr`` returns, such as ``Std:Join``
    :ivar variables: names of execution variables
    :ivar step_keys: keys that a step's ``to_request`` writes
    :ivar bases: base classes of its classes
    """

    enums: dict[str, set[str]] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    step_keys: set[str] = field(default_factory=set)
    bases: dict[str, set[str]] = field(default_factory=dict)

    def below(self, name: str) -> set[str]:
        """The public classes that are, through any number of others, subclasses of ``name``."""
        found = {name}
        while more := {one for one, bases in self.bases.items() if bases & found} - found:
            found |= more
        return {one for one in found - {name} if not one.startswith("_")}


def read_sdk(site: Path) -> Vocabulary:
    """The vocabulary of the SDK in a ``site-packages`` folder.  Raises :class:`NoSdk`."""
    files = [file for folder in FOLDERS for file in sorted((site / folder).glob("*.py"))]
    if not files:
        raise NoSdk(f"There is no SageMaker SDK in {site}, or its workflow modules are not in {', '.join(FOLDERS)}.")
    found = Vocabulary()
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found.bases.setdefault(node.name, set()).update(filter(None, map(_name, node.bases)))
                if "Enum" in found.bases[node.name]:
                    found.enums.setdefault(node.name, set()).update(_values(node))
            elif isinstance(node, ast.FunctionDef) and node.name == "expr":
                found.marks.update(_marks(node))
            elif isinstance(node, ast.Call) and _name(node.func) == "ExecutionVariable":
                found.variables.update(_text(one) for one in node.args[:1])
    steps = found.below("Step") | {"Step"}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in steps:
                found.step_keys.update(_step_keys(node))
    found.variables.discard("")
    return found


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _values(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        if isinstance(line, ast.Assign) and _text(line.value):
            yield _text(line.value)


def _marks(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict) and len(node.value.keys) == 1:
            yield from filter(None, map(_text, node.value.keys))


def _step_keys(step: ast.ClassDef) -> Iterator[str]:
    """``{"Name": ...}`` and ``request["CacheConfig"] = ...`` in a step's ``to_request``, not what is nested in them."""
    methods = [one for one in step.body if isinstance(one, ast.FunctionDef) and one.name in REQUEST_METHODS]
    for method in methods:
        for node in ast.walk(method):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                places = [one for one in targets if isinstance(one, ast.Subscript) and isinstance(one.value, ast.Name)]
                yield from filter(None, (_text(one.slice) for one in places))
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return) and isinstance(node.value, ast.Dict):
                yield from filter(None, map(_text, node.value.keys))
