"""``--stage`` and ``--config``: the configuration of a stage for a command."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..definition.model import Pipeline
from ..stages.find import CONFIG, stage_named, stage_of_file, stages_in
from ..stages.model import Stage
from .sources import Source


@dataclass(frozen=True, slots=True)
class StageChoice:
    """The stage that a command names.

    project   folder of the project, with its ``config`` folder
    """

    stage: str | None = None
    config: Path | None = None
    project: Path = Path()

    @property
    def is_given(self) -> bool:
        """Whether one is named."""
        return self.stage is not None or self.config is not None

    @property
    def extra(self) -> Path | None:
        """The file, if it is not in the ``config`` folder of its project."""
        is_apart = self.config is not None and self.config.absolute().parent.name != CONFIG
        return self.config if is_apart else None

    def load(self) -> Stage:
        """The configuration.  Raises ``PipelineError`` for one that cannot be used, ``ValueError`` for the options."""
        if self.config is not None and self.stage is not None:
            raise ValueError("--stage and --config both name a configuration. Leave one out.")
        if self.config is not None:
            found = stage_of_file(self.config)
            return found if self.project == Path() else replace(found, root=self.project)
        if not stages_in(self.project):
            raise ValueError(
                f"{self.project.resolve()} has no stages: there is no config/*.yaml. "
                "Run the command in the folder of the project, or name it: --project DIR."
            )
        return stage_named(self.stage or "", [self.project])


NO_STAGE = StageChoice()


def name_in_stage(stage: Stage, file: Source) -> str:
    """The name under which ``stage`` lists the pipeline in ``file``."""
    if not file.is_code and file.folder is not None:
        given = file.file.resolve()
        for name, entry in stage.pipelines.items():
            if entry.definition and (stage.root / entry.definition).resolve() == given:
                return name
    if len(stage.pipelines) == 1:
        only, entry = next(iter(stage.pipelines.items()))
        if not entry.definition or file.is_code:
            return only
    return file.pipeline_name


def values_of(stage: Stage, file: Source, pipeline: Pipeline, code: dict[str, str] | None = None) -> dict[str, Any]:
    """The parameter values of ``pipeline`` in ``stage``.  Raises ``PipelineError``.

    :param code: S3 URIs of the code by parameter
    """
    declared = {one.name: one for one in pipeline.parameters}
    values: dict[str, Any] = stage.values_for(name_in_stage(stage, file), declared)
    return {**values, **{key: uri for key, uri in (code or {}).items() if key in declared}}
