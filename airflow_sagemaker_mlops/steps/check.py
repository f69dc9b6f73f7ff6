"""Every step's request against botocore's model of its operation, before anything runs and without a network."""

from __future__ import annotations

from collections.abc import Iterator

from ..document.model import Pipeline, Step
from ..document.parse import COMMON_KEYS
from ..document.problems import Problem
from .catalogue import STEP_TYPES
from .properties import path_problems
from .shapes import Misfit, Part, check_arguments, check_part

# Members SageMaker Pipelines supplies itself, so a definition may leave them out.
BUILT_FROM_ARGUMENTS = frozenset({"job", "check", "resource", "package", "endpoint", "started"})
SUPPLIED = {
    "Endpoint": frozenset({"EndpointConfigName"}),
    "EndpointConfig": frozenset({"EndpointConfigName"}),
}
# Arguments that hold a request, or a part of one, with the members of it that come from elsewhere.
PARTS = {
    "EMR": (
        Part("StepConfig", "emr", "AddJobFlowSteps", "Steps", frozenset({"Name"})),
        Part("ClusterConfig", "emr", "RunJobFlow", given=frozenset({"Name"})),
    ),
    "EMRServerless": (
        Part(
            "JobConfig",
            "emr-serverless",
            "StartJobRun",
            given=frozenset({"applicationId", "clientToken", "executionRoleArn"}),
        ),
        Part("ApplicationConfig", "emr-serverless", "CreateApplication", given=frozenset({"clientToken"})),
    ),
}
# Members the service has the document write in a looser form than the API.
LOOSE_PREFIXES = ("ExperimentConfig",)
BESIDE = 'Write it beside "Arguments", not in it.'


def request_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Problems of all steps: SM151 a wrong type, and as warnings SM152, whatever else botocore's model does not allow,
    and SM211, property paths that its answers do not have.
    """
    yield from path_problems(pipeline)
    for step in pipeline.steps:
        for misfit in _misfits(step):
            code = "SM151" if misfit.severity == "error" else "SM152"
            where = f"{step.where}.Arguments" + (f".{misfit.path}" if misfit.path else "")
            fix = BESIDE if misfit.path in COMMON_KEYS else misfit.fix
            yield Problem(code, where, misfit.what, fix, severity=misfit.severity)  # type: ignore[arg-type]


def _misfits(step: Step) -> list[Misfit]:
    if step.type in PARTS:
        return [misfit for part in PARTS[step.type] for misfit in check_part(part, step.arguments)]
    entry = STEP_TYPES.get(step.type)
    if entry is None or entry.how not in BUILT_FROM_ARGUMENTS:
        return []
    given = frozenset({entry.name_key}) | SUPPLIED.get(step.type, frozenset())
    arguments = entry.prepare(dict(step.arguments))
    found = check_arguments(entry.service, entry.create, arguments, given)
    return [misfit for misfit in found if not misfit.path.startswith(LOOSE_PREFIXES)]
