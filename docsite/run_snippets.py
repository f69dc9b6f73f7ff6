"""Run the code blocks of the pages, each page in an empty folder with an embedded AWS of its own: ``make docs-check``.

:mod:`.snippets` says which blocks are run, and how.  ``python -m docsite.run_snippets docs/guides/gate.md`` runs one
page.  The commands of the tutorial, whose output is compared with the page, are run by :mod:`.tutorial`.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .shell import run_script
from .snippets import SHELL, Snippet, snippets
from .staging import ROOT, repository_pages

TUTORIAL = "docs/tutorial.md"
FIXTURES = Path(__file__).parent / "fixtures"
MARK = "=== block "
END = "END_OF_SNIPPET"
_PYTHON = f"{sys.executable} {Path(__file__).with_name('snippet_python.py')}"
_STEPS = f"{sys.executable} {Path(__file__).with_name('snippet_steps.py')}"
TIMEOUT_S = 900


def blocks_of(page: str) -> list[Snippet]:
    """The blocks of a page of the repository that have to be run or marked."""
    return list(snippets(page, (ROOT / page).read_text(encoding="utf-8")))


def script_of(blocks: Sequence[Snippet]) -> str:
    """A script for bash that runs the blocks of a page in their order."""
    above = ""
    parts = []
    for block in blocks:
        if not block.is_run:
            continue
        parts.append(f"echo '{MARK}{block.place}'")
        parts += [block.said["before"]] if "before" in block.said else []
        code = "\n".join([*([above] if "continued" in block.said else []), block.said.get("given", ""), block.text])
        parts += _running(block, code)
        above = code if block.language == "python" else above
        parts += [block.said["then"]] if "then" in block.said else []
    return "\n".join(parts)


def _running(block: Snippet, code: str) -> Iterator[str]:
    """The lines of the script for one block."""
    name = block.said.get("file") or block.said.get("test")
    if block.language in SHELL:
        yield from block.commands
    elif name:
        yield f"mkdir -p {shlex.quote(str(Path(name).parent))}"
        yield f"cat > {shlex.quote(name)} <<'{END}'\n{code}\n{END}"
        if "test" in block.said:
            yield f"{sys.executable} -m pytest -q -p no:cacheprovider {shlex.quote(name)}"
        elif block.language == "python":
            yield f"{_PYTHON} {shlex.quote(name)}"
    elif block.language == "python":
        yield f"cat > snippet.py <<'{END}'\n{code}\n{END}\n{_PYTHON} snippet.py"
    else:
        yield f"{_STEPS} {block.said['steps']} <<'{END}'\n{code}\n{END}"


def run(page: str, blocks: Sequence[Snippet]) -> str:
    """Run a page; what went wrong, or nothing."""
    with tempfile.TemporaryDirectory(prefix="snippets-") as folder:
        work = Path(folder) / "work"
        work.mkdir()
        more = {
            "HOME": folder,
            "ROOT": str(ROOT),
            "FIXTURES": str(FIXTURES),
            "AIRFLOW_HOME": f"{folder}/airflow",
            "AIRFLOW__CORE__DAGS_FOLDER": str(work),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "NO_COLOR": "1",
        }
        try:
            done = run_script(script_of(blocks), work, Path(folder) / "aws", more=more, timeout_s=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"{page} ran for more than {TIMEOUT_S} s."
    if not done.returncode:
        return ""
    place, _, printed = done.stdout.rpartition(MARK)[2].partition("\n")
    return f"{place} ended with exit code {done.returncode}:\n{printed[-3000:]}"


def main(pages: Sequence[str]) -> int:
    """Exit code 1 if a block fails."""
    counts = {"run": 0, "marked": 0}
    failed = []
    for page in pages or repository_pages():
        blocks = blocks_of(page)
        counts["run"] += sum(block.is_run for block in blocks)
        counts["marked"] += sum(not block.is_run for block in blocks)
        if page == TUTORIAL or not any(block.is_run for block in blocks):
            continue
        began = time.monotonic()
        wrong = run(page, blocks)
        print(f"{page}: {'failed' if wrong else 'ok'} in {time.monotonic() - began:.1f} s", flush=True)
        if wrong:
            failed.append(wrong)
            print(wrong, file=sys.stderr, flush=True)
    print(f"{counts['run']} blocks run, {counts['marked']} marked with a reason, {len(failed)} pages failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
