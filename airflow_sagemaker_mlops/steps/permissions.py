"""The minimal permissions to run a pipeline: IAM actions and resources, from the step table and the document.

Names that are known only at run time become ``*``.  Not included, because no document states it: records, lineage,
roles to assume, a queue of job events, other packages' operators.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..definition.model import Pipeline, Step
from ..definition.step_types import IN_EXPERIMENTS
from .arns import Place, spelled
from .catalogue import STEP_TYPES
from .known_text import known_beginning
from .policy_values import (
    PROFILES,
    refuse_wildcards,
    reports_of,
    role_members,
)

OTHERS_IN_CHINA = frozenset({"ec2.amazonaws.com", "elasticmapreduce.amazonaws.com"})


def policy(pipeline: Pipeline, account: str = "*", region: str = "*") -> dict[str, Any]:
    """The IAM policy document for the identity that runs ``pipeline``, i.e. the Airflow connection's.

    Raises :class:`InvalidPipeline` for names with wildcards in them.
    """
    refuse_wildcards(pipeline)
    place = Place(account, region)
    actions: dict[str, set[str]] = {}
    for step in pipeline.steps:
        entry = STEP_TYPES.get(step.type)
        for action, arn in entry.grants(step, entry, place) if entry is not None else ():
            actions.setdefault(arn, set()).add(action)
    rows = [
        {"Sid": f"Step{index}", "Effect": "Allow", "Action": sorted(actions[arn]), "Resource": arn}
        for index, arn in enumerate(sorted(actions))
    ]
    return {"Version": "2012-10-17", "Statement": [*rows, *_passed(pipeline, place), *_shared(pipeline, place)]}


def _passed(pipeline: Pipeline, place: Place) -> Iterator[dict[str, Any]]:
    """One statement for each service that receives roles."""
    given: dict[str, set[str]] = {}
    for step in pipeline.steps:
        for service, role in _roles(step, place):
            given.setdefault(service, set()).add(role)
    for service, roles in sorted(given.items()):
        words = service.partition(".")[0].split("-")
        principal = f"{service}.cn" if place.partition == "aws-cn" and service in OTHERS_IN_CHINA else service
        yield {
            "Sid": f"PassRolesTo{''.join(word.capitalize() for word in words)}",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": ["*"] if "*" in roles else sorted(roles),
            "Condition": {"StringEquals": {"iam:PassedToService": principal}},
        }


def _roles(step: Step, place: Place) -> Iterator[tuple[str, str]]:
    """(service, role) of all roles in the step's request; ``*`` for a role that is known only at run time."""
    entry = STEP_TYPES.get(step.type)
    service = entry.roles_go_to if entry is not None and not entry.syntax.free_arguments else ""
    if not service:
        return
    for _, key, given in role_members(step.arguments):
        for role in place.roles(key, given):
            yield PROFILES.get(key, service), role


def _shared(pipeline: Pipeline, place: Place) -> Iterator[dict[str, Any]]:
    if pipeline.experiment is not None and any(step.type in IN_EXPERIMENTS for step in pipeline.steps):
        resources = [
            place.arn("sagemaker", resource)
            for kind, key in (("experiment", "ExperimentName"), ("experiment-trial", "TrialName"))
            for resource in _named(kind, pipeline.experiment.get(key))
        ]
        actions = ["sagemaker:CreateExperiment", "sagemaker:CreateTrial"]
        yield {"Sid": "Experiments", "Effect": "Allow", "Action": actions, "Resource": resources}
    read = sorted({place.beginning(*known_beginning(uri)) for _, uri in reports_of(pipeline)})
    if read:
        resources = ["*"] if "*" in read else [*read, *sorted({arn.partition("/")[0] for arn in read})]
        actions = ["s3:GetObject", "s3:ListBucket"]  # without the second, S3 reports a missing file as "access denied"
        yield {"Sid": "ReadReports", "Effect": "Allow", "Action": actions, "Resource": resources}


def _named(kind: str, name: object) -> list[str]:
    return spelled(kind, name) if isinstance(name, str) and name else [f"{kind}/*"]
