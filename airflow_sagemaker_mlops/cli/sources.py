"""Definitions given to commands: a file, ``-`` for standard input, or SDK code to compile."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..definition import load_pipeline
from ..definition.model import Pipeline
from ..execution.secret_masking import secrets_in
from ..runs.names import dag_id_like, name_of_file
from .compiling import Compiled, CompileOptions, NotCompiled, compile_target
from .output.terminal import register_secrets

STDIN = "-"
MAX_STDIN = 16 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Source:
    """A definition named on the command line; read once, on first use.

    given   the argument: a path, ``-``, ``file.py:object`` or ``module:object``
    options how to compile code
    """

    given: str
    options: CompileOptions = field(default_factory=CompileOptions)

    def __str__(self) -> str:
        return self.given

    @property
    def name(self) -> str:
        """The name used in messages."""
        return "standard input" if self.given == STDIN else self.given

    @property
    def is_code(self) -> bool:
        """Whether it is code, and no file has that name."""
        return ":" in self.given and not Path(self.given).exists()

    @property
    def file(self) -> Path:
        """The file of the definition or of its code; may not exist."""
        return Path(self.given.rpartition(":")[0] if self.is_code else self.given)

    @property
    def kind(self) -> str:
        """The source kind in records: json, yaml or sdk."""
        return "sdk" if self.is_code else "json" if self.file.suffix == ".json" or self.given == STDIN else "yaml"

    @property
    def folder(self) -> Path | None:
        """The folder of that file; ``None`` for standard input."""
        return None if self.given == STDIN else self.file.parent

    @property
    def pipeline_name(self) -> str:
        """The name that the code gives the pipeline; otherwise the name of the file or its folder."""
        own = self._compiled.name if self.is_code else ""
        return dag_id_like(own) if own else name_of_file(Path("pipeline") if self.given == STDIN else self.file)

    @property
    def content(self) -> Path | bytes:
        """The argument for ``load_pipeline``.  Raises :class:`NotCompiled`."""
        if self.is_code:
            return self._compiled.definition.encode()
        if self.given == STDIN:
            return self._stdin
        if self.file.suffix == ".py":
            raise NotCompiled(_objects_of(self.file))
        return self.file

    @property
    def data(self) -> bytes:
        """The bytes of the definition.  Raises ``OSError`` if the file cannot be read."""
        return content if isinstance(content := self.content, bytes) else content.read_bytes()

    def load(self) -> Pipeline:
        """The pipeline.  Raises :class:`NotCompiled` and ``PipelineError``, both ``ValueError``."""
        pipeline = load_pipeline(self.content, name=self.name)
        register_secrets(secrets_in(pipeline.document))
        return pipeline

    @cached_property
    def _compiled(self) -> Compiled:
        return compile_target(self.given, self.options)

    @cached_property
    def _stdin(self) -> bytes:
        return sys.stdin.buffer.read(MAX_STDIN)


def _objects_of(file: Path) -> str:
    """A sentence that names the pipelines and functions in ``file``, without executing it."""
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except OSError as error:
        return f"{file} cannot be read: {error.strerror or error}."
    except (SyntaxError, ValueError) as error:
        return f"{file} is not valid Python: {error}."
    found: list[str] = []
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) if not name.startswith("_"):
                found.append(name)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Call())
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Call())
            ) if not name.startswith("_"):
                found.append(name)
    likely = [name for name in found if "pipeline" in name.lower()] or found
    if not likely:
        return f"{file} has no pipeline that can be found: write {file}:NAME, where NAME is a pipeline or a function."
    others = f" It has: {', '.join(likely)}." if len(likely) > 1 else ""
    best = next((name for name in likely if name in ("pipeline", "get_pipeline")), likely[-1])
    return f"{file} is Python code; name the pipeline in it, e.g. {file}:{best}.{others}"
