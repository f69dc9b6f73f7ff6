"""Make the pictures of the documentation from real runs of the story, in light and dark: ``make pictures``.

The story (``dags/late_flights/demo.py``) runs first unless its records are in ``build/demo``.  A set of pictures is a
module beside this one with a context manager ``pages``, which serves its pages while their pictures are taken.  To make
only some sets: ``python docs/pictures/make.py reports``.
"""

from __future__ import annotations

import importlib
import io
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
IMAGES = ROOT / "docs" / "images"
DEMO = ROOT / "build" / "demo"
STATE = DEMO / "aws"  # of the embedded AWS, with the records
CHROMIUM = "/usr/bin/chromium"
SETS = ("reports", "airflow")
COLOURS = 256  # of a picture: few bytes to clone, and enough to tell the colours of verdicts apart


@dataclass(frozen=True)
class Shot:
    """One page to take a picture of: ``docs/images/<name>-light.png`` and ``-dark.png``.

    address   of the page, ``file:`` or ``http:``
    height    of the picture; ``None`` for the whole page
    before    what to do in the page first, such as waiting for data
    cookie    the session of a logged-in user, as Playwright takes cookies
    """

    name: str
    address: str
    width: int = 1000
    height: int | None = None
    before: Callable[[Any], None] | None = None
    cookie: Mapping[str, Any] | None = None


def main(wanted: list[str]) -> int:
    """Make the sets ``wanted``, or all."""
    unknown = [name for name in wanted if name not in SETS]
    if unknown:
        print(f"There is no set {', '.join(unknown)}; there are {', '.join(SETS)}.", file=sys.stderr)
        return 2
    if not (DEMO / "2013-03-01.json").exists():
        subprocess.run([sys.executable, str(ROOT / "dags" / "late_flights" / "demo.py")], check=True)
    IMAGES.mkdir(exist_ok=True)
    sys.path.insert(0, str(HERE))
    for name in wanted or SETS:
        with importlib.import_module(f"{name}_pictures").pages(STATE) as shots:
            take(shots)
    return 0


def take(shots: list[Shot]) -> None:
    """Take every picture in light and dark."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for shot in shots:
            for scheme in ("light", "dark"):
                size = {"width": shot.width, "height": shot.height or 900}
                context = browser.new_context(viewport=size, color_scheme=scheme)
                if shot.cookie is not None:
                    context.add_cookies([dict(shot.cookie)])
                page = context.new_page()
                page.goto(shot.address)
                if shot.before is not None:
                    shot.before(page)
                file = IMAGES / f"{shot.name}-{scheme}.png"
                file.write_bytes(smaller(page.screenshot(full_page=shot.height is None)))
                print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1000:.0f} kB")
                context.close()
        browser.close()


def smaller(png: bytes) -> bytes:
    """The picture with a palette, if Pillow is installed."""
    with suppress(ImportError):
        from PIL import Image

        out = io.BytesIO()
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        # The most frequent colours as they are: Pillow's own palettes merge those of small marks, or tint the ground.
        found = sorted(picture.getcolors(picture.width * picture.height) or [], reverse=True)
        palette = Image.new("P", (1, 1))
        palette.putpalette([part for _, colour in found[:COLOURS] for part in colour])
        picture.quantize(palette=palette, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        return min(out.getvalue(), png, key=len)
    return png


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
