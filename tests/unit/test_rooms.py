"""Which rooms of the package may import which."""

from __future__ import annotations

from pathlib import Path

from importlinter.cli import lint_imports

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_rooms_import_only_rooms_below_them_and_nothing_in_a_circle() -> None:
    assert lint_imports(config_filename=str(PROJECT), no_cache=True) == 0  # prints what is wrong
