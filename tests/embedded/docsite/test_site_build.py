"""The documentation site as Zensical builds it from this checkout."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from docsite.__main__ import build

if find_spec("zensical") is None:
    pytest.skip("Zensical is not installed (the extra `docs`), so the site is not built.", allow_module_level=True)


def test_the_site_has_no_dead_link_and_loads_nothing_from_another_host(tmp_path: Path) -> None:
    assert build(tmp_path) == []
    site = tmp_path / "site"
    assert "only if it" in (site / "index.html").read_text()
    assert 'id="sm101"' in (site / "docs" / "problems.html").read_text()
    assert "[SM205]" in (site / "docs" / "problems" / "sm205.html").read_text()
    assert "(docs/index.md): " in (site / "llms.txt").read_text()
    assert "# The champion gate" in (site / "llms-full.txt").read_text()
