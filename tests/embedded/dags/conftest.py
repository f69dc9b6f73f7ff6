"""The examples are folders of scripts: the modules of two of them have the same names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DAGS = Path(__file__).parents[3] / "dags"


@pytest.fixture(autouse=True)
def _modules_of_one_example() -> Iterator[None]:
    yield
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and DAGS in Path(file).parents:
            del sys.modules[name]
