"""Errors as AWS says them."""

from __future__ import annotations

from typing import Any


class AwsError(Exception):
    """An error answer of the API.

    code     AWS's error code, e.g. ``ResourceInUse``
    status   HTTP status
    members  what else the answer holds
    """

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        self.code, self.message, self.status, self.members = code, message, status, members
        super().__init__(f"{code}: {message}")


def invalid(message: str) -> AwsError:
    """``ValidationException``; also what SageMaker says of most things that do not exist."""
    return AwsError("ValidationException", message)


def not_found(message: str) -> AwsError:
    """``ResourceNotFound``."""
    return AwsError("ResourceNotFound", message)


def not_available(service: str, operation: str, way_out: str = "") -> AwsError:
    """What is not emulated is said to be so; 501 is not retried by boto3.

    way_out   a sentence without its full stop; without one: leave it out
    """
    told = way_out or "Leave the call out where you run against it, or call an account of AWS"
    return AwsError(
        "NotImplementedException", f"{service}: {operation} is not available in the embedded AWS. {told}.", 501
    )
