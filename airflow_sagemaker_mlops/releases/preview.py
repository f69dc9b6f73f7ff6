"""What a deployment or a rollback would change, before anything is changed: :class:`Preview`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from ..definition import load_pipeline
from ..definition.model import Pipeline
from ..definition.problems import PipelineError, Problem, did_you_mean, key_text
from ..definition.secret_names import holds_secret
from ..execution.secret_masking import secrets_in, without
from ..plan import make_plan
from ..plan.defaults import with_defaults
from ..plan.diff import differences
from ..plan.model import Plan
from ..stages.code import MANIFEST, values_in
from ..stages.find import CONFIG
from ..stages.model import UNDECLARED, Stage
from ..stages.reader import parse_stage
from ..steps.requests import request_problems
from .bundle import CODE_FILES, Bundle
from .dag_files import pipelines_without_dag
from .errors import ContentGone
from .history import ROLLBACK, Entry
from .lasting import lasting_effects
from .objects import Stored
from .quotas import Quotas, check_quotas, foreign_roles
from .release import Target, effective, missing_buckets, missing_objects, shared_resources
from .rights import Checked, Right, caller, check_rights, deployer_rights, rights_of, valued

MOST_NAMED = 10  # changed files of one parameter's code


@dataclass(frozen=True, slots=True)
class Content:
    """The pipelines of a bundle as a stage runs them.

    pipelines   with the parameter values of the stage
    plans       the same as plans
    secrets     that their documents and the values of the stage hold
    exposed     names of the parameters to which the stage gives a secret
    """

    pipelines: Mapping[str, Pipeline] = field(default_factory=dict)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    exposed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change of a stage would do.

    last        the last change of the stage; ``None`` if this is the first one
    current     the deployment that is in effect
    uploads     (URI, bytes) of the objects that are not stored yet
    changes     {pipeline: lines of its semantic difference}
    files       lines about files of the bundle that are no definitions
    rights      the rights of each identity
    problems    problems of the requests with the stage's values, as ``check`` reports them: limits of the API, wrong
                types, and what AWS does without saying so
    quotas      the instances that the steps start, compared with the quotas of the account
    roles       sentences about roles of other accounts
    shared      sentences about resources that another stage uses, too
    obstacles   sentences about the account that argue against a deployment
    lasting     sentences about what a rollback would not undo
    notes       other sentences
    """

    stage: str
    project: str
    bundle: str
    place: str
    last: Entry | None
    current: Entry | None
    uploads: tuple[tuple[str, int], ...] = ()
    changes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    rights: tuple[Checked, ...] = ()
    problems: tuple[tuple[str, Problem], ...] = ()
    quotas: Quotas = field(default_factory=Quotas)
    roles: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    lasting: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_deployed(self) -> bool:
        """Whether the stage has this bundle already."""
        return self.last is not None and self.last.bundle == self.bundle

    @property
    def errors(self) -> tuple[str, ...]:
        """Sentences about requests that AWS would refuse."""
        return tuple(f"{name}: {one.where}: {one.what}" for name, one in self.problems if one.severity == "error")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about the other problems, about quotas, roles and what stages share."""
        others = (f"{name}: {one.where}: {one.what}" for name, one in self.problems if one.severity != "error")
        return (*others, *self.quotas.exceeded, *self.roles, *self.shared)

    @property
    def missing(self) -> tuple[Right, ...]:
        """The rights that IAM denies."""
        return tuple(right for one in self.rights for right in one.missing)


def content_of(stage: Stage, bundle: Bundle) -> Content:
    """The pipelines of ``bundle``.  Raises :class:`PipelineError` for the first one that cannot be used."""
    pipelines: dict[str, Pipeline] = {}
    plans: dict[str, Plan] = {}
    declared: set[str] = set()
    secrets: set[str] = set()
    exposed: dict[str, None] = {}
    code = values_in(stage, bundle.manifest)
    for name, entry in stage.pipelines.items():
        text = bundle.definition(stage, name)
        if text is None:
            continue
        pipeline = load_pipeline(text, name=entry.definition)
        known = {one.name: one for one in pipeline.parameters}
        declared |= known.keys()
        own = {key: uri for key, uri in code.items() if key in known}
        values: dict[str, Any] = {**stage.values_for(name, known), **own}
        secrets.update(secrets_in(pipeline.document), secrets_in(values))
        exposed |= dict.fromkeys(key for key, value in values.items() if holds_secret(key, value))
        pipelines[name] = valued(pipeline, values)
        plans[name] = with_defaults(make_plan(pipeline), values)
    _require_owners(stage, declared)
    return Content(pipelines, plans, frozenset(secrets), tuple(exposed))


def preview_of(target: Target, bundle: Bundle, content: Content, deployer: str | None = None) -> Preview:
    """What deploying ``bundle`` would change.  Reads from AWS and writes nothing.

    :param deployer: ARN of the role or user that would deploy; ``None`` for the identity of the credentials
    """
    last = target.releases.last()
    current = effective(target, last)
    stage = target.stage
    notes: list[str] = []
    before, old = _before(target, current, notes)
    there = target.place.current()
    notes += [*_about_place(target, there, last), *_about_rollback(target, last, bundle)]
    account, identity = caller(target.client)
    rights = _rights(target, content, before, deployer or identity)
    changes, secrets = changes_between(before, content), before.secrets | content.secrets
    notes += [
        f'no DAG file makes pipeline "{name}", which the stage lists'
        for name in pipelines_without_dag(stage, bundle.files)
    ]
    notes += [
        f'"{name}" looks like a secret: its value is in the configuration, which is stored with the release'
        for name in content.exposed
    ]
    return Preview(
        stage=stage.name,
        project=bundle.project,
        bundle=bundle.digest,
        place=target.place.uri,
        last=last,
        current=current,
        uploads=tuple((target.releases.objects.uri(name), len(body)) for name, body in missing_objects(target, bundle)),
        changes={name: tuple(without(list(lines), secrets)) for name, lines in changes.items()},
        files=_files(old, bundle, stage),
        rights=rights,
        problems=tuple(
            (name, replace(problem, what=without(problem.what, secrets)))
            for name, pipeline in content.pipelines.items()
            for problem in request_problems(pipeline)
        ),
        quotas=check_quotas(target.client, stage, account, content.pipelines),
        roles=tuple(foreign_roles(stage, account, content.pipelines)),
        shared=tuple(shared_resources(stage)),
        obstacles=tuple(obstacles(target)),
        lasting=tuple(lasting_effects(stage, content.pipelines, before.pipelines, current is not None)),
        notes=tuple(notes),
    )


def _about_rollback(target: Target, last: Entry | None, bundle: Bundle) -> Iterator[str]:
    """A sentence if one of the rollbacks since the last deployment was of a release with the same bundle."""
    if last is None or last.kind != ROLLBACK:
        return
    for entry in takewhile(lambda one: one.kind == ROLLBACK, target.releases.entries()):
        bad = target.releases.read(entry.replaced)
        if bad is not None and bad.bundle == bundle.digest:
            yield f"release {bad.number} had this bundle, and {entry.by} rolled it back at {entry.at}: {entry.reason}"
            return


def obstacles(target: Target) -> Iterator[str]:
    """Sentences about credentials of another account, and about buckets that do not exist."""
    stage = target.stage
    account = caller(target.client)[0]
    if stage.account is not None and stage.account != account:
        yield f"The credentials are of account {account}, and stage {stage.name} is account {stage.account}."
    for bucket in missing_buckets(target):
        yield f"The bucket {bucket} does not exist. Create it, or correct the configuration."


def changes_between(before: Content, after: Content) -> dict[str, tuple[str, ...]]:
    """The semantic differences of the pipelines that changed."""
    found: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys([*before.plans, *after.plans]):
        old, new = before.plans.get(name), after.plans.get(name)
        if old is None or new is None:
            steps = sum(task.is_step for plan in (old, new) if plan is not None for task in plan.tasks)
            counted = "1 step" if steps == 1 else f"{steps} steps"
            found[name] = (f"{'+' if old is None else '-'} pipeline {name} ({counted})",)
        elif lines := differences(old, new):
            found[name] = tuple(lines)
    return found


def stage_in(bundle: Bundle, stage: Stage) -> Stage:
    """The configuration of ``stage`` as the bundle has it, otherwise as it is now."""
    text = bundle.files.get(f"{CONFIG}/{stage.name}.yaml")
    if text is None:
        return stage
    found = parse_stage(text.decode(), stage.name, f"{CONFIG}/{stage.name}.yaml", stage.root)
    return replace(found, project=bundle.project)


def _before(target: Target, current: Entry | None, notes: list[str]) -> tuple[Content, Bundle | None]:
    if current is None:
        return Content(), None
    try:
        bundle = target.releases.bundle(current)
        return content_of(stage_in(bundle, target.stage), bundle), bundle
    except ContentGone as error:
        notes.append(f"release {current.number} cannot be compared with: {error}")
    except PipelineError as error:
        first = error.problems[0]
        notes.append(f"release {current.number} cannot be compared with: {error.source}: {first.what}")
    return Content(), None


def _about_place(target: Target, there: Stored | None, last: Entry | None) -> list[str]:
    if last is None:
        what = "holds a file that no release put there; it is replaced"
        return [f"{target.place.uri} {what}"] if there is not None else []
    notes = []
    if target.releases.followed() < last.number:
        notes.append(f"{last.kind} {last.number} was interrupted; it is finished first")
    elif there is None or there.digest != last.bundle:
        now = "is gone" if there is None else "was replaced by something else"
        notes.append(f"{target.place.uri} {now} since release {last.release} was put there")
    return notes


def _rights(target: Target, content: Content, before: Content, deployer: str) -> tuple[Checked, ...]:
    stage = target.stage
    needed = rights_of(stage, content.pipelines)
    known = rights_of(stage, before.pipelines) if before.pipelines else None
    runs_as = stage.principal or stage.assume_role_arn or ""
    own = deployer_rights(stage, target.releases.base, target.place.uri)
    return (
        check_rights(target.client, "steps", runs_as, needed, known),
        check_rights(target.client, "deployment", deployer, own, own),
    )


def _files(old: Bundle | None, new: Bundle, stage: Stage) -> tuple[str, ...]:
    if old is None:
        return ()
    lines = []
    definitions = {new.definition(stage, name) for name in stage.pipelines}
    for sign, name in _changed(old.files, new.files):
        if name not in (MANIFEST, CODE_FILES) and new.files.get(name) not in definitions:
            lines.append(f"{sign} {name}")
    before, after = old.manifest["code"], new.manifest["code"]
    if isinstance(before, dict) and isinstance(after, dict):
        was, now = _code_files(old), _code_files(new)
        for sign, key in _changed(before, after):
            inner = [f"{one} {name}" for one, name in _changed(was.get(key) or {}, now.get(key) or {})]
            more = [f"and {len(inner) - MOST_NAMED} more"] if len(inner) > MOST_NAMED else []
            named = f": {', '.join([*inner[:MOST_NAMED], *more])}" if inner and sign == "~" else ""
            lines.append(f"{sign} code {key}{named}")
    return tuple(lines)


def _changed(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """(``+``, ``-`` or ``~``, key) of every difference."""
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            yield ("+" if key not in old else "-" if key not in new else "~"), key


def _code_files(bundle: Bundle) -> Mapping[str, Mapping[str, str]]:
    """``{parameter: {path: SHA-256}}`` of the code that is a folder."""
    found = json.loads(bundle.files.get(CODE_FILES, b"{}"))
    return found if isinstance(found, dict) else {}


def _require_owners(stage: Stage, declared: set[str]) -> None:
    """Raise :class:`InvalidPipeline` (SM360) for a shared parameter that no pipeline declares."""
    problems = [
        Problem(
            UNDECLARED,
            f"$.{key}{key_text(name)}",
            f'parameter "{name}" is declared by no pipeline of the stage.',
            did_you_mean(name, declared),
        )
        for key, names in (("parameters", stage.parameters), ("code", stage.code))
        for name in names
        if name not in declared
    ]
    if problems:
        raise stage.refused(problems)
