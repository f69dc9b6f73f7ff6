"""What commands are given as a definition: a file, standard input as ``-``, or SDK code that is compiled."""

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
from .compiling import Compiled, Compiling, NotCompiled, compile_target
from .output.terminal import hide

STDIN = "-"
MOST_STDIN = 16 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Source:
    """A definition as it was named on the command line; read when it is asked for, once.

    given   the word: a path, ``-``, ``file.py:object`` or ``module:object``
    how     how code is compiled
    """

    given: str
    how: Compiling = field(default_factory=Compiling)

    def __str__(self) -> str:
        return self.given

    @property
    def name(self) -> str:
        """What messages call it."""
        return "standard input" if self.given == STDIN else self.given

    @property
    def is_code(self) -> bool:
        """Whether it is code, and no file of that name."""
        return ":" in self.given and not Path(self.given).exists()

    @property
    def file(self) -> Path:
        """The file that the definition, or the code of it, is in; may not exist."""
        return Path(self.given.rpartition(":")[0] if self.is_code else self.given)

    @property
    def kind(self) -> str:
        """json, yaml or sdk, for records."""
        return "sdk" if self.is_code else "json" if self.file.suffix == ".json" or self.given == STDIN else "yaml"

    @property
    def folder(self) -> Path | None:
        """The folder of that file; ``None`` for standard input."""
        return None if self.given == STDIN else self.file.parent

    @property
    def pipeline_name(self) -> str:
        """The name that the code gives the pipeline; else the file's, or that of its folder."""
        own = self._compiled.name if self.is_code else ""
        return dag_id_like(own) if own else name_of_file(Path("pipeline") if self.given == STDIN else self.file)

    @property
    def content(self) -> Path | bytes:
        """What ``load_pipeline`` reads.  Raises :class:`NotCompiled`."""
        if self.is_code:
            return self._compiled.definition.encode()
        if self.given == STDIN:
            return self._stdin
        if self.file.suffix == ".py":
            raise NotCompiled(_objects_of(self.file))
        return self.file

    @property
    def data(self) -> bytes:
        """The bytes of the definition.  Raises ``OSError`` for a file that cannot be read."""
        return content if isinstance(content := self.content, bytes) else content.read_bytes()

    def load(self) -> Pipeline:
        """The pipeline.  Raises :class:`NotCompiled` and ``PipelineError``, both ``ValueError``."""
        pipeline = load_pipeline(self.content, name=self.name)
        hide(secrets_in(pipeline.document))
        return pipeline

    @cached_property
    def _compiled(self) -> Compiled:
        return compile_target(self.given, self.how)

    @cached_property
    def _stdin(self) -> bytes:
        return sys.stdin.buffer.read(MOST_STDIN)


def _objects_of(file: Path) -> str:
    """A sentence that names the pipelines and functions in ``file``; nothing of it is executed."""
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except OSError as error:
        return f"{file} cannot be read: {error.strerror or error}."
    except (SyntaxError, ValueError) as error:
        return f"{file} is no Python that can be read: {error}."
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
        return f"{file} is Python code and has no pipeline: write {file}:NAME, where NAME is a pipeline or a function."
    others = f" It has: {', '.join(likely)}." if len(likely) > 1 else ""
    best = next((name for name in likely if name in ("pipeline", "get_pipeline")), likely[-1])
    return f"{file} is Python code; name the pipeline in it, e.g. {file}:{best}.{others}"
