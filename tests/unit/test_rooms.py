"""The structure of the repository: which rooms import which, and where tests are."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from importlinter.cli import lint_imports

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
PACKAGE = PROJECT.parent / "airflow_sagemaker_mlops"


def test_rooms_import_only_rooms_below_them_and_nothing_in_a_circle() -> None:
    assert lint_imports(config_filename=str(PROJECT), no_cache=True) == 0  # prints what is wrong


def test_the_picture_of_the_rooms_has_the_floors_that_imports_are_checked_against() -> None:
    contracts = tomllib.loads(PROJECT.read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["id"] == "rooms"]
    floors = [[name for name in layer.split(" | ") if (PACKAGE / name).is_dir()] for layer in layers]
    picture = ElementTree.parse(PROJECT.parent / "docs" / "images" / "rooms.svg")
    svg = "{http://www.w3.org/2000/svg}"
    drawn = [[text.text for text in floor.iter(f"{svg}text")] for floor in picture.iter(f"{svg}g")]
    assert drawn == [floor for floor in floors if floor]


def test_a_test_files_name_is_used_once_in_all_folders() -> None:
    """pytest imports them by their names alone."""
    names = Counter(file.name for file in (PROJECT.parent / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_every_folder_of_unit_tests_is_named_after_what_it_tests() -> None:
    """A folder of the package, or one beside it (``docs``, ``chaos``)."""
    folders = {path.name for path in (PROJECT.parent / "tests" / "unit").iterdir() if any(path.glob("test_*.py"))}
    assert [name for name in folders if not any((root / name).is_dir() for root in (PACKAGE, PROJECT.parent))] == []


def test_only_the_terminal_prints() -> None:
    """Except ``cli/__init__``, which runs where the terminal's libraries are missing, and the SDK's child process."""
    own = {"__init__.py", "compile_child.py"}
    rooms = PACKAGE / "cli"
    printing = {
        str(file.relative_to(rooms))
        for file in rooms.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "typer.echo", "sys.stdout.write")
    }
    assert printing <= {*own, "output/terminal.py"}
