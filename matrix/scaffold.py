"""Every combination of answers of ``new``: rendered and linted; those that differ in what runs are also tested and run.

``make scaffold-matrix`` (about an hour on two cores); ``make scaffold-matrix PART=lint`` renders and lints all and runs
none.  Writes the output of a failure to ``build/scaffold/``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))
from answer_sets import all_sets, named  # noqa: E402
from cfnlint.api import ManualArgs, lint_file  # noqa: E402

from airflow_sagemaker_mlops.scaffold import Existing, make_project  # noqa: E402
from airflow_sagemaker_mlops.scaffold.questions import Value  # noqa: E402

OWN = Existing((ROOT / "tests" / "pipelines" / "valid" / "train-evaluate-register.json").read_text(), ".json", "own")
OUT = ROOT / "build" / "scaffold"
NOT_RUN = ("ci", "target", "licence", "region")  # what makes no difference to a run


def main() -> int:
    """The exit code: 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("all", "lint"), default="all")
    part = parser.parse_args().part
    shutil.rmtree(OUT, ignore_errors=True)
    bad: list[str] = []
    rendered = 0
    linted: set[str] = set()
    ran: set[str] = set()
    for answers in all_sets():
        name = named(answers.items())
        rendered += 1
        folder = OUT / name
        own = answers["source"] in ("file", "pull")
        make_project(folder, answers, OWN if own else None)
        failures = _lint(folder, linted)
        difference = named((key, value) for key, value in answers.items() if key not in NOT_RUN).replace("pull", "file")
        if part == "all" and difference not in ran:
            ran.add(difference)
            failures += _run(folder, answers)
        print(f"{'failed' if failures else 'ok':7}{name}", *failures, flush=True)
        if failures:
            bad.append(name)
        else:
            shutil.rmtree(folder)
    print(f"{rendered} combinations were rendered and linted, {len(ran)} of them run; {len(bad)} failed")
    return 1 if bad else 0


def _lint(folder: Path, linted: set[str]) -> list[str]:
    found = []
    for file in sorted((folder / "infra").glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        if text not in linted:
            linted.add(text)
            found += [f"{file.name}: {one}" for one in lint_file(file, ManualArgs(regions=["us-east-1"]))]
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ruff")), *words, "--no-cache", "--quiet", str(folder)],
            capture_output=True,
            check=False,
        )
        found += [f"ruff {words[0]}"] if done.returncode else []
    return found


def _run(folder: Path, answers: dict[str, Value]) -> list[str]:
    targets = ["check", "test"] if answers["source"] in ("file", "pull") else ["check", "test", "test-dags", "run"]
    for target in targets:
        with (folder / f"{target}.log").open("wb") as log:
            words = ["make", target, f"VENV={Path(sys.executable).parents[1]}"]
            if subprocess.run(words, cwd=folder, env=os.environ, stdout=log, stderr=log, check=False).returncode:
                return [f"make {target}: see {log.name}"]
    return []


if __name__ == "__main__":
    sys.exit(main())
