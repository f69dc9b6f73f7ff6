"""What the operators of steps with a verdict have in common, in DAGs without a definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..definition.expressions import is_expression
from ..definition.problems import did_you_mean
from ..definition.verdict_job import FOLDER, JOB_KEYS, job_arguments

NEEDED = ("ImageUri", "RoleArn")


def step_keywords(
    job: Mapping[str, object], inputs: Mapping[str, object], settings: Mapping[str, object]
) -> dict[str, Any]:
    """``arguments`` and ``settings`` of the step operator; without those inputs and settings that are not given."""
    settings = {**settings, "Job": {FOLDER: job[FOLDER]} if FOLDER in job else None}
    return {
        "arguments": job_arguments({}, job, {name: uri for name, uri in inputs.items() if uri}),
        "settings": {key: value for key, value in settings.items() if value is not None},
    }


def job_problems(job: Mapping[str, object]) -> Iterator[str]:
    """Sentences about ``job``, which no run can mend."""
    known = (*JOB_KEYS, FOLDER)
    yield from (f'job has no key "{key}". {did_you_mean(str(key), known)}' for key in job if key not in known)
    yield from (f"job has no {key}." for key in NEEDED if not job.get(key))


def refuse(task_id: object, problems: list[str]) -> None:
    """Raise ``ValueError`` with all ``problems``, if there are any."""
    if problems:
        raise ValueError(f'Task "{task_id}": ' + " ".join(problems))


def is_open(value: object) -> bool:
    """Whether a run gives the value: an expression, a template, or the result of a task."""
    from ..templates import is_result, is_template

    return is_expression(value) or is_template(value) or is_result(value)
