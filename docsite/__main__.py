"""Build the documentation site from the repository's Markdown into ``build/site``: ``make docs``.

A page keeps its place in the repository: ``docs/guides/gate.md`` becomes ``docs/guides/gate.html``.  So the links that
work on a code host work on the site unchanged, also when it is opened from a disk.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from .code_pages import code_pages, linked_table
from .command_pages import command_pages
from .dead_links import faults
from .llms import write_llms
from .python_pages import python_pages
from .staging import ROOT, nav_pages, pointing_to, stage, write

HERE = Path(__file__).parent
# What pages of the repository say on the site only, because it leads to pages that are made for the site.
POINTERS = {
    "docs/command-line.md": "The reference has [every command with its options](command-line/commands.md).",
    "docs/python-api.md": "The reference has [every public name with its signature](python-api/package.md).",
}


def project() -> dict[str, Any]:
    """The configuration of the site, with its nav."""
    found: dict[str, Any] = tomllib.loads((HERE / "zensical.toml").read_text(encoding="utf-8"))["project"]
    return found


def reference_pages() -> dict[str, str]:
    """The pages of commands and of public names, which the repository does not have."""
    return dict([*command_pages(), *python_pages()])


def build(to: Path) -> list[str]:
    """Build into ``<to>/site``, and return a sentence about each fault of the site."""
    pages = to / "pages"
    for folder in (pages, to / "site", to / ".cache"):
        shutil.rmtree(folder, ignore_errors=True)
    settings = project()
    reference = reference_pages()
    stage([page for _, page in nav_pages(settings["nav"]) if page not in reference], pages)
    problems = pages / "docs" / "problems.md"
    write(problems, linked_table(problems.read_text(encoding="utf-8")))
    for page, sentence in POINTERS.items():
        write(pages / page, pointing_to((pages / page).read_text(encoding="utf-8"), sentence))
    for page, text in [*code_pages(), *reference.items()]:
        write(pages / page, text)
    shutil.copytree(HERE / "assets", pages / "assets")
    shutil.copyfile(HERE / "zensical.toml", to / "zensical.toml")
    command = [sys.executable, "-m", "zensical", "build", "--config-file", str(to / "zensical.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return [done.stdout + done.stderr]
    write_llms(settings, to / "site", reference)
    return list(faults(to / "site"))


def main() -> int:
    """Build into ``build/site``; the exit code is 1 if a link is dead or a page loads anything from elsewhere."""
    began = time.monotonic()
    found = build(ROOT / "build")
    print("\n".join(found), file=sys.stderr)
    pages = len(list((ROOT / "build" / "site").rglob("*.html")))
    print(f"build/site/index.html: {pages} pages in {time.monotonic() - began:.1f} s, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
