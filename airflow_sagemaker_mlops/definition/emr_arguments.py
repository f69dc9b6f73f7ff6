"""Arguments of EMR and EMRServerless steps, which make several API requests (docs/language/steps/emr.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .expressions import called
from .problems import Place

if TYPE_CHECKING:
    from .report import Reporter

EMR_KEYS = frozenset({"ClusterId", "ClusterConfig", "StepConfig", "ExecutionRoleArn"})
SERVERLESS_KEYS = frozenset({"ApplicationId", "ApplicationConfig", "JobConfig", "ExecutionRoleArn"})


def emr_arguments(out: Reporter, name: str, arguments: Mapping[str, object], place: Place) -> None:
    """EMR: a step to run on an existing cluster or on a new one."""
    out.unknown_keys(arguments, EMR_KEYS, place, f"{called(name)} (EMR)")
    _one_of(out, name, arguments, place, ("ClusterId", "ClusterConfig"))
    step: Any = arguments.get("StepConfig")
    if step is None:
        out.report(
            "SM121", place, f'{called(name)} has no "StepConfig".', 'Add "StepConfig": {"HadoopJarStep": {...}}.'
        )
    elif out.reader.wanted(step, Mapping, (place, "StepConfig"), "an object") and step.get("HadoopJarStep") is None:
        what = f'the "StepConfig" of {called(name)} has no "HadoopJarStep".'
        out.report("SM121", (place, "StepConfig"), what, 'Add "HadoopJarStep": {"Jar": ...}.')
    if arguments.get("ExecutionRoleArn") is not None and arguments.get("ClusterId") is None:
        what = '"ExecutionRoleArn" is only used with "ClusterId", so it is ignored.'
        out.report("SM122", (place, "ExecutionRoleArn"), what, warn=True)


def serverless_arguments(out: Reporter, name: str, arguments: Mapping[str, object], place: Place) -> None:
    """EMRServerless: a job to run with a role, in an existing application or a new one."""
    out.unknown_keys(arguments, SERVERLESS_KEYS, place, f"{called(name)} (EMRServerless)")
    _one_of(out, name, arguments, place, ("ApplicationId", "ApplicationConfig"))
    job: Any = arguments.get("JobConfig")
    if job is None:
        out.report("SM121", place, f'{called(name)} has no "JobConfig".', 'Add "JobConfig": {"jobDriver": {...}}.')
    if not out.reader.wanted(job, Mapping, (place, "JobConfig"), "an object"):
        job = {}
    elif job.get("jobDriver") is None and job.get("JobDriver") is None:
        what = f'the "JobConfig" of {called(name)} has no "jobDriver".'
        out.report("SM121", (place, "JobConfig"), what, 'Add "jobDriver": {"sparkSubmit": {...}}.')
    if arguments.get("ExecutionRoleArn") is None and job.get("executionRoleArn") is None:
        out.report("SM121", place, f'{called(name)} has no "ExecutionRoleArn".', 'Add "ExecutionRoleArn".')


def _one_of(out: Reporter, name: str, arguments: Mapping[str, object], place: Place, keys: tuple[str, str]) -> None:
    given = [key for key in keys if arguments.get(key) is not None]
    if not given:
        what = f'{called(name)} has neither "{keys[0]}" nor "{keys[1]}".'
        out.report("SM121", place, what, "Add one of them.")
    elif len(given) == 2:
        what = f'{called(name)} has both "{keys[0]}" and "{keys[1]}".'
        out.report("SM122", place, what, "Keep one of them.")
