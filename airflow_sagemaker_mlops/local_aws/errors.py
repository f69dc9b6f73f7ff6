"""Errors in AWS's form."""

from __future__ import annotations


class AwsError(Exception):
    """An error answer of the API.

    code     AWS's error code, e.g. ``ResourceInUse``
    status   HTTP status
    members  further members of the answer
    """

    def __init__(self, code: str, message: str, status: int = 400, **members: object) -> None:
        self.code, self.message, self.status, self.members = code, message, status, members
        super().__init__(f"{code}: {message}")


def invalid(message: str) -> AwsError:
    """``ValidationException``, which SageMaker also raises for most resources that do not exist."""
    return AwsError("ValidationException", message)


def not_found(message: str) -> AwsError:
    """``ResourceNotFound``."""
    return AwsError("ResourceNotFound", message)


def not_available(service: str, operation: str, way_out: str = "") -> AwsError:
    """The error for an operation that is not emulated.  Its status is 501, which boto3 does not retry.

    :param way_out: a sentence without its full stop; the default advises to omit the call.
    """
    advice = way_out or "Omit the call when you run against it, or call an AWS account"
    return AwsError(
        "NotImplementedException", f"{service}: {operation} is not available in the embedded AWS. {advice}.", 501
    )
