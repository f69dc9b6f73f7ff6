"""The code blocks of a page, and what the comments before them say about running them.

GitHub and the site show none of these comments::

    <!-- not run: why it cannot be run here -->
    <!-- file: rules.yaml -->       the block is written to that file; a Python file is run, too
    <!-- test: tests/test_x.py -->  the block is written to that file, and pytest runs it
    <!-- steps: SM205 -->           the block is part of a definition, or steps of one: `check` reports these codes only
    <!-- continued -->              the names of the Python block above are known
    <!-- before: cp a b -->         shell commands that run before the block
    <!-- then: ls -->               shell commands that run after it
    <!-- given: import x -->        Python that stands before the block
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

SHELL = ("sh", "bash", "console")
LANGUAGES = (*SHELL, "python", "yaml")
KINDS = ("not run", "file", "test", "steps", "continued", "before", "then", "given")
_COMMENT = rf"<!-- (?:{'|'.join(KINDS)})\b.*?-->"
_COMMENTS = re.compile(rf"^ *{_COMMENT}\n\n?", re.MULTILINE | re.DOTALL)
_SAID = re.compile(rf"<!-- ({'|'.join(KINDS)})\b:?(.*?)-->", re.DOTALL)
_BLOCK = re.compile(
    rf"(?P<said>(?:^ *{_COMMENT}\n\n?)*)"
    r"^(?P<indent> *)(?P<fence>```+)(?P<language>\w+)[^\n`]*\n(?P<text>.*?)^(?P=indent)(?P=fence)",
    re.MULTILINE | re.DOTALL,
)
# Installing, and what serves until it is stopped.
_LEFT_OUT = re.compile(r"(python3 -m venv|\. \.venv|pip |uv |sagemaker-mlops ui)")


@dataclass(frozen=True)
class Snippet:
    """A block of a page; ``line`` is that of its fence, ``said`` has the comments by their kind."""

    page: str
    line: int
    language: str
    text: str
    said: dict[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block that are run."""
        lines = self.text.splitlines()
        if self.language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        return [line for line in lines if not _LEFT_OUT.match(line)]

    @property
    def is_run(self) -> bool:
        """Whether the runner does something with the block."""
        if "not run" in self.said:
            return False
        if self.language in SHELL:
            return any(line.strip() and not line.startswith("#") for line in self.commands)
        return self.language == "python" or bool({"file", "steps"} & set(self.said))

    @property
    def place(self) -> str:
        """Where it stands: ``docs/guides/gate.md:21``."""
        return f"{self.page}:{self.line}"


def snippets(page: str, text: str) -> Iterator[Snippet]:
    """The blocks of a page in :data:`LANGUAGES`, in their order."""
    for block in _BLOCK.finditer(text):
        if block["language"] in LANGUAGES:
            said = {kind: textwrap.dedent(words).strip() for kind, words in _SAID.findall(block["said"])}
            line = text.count("\n", 0, block.start("fence")) + 1
            yield Snippet(page, line, block["language"], textwrap.dedent(block["text"]), said)


def without_comments(text: str) -> str:
    """A page without what it says about running its blocks."""
    return _COMMENTS.sub("", text)
