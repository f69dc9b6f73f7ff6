"""``iam``: the policies that running a definition requires."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..definition.model import Pipeline
from ..definition.problems import PipelineError
from ..definition.step_types import AIRFLOW
from ..plan import make_plan
from ..steps.permissions import policy
from ..steps.policy_values import open_ends, with_values
from ..steps.resource_policies import foreign_groups, group_policy
from .compiling import NotCompiled
from .output.terminal import say, say_error, write_out
from .parameters import parse_values
from .sources import Source
from .stages import NO_STAGE, StageChoice, values_of


def print_policy(
    file: Source,
    account: str,
    region: str,
    out: Path | None,
    parameters: Sequence[str] = (),
    *,
    stage: StageChoice = NO_STAGE,
    resource_policies: bool = False,
) -> int:
    """Print or write the IAM policy that running ``file`` requires; stderr has what it could not narrow; exit code.

    :param resource_policies: print {group ARN: resource policy} for groups of other accounts instead
    """
    try:
        pipeline = file.load()
        values: dict[str, Any] = parse_values(make_plan(pipeline), parameters, may_miss=True)
        principal = ""
        if stage.is_given:
            found = stage.load()
            values = {**values_of(found, file, pipeline), **values}
            account = found.account if account == "*" and found.account else account
            region = found.region if region == "*" and found.region else region
            principal = found.principal or found.assume_role_arn or ""
        pipeline = with_values(pipeline, values)
        made = policy(pipeline, account, region)
    except (PipelineError, NotCompiled) as error:
        return say_error(error)
    except ValueError as error:
        say(f"{file.name}: {error}", err=True)
        return 2
    groups = foreign_groups(pipeline, account)
    if resource_policies:
        found_policies = {group: group_policy(group, account, principal) for group in groups}
        return write_out(json.dumps(found_policies, indent=2) + "\n", out)
    for sentence in open_ends(pipeline, account, region):
        say(f"not narrowed: {sentence}", err=True)
    _warn_of_uncovered(pipeline, groups)
    return write_out(json.dumps(made, indent=2) + "\n", out)


def _warn_of_uncovered(pipeline: Pipeline, groups: Sequence[str]) -> None:
    foreign = [step.name for step in pipeline.steps if step.type == AIRFLOW]
    if foreign:
        say(f"The policy does not cover {', '.join(foreign)}: another package's operator.", err=True)
    for group in groups:
        say(
            f"{group} is of another account, which must allow the access: --resource-policies prints the policy of "
            f"the group. The bucket and the key of the models and the repository of the image must be shared, too.",
            err=True,
        )
