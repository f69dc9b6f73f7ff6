"""What a pipeline has left running when all its tasks have ended: found by the run's id in the names, and stopped.

Others in the same DAG run, another task group or a step by hand, have that id in their names too: whose a job is, its
tags tell.

A step stops its own job when it is ended; this is for the times it could not: its process was gone, or the job was
being made at that very moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ..steps.catalogue import STEP_TYPES
from ..steps.model import StepType
from .aws.clients import NOT_FOUND, Aws, error_code, error_message, insist, tags_of

LOOK_AGAIN_S = (5.0, 10.0)  # a job that was being made becomes visible by then
IsOwn = Callable[[str, Mapping[str, str]], Awaitable[bool]]


class OwnerUnknown(Exception):
    """Whose a job is cannot be told at the moment, because Airflow cannot be reached."""


async def stop_leftovers(
    aws: Aws,
    step_types: Iterable[str],
    execution_id: str,
    tell: Callable[[str], None],
    *,
    is_own: IsOwn,
    cut_off: bool,
) -> list[str]:
    """Stop the pipeline's jobs of the run ``execution_id`` that are still running; their names.

    is_own    whether a job, by its name and tags, is the pipeline's
    cut_off   whether a step was ended from outside, so that a job of it may appear only now

    Never raises for AWS's sake: how the run ended is not to depend on it.  What cannot be looked at is told.  Raises
    :class:`OwnerUnknown` of ``is_own``: whoever asked has to ask again, or the job would run on.
    """
    entries = stoppable(step_types)
    stopped: list[str] = []
    for pause in (0.0, *(LOOK_AGAIN_S if cut_off else ())):
        await asyncio.sleep(pause)
        for entry in entries:
            try:
                rows = await _running(aws, entry, execution_id)
            except Exception as error:
                tell(f"whether jobs of this run are left running is not known: {entry.listing} says {_said(error)}")
                continue
            for row in rows:
                name = str(row[entry.name_key])
                try:
                    was_running = await _stop(aws, entry, name, row[entry.arn_key], is_own)
                except OwnerUnknown:
                    raise
                except Exception as error:  # the others are stopped all the same
                    tell(f"whether {name} is left running is not known: ListTags or {entry.stop} says {_said(error)}")
                    continue
                if was_running:
                    tell(f"{name} was left running: {entry.stop}")
                    stopped.append(name)
    return list(dict.fromkeys(stopped))


def stoppable(step_types: Iterable[str]) -> list[StepType]:
    """The kinds of jobs that can be listed and stopped, each once however many step types run as it."""
    entries = (STEP_TYPES[name] for name in step_types if name in STEP_TYPES)
    return list({entry.listing: entry for entry in entries if entry.listing and entry.stop}.values())


async def _stop(aws: Aws, entry: StepType, name: str, arn: str, is_own: IsOwn) -> bool:
    """Stop a job if it is the pipeline's own; ``False`` when it is not, or has ended since it was listed."""
    tags = await tags_of(partial(insist, aws), arn)
    if not await is_own(name, tags):
        return False
    try:
        await insist(aws, entry.service, entry.stop, **{entry.describe_key or entry.name_key: name})
    except Exception as error:
        if error_code(error) in NOT_FOUND:
            return False
        raise
    return True


def _said(error: Exception) -> str:
    return f"{error_code(error) or type(error).__name__}: {error_message(error)}"


async def _running(aws: Aws, entry: StepType, execution_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = await insist(
            aws, entry.service, entry.listing, NameContains=execution_id, StatusEquals=entry.running, **token
        )
        rows += answer.get(entry.summaries_key, [])
        if not answer.get("NextToken"):
            return rows
        token = {"NextToken": answer["NextToken"]}
