"""HTML files of a run, a comparison and a model's history: without scripts, and with at most :data:`MAX_BYTES`.

A file needs no server and loads nothing, so it can be attached to a ticket or a model card.  Jinja comes with Airflow
and is imported only when a page is created.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

from ..registry.history import Entry
from . import formats, pictures
from .formats import RuleTexts
from .lineage_picture import lineage_picture
from .reading import NAME, as_text, clipped, number, sentence, text, time
from .shapes import DecisionView, DriftView, RuleView, RunView

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.runtime import Context

MAX_BYTES = 150_000
# Scales for the longest lists and texts; the first one that makes a page small enough is used.
SCALES = (1.0, 0.6, 0.35, 0.2, 0.1, 0.05, 0.02, 0.01)
_COUNTED = ("steps", "parameters", "artifacts", "findings")
Members = dict[str, object]
Item = TypeVar("Item")


# The style sheet of all pages, and the policy that allows nothing else; servers also send it as a header.
STYLE = files(__package__).joinpath("templates", "report.css").read_text(encoding="utf-8").strip()
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"


def run_page(view: RunView, *, made: str = "") -> str:
    """The page of a run; ``made`` is the time at which it says it was created."""
    return _page("run.html", functools.partial(_of_run, view), made)


def comparison_page(old: RunView, new: RunView, phrases: Sequence[str], *, made: str = "") -> str:
    """The page of two runs, with the ``phrases`` of :func:`~..records.compare.runs.diff`."""
    return _page("comparison.html", functools.partial(_of_two, old, new, phrases), made)


def history_page(group: str, entries: Sequence[Entry], *, champion: str = "", now: str = "", made: str = "") -> str:
    """The page of a group's champions.

    :param entries: the newest changes, newest first
    :param champion: the champion's version in the registry
    :param now: the end of the newest champion's reign so far
    """
    return _page("history.html", functools.partial(_of_history, group, entries, champion, now), made)


def _page(template: str, members: Callable[[float], Members], made: str) -> str:
    """The page with the most details that fit."""
    drawn = _environment().get_template(template)
    page, tried = "", SCALES[0]
    for scale in SCALES:
        if scale > tried:
            continue
        page = drawn.render(made=made, scale=scale, **members(scale))
        size = len(page.encode())
        if size <= MAX_BYTES:
            break
        tried = scale * min(MAX_BYTES / size * 2, 1.0)  # a page of half the lists has more than half the size
    return page


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader(str(__package__)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (formats.duration, formats.hashed, formats.money, formats.plural, formats.size, formats.when)
    environment.filters |= {given.__name__: given for given in filters}
    environment.filters |= {"plainly": _plainly, "short": pass_context(_short)}
    environment.globals |= {"policy": CONTENT_POLICY, "css": Markup(STYLE), "version": _version()}
    return environment


def _short(context: Context, text: str, limit: int) -> str:
    """``text``, shortened in a page that would otherwise be too large."""
    return clipped(text, max(int(limit * float(context["scale"])), 60))


def _plainly(value: object) -> str:
    """A number with four digits; everything else as it is."""
    found = number(value)
    if found is None:
        return as_text(value) or formats.NONE
    return f"{found:,}" if isinstance(found, int) else f"{found:,.4g}"


def _version() -> str:
    try:
        return version("airflow-sagemaker-mlops")
    except PackageNotFoundError:  # a checkout on the path
        return ""


class _Caps:
    """Bounds the lists of a page, and counts what it leaves out."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self.left: dict[str, int] = {}

    def first(self, name: str, found: Sequence[Item], limit: int) -> list[Item]:
        kept = list(found[: max(int(limit * self._scale), 1)])
        self.left[name] = self.left.get(name, 0) + len(found) - len(kept)
        return kept


def _of_run(view: RunView, scale: float) -> Members:
    caps = _Caps(scale)
    decision = view["decision"]
    failed = [step for step in view["steps"] if step["status"] == "Failed"]
    steps = caps.first("steps", view["steps"], 250)
    shown = decision["step"] if decision is not None else ""
    others = [one for one in view["decisions"] if one["step"] != shown and one["kind"] != "drift"]
    members: Members = {
        **view,
        "failures": [step for step in failed if step["step"] != shown][:3],
        "hero": _hero(decision),
        "rules": caps.first("rules", _rules(decision["rules"] if decision is not None else []), 100),
        "drifts": [_drift(one, caps) for one in view["drift"][:5]],
        "others": caps.first("decisions", others, 30),
        "steps": [{"step": step, "bar": bar} for step, bar in zip(steps, pictures.timeline(steps), strict=True)],
        "notes": view["notes"][:3],
        "graph": lineage_picture(view["lineage"], max(int(60 * scale), 1)),
    }
    members["parameters"] = caps.first(
        "parameters", sorted(view["parameters"], key=lambda one: not one["changed"]), 100
    )
    for name, limit in (("artifacts", 120), ("models", 40), ("approvals", 40)):
        members[name] = caps.first(name, view[name], limit)  # type: ignore[literal-required]
    members["left"] = {name: caps.left.get(name, 0) + view["cut"].get(name, 0) for name in _COUNTED}
    return members


