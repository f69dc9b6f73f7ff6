"""Previews and releases as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...releases.history import Entry
from ...releases.preview import Preview
from ...releases.quotas import Quotas
from ...releases.rights import Checked, Right
from .terminal import clean

SHORT = 12  # characters of a hash, for people
MAX_RIGHTS = 12  # of those that are new or no longer needed
MAX_LINES = 200  # of one pipeline's differences; a comment in CI has a limit of 65,536 characters


def preview_text(preview: Preview, done: str) -> str:
    """The preview for a terminal.

    done   a sentence about what was done
    """
    lines = [_head(preview)]
    for title, rows in _sections(preview):
        lines += [f"{title}:", *(f"  {row}" for row in rows)]
    return "\n".join([*lines, done])


def preview_markdown(preview: Preview, done: str) -> str:
    """The preview as a comment in a pull request."""
    lines = [f"### Deployment of `{preview.project}` to `{preview.stage}`", "", _plain(_head(preview)), ""]
    for title, rows in _sections(preview):
        if title.startswith("changes"):
            lines += [f"**{title[0].upper()}{title[1:]}**", "", "```diff", *map(_fenced, rows), "```", ""]
        else:
            lines += [f"**{title[0].upper()}{title[1:]}**", "", *(f"* {_plain(row)}" for row in rows), ""]
    return "\n".join([*lines, f"_{_plain(done)}_"])


def preview_json(preview: Preview, *, dry_run: bool, deployed: Entry | None) -> dict[str, Any]:
    """The preview for programs."""
    return {
        "stage": preview.stage,
        "project": preview.project,
        "bundle": preview.bundle,
        "place": preview.place,
        "dry_run": dry_run,
        "deployed": preview.is_deployed,
        "current": preview.current.as_json() if preview.current is not None else None,
        "uploads": [{"uri": uri, "bytes": size} for uri, size in preview.uploads],
        "changes": {name: list(lines) for name, lines in preview.changes.items()},
        "files": list(preview.files),
        "rights": [_rights_json(one) for one in preview.rights],
        "quotas": {
            "needed": preview.quotas.needed,
            "known": preview.quotas.known,
            "exceeded": list(preview.quotas.exceeded),
            "why_not_checked": preview.quotas.unchecked or None,
        },
        "errors": list(preview.errors),
        "warnings": list(preview.warnings),
        "not_undone": list(preview.lasting),
        "obstacles": list(preview.obstacles),
        "notes": list(preview.notes),
        "release": deployed.as_json() if deployed is not None else None,
    }


def release_line(entry: Entry) -> str:
    """A sentence about a release."""
    commit = f", commit {short_commit(entry.commit)}" if entry.commit else ""
    return f"release {entry.release} by {entry.by} at {entry.at}{commit}, bundle {entry.bundle[:SHORT]}"


def short_commit(commit: str) -> str:
    """The beginning of a commit, and whether files had been changed since."""
    bare = commit.removesuffix("-dirty")
    return bare[:SHORT] + commit[len(bare) :]


def _head(preview: Preview) -> str:
    bundle = preview.bundle[:SHORT]
    if preview.last is None or preview.current is None:
        return f"{preview.stage}: nothing is deployed yet; bundle {bundle}"
    if preview.is_deployed:
        return f"{preview.stage}: has bundle {bundle} already, as {release_line(preview.current)}"
    return f"{preview.stage}: {release_line(preview.current)}, is replaced by bundle {bundle}"


def _sections(preview: Preview) -> Iterator[tuple[str, list[str]]]:
    if preview.changes:
        yield "changes of pipelines", [row for name in preview.changes for row in _changes(preview, name)]
    elif preview.current is not None and not preview.is_deployed:
        yield "changes of pipelines", ["none: no step, argument or parameter differs"]
    if preview.files:
        yield "changes of files", list(preview.files)
    if preview.uploads:
        size = sum(size for _, size in preview.uploads)
        yield "uploads", [f"{_counted(len(preview.uploads), 'object')}, {size:,} bytes, below {_common(preview)}"]
    if preview.rights:
        yield "rights", [row for one in preview.rights for row in _rights(one)]
    if preview.quotas.needed:
        yield "quotas", [_quotas(preview.quotas)]
    if preview.errors:
        yield "requests that AWS would refuse", list(preview.errors)
    if preview.warnings:
        yield "warnings", list(preview.warnings)
    if not preview.is_deployed:
        yield "a rollback would not undo", list(preview.lasting)
    if preview.notes or preview.obstacles:
        yield "notes", [*preview.obstacles, *preview.notes]


def _changes(preview: Preview, name: str) -> Iterator[str]:
    yield f"{name}:"
    yield from _cut(preview.changes[name], MAX_LINES)


def _cut(lines: Sequence[str], limit: int = MAX_RIGHTS) -> Iterator[str]:
    yield from lines[:limit]
    if len(lines) > limit:
        yield f"… and {len(lines) - limit} more, which --format json lists"


def _quotas(quotas: Quotas) -> str:
    """What was compared; what is exceeded stands among the warnings."""
    if quotas.unchecked:
        return f"not checked, because {quotas.unchecked}"
    said = f"{len(quotas.exceeded)} exceeded, see the warnings" if quotas.exceeded else "no step needs more than them"
    unlisted = quotas.needed - quotas.known
    rest = f"; {unlisted} more {'is' if unlisted == 1 else 'are'} not listed for this account" if unlisted else ""
    return f"{_counted(quotas.known, 'quota')} for instances compared with each step: {said}{rest}"


def _rights(one: Checked) -> Iterator[str]:
    who = f"{one.who}{one.principal and f' ({one.principal})'}"
    if not one.unchecked:
        yield f"{who}: {'some are missing' if one.missing else 'all that are needed are allowed'}"
        yield from (f"missing: {right}" for right in one.missing)
        return
    yield f"{who}: not checked, because {one.unchecked}"
    yield from _cut([f"+ {right}" for right in one.added])
    yield from _cut([f"- {right}, which is not needed any more" for right in one.removed])
    if not one.added and not one.removed:
        yield "no more and no fewer rights are needed than before"


def _rights_json(one: Checked) -> dict[str, Any]:
    return {
        "who": one.who,
        "principal": one.principal or None,
        "checked": not one.unchecked,
        "why_not_checked": one.unchecked or None,
        "missing": [_right(right) for right in one.missing],
        "added": [_right(right) for right in one.added],
        "removed": [_right(right) for right in one.removed],
    }


def _right(right: Right) -> dict[str, str]:
    passed = {"passed_to": right.passed_to} if right.passed_to else {}
    return {"action": right.action, "resource": right.resource, **passed}


def _common(preview: Preview) -> str:
    return preview.uploads[0][0].partition(f"/{preview.project}/")[0] + f"/{preview.project}/"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _plain(text: str) -> str:
    """Text in Markdown: nothing of it is markup, and nobody is mentioned."""
    plain = clean(text).replace("\n", " ")
    for letter in "\\`*_<>[]#|":
        plain = plain.replace(letter, f"\\{letter}")
    return plain.replace("@", "@\u200b")


def _fenced(text: str) -> str:
    return clean(text).replace("```", "'''").replace("\n", " ")
