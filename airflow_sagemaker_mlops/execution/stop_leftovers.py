"""Stops the jobs that a pipeline has left running after all its tasks have ended, found by the run's id in their names.

Other task groups and steps in the same DAG run have that id in their names, too: a job's tags identify its owner.

A step that is ended stops its own job; this is for cases where it could not: its process was gone, or the job was being
created at that moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ..aws_errors import NOT_FOUND, error_code, error_message
from ..steps.catalogue import STEP_TYPES
from ..steps.model import StepType
from .aws.calls import call_with_retries, tags_of
from .aws.clients import Aws

LOOK_AGAIN_S = (5.0, 10.0)  # by then, a job that was being created is visible
IsOwn = Callable[[str, Mapping[str, str]], Awaitable[bool]]


class OwnerUnknown(Exception):
    """The owner of a job is unknown for now, because Airflow cannot be reached."""


async def stop_leftovers(
    aws: Aws,
    step_types: Iterable[str],
    execution_id: str,
    log: Callable[[str], None],
    *,
    is_own: IsOwn,
    cut_off: bool,
) -> list[str]:
    """Stop the pipeline's jobs of the run ``execution_id`` that are still running; returns their names.

    is_own    whether a job belongs to the pipeline, by its name and tags
    cut_off   whether a step was ended from outside, so that its job may appear only now

    Never raises AWS's errors, because how the run ended must not depend on them; they are reported with ``log``.
    Raises :class:`OwnerUnknown` of ``is_own``: the caller must try again, or the job would keep running.
    """
    entries = stoppable(step_types)
    stopped: list[str] = []
    for pause in (0.0, *(LOOK_AGAIN_S if cut_off else ())):
        await asyncio.sleep(pause)
        for entry in entries:
            try:
                rows = await _running(aws, entry, execution_id)
            except Exception as error:
                log(f"jobs of this run may be left running: {entry.listing} failed with {_reason(error)}")
                continue
            for row in rows:
                name = str(row[entry.name_key])
                try:
                    was_running = await _stop(aws, entry, name, row[entry.arn_key], is_own)
                except OwnerUnknown:
                    raise
                except Exception as error:  # still stop the others
                    log(f"{name} may be left running: ListTags or {entry.stop} failed with {_reason(error)}")
                    continue
                if was_running:
                    log(f"{name} was left running: {entry.stop}")
                    stopped.append(name)
    return list(dict.fromkeys(stopped))


def stoppable(step_types: Iterable[str]) -> list[StepType]:
    """The kinds of jobs that can be listed and stopped, without duplicates if step types share a kind."""
    entries = (STEP_TYPES[name] for name in step_types if name in STEP_TYPES)
    return list({entry.listing: entry for entry in entries if entry.listing and entry.stop}.values())


async def _stop(aws: Aws, entry: StepType, name: str, arn: str, is_own: IsOwn) -> bool:
    """Stop a job if it is the pipeline's own; ``False`` if it is not, or has ended since it was listed."""
    tags = await tags_of(partial(call_with_retries, aws), arn)
    if not await is_own(name, tags):
        return False
    try:
        await call_with_retries(aws, entry.service, entry.stop, **{entry.describe_key or entry.name_key: name})
    except Exception as error:
        if error_code(error) in NOT_FOUND:
            return False
        raise
    return True


def _reason(error: Exception) -> str:
    return f"{error_code(error) or type(error).__name__}: {error_message(error)}"


async def _running(aws: Aws, entry: StepType, execution_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = await call_with_retries(
            aws, entry.service, entry.listing, NameContains=execution_id, StatusEquals=entry.running, **token
        )
        rows += answer.get(entry.summaries_key, [])
        if not answer.get("NextToken"):
            return rows
        token = {"NextToken": answer["NextToken"]}
