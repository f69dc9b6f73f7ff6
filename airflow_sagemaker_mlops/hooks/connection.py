"""The AWS account and region of a step.  Every parse imports this module, so it imports nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwsConnection:
    """An Airflow connection, and what a step adds to it.

    aws_conn_id       Airflow connection; ``None`` for boto3's credential chain
    region_name       ``None`` for the connection's
    assume_role_arn   role to assume with the connection's credentials, possibly in another account
    external_id       ``sts:ExternalId`` that the role's trust policy requires
    """

    aws_conn_id: str | None = "aws_default"
    region_name: str | None = None
    assume_role_arn: str | None = None
    external_id: str | None = None


DEFAULT_CONNECTION = AwsConnection()
NO_CONNECTION = AwsConnection(None)
