"""The task log of a step: what a job did wrong is told in sentences, without a traceback through this package.

Airflow logs every exception of a task with its frames (3.3.2), which end in this package and never in the user's
script.  A processor of structlog, which Airflow's loggers share, puts the sentences in their place.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any, TypeVar

Failure = TypeVar("Failure", bound=BaseException)
_REPORT = "sagemaker_report"


def without_traceback(error: Failure, report: str) -> Failure:
    """``error``, for which the log of this process shows ``report`` from now on."""
    setattr(error, _REPORT, report)
    _install()
    return error


def in_sentences(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """``event`` with the report of the exception that it tells, in place of that."""
    told = event.get("exc_info")
    error = sys.exc_info()[1] if told is True else told[1] if isinstance(told, tuple) else told
    report = getattr(error, _REPORT, None) if isinstance(error, BaseException) else None
    if report:
        del event["exc_info"]
        event["event"] = report
    return event


def _install() -> None:
    import structlog

    processors = structlog.get_config()["processors"]
    # In place: loggers that exist already hold this very list.
    if isinstance(processors, list) and in_sentences not in processors:
        processors.insert(0, in_sentences)
