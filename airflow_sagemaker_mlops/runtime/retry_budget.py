"""What a failed attempt costs: an outage may use up the whole budget, code that keeps failing may not.

Imported where a task runs and never by a DAG file.
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
from ..execution.aws.clients import is_transient
from .infrastructure_retries import INFRASTRUCTURE_RETRIES, MOST_ERRORS

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

KEY = "sagemaker_errors"
# By name, because nothing is to be imported here only to learn that it was not raised.
_UNREACHABLE = frozenset({"OperationalError", "InterfaceError", "TransportError", "EOFError"})
# What Airflow reaches its database, its API server and its supervisor with, beside the standard library.
_CLIENTS = frozenset(
    {"httpx", "httpcore", "h11", "anyio", "tenacity", "sqlalchemy", "psycopg2", "psycopg", "asyncpg", "pymysql",
     "MySQLdb", "mysql", "aiosqlite", "msgspec", "structlog", "asgiref", "greenback"}
)  # fmt: skip


class Interrupted(AirflowException):
    """A trigger could not reach Airflow or AWS; the step goes on with its next attempt."""


class KeepsFailing(AirflowFailException):
    """The same task has failed too often for another attempt to be worth it."""


def is_outage(error: BaseException | None) -> bool:
    """Whether ``error`` says that Airflow or AWS could not be reached, rather than what they answered."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, BaseExceptionGroup):
            return any(is_outage(one) for one in error.exceptions)
        if _says_unreachable(error):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def is_refusal(error: BaseException) -> bool:
    """Whether Airflow answered, and ``error`` is what it said."""
    return type(error).__name__ == "AirflowRuntimeError" and not is_outage(error)


def is_airflow_away(error: BaseException) -> bool:
    """Whether it is Airflow that could not be reached, and not AWS."""
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
    """Whether Airflow's code raised ``error``, or a client library under it; not a user's or a provider's code."""
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
    """Fail for good what has failed ``MOST_ERRORS`` times while Airflow and AWS answered.

    A user's own ``retries`` are left alone.
    """
    try:
        yield
    except (AirflowFailException, AirflowSkipException, DownstreamTasksSkipped):
        raise
    except Exception as error:
        if operator.retries != INFRASTRUCTURE_RETRIES or is_outage(error):
            raise
        count = _count(context)
        if count < MOST_ERRORS:
            raise
        raise KeepsFailing(f"{error} (attempt {count} that ended so; no more are made)") from error


def _count(context: Context) -> int:
    """How often the task has failed by itself since it was last cleared, this time included."""
    ti = context["ti"]
    store: Any = dict(context).get("task_state_store")
    if store is None:  # before Airflow 3.3: attempts that never began count as well
        # A run that began under an earlier budget keeps its smaller ``max_tries``.
        return int(ti.try_number - max(0, ti.max_tries - INFRASTRUCTURE_RETRIES))
    generation = f"m{ti.max_tries}"
    try:
        kept = store.get(KEY, None)
        before = kept["count"] if isinstance(kept, dict) and kept.get("generation") == generation else 0
        store.set(KEY, {"generation": generation, "count": before + 1})
    except Exception:  # Airflow went away since
        return 0
    return int(before + 1)
