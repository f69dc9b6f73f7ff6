"""A page for each group of commands, as ``--help`` groups them: all that the real parser knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .docstrings import markdown

NAME = "sagemaker-mlops"
FOLDER = "docs/command-line"
_EXTRA = re.compile(r"\s*\[((?:env var|default|required|\w*[<>]).*)\]$")


def command_pages() -> Iterator[tuple[str, str]]:
    """First the page of the commands that are in no group: ``("docs/command-line/commands.md", text)``."""
    import typer

    from airflow_sagemaker_mlops.cli.app import app

    # Typer has its own copy of click since 0.20, and its classes have no public names.
    root: Any = typer.main.get_command(app)
    context = root.context_class(root, info_name=NAME)
    members = _members(root, context)
    groups = {name: member for name, member in members.items() if hasattr(member, "list_commands")}
    yield f"{FOLDER}/commands.md", "\n".join(_first_page(root, context, groups))
    for name, group in groups.items():
        within = group.context_class(group, info_name=name, parent=context)
        yield f"{FOLDER}/{name}.md", "\n".join(_group_page(group, within))


def _members(group: Any, context: Any) -> dict[str, Any]:
    return {name: group.get_command(context, name) for name in group.list_commands(context)}


def _first_page(root: Any, context: Any, groups: Mapping[str, Any]) -> Iterator[str]:
    yield "# Commands and options\n"
    yield "Every command with its arguments and options, as `--help` prints them. Definitions, output, interrupted runs"
    yield "and exit codes are explained on the page about [the command line](../command-line.md).\n"
    yield "| group | |\n|---|---|"
    yield from (f"| [`{NAME} {name}`]({name}.md) | {_cell(group.help)} |" for name, group in groups.items())
    yield ""
    yield from _parameters(root, context)
    for name, command in sorted(_members(root, context).items()):
        if name not in groups:
            yield from _command(command, command.context_class(command, info_name=name, parent=context))


def _group_page(group: Any, context: Any) -> Iterator[str]:
    yield f"# {context.command_path}\n"
    yield f"{markdown(group.help)} See also [all other commands](commands.md).\n"
    for name, command in _members(group, context).items():
        yield from _command(command, command.context_class(command, info_name=name, parent=context))


def _command(command: Any, context: Any) -> Iterator[str]:
    yield f"## {context.command_path}\n"
    yield f"{markdown(command.help)}\n"
    yield f"```text\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```\n"
    yield from _parameters(command, context)
    yield f"Example:\n\n```sh\n{command.epilog.removeprefix('Example: ')}\n```\n"


def _parameters(command: Any, context: Any) -> Iterator[str]:
    """The table of arguments and options, with the words of ``--help``."""
    records = filter(None, (param.get_help_record(context) for param in command.get_params(context)))
    rows = [f"| `{names}` | {_cell(text)} |" for names, text in records if "--help" not in names]
    if rows:
        yield "| argument, option | |\n|---|---|"
        yield from rows
        yield ""


def _cell(text: str) -> str:
    """A help text in one line, with what the parser adds in brackets as sentences."""
    extra = _EXTRA.search(text)
    words = " ".join(markdown(text[: extra.start()] if extra else text).split())
    if not extra:
        return words
    return " ".join([words, *map(_said, sorted(extra[1].split("; "), key=lambda item: not item.startswith("x")))])


def _said(item: str) -> str:
    """What the parser says in brackets, e.g. ``default: 0``, as a sentence."""
    kind, _, value = item.partition(": ")
    if kind.startswith("x>="):
        return f"At least {kind.removeprefix('x>=')}."
    said = {"required": "Required", "default": "Default", "env var": "Environment variable"}.get(kind, kind)
    return f"{said}: `{value}`." if value else f"{said}."
