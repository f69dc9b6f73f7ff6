"""A job's row in the store and its folder: made together, and mended when a server died while it made them.

The folder comes first, so that a job that can be found can also be told of, whenever the server dies.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...paths import inside
from .. import job
from ..errors import AwsError
from ..job.job_folder import new_ticket
from ..locks import NamedLocks
from ..store import NameTaken, Resource
from .context import Context

PROGRAMS = {"tuning": "tuner"}
_MAKING = NamedLocks()


def folder_of(context: Context, family: str, name: str) -> Path:
    """The folder of a job."""
    return inside(context.home / "jobs" / family, name)


def make(context: Context, family: str, name: str, body: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Make and start a job; ``body`` has its ``arn`` and ``request``, and the ``model`` of a transform job.

    Raises :class:`NameTaken`; of racing callers exactly one succeeds.
    """
    folder = folder_of(context, family, name)
    with _MAKING.hold(str(folder)):
        if context.store.get(family, context.region, name) is not None:
            raise NameTaken(name)
        job.prepare(folder, _ticket(context, family, name, body))
        context.store.insert(family, context.region, name, body, tags)
    job.launch(folder, PROGRAMS.get(family, "supervisor"))


def status_of(context: Context, family: str, found: Resource) -> dict[str, Any]:
    """How a job stands.  A folder that is gone is made again; a job whose folder is of no use has failed."""
    folder = folder_of(context, family, found.name)
    try:
        if not (folder / "status.json").exists():
            with _MAKING.hold(str(folder)):
                if not (folder / "status.json").exists():
                    job.prepare(folder, _ticket(context, family, found.name, found.body))
        return job.read_status(folder, PROGRAMS.get(family, "supervisor"))
    except (ValueError, LookupError, TypeError, AwsError) as error:
        return {
            "status": "Failed",
            "secondary_status": "Failed",
            "failure_reason": f"InternalServerError: the folder of the job is of no use: {error}",
            "last_modified_time": found.modified,
        }


def status_in_list(context: Context, family: str, found: Resource) -> dict[str, Any]:
    """As :func:`status_of`, but a job that nothing can be told of just now hides no other."""
    try:
        return status_of(context, family, found)
    except OSError:
        return {"status": "InProgress", "last_modified_time": found.modified}


def _ticket(context: Context, family: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    ticket = new_ticket(context.aws, context.region, family, name, str(body["arn"]), request=body["request"])
    return {**ticket, "model": body["model"]} if "model" in body else ticket
