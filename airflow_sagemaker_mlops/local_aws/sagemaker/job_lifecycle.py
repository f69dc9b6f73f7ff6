"""Creates a job's row in the store together with its folder, and repairs them if the server died in between.

The folder is created first, so that every job in the store has a status, whenever the server dies.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...json_types import AwsShape
from ...paths import inside
from .. import job
from ..container.job_folder import new_job_data
from ..errors import AwsError
from ..locks import NamedLocks
from ..store import NameTaken, Resource
from .context import Context

PROGRAMS = {"tuning": "tuner"}
_CREATING = NamedLocks()


def folder_of(context: Context, family: str, name: str) -> Path:
    """The folder of a job."""
    return inside(context.region_folder / "jobs" / family, name)


def create_job(context: Context, family: str, name: str, body: AwsShape, tags: Mapping[str, str]) -> None:
    """Create and start a job; ``body`` has its ``arn`` and ``request``, and the ``model`` of a transform job.

    Raises :class:`NameTaken`; exactly one of several concurrent callers succeeds.
    """
    folder = folder_of(context, family, name)
    with _CREATING.hold(str(folder)):
        if context.store.get(family, context.region, name) is not None:
            raise NameTaken(name)
        job.prepare(folder, _job_data(context, family, name, body))
        context.store.insert(family, context.region, name, body, tags)
    job.launch(folder, PROGRAMS.get(family, "supervisor"))


def status_of(context: Context, family: str, found: Resource) -> dict[str, Any]:
    """The status of a job.  Recreates a missing folder; a job whose folder is unusable has failed."""
    folder = folder_of(context, family, found.name)
    try:
        if not (folder / "status.json").exists():
            with _CREATING.hold(str(folder)):
                if not (folder / "status.json").exists():
                    job.prepare(folder, _job_data(context, family, found.name, found.body))
        return job.read_status(folder, PROGRAMS.get(family, "supervisor"))
    except (ValueError, LookupError, TypeError, AwsError) as error:
        return {
            "status": "Failed",
            "secondary_status": "Failed",
            "failure_reason": f"InternalServerError: the folder of the job is unusable: {error}",
            "last_modified_time": found.modified,
        }


def status_in_list(context: Context, family: str, found: Resource) -> dict[str, Any]:
    """Like :func:`status_of`, but returns InProgress on an ``OSError``, so that the list still shows all other jobs."""
    try:
        return status_of(context, family, found)
    except OSError:
        return {"status": "InProgress", "last_modified_time": found.modified}


def _job_data(context: Context, family: str, name: str, body: AwsShape) -> dict[str, Any]:
    job_data = new_job_data(context.aws, context.region, family, name, str(body["arn"]), request=body["request"])
    return {**job_data, "model": body["model"]} if "model" in body else job_data
