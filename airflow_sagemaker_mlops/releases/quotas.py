"""The instances that a stage's pipelines start against the quotas of its account, and roles of other accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..aws_errors import error_code
from ..definition.model import Pipeline
from ..registry.champion import Client
from ..stages.model import Stage
from ..steps.instances import Instances, instances_of
from .rights import rights_of

MAX_PAGES = 100  # of 100 quotas; SageMaker has some thousand
NO_QUOTAS = "NotImplementedException"  # of the embedded AWS
_ACCOUNT = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):")


@dataclass(frozen=True, slots=True)
class Quotas:
    """The result of comparing instances with quotas.

    :ivar known: how many of the needed quotas Service Quotas lists
    :ivar needed: how many there are
    :ivar exceeded: sentences about steps that need more than their quota
    :ivar unchecked: why Service Quotas was not asked, or gave no answer; empty if it did
    """

    known: int = 0
    needed: int = 0
    exceeded: tuple[str, ...] = ()
    unchecked: str = ""


def check_quotas(client: Client, stage: Stage, account: str, pipelines: Mapping[str, Pipeline]) -> Quotas:
    """Compare the instances of each step with the account's quotas.  Never raises: a deployment does not depend on it.

    :param account: of the credentials
    """
    wanted = _greatest(pipelines)
    if not wanted:
        return Quotas()
    home = _account_of(stage.assume_role_arn) or stage.account or account
    if home != account:
        return Quotas(
            needed=len(wanted), unchecked=f"the steps run in account {home} and the credentials are of {account}"
        )
    try:
        values = _quotas(client, frozenset(wanted))
    except Exception as error:
        return Quotas(needed=len(wanted), unchecked=_why(error))
    exceeded = tuple(
        f"{pipeline}: {one.step} needs {one.count} of {one.quota!r}, and the quota is {values[name]:g}"
        for name, (pipeline, one) in wanted.items()
        if name in values and one.count > values[name]
    )
    return Quotas(len(values), len(wanted), exceeded)


def foreign_roles(stage: Stage, account: str, pipelines: Mapping[str, Pipeline]) -> Iterator[str]:
    """Sentences about roles that are not of the stage's account.

    :param account: of the credentials, for a stage that does not say its own
    """
    home = stage.account or account
    for key, arn in (("assume_role_arn", stage.assume_role_arn), ("principal", stage.principal)):
        other = _account_of(arn)
        if other not in ("", home):
            yield f"{key} {arn} is of account {other}, and stage {stage.name} is account {home}"
    runs_in = _account_of(stage.assume_role_arn) or home
    for name, pipeline in pipelines.items():
        roles = {right.resource for right in rights_of(stage, {name: pipeline}) if right.action == "iam:PassRole"}
        for arn in sorted(roles):
            if _account_of(arn) not in ("", runs_in):
                what = f"{name}: the role {arn} is of account {_account_of(arn)}, and the steps run in {runs_in}"
                yield f"{what}; a role can be passed only within its account"


def _greatest(pipelines: Mapping[str, Pipeline]) -> dict[str, tuple[str, Instances]]:
    """{quota: (pipeline, step that needs most of it)}."""
    found: dict[str, tuple[str, Instances]] = {}
    for name, pipeline in pipelines.items():
        for one in instances_of(pipeline):
            if one.quota not in found or found[one.quota][1].count < one.count:
                found[one.quota] = name, one
    return found


def _quotas(client: Client, names: frozenset[str]) -> dict[str, float]:
    service = client("service-quotas")
    found: dict[str, float] = {}
    members = {"ServiceCode": "sagemaker", "MaxResults": 100}
    for _ in range(MAX_PAGES):
        answer = service.list_service_quotas(**members)
        for row in answer.get("Quotas") or []:
            if row.get("QuotaName") in names:
                found[str(row["QuotaName"])] = float(row["Value"])
        if not answer.get("NextToken") or len(found) == len(names):
            break
        members["NextToken"] = answer["NextToken"]
    return found


def _why(error: Exception) -> str:
    code = error_code(error)
    if code == NO_QUOTAS:
        return "the embedded AWS has no quotas"
    return f"Service Quotas does not answer ({code or type(error).__name__})"


def _account_of(arn: str | None) -> str:
    found = _ACCOUNT.match(arn or "")
    return found[1] if found is not None else ""
