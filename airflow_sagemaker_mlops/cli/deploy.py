"""``deploy``, ``rollback`` and ``releases``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..definition.problems import PipelineError
from ..records.capture.git_commit import commit_of
from ..registry.champion import Client
from ..registry.errors import RegistryError
from ..releases.bundle import Bundle, build_bundle
from ..releases.champions import is_endpoint_behind
from ..releases.errors import ReleaseError
from ..releases.preview import Preview, content_of, preview_of
from ..releases.release import (
    Author,
    Target,
    deploy,
    effective,
    missing_buckets,
    plan_rollback,
    roll_back,
    target_of,
)
from ..releases.rights import caller
from ..runs.clients import client_of, connect
from ..runs.errors import NoAws
from ..runs.recording import user_name
from ..stages.find import CONFIG
from ..stages.model import Stage
from .option_names import in_options, refusal_of
from .output.release_text import preview_json, preview_markdown, preview_text, release_line, short_commit
from .output.terminal import say, say_error, say_json, say_table
from .signals import Interrupted, interruptible
from .stages import StageChoice

if TYPE_CHECKING:
    from ..releases.history import Entry

FORMS = ("text", "json", "markdown")
NOTHING_CHANGED = "Nothing was changed."
COMPLETES = "The same command completes it."


@dataclass(frozen=True, slots=True)
class Account:
    """The account of a deployment: boto3's default credentials, an Airflow connection, or the embedded AWS."""

    conn: str | None = None
    local: bool = False
    state_dir: Path | None = None

    def clients(self, region: str | None) -> Client:
        """{service: client}.  Raises :class:`NoAws` and ``ValueError``."""
        if self.conn is not None and self.local:
            raise ValueError("--conn and --local both name an account. Leave one out.")
        if self.conn is not None or self.local:
            found: Client = connect(self.conn, region if self.conn else None, self.state_dir).client
            return found
        return cache(lambda service: client_of(service, None, region))


@dataclass(slots=True)
class Begun:
    """What a command has begun to change, for the sentence after Ctrl-C.

    before   number of the last change of the stage before
    """

    target: Target | None = None
    before: int = 0

    def state(self) -> str:
        """How far the change has come, as far as it can be read."""
        if self.target is None:
            return "nothing was changed."
        releases = self.target.releases
        try:
            last, followed = releases.last(), releases.followed()
        except Exception:  # of AWS or in the stored files: then nobody here knows, and that is what the sentence says
            how = f"`sagemaker-mlops releases --stage {releases.stage}` shows whether the change was recorded."
            return f"{how} If it was, the same command completes it."
        if last is not None and followed < last.number:  # also one that an earlier command left
            return f"{last.kind} {last.number} is recorded and not complete. {COMPLETES}"
        if last is None or last.number <= self.before:
            return "nothing was changed."
        return f"{last.kind} {last.number} is complete."


def printing_errors(work: Callable[[], int], begun: Begun | None = None) -> int:
    """Call ``work``; print errors to standard error.  1 for refusals of AWS and releases, 2 for files and options.

    130 and the like for signals, with what they interrupted.
    """
    try:
        with interruptible():
            return work()
    except Interrupted as ended:
        say(f"{ended}: {(begun or Begun()).state()}", err=True)
        return ended.exit_code
    except PipelineError as error:
        say_error(error, NOTHING_CHANGED.rstrip(".").lower())
        return 2
    except (NoAws, ValueError) as error:
        say(in_options(error), err=True)
        return 2
    except OSError as error:
        if error.filename is None:  # no file, such as a closed pipe
            raise
        state = (begun or Begun()).state()
        say(f"{error.filename} cannot be read: {error.strerror}. {state[0].upper()}{state[1:]}", err=True)
        return 2
    except (ReleaseError, RegistryError) as error:
        say(error, err=True)
    except Exception as error:
        if not type(error).__module__.startswith("botocore"):
            raise
        hint = "Or rehearse on the embedded AWS with --local."
        say(refusal_of(error, hint), err=True)
    if begun is not None and (state := begun.state()).endswith(COMPLETES):
        say(state, err=True)
    return 1


