"""Open pages of the built site in Chromium, narrow and wide, light and dark: ``make docs-check``.

A page fails on a serious fault that axe-core finds, on a body that is wider than the window, on a picture that is not
shown, on a request to another host, and on an error in its scripts.  Pictures of all pages go to ``build/docs-check``.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "site"
PICTURES = ROOT / "build" / "docs-check"
CHROMIUM = "/usr/bin/chromium"
PAGES = (
    "index.html",
    "docs/index.html",
    "docs/tutorial.html",
    "docs/comparison.html",
    "docs/guides/gate.html",
    "docs/airflow-ui.html",
    "docs/problems.html",
    "docs/command-line/commands.html",
    "docs/python-api/package.html",
    "docs/python-api/operators.html",
    "docs/problems/sm122.html",
    "docs/language/steps/champion-gate.html",
    "CHANGELOG.html",
)
WIDTHS = {360: 740, 1280: 900}  # of the window, with its height


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Print nothing for each request."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The address of ``site``, served on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def look(page: Page, address: str, name: str) -> Iterator[str]:
    """Open one page, and yield a sentence about each fault."""
    messages: list[str] = []
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((address, "data:", "blob:"))
            else messages.append(f"a request to {request.url}")
        ),
    )
    page.on("pageerror", lambda error: messages.append(f"an error in a script: {error}"))
    page.on(
        "response",
        lambda response: messages.append(f"{response.status} for {response.url}") if response.status >= 400 else None,
    )
    page.goto(f"{address}/{name}", wait_until="networkidle")
    yield from messages
    width, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    if width > window:
        yield f"the body is {width} pixels wide, and the window {window}"
    for picture in page.evaluate(
        "[...document.images].filter(one => one.complete && !one.naturalWidth).map(one => one.src)"
    ):
        yield f"{picture} is not shown"
    for fault in Axe().run(page).response["violations"]:
        if fault["impact"] in ("serious", "critical"):
            places = ", ".join(str(node["target"][0]) for node in fault["nodes"][:3])
            yield f"{fault['id']} ({fault['impact']}): {fault['help']}, at {places}"


def main(pages: Sequence[str] = PAGES) -> int:
    """Look at ``pages``; exit code 1 if one has a fault."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    found = []
    with served(SITE) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for width, height in WIDTHS.items():
                context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
                for name in pages:
                    page = context.new_page()
                    found += [f"{name}, {scheme}, {width} pixels: {fault}" for fault in look(page, address, name)]
                    page.screenshot(path=str(PICTURES / f"{name.replace('/', '-')[:-5]}-{scheme}-{width}.png"))
                    page.close()
                context.close()
        browser.close()
    print("\n".join(found), file=sys.stderr)
    print(f"{len(pages)} pages in light and dark, at {' and '.join(map(str, WIDTHS))} pixels: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or PAGES))