def _rules(rules: Sequence[RuleView]) -> list[Members]:
    drawn = pictures.interval_pictures(rules)
    return [{"rule": rule, "picture": one, "texts": RuleTexts(rule)} for rule, one in zip(rules, drawn, strict=True)]


def _hero(decision: DecisionView | None) -> Members | None:
    """The rule to draw large."""
    if decision is None:
        return None
    chosen = pictures.deciding(decision["rules"], decision["verdict"])
    if chosen is None:
        return None
    (row,) = _rules(decision["rules"][chosen : chosen + 1])  # alone, so that it has a scale of its own
    return row if row["picture"] is not None else None


def _drift(drift: DriftView, caps: _Caps) -> Members:
    findings = caps.first("findings", drift["findings"], 60)
    return {
        "view": drift,
        "rows": [{"finding": one, "picture": pictures.limit_picture(one)} for one in findings],
        "left": max(len(drift["findings"]) - len(findings), 0),
        "drawn": [
            {"finding": one, "bins": pictures.bins(one)}
            for one in caps.first("drawn", pictures.drawn_findings(drift), pictures.MAX_DRAWN)
        ],
    }


def _of_two(old: RunView, new: RunView, phrases: Sequence[str], scale: float) -> Members:
    caps = _Caps(scale)
    changed_first = sorted(_parameters(old, new), key=lambda row: not row["changed"])
    members: Members = {
        "old": old,
        "new": new,
        "phrases": [clipped(phrase.replace(" -> ", " → "), 600) for phrase in caps.first("phrases", phrases, 200)],
        "rules": caps.first("rules", _compared_rules(old, new), 100),
        "parameters": caps.first("parameters", changed_first, 100),
        "identity": _identity(old, new),
        "steps": caps.first("steps", _both(old, new), 200),
    }
    return {**members, "left": caps.left}


def _row(name: str, old: str, new: str) -> Members:
    return {"name": name, "old": old, "new": new, "changed": old != new}


def _parameters(old: RunView, new: RunView) -> list[Members]:
    was, now = ({one["name"]: one["value"] for one in view["parameters"]} for view in (old, new))
    return [_row(name, was.get(name, ""), now.get(name, "")) for name in dict.fromkeys([*now, *was])]


def _identity(old: RunView, new: RunView) -> list[Members]:
    """Possible explanations of a difference beyond parameters and data."""
    was, now = old["hashes"], new["hashes"]
    rows = [
        _row("Definition", was["definition"], now["definition"]),
        _row("Commits", ", ".join(was["commits"]), ", ".join(now["commits"])),
        _row("Bundle", was["bundle"], now["bundle"]),
        _row("User", old["run"]["user"], new["run"]["user"]),
        *(
            _row(name, was["versions"].get(name, ""), now["versions"].get(name, ""))
            for name in dict.fromkeys([*now["versions"], *was["versions"]])
        ),
    ]
    return [row for row in rows if row["old"] or row["new"]]


def _compared_rules(old: RunView, new: RunView) -> list[Members]:
    rules = [
        {
            (rule["metric"], rule["slice"]): rule
            for rule in reversed(view["decision"]["rules"] if view["decision"] else [])
        }
        for view in (old, new)
    ]
    rows: list[Members] = []
    for key in dict.fromkeys([*reversed(rules[1]), *reversed(rules[0])]):
        before, after = rules[0].get(key), rules[1].get(key)
        known = after or before
        if known is not None:
            changed = before is None or after is None or before["candidate"] != after["candidate"]
            names = {"title": known["title"], "slice": known["slice"]}
            rows.append({**names, "old": before, "new": after, "changed": changed})
    return rows


def _both(old: RunView, new: RunView) -> list[Members]:
    was, now = ({step["step"]: step for step in view["steps"] if not step["loop"]} for view in (old, new))
    return [{"name": name, "old": was.get(name), "new": now.get(name)} for name in dict.fromkeys([*now, *was])]


def _of_history(group: str, entries: Sequence[Entry], champion: str, now: str, scale: float) -> Members:
    caps = _Caps(scale)
    oldest_first = [{"at": entry.at} for entry in reversed(entries)]
    times = list(reversed(pictures.reigns(oldest_first, now)))
    rows = [_change(entry, reign) for entry, reign in zip(entries, times, strict=True)]
    packages = dict.fromkeys(clipped(entry.model_package, NAME) for entry in entries)
    return {
        "group": text(group),
        "champion": text(champion),
        "changes": caps.first("changes", rows, 150),
        "left": caps.left["changes"],
        "rollbacks": sum(entry.is_rollback for entry in entries),
        "packages": caps.first("packages", list(packages), 150),
    }


def _change(entry: Entry, reign: pictures.Reign | None) -> Members:
    version, replaced = (text(arn).rpartition("/")[2] for arn in (entry.model_package, entry.replaced))
    word, tone = ("Rolled back to", "unsure") if entry.is_rollback else ("Promoted", "good")
    return {
        "version": version,
        "replaced": replaced,
        "word": word,
        "tone": tone,
        "at": time(entry.at),
        "author": clipped(entry.author, NAME),
        "reign": reign,
        "sentence": sentence(entry.sentence),
    }
