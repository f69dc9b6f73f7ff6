"""The origin of a run's definition, for names, records and ``publish.py``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from ..definition import load_pipeline
from ..definition.model import Pipeline


class DefinitionSource(Protocol):
    """A definition as given by the user."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    @property
    def file(self) -> Path | None:
        """The file of the definition or its code; its commit is recorded."""

    @property
    def folder(self) -> Path | None:
        """The folder of the file, if it is in a file."""

    @property
    def kind(self) -> str:
        """json, yaml, dict or sdk, for records."""

    @property
    def pipeline_name(self) -> str:
        """The default name of the pipeline."""

    def load(self) -> Pipeline:
        """The pipeline.  Raises ``PipelineError``."""


@dataclass(frozen=True)
class GivenDefinition:
    """A definition as Python code gives it: a file, text, a dict, a loaded pipeline or an object of the SDK."""

    given: Any

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self._pipeline.source

    @property
    def file(self) -> Path | None:
        """The file, if it is one."""
        return Path(self._text) if self.kind in ("json", "yaml") and not _is_document(self._text) else None

    @property
    def folder(self) -> Path | None:
        """The folder of the file."""
        return self.file.parent if self.file is not None else None

    @property
    def kind(self) -> str:
        """json, yaml, dict or sdk."""
        if isinstance(self.given, str | bytes | os.PathLike):
            text = self._text
            return "json" if text.endswith(".json") or text.lstrip().startswith("{") else "yaml"
        return "dict" if isinstance(self.given, Mapping | Pipeline) else "sdk"

    @property
    def pipeline_name(self) -> str:
        """The name of the SDK object or of the file; otherwise "pipeline"."""
        from .names import dag_id_like, name_of_file

        if self.file is not None:
            return name_of_file(self.file)
        own = getattr(self.given, "name", None) if self.kind == "sdk" else None
        return dag_id_like(own) if isinstance(own, str) else "pipeline"

    def load(self) -> Pipeline:
        """The pipeline.  Raises ``PipelineError``."""
        return self._pipeline

    @property
    def _text(self) -> str:
        return self.given.decode(errors="replace") if isinstance(self.given, bytes) else os.fspath(self.given)

    @cached_property
    def _pipeline(self) -> Pipeline:
        return self.given if isinstance(self.given, Pipeline) else load_pipeline(self.given)


def _is_document(text: str) -> bool:
    """Whether ``text`` is a definition rather than a file name, by the same rule as ``load_pipeline``."""
    return "\n" in text or text.lstrip().startswith(("{", '"'))
