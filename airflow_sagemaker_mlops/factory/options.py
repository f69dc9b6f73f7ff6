"""The options that the DAG and the task group of a pipeline share, and their checks."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import settings
from ..definition.problems import InvalidPipeline, Problem, did_you_mean
from ..hooks.connection import AwsConnection
from ..plan.build import plan_of
from .build import garbage_later

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.definitions._internal.types import ArgNotSet

    from ..plan.model import Plan
    from ..runtime.pipeline_value import PipelineValue
    from .build import Outlets
    from .parameters import Parameters

_HERE = str(Path(__file__).parent) + os.sep


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """The options of a pipeline in a DAG file: the keywords that the DAG and the task group share.

    ``SageMakerPipelineDag`` documents them.
    """

    pipeline_name: str | None
    parameters: Mapping[str, object] | None
    steps: Mapping[str, Mapping[str, Any]] | None
    aws_conn_id: str | ArgNotSet | None
    region_name: str | None
    assume_role_arn: str | None
    external_id: str | None
    start_in: str | None
    poll_interval_s: float | None
    logs: str | None
    max_parallel_steps: int
    records: str
    outlets: Sequence[Any]
    on_invalid: str | None
    stage: str | None
    config: str | os.PathLike[str] | None

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> PipelineOptions:
        """The options among the ``arguments`` of a constructor."""
        return cls(**{one.name: arguments[one.name] for one in fields(cls)})

    def for_steps(self) -> dict[str, Any]:
        """Options of all steps; missing ones are read from Airflow's configuration once, not once per step.

        Raises :class:`InvalidPipeline` (SM165) for an invalid value.
        """
        choices = ("start_in", "logs", "poll_interval_s", "max_parallel_steps", "records")
        settings.check_choices({name: getattr(self, name) for name in choices}, "DAG")
        poll_interval_s = settings.poll_interval_s() if self.poll_interval_s is None else self.poll_interval_s
        return {
            "aws_conn_id": settings.connection(self.aws_conn_id),
            "region_name": self.region_name or settings.region_name(),
            "assume_role_arn": self.assume_role_arn,
            "external_id": self.external_id,
            "start_in": self.start_in or settings.start_steps_in(),
            "poll_interval_s": poll_interval_s,
            "logs": self.logs or "end",
            "max_parallel_steps": self.max_parallel_steps,
            "records": self.records,
        }


def plan_in_stage(
    definition: object,
    options: PipelineOptions,
    kwargs: dict[str, Any],
    name: str,
    folder: Path,
    *,
    is_dag: bool = True,
) -> tuple[Plan, PipelineOptions, dict[str, Any]]:
    """The plan of a pipeline in a DAG file, and its options and Airflow keywords with those of its stage.

    :param name: id of the DAG or task group
    :param folder: of the DAG file
    :raises PipelineError: for a definition or a stage that cannot be used
    """
    with garbage_later():
        plan = plan_of(definition, folder)
    if options.stage is None and options.config is None and not settings.stage():
        return plan, options, kwargs
    from .stages import with_stage

    changes, kwargs = with_stage(options, kwargs, plan, name, folder, is_dag=is_dag)
    return plan, replace(options, **changes), kwargs


def with_secrets(plan: Plan, own: Parameters) -> Plan:
    """``plan`` with the DAG file's secrets as defaults, which are then only read in workers."""
    if not own.secrets:
        return plan
    from ..plan.defaults import with_defaults

    return with_defaults(plan, own.secrets)


def outlet_locations(plan: Plan, outlets: Sequence[Any], records: str) -> Outlets:
    """The names and URIs of the assets in ``outlets``, after checking them."""
    if not outlets:
        return ()
    from ..integrations.outlets import locations_of

    return locations_of(plan.source, outlets, records)


def property_of(tasks: Mapping[str, BaseOperator], step: str, path: str) -> PipelineValue:
    """The property at ``path`` of ``step``; makes the step push it to XCom."""
    from ..definition.expressions import parse_value
    from ..runtime.pipeline_value import PipelineValue
    from ..runtime.step_task import StepTask

    expression = {"Get": f"Steps.{step}.{path}"}
    parse_value(expression, f"property_of({step!r}, {path!r})")
    task: Any = tasks[step]
    if hasattr(task, "add_output"):  # another package's operator pushes everything anyway
        task.add_output(path)
    known = getattr(task, "step", None)
    connection = known.connection if known is not None else AwsConnection()
    return PipelineValue(expression, StepTask("", reads={step: task.task_id}, connection=connection), (task,))


def check_on_invalid(on_invalid: str | None) -> None:
    """Raise :class:`InvalidPipeline` (SM165) for an invalid ``on_invalid``; ``None`` is allowed."""
    if on_invalid is not None:
        is_placeholder(on_invalid)


def is_placeholder(on_invalid: str | None) -> bool:
    """Whether a broken pipeline gets a placeholder; reads the configuration only if needed, because that is slow.

    Raises :class:`InvalidPipeline` (SM165).
    """
    try:
        return settings.on_invalid(on_invalid) == "placeholder"
    except ValueError as error:
        problem = Problem(settings.CODE, "on_invalid", str(error))
        raise InvalidPipeline("DAG", [problem]) from None


def check_step_names(plan: Plan, steps: Mapping[str, object]) -> None:
    """Raise :class:`InvalidPipeline` (SM403, SM165) with all problems in the options of individual steps."""
    problems = [
        Problem("SM403", f"steps[{name!r}]", f'no step is called "{name}".', did_you_mean(name, plan.by_id))
        for name in steps
        if name not in plan.by_id
    ]
    problems += [
        problem
        for name, options in steps.items()
        if isinstance(options, Mapping)
        for problem in settings.problems_of(options, f"steps[{name!r}]")
    ]
    problems += [
        Problem("SM403", f"steps[{name!r}]", f'the options of "{name}" must be a dict.', 'Write {"retries": 2}.')
        for name, options in steps.items()
        if not isinstance(options, Mapping)
    ]
    if problems:
        raise InvalidPipeline(plan.source, problems)


def check_fail_fast(plan: Plan, fail_fast: object) -> None:
    """Such a DAG must not have tasks that run after a failure (``FailFastDagInvalidTriggerRule``, 3.3.2)."""
    if fail_fast:
        what = (
            "fail_fast=True cannot be used with a pipeline: pipeline.status has to run after a step has failed, to "
            "stop the other steps' jobs and seal the record, but Airflow refuses such a task in a fail_fast DAG."
        )
        fix = "Remove fail_fast. Steps after a failed one do not run, and the run fails when the others have ended."
        raise InvalidPipeline(plan.source, [Problem("SM420", "fail_fast", what, fix)])


def caller_file() -> Path:
    """The DAG file: the first caller outside this folder and Airflow's wrappers of ``__init__``."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_HERE) and "/airflow/sdk/" not in name and "\\airflow\\sdk\\" not in name:
            return Path(name)
        frame = frame.f_back
    return Path.cwd() / "dag.py"


def one_line(text: str) -> str:
    """The first line of ``text``."""
    return text.strip().splitlines()[0] if text.strip() else ""
