"""Runs the ``publish.py`` of a definition, which puts scripts, data and functions into the embedded AWS."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any

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


def publish(script: Path, aws: Any) -> list[str]:
    """Call ``publish(clients, bucket, role_arn)`` of ``script``; returns what it put.  Raises :class:`NotPublished`."""
    spec = importlib.util.spec_from_file_location(f"publish_{script.parent.name}", script)
    if spec is None or spec.loader is None:
        raise NotPublished(f"{script} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return [str(line) for line in getattr(module, FUNCTION)(aws.client, aws.bucket, aws.role_arn) or ()]
    except Exception as error:
        raise NotPublished(f"{script} failed: {type(error).__name__}: {error}") from error
