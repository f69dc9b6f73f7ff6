"""The command-line options that correspond to arguments of ``runs``."""

from __future__ import annotations

from ..records.model.errors import CannotBePinned, CopiesInsideInput
from ..runs.errors import Argument, RunError

OPTIONS = {
    "aws_conn_id": "--conn",
    "region_name": "--region",
    "branches": "--branch",
    "stubs": "--stubs",
    "definition": "--pin",
}


def option(argument: Argument) -> str:
    """``argument`` as typed on the command line."""
    if argument.name == "parameters":
        return " ".join(f"-p {name}=..." for name in argument.value)
    name = OPTIONS.get(argument.name, f"--{argument.name.replace('_', '-')}")
    return name if argument.value is None else f"{name} {argument.value}"


def in_options(error: Exception) -> str:
    """The message of ``error``, with options in place of arguments."""
    match error:
        case RunError():
            return error.worded(option)
        case CannotBePinned():
            return f"{error.why} Leave out --pin and give the file."
        case CopiesInsideInput():
            return f"{error.why} Add another location: --copies s3://bucket/prefix."
        case _:
            return str(error)


def refusal_of(error: Exception, hint: str = "") -> str:
    """An error of boto3, and for credentials that are missing how to give them.

    :param hint: what else helps without credentials
    """
    said = f"{type(error).__name__}: {error}"
    if type(error).__name__ not in ("NoCredentialsError", "PartialCredentialsError"):
        return said
    return f"{said}. Log in to AWS, or name an Airflow connection with --conn. {hint}".rstrip()
