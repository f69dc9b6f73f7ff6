"""Finds the champion of a model package group in the model registry.

The champion is the version with ``ModelLifeCycle`` Production/Approved, or else the latest approved version.  A version
that is not approved cannot be the champion, whatever its stage, so rejecting the champion removes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..aws_errors import NOT_FOUND, error_code
from ..s3 import split_uri
from .errors import ModelDataGone, NoSuchGroup, RegistryError

if TYPE_CHECKING:
    from ..json_types import AwsShape
    from .clients import SageMakerRegistry

Client = Callable[[str], Any]  # service -> boto3 client
Log = Callable[[str], None]  # receives one line of progress
PRODUCTION, APPROVED, REJECTED, ARCHIVED = "Production", "Approved", "Rejected", "Archived"
PROMOTION_KEY = "sagemaker-mlops:promotion"  # URI of the history entry that made a version the champion
_NO_OBJECT = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a model package group, from its DescribeModelPackage response.

    model_data  S3 URI of the model data of its first container; "" if it has none
    stage       ``ModelLifeCycle.Stage``; "" if it has none
    promotion   URI of the history entry that promoted it last; "" if there is none
    """

    arn: str
    group: str
    number: int
    model_data: str
    stage: str
    approval: str
    promotion: str
    described: Mapping[str, Any]

    @property
    def promotion_number(self) -> int:
        """The number of the entry that promoted it; 0 if there is none."""
        return number_in(self.promotion)

    @property
    def is_in_production(self) -> bool:
        """Whether its stage is Production with the status Approved."""
        return in_production(self.described)


def drift_baseline_of(version: Version) -> str:
    """S3 URI of the drift baseline that RegisterModel stored; "" if it stored none."""
    quality = (version.described.get("DriftCheckBaselines") or {}).get("ModelDataQuality") or {}
    return str((quality.get("Statistics") or {}).get("S3Uri") or "")


def champion_of(client: Client, group: str, *, candidate: str = "") -> Version | None:
    """The champion of ``group`` (name or ARN); ``None`` if no version of the group is approved.

    Makes one List call per hundred approved versions, and one Describe call for the champion.

    :param candidate: ARN of a version that does not count as the latest approved one: it was approved in order to be
        promoted, and is not the champion yet
    :raises NoSuchGroup: for a group that does not exist
    """
    sagemaker = client("sagemaker")
    approved = approved_versions(sagemaker, group)
    rows = [row for row in approved if row["ModelPackageArn"] != candidate or in_production(row)]
    if not rows:
        require_group(sagemaker, group)
        return None
    production = [row for row in rows if in_production(row)]
    found = [version_of(client, row["ModelPackageArn"]) for row in production or [max(rows, key=_number)]]
    return max(found, key=_rank) if found else None


def champion_if_any(client: Client, group: str, *, group_may_be_missing: bool) -> Version | None:
    """Like :func:`champion_of`, for steps that may run before the first version of ``group`` is registered.

    :raises NoSuchGroup: for a group that does not exist, unless ``group_may_be_missing``
    """
    try:
        return champion_of(client, group)
    except NoSuchGroup as error:
        if group_may_be_missing:
            return None
        way_out = 'Create it, or write "GroupMayBeMissing": true if the first RegisterModel step creates it.'
        raise NoSuchGroup(f"{error} {way_out}") from None


def approved_versions(sagemaker: SageMakerRegistry, group: str) -> Iterator[AwsShape]:
    """Summaries of the approved versions whose registration is complete."""
    members: dict[str, Any] = {"ModelPackageGroupName": group, "ModelApprovalStatus": APPROVED, "MaxResults": 100}
    while True:
        try:
            answer = sagemaker.list_model_packages(**members)
        except Exception as error:
            if error_code(error) in NOT_FOUND:
                require_group(sagemaker, group)
            raise
        rows = answer.get("ModelPackageSummaryList") or []
        yield from (row for row in rows if row.get("ModelPackageStatus", "Completed") == "Completed")
        if not answer.get("NextToken"):
            return
        members["NextToken"] = answer["NextToken"]


