"""Pictures of the pages in Airflow's interface, on the records of the story that the tests of the pages use."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from make import Shot

HELPERS = Path(__file__).parents[2] / "tests" / "helpers"
PATIENCE_MS = 120_000


@contextmanager
def pages(_state: Path) -> Iterator[list[Shot]]:
    """An API server with the six days of the story, and what to take of it."""
    sys.path.insert(0, str(HELPERS))
    from pages_server import BASE, served

    with tempfile.TemporaryDirectory() as folder, served(Path(folder), only_story=True) as server:
        cookie = {"name": "_token", "value": server.token("admin"), "url": server.origin, "httpOnly": True}

        def shot(name: str, address: str, text: str, height: int = 950) -> Shot:
            return Shot(f"airflow-{name}", address, 1400, height, _when_it_shows(text), cookie)

        base = f"{server.origin}{BASE}"
        yield [
            shot("decision", server.tab("promoted"), "95 % interval"),
            shot("drift", server.tab("drifted"), "Drift"),
            shot("step", server.tab("promoted", "TrainModel"), "Request"),
            shot("pipeline", f"{base}/dags/late-flights/plugin/sagemaker-pipeline", "median"),
            shot("models", f"{base}/plugin/sagemaker-models?group=late-flights", "Champion"),
        ]


def _when_it_shows(text: str) -> Callable[[Any], None]:
    """Wait until the page has ``text`` and has drawn what came with it."""

    def wait(page: Any) -> None:
        page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)
        page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)

    return wait
