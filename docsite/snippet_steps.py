"""Check YAML of a page that is part of a definition: no problem may be reported but those of the given codes.

What a page leaves out (``...``, ``# …``) and what stands elsewhere in the definition is what these codes are about.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path


def definition(text: str) -> str:
    """A definition with the text in it: steps, or some of its members."""
    version = 'Version: "2020-12-01"\n'
    text = text.replace("[...]", "[]").replace("{...}", "{}")
    if text.lstrip().startswith("- "):
        return f"{version}Steps:\n{textwrap.indent(text, '  ')}"
    return text if re.search(r"(?m)^Version:", text) else version + text


def main(allowed: list[str]) -> int:
    """Exit code 1 if `check` reports anything else."""
    path = Path("snippet.yaml")
    path.write_text(definition(sys.stdin.read()), encoding="utf-8")
    command = ["sagemaker-mlops", "check", "snippet.yaml", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    problems = json.loads(done.stdout)
    found = {problem["code"] for problem in problems}
    for problem in problems:
        if problem["code"] not in allowed:
            print(f"{problem['code']}: {problem['what']}")
    if unused := set(allowed) - found:
        print(f"Not reported: {', '.join(sorted(unused))}. Leave it out of the comment.")
    return 1 if unused or found - set(allowed) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
