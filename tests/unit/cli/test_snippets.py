"""The snippets on the pages for people can be read as what they say they are."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```", re.DOTALL | re.MULTILINE)


class _AnyTag(yaml.SafeLoader):
    """Reads ``!Get`` and the like as their plain values."""


def _plain(loader: yaml.Loader, suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


_AnyTag.add_multi_constructor("!", _plain)


def _blocks(*languages: str) -> list[object]:
    """A parameter for each block, named by its page and line."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for block in BLOCK.finditer(text):
            if block[2] in languages:
                place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, block.start()) + 1}"
                found.append(pytest.param(textwrap.dedent(block[3]), id=place))
    return found


def _items(value: object) -> Iterator[dict[str, object]]:
    """Every mapping that is an item of a list."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _items(part)
    elif isinstance(value, list):
        for part in value:
            if isinstance(part, dict):
                yield part
            yield from _items(part)


@pytest.mark.parametrize("text", _blocks("yaml"))
def test_yaml_on_a_page_is_yaml_and_everything_with_a_name_has_a_type(text: str) -> None:
    for document in yaml.load_all(text, _AnyTag):
        assert [item for item in _items(document) if "Name" in item and "Type" not in item] == []


@pytest.mark.parametrize("text", _blocks("json"))
def test_json_on_a_page_is_json(text: str) -> None:
    """A block may have several values."""
    rest = text.strip()
    while rest:
        _, end = json.JSONDecoder().raw_decode(rest)
        rest = rest[end:].lstrip()


@pytest.mark.parametrize("text", _blocks("python"))
def test_python_on_a_page_is_python(text: str) -> None:
    ast.parse(text.replace(", ...}", "}"))  # members left out
