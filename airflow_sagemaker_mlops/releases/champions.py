"""The champion of a release: recorded by a deployment, and restored by a rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..aws_errors import NOT_FOUND, error_code
from ..registry.champion import Client, Log, champion_of, version_of
from ..registry.errors import NoSuchGroup, RegistryError
from ..registry.rollback import history_for, rollback
from ..registry.serving import serves_another, start_endpoint_update
from .errors import ReleaseError
from .history import ROLLBACK

if TYPE_CHECKING:
    from ..stages.model import Stage
    from .history import Entry

MAX_UNDONE = 50


def champion_now(client: Client, stage: Stage) -> str:
    """ARN of the champion; empty if there is none or the stage names no group."""
    if stage.model_package_group is None:
        return ""
    try:
        champion = champion_of(client, stage.model_package_group)
    except NoSuchGroup:
        return ""
    return champion.arn if champion is not None else ""


def promoted_since(client: Client, stage: Stage, before: str) -> tuple[str, ...]:
    """ARNs of the champions since ``before``, the current one first; empty if ``before`` is the champion.

    Raises :class:`ReleaseError` if the history of champions does not lead back to ``before``.
    """
    group = stage.model_package_group
    current = champion_now(client, stage)
    if group is None or not before or not current or current == before:
        return ()  # without an earlier champion, there is none to restore
    found: list[str] = []
    wanted = current
    for entry in history_for(client, group, stage.champions or "").entries():
        if entry.is_rollback or entry.model_package != wanted:
            continue
        found.append(wanted)
        wanted = entry.replaced
        if wanted == before or not wanted or len(found) == MAX_UNDONE:
            break
    if wanted != before:
        raise ReleaseError(
            f"{current} is the champion, and {before} was when the release was deployed, but the history of champions "
            f"does not lead from one to the other. Add --keep-champion, and see `sagemaker-mlops champion history`."
        )
    return tuple(found)


def restore(client: Client, stage: Stage, entry: Entry, log: Log) -> bool:
    """Roll back the champions that ``entry`` lists.  ``False`` if the endpoint could not be updated.

    Safe to repeat.  A champion that was promoted after the entry was written stays.  A run that failed between the
    update of the endpoint and the promotion leaves an endpoint that a rollback without champions updates, too.
    """
    group = stage.model_package_group
    if group is None or not entry.undo:
        return entry.kind != ROLLBACK or entry.keeps_champion or _endpoint_follows(client, stage, log)
    for _ in entry.undo:
        current = champion_now(client, stage)
        if current not in entry.undo:
            break
        version = current.rpartition("/")[2]
        try:
            rollback(
                client,
                history_for(client, group, stage.champions or ""),
                ident=f"{entry.ident}-{version}",
                by={"user": entry.by},
                reason=entry.reason,
                log=log,
                expected=int(version),
            )
        except RegistryError as error:
            log(f"the champion stays: {error}")
            return False
    current = champion_now(client, stage)
    log(f"{current or 'none'} is the champion")
    return _endpoint(client, stage, current, log)


def is_endpoint_behind(client: Client, stage: Stage, champion: str) -> bool:
    """Whether the endpoint of the stage exists and serves another model than ``champion``.

    Raises :class:`ReleaseError` if that cannot be known.
    """
    if stage.endpoint is None or not champion:
        return False
    try:
        return serves_another(client, stage.endpoint, version_of(client, champion))
    except Exception as error:
        if error_code(error) in NOT_FOUND and "could not find" in str(error).lower():
            return False
        if not isinstance(error, RegistryError) and not type(error).__module__.startswith("botocore"):
            raise
        raise ReleaseError(f"whether {stage.endpoint} serves the champion is not known: {error}") from None


def _endpoint_follows(client: Client, stage: Stage, log: Log) -> bool:
    champion = champion_now(client, stage)
    try:
        behind = is_endpoint_behind(client, stage, champion)
    except ReleaseError as error:
        log(str(error))
        return False
    return not behind or _endpoint(client, stage, champion, log)


def _endpoint(client: Client, stage: Stage, champion: str, log: Log) -> bool:
    if stage.endpoint is None or not champion:
        return True
    try:
        configuration = start_endpoint_update(client, stage.endpoint, version_of(client, champion), log)
    except Exception as error:
        if not isinstance(error, RegistryError) and not type(error).__module__.startswith("botocore"):
            raise
        log(f"{stage.endpoint} does not serve the champion of the release: {error}")
        return False
    log(f"{stage.endpoint} serves {configuration}, or is being updated to it")
    return True
