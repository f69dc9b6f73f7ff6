"""``run --stage``: the values of the stage, and the project's code where its steps expect it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..releases.bundle import code_of, project_of
from ..releases.objects import Objects, has_bucket
from ..runs.clients import Target
from ..s3 import split_uri
from ..stages.code import code_uri
from ..stages.model import Stage
from .sources import Source
from .stages import StageChoice, name_in_stage, values_of


@dataclass(frozen=True, slots=True)
class StagedRun:
    """What a stage adds to a run.

    records   its records; only on an account, because the embedded AWS has its own
    """

    target: Target
    values: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    records: str | None = None
    max_parallel_steps: int = 0


def in_stage(choice: StageChoice, file: Source, target: Target, *, has_calls: bool) -> StagedRun:
    """What the stage says about a run of ``file``; uploads the code of the project, unless it is stored already.

    :param has_calls: whether the run calls AWS; a rehearsal with stubs needs no code there
    :raises PipelineError: for a stage or a definition that cannot be used
    """
    if not choice.is_given:
        return StagedRun(target)
    stage = choice.load()
    pipeline = file.load()
    code = _published(stage, target, has_calls=has_calls) if stage.code else {}
    name = name_in_stage(stage, file)
    is_account = not target.is_local_aws
    return StagedRun(
        replace(target, region_name=target.region_name or stage.region) if is_account else target,
        values_of(stage, file, pipeline, code),
        stage.pipeline(name).pipeline_name or (name if name in stage.pipelines else None),
        stage.records if is_account else None,
        stage.max_parallel_steps,
    )


def _published(stage: Stage, target: Target, *, has_calls: bool) -> dict[str, str]:
    """``{parameter: S3 URI}`` of the code, after uploading what is missing."""
    code, project = code_of(stage), project_of(stage)
    base = stage.releases or ""
    if has_calls:
        s3 = target.connect().client("s3")
        if target.is_local_aws and not has_bucket(s3, split_uri(base)[0]):
            s3.create_bucket(Bucket=split_uri(base)[0])
        objects = Objects(s3, f"{base}/{project}")
        for one in code:
            for name, content in one.files.items():
                if objects.head(f"code/{one.digest}/{name}") is None:
                    objects.add(f"code/{one.digest}/{name}", content)
    return {one.parameter: code_uri(base, project, one.digest, one.name) for one in code}
