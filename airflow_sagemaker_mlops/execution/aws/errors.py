"""What AWS's and botocore's errors mean for a call: throttled, passing, out of date, or final.  Imports no botocore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...aws_errors import error_code

if TYPE_CHECKING:
    from .clients import Aws

IN_USE = frozenset({"ResourceInUse", "ResourceInUseException", "ConflictException", "ResourceAlreadyExists"})
THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException"}
)
# botocore's errors for a call without a response
NO_ANSWER = frozenset({"HTTPClientError", "ConnectionError", "IncompleteReadError", "ResponseStreamingError"})
NEVER_SENT = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"})
FOUND_LATER = frozenset({"CredentialRetrievalError", "TokenRetrievalError", "MetadataRetrievalError"})
OUT_OF_DATE = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
# A key that is being rotated, or a clock that is minutes off; AWS uses the same codes for keys that were never valid
NOT_RECOGNISED = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "InvalidToken",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "RequestTimeTooSkewed",
    }
)
MISSED = frozenset({"NoCredentialsError", "PartialCredentialsError"})


def is_throttled(error: Exception) -> bool:
    """Whether the call was throttled, and so not executed."""
    return error_code(error) in THROTTLED


def is_transient(error: Exception) -> bool:
    """Whether the same call may succeed later: throttled, 5xx, or no response."""
    if is_throttled(error):
        return True
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return bool(status >= 500 and status != 501)
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    return any(cls.__name__ in NO_ANSWER for cls in type(error).__mro__)


def may_be_done(error: Exception) -> bool:
    """Whether the call may have been executed, with only its response lost."""
    answered = isinstance(getattr(error, "response", None), dict)
    return is_transient(error) and not answered and type(error).__name__ not in NEVER_SENT


def is_out_of_date(error: Exception) -> bool:
    """Whether the credentials have expired or could temporarily not be fetched: new ones may be available soon."""
    return error_code(error) in OUT_OF_DATE or type(error).__name__ in FOUND_LATER


def may_pass(error: Exception) -> bool:
    """Whether the error may be temporary for an existing job, whose credentials were valid when it was created."""
    return is_out_of_date(error) or error_code(error) in NOT_RECOGNISED or type(error).__name__ in MISSED


def misconfigured(error: Exception) -> str:
    """What botocore lacks before it can make any call (credentials, a region); empty for other errors."""
    name = type(error).__name__
    ours = type(error).__module__ == "botocore.exceptions" and not error_code(error) and not is_transient(error)
    return name.removesuffix("Error") if ours and name not in FOUND_LATER else ""


def unknown_region(aws: Aws, service: str, error: Exception) -> str:
    """A sentence if there was no connection and botocore knows no ``service`` in the region; otherwise empty."""
    if type(error).__name__ != "EndpointConnectionError" or aws.is_local:
        return ""
    session = getattr(aws, "session", None)
    known = (
        [
            region
            for partition in session.get_available_partitions()
            for region in session.get_available_regions(service, partition_name=partition)
        ]
        if session is not None
        else [aws.region]
    )
    return "" if aws.region in known else f'no {service} is known in region "{aws.region}" ({error})'
