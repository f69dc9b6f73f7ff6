"""The cost of a failed attempt: an outage may use up the whole budget, but failing code may not.

Imported where a task runs, never by a DAG file.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..airflow_versions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
)
from ..execution.aws.errors import is_transient
from .infrastructure_retries import INFRASTRUCTURE_RETRIES, MAX_ERRORS

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

KEY = "sagemaker_errors"
# By name, to avoid imports just to find that an exception was not raised.
_UNREACHABLE = frozenset({"OperationalError", "InterfaceError", "TransportError", "EOFError"})
# Libraries with which Airflow reaches its database, its API server and its supervisor.
_CLIENTS = frozenset(
    {"httpx", "httpcore", "h11", "anyio", "tenacity", "sqlalchemy", "psycopg2", "psycopg", "asyncpg", "pymysql",
     "MySQLdb", "mysql", "aiosqlite", "msgspec", "structlog", "asgiref", "greenback"}
)  # fmt: skip


class Interrupted(AirflowException):
    """A trigger could not reach Airflow or AWS; the step continues with its next attempt."""


class RetriesExhausted(AirflowFailException):
    """The task has failed too often to try again."""


def is_outage(error: BaseException | None) -> bool:
    """Whether ``error`` means that Airflow or AWS could not be reached, rather than a response of theirs."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, BaseExceptionGroup):
            return any(is_outage(one) for one in error.exceptions)
        if _says_unreachable(error):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def is_refusal(error: BaseException) -> bool:
    """Whether ``error`` is a response from Airflow."""
    return type(error).__name__ == "AirflowRuntimeError" and not is_outage(error)


def is_airflow_away(error: BaseException) -> bool:
    """Whether Airflow, rather than AWS, could not be reached."""
    return type(error).__name__ == "AirflowRuntimeError" and is_outage(error)


def _says_unreachable(error: BaseException) -> bool:
    if isinstance(error, Interrupted):
        return True
    answer = getattr(error, "error", None)  # AirflowRuntimeError: {"error": ErrorType, "detail": {"status_code", ...}}
    if getattr(getattr(answer, "error", None), "value", "") == "API_SERVER_ERROR":
        status = (getattr(answer, "detail", None) or {}).get("status_code")
        return status is None or int(status) >= 500
    if any(cls.__name__ in _UNREACHABLE for cls in type(error).__mro__):
        return _is_airflows_own(error)
    return isinstance(error, Exception) and is_transient(error)


def _is_airflows_own(error: BaseException) -> bool:
    """Whether Airflow's code, or a client library under it, raised ``error``; not a user's or a provider's code."""
    modules = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    for module in reversed(modules):
        package = module.partition(".")[0]
        if package == "airflow":
            return not module.startswith("airflow.providers.")
        if package not in _CLIENTS and package not in sys.stdlib_module_names:
            return False
    return False


@contextmanager
def errors_counted(operator: BaseOperator, context: Context) -> Iterator[None]:
    """Fail permanently after ``MAX_ERRORS`` failures while Airflow and AWS responded.

    Does not affect a user's own ``retries``.
    """
    try:
        yield
    except (AirflowFailException, AirflowSkipException, DownstreamTasksSkipped):
        raise
    except Exception as error:
        if operator.retries != INFRASTRUCTURE_RETRIES or is_outage(error):
            raise
        count = _count(context)
        if count < MAX_ERRORS:
            raise
        raise RetriesExhausted(f"{error} (failure {count}; the task is not retried again)") from error


def _count(context: Context) -> int:
    """How often the task's code has failed since it was last cleared, including this time."""
    ti = context["ti"]
    store: Any = dict(context).get("task_state_store")
    if store is None:  # before Airflow 3.3: attempts that never started count as well
        # A run that started with an earlier budget keeps its smaller ``max_tries``.
        return int(ti.try_number - max(0, ti.max_tries - INFRASTRUCTURE_RETRIES))
    generation = f"m{ti.max_tries}"
    try:
        kept = store.get(KEY, None)
        before = kept["count"] if isinstance(kept, dict) and kept.get("generation") == generation else 0
        store.set(KEY, {"generation": generation, "count": before + 1})
    except Exception:  # Airflow has become unreachable since
        return 0
    return int(before + 1)
