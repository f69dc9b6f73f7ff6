"""The snippets on the pages are valid in the language that they declare."""

from __future__ import annotations

import ast
import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from airflow_sagemaker_mlops.cli.app import app

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMAND = typer.main.get_command(app)
INLINE = re.compile(r"`(sagemaker-mlops [a-z][^`|…]*)`")
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


def _commands(text: str) -> Iterator[list[str]]:
    """The words behind ``sagemaker-mlops`` of every command in a block, up to the next ``|``, ``;``, ``>`` or ``)``."""
    text = re.sub(r"(?m)(^|\s)#.*$", r"\1", text.replace("\\\n", " "))
    text = re.sub(r'"\$\(([^"]*)\)"', r"(\1)", text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>()\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t", "", True
    words: list[str] | None = None
    for token in [*lexer, ";"]:
        if set(token) <= set("|&;<>()\n"):
            if words is not None:
                yield words
            words = None
        elif words is not None:
            words.append(token)
        elif token.split("/")[-1] == "sagemaker-mlops":
            words = []


def refused(words: list[str]) -> str:
    """Why the command line does not take the words, e.g. ``NoSuchOption: ...``, or nothing; runs no command."""
    # Typer has its own copy of click since 0.20, and its classes have no public names.
    command, parent, name = COMMAND, None, "sagemaker-mlops"
    try:
        while hasattr(command, "resolve_command"):
            parent = command.make_context(name, words, parent=parent)
            words = [*parent._protected_args, *parent.args]
            if not words:  # a group that does something itself
                return ""
            name, command, words = command.resolve_command(parent, words)
        command.make_context(name, words, parent=parent)
    except typer.Exit:  # of --version
        return ""
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return f"{type(error).__name__}: {error.format_message()}"
    return ""


@pytest.mark.parametrize("text", _blocks("sh", "bash"))
def test_commands_on_a_page_are_ones_that_the_command_line_takes(text: str) -> None:
    assert [(words, why) for words in _commands(text) if (why := refused(words))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_a_sentence_have_names_and_options_that_exist(page: Path) -> None:
    """They leave out what does not matter there, so arguments may be missing."""
    found = INLINE.findall(" ".join(page.read_text().split()))
    refusals = [(text, refused(shlex.split(text)[1:])) for text in found]
    assert [one for one in refusals if one[1].startswith("NoSuch") or "No such" in one[1]] == []


def test_the_parser_of_commands_finds_them_between_others_and_refuses_what_is_not_there() -> None:
    block = "X=1\neval $(sagemaker-mlops local env) # --no\n.venv/bin/sagemaker-mlops plan \\\n  a.yaml > b\n"
    assert list(_commands(block)) == [["local", "env"], ["plan", "a.yaml"]]
    assert list(_commands('eval "$(sagemaker-mlops local env)"\n')) == [["local", "env"]]
    assert refused(["plan", "a.yaml"]) == ""
    assert refused(["plan", "a.yaml", "--colour"]).startswith("NoSuchOption")
    assert refused(["local", "pause"]).startswith(("NoSuchCommand", "UsageError"))
    assert refused(["plan"]).startswith("MissingParameter")