def require_group(sagemaker: SageMakerRegistry, group: str) -> None:
    """Raise :class:`NoSuchGroup` unless the group exists."""
    try:
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    except Exception as error:
        if error_code(error) not in NOT_FOUND:
            raise
        raise NoSuchGroup(f'There is no model package group "{group}" in this account and region.') from None


def require_version_of(arn: str, group: str, wanted: str) -> None:
    """Raise :class:`RegistryError` unless the version ``arn``, which is in ``group``, is one of the group ``wanted``.

    :param group: name of the version's group; "" for a model package without one
    :param wanted: name or ARN
    """
    if group == short_name(wanted):
        return
    where = f'is a version of "{group}", and not' if group else "is not a version"
    raise RegistryError(f'{arn} {where} of "{wanted}".')


def version_of(client: Client, arn: str) -> Version:
    """A version by its ARN.  Raises :class:`RegistryError` if the registry does not have it."""
    try:
        described = client("sagemaker").describe_model_package(ModelPackageName=arn)
    except Exception as error:
        if error_code(error) not in NOT_FOUND:
            raise
        raise RegistryError(f"The registry has no model package {arn}.") from None
    if not described.get("ModelPackageVersion"):
        raise RegistryError(f"{arn} is not a version of a model package group, so it cannot be the champion.")
    return Version(
        arn=str(described["ModelPackageArn"]),
        group=str(described["ModelPackageGroupName"]),
        number=int(described["ModelPackageVersion"]),
        model_data=_model_data(described),
        stage=str((described.get("ModelLifeCycle") or {}).get("Stage") or ""),
        approval=str(described.get("ModelApprovalStatus") or ""),
        promotion=str((described.get("CustomerMetadataProperties") or {}).get(PROMOTION_KEY) or ""),
        described={key: value for key, value in described.items() if key != "ResponseMetadata"},
    )


def require_model_data(client: Client, version: Version) -> None:
    """Raise :class:`ModelDataGone` if the model data of ``version`` is not in S3.

    If S3 denies access, nothing is raised: the job that reads the model has its own permissions.
    """
    bucket, key = split_uri(version.model_data)
    if not version.model_data.startswith("s3://") or not key:
        return
    try:
        if key.endswith("/"):
            gone = not client("s3").list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount")
        else:
            client("s3").head_object(Bucket=bucket, Key=key)
            gone = False
    except Exception as error:
        gone = error_code(error) in _NO_OBJECT
        if not gone and error_code(error) not in ("403", "AccessDenied", "Forbidden"):
            raise
    if gone:
        raise ModelDataGone(
            f'Version {version.number} of "{version.group}" is the champion, but its model {version.model_data} is '
            f"no longer there. Restore the object, or make another version the champion."
        )


def in_production(package: AwsShape) -> bool:
    """Whether the stage in a summary or description is Production with the status Approved."""
    cycle = package.get("ModelLifeCycle") or {}
    return (cycle.get("Stage"), cycle.get("StageStatus")) == (PRODUCTION, APPROVED)


def short_name(group: str) -> str:
    """The group's name, from a name or an ARN."""
    return group.rpartition("/")[2]


def number_in(uri: str) -> int:
    """The number of the history entry at ``uri``; 0 for any other URI."""
    digits = uri.rpartition("/")[2].removesuffix(".json")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _rank(version: Version) -> tuple[Any, ...]:
    """The version in Production that was promoted last, if there are several.

    Promotions are numbered.  A version that was moved to Production by other means has no number; then the version
    changed last is the champion.
    """
    return (version.promotion_number, str(version.described.get("LastModifiedTime") or ""), version.number)


def _number(row: AwsShape) -> int:
    return int(row.get("ModelPackageVersion") or 0)


def _model_data(described: AwsShape) -> str:
    for container in (described.get("InferenceSpecification") or {}).get("Containers") or []:
        source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
        if container.get("ModelDataUrl") or source.get("S3Uri"):
            return str(container.get("ModelDataUrl") or source["S3Uri"])
    return ""
