"""Applies the configuration of a stage to the options of a pipeline in a DAG file.

Nothing is read unless the DAG file or ``[sagemaker_mlops] stage`` names a stage.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from airflow.sdk.definitions._internal.types import NOTSET

from .. import settings
from ..definition.problems import InvalidPipeline, Problem

if TYPE_CHECKING:
    from ..plan.model import Plan
    from ..stages.model import Stage

CONFLICT = "SM358"
# {option of the pipeline: key of the stage}
_SAME = {
    "aws_conn_id": "aws_conn_id",
    "region_name": "region",
    "assume_role_arn": "assume_role_arn",
    "external_id": "external_id",
    "max_parallel_steps": "max_parallel_steps",
    "records": "records",
}
_UNSET: dict[str, object] = {"max_parallel_steps": 0, "records": "", "aws_conn_id": NOTSET}  # None is boto3's chain
_DEFAULT_ARGS = ("queue", "pool")


class Options(Protocol):
    """The part of ``PipelineOptions`` that is looked at by name; that module imports this one."""

    @property
    def stage(self) -> str | None:
        """The stage that the DAG file names."""

    @property
    def config(self) -> str | os.PathLike[str] | None:
        """The configuration that the DAG file names."""

    @property
    def pipeline_name(self) -> str | None:
        """The name of the pipeline."""

    @property
    def parameters(self) -> Mapping[str, Any] | None:
        """Values by parameter."""

    @property
    def steps(self) -> Mapping[str, Mapping[str, Any]] | None:
        """Airflow arguments by step."""


def stage_of(options: Options, folder: Path) -> Stage | None:
    """The stage of a DAG file in ``folder``, which the file or the setting names.

    ``None`` if only the setting names it, and no folder ``config`` is there: then this DAG has no stages.

    :raises InvalidPipeline: SM355 for a stage without configuration, SM356 and SM357 for one that cannot be used
    """
    if options.stage is not None and options.config is not None:
        what = "stage and config both name a configuration, and only one of the two can apply."
        raise InvalidPipeline("DAG", [Problem(CONFLICT, "config", what, "Remove one of them.")])
    if options.config is not None:
        from ..stages.find import stage_of_file

        return stage_of_file(folder / options.config, str(options.config), folder)
    name = options.stage or settings.stage()
    from ..stages.find import stage_named, stages_in

    places = (folder, folder.parent)
    if options.stage is None and not any(stages_in(place) for place in places):
        return None
    return stage_named(name, places)


def with_stage(
    options: Options, kwargs: dict[str, Any], plan: Plan, name: str, folder: Path, *, is_dag: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options that the stage changes for the pipeline ``name``, and Airflow's keywords with those of the stage.

    :raises InvalidPipeline: SM355 to SM361; SM358 for values that the DAG file gives differently
    """
    stage = stage_of(options, folder)
    if stage is None:
        return {}, kwargs
    from ..stages.code import code_values

    own = stage.pipeline(name)
    declared = {parameter.name: parameter for parameter in plan.parameters}
    conflicts: list[Problem] = []
    code = {key: uri for key, uri in code_values(stage, folder).items() if key in declared}
    values = {**stage.values_for(name, declared), **code}
    merged: dict[str, Any] = {"parameters": _merged("parameters", options.parameters, values, conflicts)}
    merged["steps"] = _steps(options.steps or {}, own.steps, conflicts)
    if own.pipeline_name is not None:
        merged["pipeline_name"] = _one("pipeline_name", options.pipeline_name, own.pipeline_name, None, conflicts)
    for option, key in _SAME.items():
        if key in stage.given:
            default = _UNSET.get(option)
            merged[option] = _one(option, getattr(options, option), getattr(stage, key), default, conflicts)
    kwargs = _airflow_keywords(stage, own.schedule, kwargs, conflicts, scheduled=own.has_schedule and is_dag)
    if conflicts:
        raise InvalidPipeline(
            plan.source, [replace(one, fix=f"Remove it from the DAG file, or from {stage.file}.") for one in conflicts]
        )
    if is_dag and stage.tags:
        kwargs["tags"] = list(dict.fromkeys([*(kwargs.get("tags") or ["sagemaker"]), *stage.tags]))
    return merged, kwargs


def _airflow_keywords(
    stage: Stage, schedule: str | None, given: Mapping[str, Any], conflicts: list[Problem], *, scheduled: bool
) -> dict[str, Any]:
    kwargs = dict(given)
    if scheduled:
        if "schedule" in kwargs and kwargs["schedule"] != schedule:
            conflicts.append(_conflict("schedule", kwargs["schedule"], schedule))
        kwargs["schedule"] = schedule
    defaults = dict(kwargs.get("default_args") or {})
    for key in _DEFAULT_ARGS:
        value = getattr(stage, key)
        if value is not None:
            defaults[key] = _one(f"default_args[{key!r}]", defaults.get(key), value, None, conflicts)
    if defaults:
        kwargs["default_args"] = defaults
    return kwargs


def _steps(
    given: Mapping[str, Mapping[str, Any]], staged: Mapping[str, Any], conflicts: list[Problem]
) -> dict[str, Mapping[str, Any]]:
    merged = dict(given)
    for step, options in staged.items():
        before = merged.get(step, {})
        if isinstance(before, Mapping):  # anything else is reported by the check of the options
            merged[step] = _merged(f"steps[{step!r}]", before, options, conflicts) or {}
    return merged


def _merged(
    owner: str, given: Mapping[str, object] | None, staged: Mapping[str, object], conflicts: list[Problem]
) -> Mapping[str, Any] | None:
    if not staged or not isinstance(given or {}, Mapping):
        return given
    merged = dict(given or {})
    for name, value in staged.items():
        if name in merged and not _same(merged[name], value):
            conflicts.append(_conflict(f"{owner}[{name!r}]", merged[name], value))
        merged[name] = value
    return merged


def _one(option: str, given: object, staged: object, default: object, conflicts: list[Problem]) -> object:
    if given is not default and given != default and not _same(given, staged):
        conflicts.append(_conflict(option, given, staged))
    return staged


def _same(given: object, staged: object) -> bool:
    return type(given) is type(staged) and given == staged


def _conflict(option: str, given: object, staged: object) -> Problem:
    shown = f'"{given}"' if isinstance(given, str) else "another value" if not isinstance(given, int) else str(given)
    what = f"{option} is {shown} in the DAG file, and {staged!r} in the configuration of the stage."
    return Problem(CONFLICT, option, what.replace("'", '"'))
