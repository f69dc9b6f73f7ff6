"""What boto3's errors say.  Imports no boto3: an error is recognized by its ``response``."""

from __future__ import annotations

NOT_FOUND = frozenset({"ValidationException", "ResourceNotFound", "ResourceNotFoundException"})


def error_code(error: BaseException) -> str:
    """AWS's code of a ``ClientError``; "" for other errors."""
    return _member(error, "Code")


def error_message(error: BaseException) -> str:
    """AWS's message of a ``ClientError``; the text of other errors."""
    return _member(error, "Message") or str(error)


def _member(error: BaseException, key: str) -> str:
    response = getattr(error, "response", None)
    return str((response.get("Error") or {}).get(key) or "") if isinstance(response, dict) else ""
