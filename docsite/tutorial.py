"""Run the commands of the tutorial in an empty folder, and compare what they print with the page: ``make docs-check``.

Installing and ``ui``, which serves until it is stopped, are left out.  Times, dates and ids may differ.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .shell import run_script
from .staging import ROOT

PAGE = ROOT / "docs" / "tutorial.md"
MARK = "=== block "
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LEFT_OUT = re.compile(r"^(python3 -m venv|\. \.venv|pip |uv |sagemaker-mlops ui)")
_VARIES = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)"), "DATE"),
    (re.compile(r"pipelines-[a-z0-9]+-(\w+)-[a-z0-9]+"), r"pipelines-ID-\1-ID"),
    (re.compile(r"\d+\.\d s\b"), "TIME"),
    (re.compile(r"\bby \w+ at\b"), "by WHO at"),
    (re.compile(r"^(\w+): \d+ files\."), r"\1: N files."),  # of the template
    (re.compile(r"[ -]+"), " "),
)


def blocks(page: str) -> Iterator[tuple[list[str], list[str]]]:
    """The commands of each shell block, with the lines that the page shows below it."""
    found = [(block[1], block[2].splitlines()) for block in _BLOCK.finditer(page)]
    for at, (language, lines) in enumerate(found):
        if language == "sh":
            below = found[at + 1][1] if at + 1 < len(found) and found[at + 1][0] == "text" else []
            yield [line for line in lines if not _LEFT_OUT.match(line)], [line for line in below if line.strip(". ")]


def plain(line: str) -> str:
    """A line of output without what differs from run to run."""
    for pattern, stable in _VARIES:
        line = pattern.sub(stable, line)
    return line.strip()


def main() -> int:
    """Exit code 1 if a command fails or a line of the page is missing in its output."""
    steps = list(blocks(PAGE.read_text(encoding="utf-8")))
    script = "\n".join(f"echo '{MARK}{at}'\n" + "\n".join(commands) for at, (commands, _) in enumerate(steps))
    with tempfile.TemporaryDirectory() as folder:
        done = run_script(script, Path(folder), Path(folder) / "aws")
    if done.returncode:
        print(done.stdout[-4000:], file=sys.stderr)
        return 1
    printed = [{plain(line) for line in part.splitlines()} for part in done.stdout.split(MARK)[1:]]
    missing = [
        line for (_, lines), seen in zip(steps, printed, strict=True) for line in lines if plain(line) not in seen
    ]
    print("\n".join(f"The tutorial shows a line that is not printed: {line}" for line in missing), file=sys.stderr)
    print(f"docs/tutorial.md: {sum(len(commands) for commands, _ in steps)} commands, {len(missing)} missing lines")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
