"""Runs the ``publish.py`` of a definition, which puts scripts, data and functions into the embedded AWS."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..local_aws import LocalAws

SCRIPT, FUNCTION = "publish.py", "publish"


class NotPublished(ValueError):
    """The script failed; ``str()`` says why."""


def script_of(folder: Path) -> Path | None:
    """The ``publish.py`` in ``folder`` that defines ``publish(clients, bucket, role_arn)``; nothing is executed."""
    script = folder / SCRIPT
    try:
        tree = ast.parse(script.read_bytes(), str(script))
    except (OSError, SyntaxError, ValueError):
        return None
    defined = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return script if any(node.name == FUNCTION and len(node.args.args) == 3 for node in defined) else None


def publish(script: Path, aws: LocalAws) -> list[str]:
    """Call ``publish(clients, bucket, role_arn)`` of ``script``; returns what it put.  Raises :class:`NotPublished`."""
    spec = importlib.util.spec_from_file_location(f"publish_{script.parent.name}", script)
    if spec is None or spec.loader is None:
        raise NotPublished(f"{script} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    try:
        with _imports_of(script.parent):
            spec.loader.exec_module(module)
            return [str(line) for line in getattr(module, FUNCTION)(aws.client, aws.bucket, aws.role_arn) or ()]
    except Exception as error:
        raise NotPublished(f"{script} failed: {type(error).__name__}: {error}") from error


@contextmanager
def _imports_of(folder: Path) -> Iterator[None]:
    """Forget what a script imports from its folder: the scripts of two folders may each have a ``data.py``."""
    before, path = set(sys.modules), list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and folder.resolve() in Path(file).resolve().parents:
                del sys.modules[name]
