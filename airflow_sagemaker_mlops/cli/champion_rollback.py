"""``champion rollback``."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TypeVar

from ..registry.champion import Client
from ..registry.change import Changed
from ..registry.errors import RegistryError
from ..registry.history import History
from ..registry.rollback import history_for, rollback, rollback_by
from ..registry.serving import EndpointNotUpdated, configuration_of, start_endpoint_update
from ..runs.recording import user_name
from .champion import champion_as_json, printing_errors
from .output.terminal import say, say_json

ENDPOINT_NOT_UPDATED = 3  # exit code: the champion has changed, and the endpoint is not updated to it
Found = TypeVar("Found")


@printing_errors
def roll_back(
    client: Client,
    group: str,
    location: str | None,
    *,
    reason: str,
    of: int | None,
    endpoint: str | None,
    output: str,
) -> int:
    """Roll back.  Exits with 0 once the champion has changed, or with 3 if the endpoint was to be updated and was not.

    Exits with 1 if nothing was changed, and with 2 if there is no reason.
    """
    if not reason.strip():
        say("--reason is empty; it goes into the registry and the history.", err=True)
        return 2
    done = _rolled_back(client, history_for(client, group, location or ""), reason, of)
    if endpoint is None:
        sought = f"no endpoint configuration of version {done.version.number} was looked up"
        configuration = _unless_refused(sought, lambda: configuration_of(client, done.version))
    else:
        what = f"{endpoint} was not updated"
        configuration = _unless_refused(what, lambda: start_endpoint_update(client, endpoint, done.version, _log))
    started = endpoint is not None and configuration is not None
    if output == "json":
        served = {"endpoint": endpoint, "endpoint_config": configuration or None, "endpoint_update_started": started}
        say_json({**champion_as_json(done.version, done.entry), **served})
    else:
        _say_done(group, done, endpoint, configuration)
    return 0 if started or endpoint is None else ENDPOINT_NOT_UPDATED


def _log(line: str) -> None:
    say(line, err=True)


def _rolled_back(client: Client, history: History, reason: str, of: int | None) -> Changed:
    """The change, also if AWS refused something after the registry had the earlier champion."""
    ident = uuid.uuid4().hex
    by = {"user": user_name() or "somebody on the command line"}
    try:
        return rollback(client, history, ident=ident, by=by, reason=reason, log=_log, expected=of)
    except Exception as error:
        if not _is_botocores(error):
            raise
        try:
            made = rollback_by(client, history, ident)
        except Exception:
            made = None
        if made is None:
            raise
        say(f"warning: {_reason(error)}. champion show --repair does the rest.", err=True)
        return made


def _unless_refused(what: str, work: Callable[[], Found]) -> Found | None:
    """What ``work`` gives; ``None`` with a warning if AWS or the registry refuses: the champion has changed by then."""
    try:
        return work()
    except Exception as error:
        if not _is_botocores(error) and not isinstance(error, RegistryError):
            raise
        about = _reason(error) if isinstance(error, EndpointNotUpdated) else f"{what}: {_reason(error)}"
        say(f"warning: {about}", err=True)
        return None


def _is_botocores(error: Exception) -> bool:
    return type(error).__module__.startswith("botocore")


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if _is_botocores(error) else str(error)


def _say_done(group: str, done: Changed, endpoint: str | None, configuration: str | None) -> None:
    replaced = done.entry.replaced.rpartition("/")[2]
    say(f"{group}: version {done.version.number} is the champion again; version {replaced} is rejected")
    if endpoint is not None:
        if configuration is not None:
            say(f"{endpoint} serves {configuration} or is being updated to it")
        return
    say("Endpoints still serve what they served. To give one back as well:")
    say(f"  aws sagemaker update-endpoint --endpoint-name ENDPOINT --endpoint-config-name {configuration or 'CONFIG'}")
    if configuration == "":
        say(f"  (no endpoint configuration of version {done.version.number} was found)")
