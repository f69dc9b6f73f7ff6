"""Waiting for an end, never for a time: only a test that hangs waits until the limit, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from airflow_sagemaker_mlops import local_aws

Found = TypeVar("Found")
PATIENCE_S = 240  # less than pytest's own limit, so that the message says what did not happen


def until(found: Callable[[], Found], because: Callable[[], object] | object = "", every_s: float = 0.05) -> Found:
    """
    Return what ``found`` returns, as soon as that is true.

    :param because: what to say when it never is, or a function that returns it
    """
    deadline = time.monotonic() + PATIENCE_S
    while not (last := found()):
        assert time.monotonic() < deadline, because() if callable(because) else because
        time.sleep(every_s)
    return last


def until_dead(state_dir: Path) -> None:
    """Wait until the embedded AWS of a folder, which was killed, is no longer there."""
    until(lambda: local_aws.status(state_dir) is None, "the embedded AWS is still running")
