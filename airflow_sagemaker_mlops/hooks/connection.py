"""What leads to the AWS account and region of a step.  Imported by every parse, so it imports nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwsConnection:
    """An Airflow connection, and what a step adds to it.

    aws_conn_id       Airflow connection; ``None`` for boto3's own credential chain
    region_name       ``None`` for the connection's
    assume_role_arn   role to assume with the connection's credentials, also one of another account
    external_id       what the role's trust policy asks for as ``sts:ExternalId``
    """

    aws_conn_id: str | None = "aws_default"
    region_name: str | None = None
    assume_role_arn: str | None = None
    external_id: str | None = None


DEFAULT_CONNECTION = AwsConnection()
NO_CONNECTION = AwsConnection(None)