def run_deploy(
    choice: StageChoice,
    account: Account,
    *,
    dry_run: bool,
    output: str,
    reason: str = "",
    origin: str | None = None,
    ignore_rights: bool = False,
) -> int:
    """Deploy; exit code 0 for done or nothing to do, 1 for refused, 2 for unusable files and options."""

    begun = Begun()

    def work() -> int:
        _require_form(output)
        target, bundle, commit = _prepared(choice, account, origin, changes=not dry_run)
        content = content_of(target.stage, bundle)
        # A dry run may have fewer rights than the deployment after it, such as the preview of a pull request.
        preview = preview_of(target, bundle, content, target.stage.deployer if dry_run else None)
        if account.local:
            # a rehearsal: its account is invented, buckets are created, and whatever is asked is allowed
            notes = (*preview.notes, "rights are not checked: the embedded AWS enforces no policies")
            preview = replace(preview, obstacles=(), rights=(), notes=notes)
        refused = _refusal(preview, account, target.stage, ignore_rights=ignore_rights)
        if dry_run or refused:
            _show(preview, refused or f"Dry run. {NOTHING_CHANGED}", output, dry_run=dry_run)
            return 1 if refused else 0
        number = preview.last.number if preview.last is not None else 0
        author = Author(_user(), reason, commit)
        begun.target, begun.before = target, number
        done = deploy(target, bundle, author, _progress, expected=number)
        line = release_line(done.entry)
        made, there = f"{target.place.uri} is {line}.", f"{line[0].upper()}{line[1:]}, has this bundle: none was made."
        sentence = made if done.changed else there
        _show(preview, sentence, output, dry_run=False, deployed=done.entry)
        return 0 if done.complete else 1

    return printing_errors(work, begun)


def run_rollback(
    choice: StageChoice,
    account: Account,
    *,
    dry_run: bool,
    output: str,
    reason: str,
    keep_champion: bool,
    of: int | None = None,
) -> int:
    """Roll back; exit codes as for :func:`run_deploy`."""

    begun = Begun()

    def work() -> int:
        _require_form(output)
        target = _target(choice, account, changes=not dry_run)
        _require_account(target.client, target.stage, account)
        author = Author(_user(), reason, _commit(target.stage))
        if dry_run:
            entry, changed, complete = plan_rollback(target, author, keep_champion=keep_champion, of=of), False, True
        else:
            begun.target, begun.before = target, max(target.releases.numbers(), default=0)
            done = roll_back(target, author, _progress, keep_champion=keep_champion, of=of)
            entry, changed, complete = done.entry, done.changed, done.complete
        lines = list(_rolled_back(target, entry, changed=changed))
        if dry_run:
            lines.append(f"Dry run. {NOTHING_CHANGED}")
        if output == "json":
            say_json({"dry_run": dry_run, "complete": complete, "release": entry.as_json()})
        else:
            say("\n".join(f"* {line}" if output == "markdown" else line for line in lines))
        return 0 if complete else 1

    return printing_errors(work, begun)


def _rolled_back(target: Target, entry: Entry, *, changed: bool) -> Iterator[str]:
    """What a rollback has done, or would do."""
    does = "is" if changed else "would be"
    commit = f", commit {short_commit(entry.commit)}" if entry.commit else ""
    yield (
        f"{target.stage.name}: release {entry.replaced} {does} replaced by release {entry.release}{commit}, "
        f"bundle {entry.bundle[:12]}"
    )
    yield from (f"champion {arn} {does} rejected" for arn in entry.undo)
    if target.stage.model_package_group is not None and not entry.undo:
        yield f"the champion stays: {entry.champion}" if entry.champion else "there is no champion"
    if changed or entry.keeps_champion:
        return
    if entry.undo:
        undone = target.releases.read(entry.replaced)
        follows = f", and endpoint {target.stage.endpoint} would be updated to it" if target.stage.endpoint else ""
        earlier = undone.champion if undone is not None else "an earlier version"
        yield f"{earlier} would be the champion again{follows}"
        return
    try:
        if is_endpoint_behind(target.client, target.stage, entry.champion):
            yield f"endpoint {target.stage.endpoint} serves another model, and would be updated to the champion"
    except ReleaseError as error:
        yield str(error)


