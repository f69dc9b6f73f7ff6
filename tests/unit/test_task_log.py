"""The task log: a failed job is reported in its own words, without a traceback."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from airflow_sagemaker_mlops.task_log import absence_expected, in_sentences, refused, without_traceback


def logged(error: Exception) -> list[dict[str, Any]]:
    """What a logger made before the failure writes about ``error``, with exception frames as Airflow has them."""
    before = structlog.get_config()
    entries: list[dict[str, Any]] = []

    def keep(_logger: Any, _method: str, event: Any) -> Any:
        entries.append(dict(event))
        raise structlog.DropEvent

    frames = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer())
    try:
        structlog.configure(processors=[frames, keep])
        log = structlog.get_logger().bind()
        if isinstance(error, OSError):
            without_traceback(error, "ValueError: no label column\nCommand: python prep.py")
        elif isinstance(error, KeyError):
            without_traceback(ValueError("another"), "x")
        elif isinstance(error, RuntimeError):
            error = refused(RuntimeError, str(error))
        try:
            raise error
        except Exception:
            log.exception("Task failed with exception")
    finally:
        structlog.configure(**before)
    return entries


def test_a_failure_of_a_job_is_reported_in_its_own_words_and_without_frames() -> None:
    assert logged(OSError("long")) == [{"event": "ValueError: no label column\nCommand: python prep.py"}]


def test_any_other_exception_keeps_its_traceback() -> None:
    (entry,) = logged(KeyError("x"))
    assert entry["event"] == "Task failed with exception"
    assert entry["exception"][0]["frames"]
    assert in_sentences(None, "info", {"event": "plain"}) == {"event": "plain"}


def test_no_error_is_logged_for_an_xcom_that_may_not_be_there_yet() -> None:
    event = {"event": "XCom not found", "key": "sagemaker_job"}
    assert in_sentences(None, "error", dict(event)) == event
    with absence_expected(), pytest.raises(structlog.DropEvent):
        in_sentences(None, "error", dict(event))
    assert in_sentences(None, "error", dict(event)) == event


def test_what_a_user_has_to_correct_is_logged_without_frames() -> None:
    assert logged(RuntimeError("the key is unknown")) == [{"event": "the key is unknown"}]
