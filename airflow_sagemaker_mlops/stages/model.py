"""A stage as a value: :class:`Stage`, and what it says about one pipeline, :class:`PipelineStage`.

``docs/guides/stages.md`` documents the keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..definition.problems import InvalidPipeline, Problem, did_you_mean, key_text
from ..definition.values import given_value

if TYPE_CHECKING:
    from ..json_types import Json, JsonObject

NO_SUCH_STAGE, BAD_KEY, BAD_VALUE = "SM355", "SM356", "SM357"
NOT_IN_STAGE, UNDECLARED = "SM359", "SM360"


class Declared(Protocol):
    """A parameter that a definition declares."""

    @property
    def type(self) -> str:
        """String, Integer, Float or Boolean."""

    @property
    def enum(self) -> tuple[str | int | float | bool, ...]:
        """The choices; empty for any value."""


@dataclass(frozen=True, slots=True)
class PipelineStage:
    """The entry of one pipeline under ``pipelines``.

    definition      file of the definition, relative to the project
    has_schedule    whether it states a schedule; ``null`` counts
    """

    definition: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    steps: Mapping[str, JsonObject] = field(default_factory=dict)
    pipeline_name: str | None = None
    schedule: str | None = None
    has_schedule: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """The configuration of a stage.

    name      the stage, e.g. ``prod``
    file      name of the file in messages
    root      folder of the project, to which paths in the file are relative
    text      the text of the file, for positions
    given     the keys that the file has
    principal ARN of the identity of the steps
    deployer  ARN of the identity that deploys, for dry runs with other credentials
    dags      the place from which Airflow reads DAG files: an S3 URI or a folder
    code      {String parameter: file or folder of the project}
    """

    name: str
    file: str
    root: Path
    text: str
    given: frozenset[str] = frozenset()
    project: str = ""
    account: str | None = None
    region: str | None = None
    aws_conn_id: str | None = None
    assume_role_arn: str | None = None
    external_id: str | None = None
    principal: str | None = None
    deployer: str | None = None
    records: str | None = None
    champions: str | None = None
    model_package_group: str | None = None
    endpoint: str | None = None
    max_parallel_steps: int = 0
    queue: str | None = None
    pool: str | None = None
    tags: tuple[str, ...] = ()
    schedule: str | None = None
    releases: str | None = None
    dags: str | None = None
    dag_folder: str = "dags"
    code: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Json] = field(default_factory=dict)
    steps: Mapping[str, JsonObject] = field(default_factory=dict)
    pipelines: Mapping[str, PipelineStage] = field(default_factory=dict)

    def pipeline(self, name: str) -> PipelineStage:
        """The stage's settings for a pipeline: the shared values, overridden by those of its own entry.

        Raises :class:`InvalidPipeline` (SM359) for a pipeline that a stage with ``pipelines`` does not list.
        """
        own = self.pipelines.get(name)
        if own is None and self.pipelines:
            what = f'stage "{self.name}" lists its pipelines, and "{name}" is not among them.'
            fix = did_you_mean(name, self.pipelines) or f'Add "{name}" under pipelines.'
            raise self.refused([Problem(NOT_IN_STAGE, "$.pipelines", what, fix)])
        own = own or PipelineStage()
        steps = {step: {**self.steps.get(step, {}), **own.steps.get(step, {})} for step in (*self.steps, *own.steps)}
        has_schedule = own.has_schedule or "schedule" in self.given
        schedule = own.schedule if own.has_schedule else self.schedule
        values = {**self.parameters, **own.parameters}
        return PipelineStage(own.definition, values, steps, own.pipeline_name, schedule, has_schedule)

    def values_for(self, name: str, declared: Mapping[str, Declared]) -> dict[str, Json]:
        """The parameter values of a pipeline that declares ``declared``, in their types.

        A shared value goes only to the pipelines that declare it, if the stage has several.  Raises
        :class:`InvalidPipeline`: SM360 for any other name that the pipeline does not declare, and for the value of one
        that does not fit its type.
        """
        values: dict[str, Json] = {}
        problems = []
        for one, value in self.pipeline(name).parameters.items():
            if one in declared:
                try:
                    values[one] = given_value(value, declared[one].type, declared[one].enum, one)
                except ValueError as error:
                    problems.append(Problem(UNDECLARED, self._place_of(name, one), str(error)))
            elif len(self.pipelines) < 2 or not self._is_shared(name, one):
                what = f'parameter "{one}" is not declared by pipeline "{name}".'
                problems.append(Problem(UNDECLARED, self._place_of(name, one), what, did_you_mean(one, declared)))
        problems += self._undeclared_code(name, declared)
        if problems:
            raise self.refused(problems)
        return values

    def _undeclared_code(self, name: str, declared: Mapping[str, Declared]) -> list[Problem]:
        """Problems of parameters under ``code``: of a single pipeline, they must be String parameters."""
        problems = []
        for one in self.code:
            place = f"$.code{key_text(one)}"
            if one not in declared and len(self.pipelines) < 2:
                what = f'parameter "{one}" is not declared by pipeline "{name}".'
                problems.append(Problem(UNDECLARED, place, what, did_you_mean(one, declared)))
            elif one in declared and declared[one].type != "String":
                what = f'parameter "{one}" gets the S3 URI of code, but is not a String.'
                problems.append(
                    Problem(UNDECLARED, place, what, f'Declare it with the type String, not "{declared[one].type}".')
                )
        return problems

    def refused(self, problems: list[Problem]) -> InvalidPipeline:
        """``problems`` of this file, with their lines, as the error to raise."""
        return refusal(self.file, self.text, problems)

    def _is_shared(self, name: str, parameter: str) -> bool:
        return parameter in self.parameters and parameter not in self.pipelines[name].parameters

    def _place_of(self, name: str, parameter: str) -> str:
        own = self.pipelines.get(name)
        if own is not None and parameter in own.parameters:
            return f"$.pipelines{key_text(name)}.parameters{key_text(parameter)}"
        return f"$.parameters{key_text(parameter)}"


class InvalidStage(InvalidPipeline):
    """The configuration of a stage is invalid."""

    headline = "cannot be used"


def refusal(file: str, text: str, problems: list[Problem]) -> InvalidStage:
    """``problems`` of a stage's file with line and column, in the order of the file."""
    from ..definition.read.line_numbers import locate

    located = locate(text, file, problems) if text else problems
    return InvalidStage(file, sorted(located, key=lambda one: (one.line or 0, one.column or 0)))
