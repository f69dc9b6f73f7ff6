"""The tables at the end of a run's page as blocks: artifacts, models, approvals, and what identifies the run."""

from __future__ import annotations

from .blocks import Block, Cell, badge, counted, section, table
from .formats import size
from .shapes import ArtifactView, RunView

FROM_OUTSIDE = {"muted": "from outside"}


def run_tables(view: RunView) -> list[Block]:
    """The tables; those without rows are left out."""
    return [*_artifacts(view), *_models(view), *_approvals(view), *_identity(view)]


def _artifacts(view: RunView) -> list[Block]:
    rows = [_artifact(one) for one in view["artifacts"]]
    left = view["cut"].get("artifacts")
    note = f"{left:,} more are left out" if left else ""
    columns = ["What", ">Size", "Version", "Made by", "Used by"]
    return [section("Artifacts", table("Artifacts", columns, rows), note=note)] if rows else []


def _artifact(one: ArtifactView) -> list[Cell]:
    about = ", ".join(filter(None, (one["role"], one["name"])))
    count = one["objects"] or 0
    version = one["version"] or one["sha256"] or one["etag"]
    return [
        [{"uri": one["uri"], "href": one["console"]}, {"small": about}],
        [size(one["bytes"]), {"small": counted(count, "object")} if count > 1 else ""],
        one["problem"] or {"mono": version[:12], "title": version},
        one["made_by"] or FROM_OUTSIDE,
        ", ".join(one["used_by"]) or "–",
    ]


def _models(view: RunView) -> list[Block]:
    rows: list[list[Cell]] = [
        [
            {"href": one["console"], "text": f"{one['group']} {one['version']}"},
            badge(one),
            one["step"],
            {"uri": one["data"], "href": ""} if one["data"] else "–",
        ]
        for one in view["models"]
    ]
    return [section("Models", table("Models", ["Model", "Status", "Registered by", "Data"], rows))] if rows else []


def _approvals(view: RunView) -> list[Block]:
    rows: list[list[Cell]] = [
        [
            one["what"] or one["step"],
            badge(one),
            "nobody in time: the default" if one["by_default"] else one["user"] or "–",
            [{"time": one["at"]}, {"small": "after the run"} if one["later"] else ""],
            one["comment"],
        ]
        for one in view["approvals"]
    ]
    columns = ["What", "Decision", "By", "At", "Comment"]
    return [section("Approvals", table("Approvals", columns, rows))] if rows else []


def _identity(view: RunView) -> list[Block]:
    hashes = view["hashes"]
    if not hashes["record"]:
        return []
    dirty = ", with uncommitted changes" if hashes["dirty"] else ""
    pairs = [
        ("Record", hashes["record"]),
        ("Definition", hashes["definition"]),
        ("Commit", f"{', '.join(hashes['commits'])}{dirty}"),
        ("Bundle", hashes["bundle"]),
        ("Versions", ", ".join(f"{name} {version}" for name, version in hashes["versions"].items())),
    ]
    rows = [[name, {"mono": value}] for name, value in pairs if value]
    title = "Hashes and versions"
    return [{"fold": title, "blocks": [table(title, ["What", "Value"], rows)]}]
