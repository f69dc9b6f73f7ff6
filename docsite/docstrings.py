"""Docstrings and help texts as Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from .staging import ROOT

_CODE = re.compile(r"``(.+?)``|:[a-z]+:`~?(?:[\w.]*\.)?(\w+)`|`([^`]+)`", re.DOTALL)
_SIGNS = re.compile(r"(?m)(?<!^)[*\[\]<>|]|^[\[\]<>|]|(?<!\w)_|_(?!\w)")
_FIELD = re.compile(r":(param|ivar|raises) ([^:]+):\s*(.*)")
_COLUMN = re.compile(r"()([a-z_]\w*)  +(\S.*)")  # a table of names, as modules have it that run in jobs, too


@dataclass(frozen=True, slots=True)
class Docstring:
    """A docstring in its parts; ``params`` and ``raises`` are pairs of a name and what is said about it."""

    text: str
    params: list[tuple[str, str]] = field(default_factory=list)
    raises: list[tuple[str, str]] = field(default_factory=list)


def parsed(text: str) -> Docstring:
    """The parts of a docstring without its indentation; text below the fields follows the text above."""
    found = Docstring("")
    kept: list[str] = []
    of_field: list[tuple[str, str]] | None = None
    for line in text.splitlines():
        if named := _FIELD.match(line) or _COLUMN.fullmatch(line):
            of_field = found.raises if named[1] == "raises" else found.params
            of_field.append((named[2], named[3]))
        elif of_field is not None and line.startswith("    "):
            name, said = of_field[-1]
            of_field[-1] = name, f"{said} {line.strip()}"
        else:
            of_field = None
            kept.append(line)
    return Docstring(re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip(), found.params, found.raises)


def markdown(text: str) -> str:
    """The text as Markdown, for a page in a folder of ``docs/``.

    Code and references become code, other special characters are escaped, and names of pages become links.
    """
    parts: list[str] = []
    end = 0
    for code in _CODE.finditer(text):
        inner = " ".join((code[1] or code[2] or code[3]).split())
        parts += [_plain(text[end : code.start()]), f"`{inner}`"]
        end = code.end()
    return "".join([*parts, _plain(text[end:])]).replace(".  ", ". ")


def _plain(text: str) -> str:
    escaped = _SIGNS.sub(lambda sign: f"\\{sign[0]}", text)
    return re.sub(r"\bdocs/([\w/-]+\.md)\b", lambda page: f"[{_title(page[0])}](../{page[1]})", escaped)


@cache
def _title(page: str) -> str:
    """The title of a page, without what follows a colon: "Stages: staging, production" is "Stages"."""
    heading = (ROOT / page).read_text(encoding="utf-8").partition("\n")[0]
    return heading.removeprefix("# ").partition(":")[0]
