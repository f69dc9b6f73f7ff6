"""The task log of a step: reports a job's failure in sentences, without a traceback through this package.

Airflow logs every exception of a task with its frames (3.3.2), which are in this package and never in the user's
script.  It also logs an error for every requested XCom that does not exist, and we often look for XComs before they
exist.  A structlog processor, which Airflow's loggers share, replaces the traceback with sentences and drops the error
for the missing XCom.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Failure = TypeVar("Failure", bound=BaseException)
_REPORT = "sagemaker_report"
_ABSENCE_EXPECTED = ContextVar("absence_expected", default=False)


def without_traceback(error: Failure, report: str) -> Failure:
    """``error``, registered so that the log of this process shows ``report`` for it."""
    setattr(error, _REPORT, report)
    _install()
    return error


def refused(kind: Callable[[str], Failure], words: str) -> Failure:
    """The error of ``kind`` for what a user has to correct: the log shows ``words`` and no traceback."""
    return without_traceback(kind(words), words)


@contextmanager
def absence_expected() -> Iterator[None]:
    """Look for an XCom that may not be there."""
    _install()
    token = _ABSENCE_EXPECTED.set(True)
    try:
        yield
    finally:
        _ABSENCE_EXPECTED.reset(token)


def in_sentences(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """``event`` with the exception replaced with its report; drops the event of an expected absence."""
    if event.get("event") == "XCom not found" and _ABSENCE_EXPECTED.get():
        import structlog

        raise structlog.DropEvent
    exc_info = event.get("exc_info")
    error = sys.exc_info()[1] if exc_info is True else exc_info[1] if isinstance(exc_info, tuple) else exc_info
    report = getattr(error, _REPORT, None) if isinstance(error, BaseException) else None
    if report:
        del event["exc_info"]
        event["event"] = report
    return event


def _install() -> None:
    import structlog

    processors = structlog.get_config()["processors"]
    # In place, because existing loggers have a reference to this list.
    if isinstance(processors, list) and in_sentences not in processors:
        processors.insert(0, in_sentences)
