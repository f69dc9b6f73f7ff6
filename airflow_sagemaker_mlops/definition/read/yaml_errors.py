"""Explains what a YAML parser could not read: libyaml names its own state, and not the character or the way out."""

from __future__ import annotations

import yaml

from ..problems import Problem

_RESERVED = "@`%"
_NO_VALUE_HERE = "mapping values are not allowed in this context"


def not_yaml(error: yaml.YAMLError, text: str) -> Problem:
    """The problem (SM101) of a ``text`` that is not YAML, with line and column if the parser gives a place."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return Problem("SM101", "$", f"this is not YAML: {' '.join(str(error).split())}.")
    mark = error.problem_mark or error.context_mark
    said = str(error.problem or error.context)
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    what, fix = _explained(said, _character(text, line, column))
    return Problem("SM101", "$", f"this is not YAML: {what}.", fix, line=line, column=column)


def _character(text: str, line: int | None, column: int | None) -> str:
    """The character at a place; empty at the end of a line."""
    lines = text.split("\n", line) if line is not None else []
    if line is None or column is None or line > len(lines):
        return ""
    return lines[line - 1][column - 1 : column]


def _explained(said: str, character: str) -> tuple[str, str]:
    """(what is wrong, the fix) for the words of the parser."""
    if "\t" in (character, *said) or "tab character" in said:
        return "a tab indents this line", "Indent it with spaces, as the lines around it: YAML allows no tabs there."
    if character and character in _RESERVED and "cannot start" in said:
        return f'a value cannot begin with "{character}"', "Put the value into quotation marks."
    if said == _NO_VALUE_HERE:
        fix = "Write one key to a line, and put a value that contains a colon and a space into quotation marks."
        return "a second colon follows here, or the line is indented too far", fix
    return said, ""
