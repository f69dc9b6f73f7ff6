"""Deploys and rolls back: one conditional write decides, and the next caller finishes what was interrupted.

1. Code and bundle are written under their hashes.  Nothing refers to them yet.
2. The last change is followed to its end, if its writer was interrupted.
3. The entry with the next number is *created*.  That write decides; a loser has changed nothing.
4. The zip file at the place of the stage is replaced as a whole, only if the entry is still the last one.  A rollback
   then restores the champion.
5. ``release.json`` is written: the change is complete.

Killed before step 3, nothing has changed.  Killed after it, the place holds the old release or the new one, and the
same command, or any other deployment or rollback of the stage, completes it.  Decision 11 has the same protocol.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..definition.problems import PipelineError
from ..registry.champion import Client, Log
from ..s3 import split_uri
from ..stages.find import stage_named, stages_in
from ..stages.model import Stage
from .bundle import Bundle, project_of
from .champions import champion_now, promoted_since, restore
from .errors import ContentGone, ReleaseChanged, ReleaseError
from .history import DEPLOYMENT, ROLLBACK, Entry, Releases, again, bundle_name
from .objects import has_bucket
from .place import Place, place_of
from .stored_release import stored_release

_TRIES = 10


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a change.

    commit   the commit of the project, for the entry
    """

    by: str
    reason: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A stage with its clients, its releases and the place of its DAG files."""

    client: Client
    stage: Stage
    releases: Releases
    place: Place


@dataclass(frozen=True, slots=True)
class Done:
    """A change of a stage.

    entry      the change that is in effect
    changed    whether this call made it
    complete   ``False`` if the endpoint or the champion could not be restored
    """

    entry: Entry
    changed: bool
    complete: bool = True


def target_of(client: Client, stage: Stage) -> Target:
    """The target of a deployment.  Raises :class:`InvalidPipeline` (SM357) if the stage does not say where it is."""
    from ..definition.problems import Problem
    from ..stages.model import BAD_VALUE

    missing = [key for key in ("releases", "dags", "pipelines") if not getattr(stage, key)]
    fixes = {
        "releases": "Add releases: s3://bucket/prefix, where bundles and code are stored.",
        "dags": "Add dags: the S3 prefix or the folder from which Airflow reads DAG files.",
        "pipelines": "Add pipelines: {<DAG id>: {definition: <file>}}.",
    }
    problems = [Problem(BAD_VALUE, "$", f'the stage has no "{key}".', fixes[key]) for key in missing]
    project = project_of(stage)
    if other := _stage_at_the_same_place(stage, project):
        what = f'{stage.dags} is the place of stage "{other}", too, so each would replace the DAG files of the other.'
        problems.append(Problem(BAD_VALUE, "$.dags", what, "Give every stage a bucket or prefix of its own."))
    if problems or stage.releases is None or stage.dags is None:
        raise stage.refused(problems)
    releases = Releases(client("s3"), stage.releases, project, stage.name)
    return Target(client, stage, releases, place_of(client("s3"), stage.dags, project, stage.root))


def _stage_at_the_same_place(stage: Stage, project: str) -> str:
    """Another stage of the project whose zip file would be the same object in S3; "" if there is none.

    Folders may be on different machines.
    """
    if stage.dags is None or not stage.dags.startswith("s3://"):
        return ""
    places = ((other.name, other.dags, project_of(other)) for other in _other_stages(stage))
    return next((name for name, *place in places if place == [stage.dags, project]), "")


def shared_resources(stage: Stage) -> Iterator[str]:
    """Sentences about model package groups and endpoints that another stage of the project has in the same account."""
    for other in _other_stages(stage):
        if stage.account is None or (other.account, other.region) != (stage.account, stage.region):
            continue
        both = f'stages "{stage.name}" and "{other.name}" have the same account and the same'
        if stage.model_package_group is not None and other.model_package_group == stage.model_package_group:
            yield f"{both} model package group, {stage.model_package_group}: the champion of one is that of the other"
        if stage.endpoint is not None and other.endpoint == stage.endpoint:
            yield f"{both} endpoint, {stage.endpoint}: an update by one replaces the model that the other serves"


def _other_stages(stage: Stage) -> Iterator[Stage]:
    """The other stages of the project whose configuration can be read; the others have a problem of their own."""
    for name in sorted(set(stages_in(stage.root)) - {stage.name}):
        with suppress(PipelineError):
            yield stage_named(name, [stage.root])


def effective(target: Target, last: Entry | None) -> Entry | None:
    """The deployment that is in effect with ``last``."""
    if last is None or last.kind == DEPLOYMENT:
        return last
    return target.releases.read(last.release)


def deploy(target: Target, bundle: Bundle, author: Author, log: Log, expected: int | None = None) -> Done:
    """Make ``bundle`` the release of the stage; changes nothing if it is already.

    :param expected: number of the last change that the caller knows; ``None`` for any
    :raises ReleaseChanged: if somebody else changes the stage meanwhile; nothing was changed
    """
    upload(target, bundle, log)
    last = _settled(target, log)
    if last is not None and last.bundle == bundle.digest:
        _follow_place(target, last, bundle.data, log)
        return Done(last, changed=False)
    _require_expected(last, expected)
    number = last.number + 1 if last is not None else 1
    entry = Entry(
        number=number,
        kind=DEPLOYMENT,
        project=bundle.project,
        stage=target.stage.name,
        release=number,
        replaced=last.release if last is not None else 0,
        bundle=bundle.digest,
        ident=uuid.uuid4().hex,
        at=_now(),
        by=author.by,
        code=code_digests(bundle),
        definitions=definition_digests(target.stage, bundle),
        commit=author.commit,
        reason=author.reason,
        champion=champion_now(target.client, target.stage),
    )
    return _made(target, entry, log)


def roll_back(target: Target, author: Author, log: Log, *, keep_champion: bool = False, of: int | None = None) -> Done:
    """Restore the previous release of the stage, and its champion.

    A rollback that was interrupted is finished instead of making another one.  A release that a rollback has restored
    is rolled back only if ``of`` names it, so that repeating a rollback does not go back further.

    :param of: number of the release that must be the current one
    :raises ReleaseError: if there is no earlier release, its bundle is gone, or the champion cannot be restored
    :raises ReleaseChanged: if somebody else changes the stage meanwhile; nothing was changed
    """
    last = target.releases.last()
    if last is not None and last.kind == ROLLBACK and target.releases.followed() < last.number:
        log(f"rollback {last.number} was interrupted, and is finished now instead of another one")
        complete = _settle(target, last, log)
        return Done(last, changed=True, complete=complete)
    _settled(target, log)
    entry = plan_rollback(target, author, keep_champion=keep_champion, of=of)
    return _made(target, entry, log)


def plan_rollback(target: Target, author: Author, *, keep_champion: bool = False, of: int | None = None) -> Entry:
    """The change that :func:`roll_back` would make; changes nothing.

    Raises :class:`ReleaseError`, also if the bundle or the code of the release before is gone or was altered.
    """
    last = target.releases.last()
    current = effective(target, last)
    if last is None or current is None:
        raise ReleaseError(
            f'Nothing was deployed to stage "{target.stage.name}" yet, so there is nothing to roll back.'
        )
    _require_of(last, current, of)
    before = target.releases.read(current.replaced) if current.replaced else None
    if before is None:
        raise ReleaseError(
            f'Release {current.number} is the first of stage "{target.stage.name}", so there is none to go back to.'
        )
    try:
        require_content(target, before)
    except ContentGone as error:
        raise ContentGone(f"{error} Nothing was changed.") from None
    undo = () if keep_champion else promoted_since(target.client, target.stage, current.champion)
    reason = author.reason or f"release {current.number} was rolled back to release {before.number}"
    return replace(
        before,
        number=last.number + 1,
        kind=ROLLBACK,
        release=before.number,
        replaced=current.number,
        ident=uuid.uuid4().hex,
        at=_now(),
        by=author.by,
        reason=reason,
        champion=champion_now(target.client, target.stage),
        undo=undo,
        keeps_champion=keep_champion,
    )


def _require_of(last: Entry, current: Entry, of: int | None) -> None:
    if of is not None and of != current.number:
        raise ReleaseError(f'Release {current.number} of stage "{last.stage}" is the current one, and not {of}.')
    if of is None and last.kind == ROLLBACK:
        further = f"To go back further, add --of {current.number}." if current.replaced else "It is the first one."
        raise ReleaseError(
            f"Release {current.number} is the current one because {last.by} rolled back release {last.replaced} at "
            f"{last.at}. Nothing was changed. {further}"
        )


def upload(target: Target, bundle: Bundle, log: Log) -> None:
    """Upload the objects of a bundle and its code that are not stored yet."""
    for name, content in missing_objects(target, bundle):
        target.releases.objects.add(name, content)
        log(f"uploaded {target.releases.objects.uri(name)} ({len(content):,} bytes)")


def missing_objects(target: Target, bundle: Bundle) -> list[tuple[str, bytes]]:
    """(name, content) of every object of a bundle and its code that is not stored yet; the bundle is the last one."""
    wanted = [
        (f"code/{code.digest}/{name}", content) for code in bundle.code for name, content in sorted(code.files.items())
    ]
    wanted.append((bundle_name(bundle.digest), bundle.data))
    return [(name, content) for name, content in wanted if target.releases.objects.head(name) is None]


def missing_buckets(target: Target) -> list[str]:
    """The buckets of releases and DAG files that do not exist."""
    wanted = {
        split_uri(uri)[0]: None for uri in (target.releases.base, target.stage.dags or "") if uri.startswith("s3://")
    }
    return [bucket for bucket in wanted if not has_bucket(target.client("s3"), bucket)]


def require_content(target: Target, entry: Entry) -> None:
    """Raise :class:`ContentGone` if the bundle or the code of a release is no longer stored as it was deployed."""
    for parameter, digest in entry.code.items():
        if next(target.releases.objects.names(f"code/{digest}/"), None) is None:
            where = target.releases.objects.uri(f"code/{digest}/")
            raise ContentGone(f'The code of parameter "{parameter}" ({where}) is gone. {again(entry)}')
    stored_release(target.releases, entry)


def code_digests(bundle: Bundle) -> dict[str, str]:
    """SHA-256 of the code by parameter."""
    code = bundle.manifest["code"]
    return {name: str(entry["sha256"]) for name, entry in code.items()} if isinstance(code, dict) else {}


def definition_digests(stage: Stage, bundle: Bundle) -> dict[str, str]:
    """SHA-256 of the definitions by pipeline."""
    import hashlib

    found = {name: bundle.definition(stage, name) for name in stage.pipelines}
    return {name: hashlib.sha256(text).hexdigest() for name, text in found.items() if text is not None}


def _made(target: Target, entry: Entry, log: Log) -> Done:
    if not target.releases.create(entry):
        there = target.releases.read(entry.number)
        if there is not None and entry.kind == there.kind == DEPLOYMENT and there.bundle == entry.bundle:
            changed = there.ident == entry.ident
            return Done(there, changed=changed, complete=_settle(target, there, log))
        if there is None or there.ident != entry.ident:
            raise _changed(target, there)
        # Otherwise the answer to our write was lost, and boto3 sent it again.
    log(f"{entry.kind} {entry.number} of stage {entry.stage} is recorded")
    return Done(entry, changed=True, complete=_settle(target, entry, log))


def _settled(target: Target, log: Log) -> Entry | None:
    """The last change, which is completed first if its writer was interrupted."""
    last = target.releases.last()
    if last is None or target.releases.followed() >= last.number:
        return last
    log(f"{last.kind} {last.number} was interrupted, and is finished first")
    try:
        _settle(target, last, log)
    except ContentGone as error:
        log(f"{last.kind} {last.number} cannot be finished: {error}")
    return target.releases.last()


def _settle(target: Target, entry: Entry, log: Log) -> bool:
    """Complete ``entry``, and every later change that somebody makes in the meantime."""
    complete = True
    while True:
        _follow_place(target, entry, None, log)
        if target.releases.followed() < entry.number:
            complete = restore(target.client, target.stage, entry, log)
            target.releases.note_followed(entry)
        numbers = target.releases.numbers()
        later = target.releases.read(numbers[-1]) if numbers and numbers[-1] > entry.number else None
        if later is None:
            return complete
        entry = later


def _follow_place(target: Target, entry: Entry, data: bytes | None, log: Log) -> None:
    """Put the bundle of ``entry`` at its place, while ``entry`` is the last change."""
    for _ in range(_TRIES):
        there = target.place.current()
        if there is not None and there.digest == entry.bundle:
            return
        if target.releases.numbers()[-1] > entry.number:
            return
        data = target.releases.bundle(entry).data if data is None else data
        if target.place.put(data, there):
            log(f"{target.place.uri} is release {entry.release}")
            return
    raise ReleaseError(f"{target.place.uri} changes all the time, so release {entry.release} is not there yet.")


def _require_expected(last: Entry | None, expected: int | None) -> None:
    number = last.number if last is not None else 0
    if expected is not None and number != expected:
        who = f" by {last.by} at {last.at}" if last is not None else ""
        raise ReleaseChanged(f"The stage was changed{who} since it was compared; nothing was deployed. Try again.")


def _changed(target: Target, there: Entry | None) -> ReleaseChanged:
    who = f" by {there.by} at {there.at}" if there is not None else ""
    return ReleaseChanged(
        f'Stage "{target.stage.name}" was changed{who} at the same time; nothing was done. Try again.'
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
