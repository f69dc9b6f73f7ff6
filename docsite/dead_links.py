"""Dead links of the built site, and anything that a page would load from another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    ("img", "src"),
    ("script", "src"),
    ("iframe", "src"),
    ("source", "srcset"),
    ("source", "src"),
    ("img", "srcset"),
}
LOADED_LINKS = {"stylesheet", "icon", "preload", "preconnect", "prefetch", "dns-prefetch", "modulepreload", "manifest"}
# The tags that matter here; the rest of a page would take three times as long to read.
_TAGS = re.compile(r"</script>|<(?:a|link|img|script|iframe|source)\s[^>]*>|<[^>]*\s(?:id|name)=[^>]*>")


class _Page(HTMLParser):
    """Ids of a page, where it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed("".join(_TAGS.findall(text)))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what one tag names."""
        values = {key: value or "" for key, value in attrs}
        self.ids.update(values[key] for key in ("id", "name") if values.get(key))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and LOADED_LINKS & set(values.get("rel", "").split()):
            self.loads.append(values.get("href", ""))
        self.loads += [values[key] for name, key in LOADED if name == tag and values.get(key)]


@cache
def _read(path: Path) -> _Page:
    return _Page(path.read_text(encoding="utf-8"))


def faults(site: Path) -> Iterator[str]:
    """A sentence about each dead link, missing picture, and request to another host."""
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site)
        page = _read(path)
        for target in page.links:
            if why := _dead(target, path, site):
                yield f"{name} links to {target}: {why}."
        for target in page.loads:
            if urlsplit(target).netloc:
                yield f"{name} loads {target} from another host."
            elif not target.startswith("data:") and (why := _dead(target, path, site)):
                yield f"{name} loads {target}: {why}."
    for path in sorted(site.rglob("*.css")):
        for target in re.findall(r"""(?:url\(|@import\s+)["']?(https?://[^"')]+)""", path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)} loads {target} from another host."


def _dead(target: str, page: Path, site: Path) -> str:
    """Why a link leads nowhere; empty if it leads somewhere, or to another host, which is not asked."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return ""
    path = _target(parts.path, page.parent, site) if parts.path else page
    if path is None:
        return "there is no such file"
    if parts.fragment and path.suffix == ".html" and unquote(parts.fragment) not in _read(path).ids:
        return "the page has no such heading"
    return ""


@cache
def _target(path: str, folder: Path, site: Path) -> Path | None:
    """The file of the site that a path leads to; remembered, because every page has the links of the nav."""
    target = ((site if path.startswith("/") else folder) / unquote(path).lstrip("/")).resolve()
    if target.is_dir():
        target /= "index.html"
    return target if target.is_file() and target.is_relative_to(site.resolve()) else None