def list_releases(choice: StageChoice, account: Account, *, limit: int, output: str) -> int:
    """Print the changes of a stage, newest first; exits with 1 if there are none."""

    def work() -> int:
        if output not in ("text", "json"):
            raise ValueError(f'--format is "{output}"; use text or json.')
        target = _target(choice, account, changes=False)
        entries = []
        for entry in target.releases.entries():
            entries.append(entry)
            if limit and len(entries) == limit:
                break
        if output == "json":
            say_json([entry.as_json() for entry in entries])
            return 0 if entries else 1
        if not entries:
            say(f'Nothing was deployed to stage "{target.stage.name}" yet.', err=True)
            return 1
        heads = ("No", "What", "Release", "Bundle", "Commit", "When", "By", "Why")
        say_table(heads, [[(cell, "") for cell in _cells(entry)] for entry in entries])
        if target.releases.followed() < entries[0].number:
            say(f"{entries[0].kind} {entries[0].number} was interrupted: run the command again to finish it", err=True)
        return 0

    return printing_errors(work)


def _cells(entry: Entry) -> tuple[str, ...]:
    return (
        str(entry.number),
        entry.kind,
        str(entry.release),
        entry.bundle[:12],
        short_commit(entry.commit),
        entry.at,
        entry.by,
        entry.reason,
    )


def _prepared(
    choice: StageChoice, account: Account, origin: str | None, *, changes: bool
) -> tuple[Target, Bundle, str]:
    """The target, and the bundle of the project or of the stage ``origin`` with its commit."""
    if origin is None:
        stage = choice.load()
        bundle = build_bundle(stage, choice.extra)  # before any call: most mistakes are in files
        return _target(choice, account, changes=changes), bundle, _commit(stage)
    target = _target(choice, account, changes=changes)
    source = target_of(target.client, StageChoice(origin, project=choice.project).load())
    release = effective(source, source.releases.last())
    if release is None:
        raise ReleaseError(f'Nothing was deployed to stage "{origin}" yet, so there is nothing to promote.')
    from ..releases.stored_release import stored_release

    return target, stored_release(source.releases, release), release.commit


def _target(choice: StageChoice, account: Account, *, changes: bool) -> Target:
    stage = choice.load()
    target = target_of(account.clients(stage.region), stage)
    if account.local and changes:
        _make_buckets(target)
    return target


def _make_buckets(target: Target) -> None:
    """Create the buckets of the stage on the embedded AWS, where a deployment is a rehearsal."""
    for bucket in missing_buckets(target):
        target.client("s3").create_bucket(Bucket=bucket)


def _refusal(preview: Preview, account: Account, stage: Stage, *, ignore_rights: bool) -> str:
    """Why the release is not deployed; empty if nothing speaks against it."""
    if preview.errors:
        return f"AWS would refuse {len(preview.errors)} of the requests. {NOTHING_CHANGED}"
    if preview.obstacles and not account.local:
        return " ".join((*preview.obstacles, NOTHING_CHANGED))
    if preview.missing and not ignore_rights:
        return (
            f"{len(preview.missing)} rights are missing. Add them: `sagemaker-mlops iam FILE --stage {stage.name}` "
            f"prints the policy. Or add --ignore-rights if IAM's simulation is wrong. {NOTHING_CHANGED}"
        )
    return ""


def _require_account(client: Client, stage: Stage, account: Account) -> None:
    if stage.account is None or account.local:
        return
    own = caller(client)[0]
    if own != stage.account:
        raise ReleaseError(
            f"The credentials are of account {own}, and stage {stage.name} is account {stage.account}. "
            f"{NOTHING_CHANGED}"
        )


def _show(preview: Preview, done: str, output: str, *, dry_run: bool, deployed: Entry | None = None) -> None:
    if output == "json":
        say_json(preview_json(preview, dry_run=dry_run, deployed=deployed))
        say(done, err=True)
    else:
        say((preview_markdown if output == "markdown" else preview_text)(preview, done))


def _require_form(output: str) -> None:
    if output not in FORMS:
        raise ValueError(f'--format is "{output}"; use text, json or markdown.')


def _progress(line: str) -> None:
    say(line, err=True)


def _user() -> str:
    return user_name() or "somebody on the command line"


def _commit(stage: Stage) -> str:
    found = commit_of(stage.root / CONFIG)
    return "" if found is None else found.commit + ("-dirty" if found.dirty else "")
