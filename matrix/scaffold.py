"""Every combination of answers of ``new``: rendered and linted; those that differ in what runs are also tested and run.

``make scaffold-matrix`` (about an hour on two idle cores).  ``PART=lint`` renders and lints all and runs none;
``PART=run`` runs only.  ``MOST=5`` ends after five runs.  Runs mostly wait for jobs, so two are under way at a time.
What ran well is noted in ``build/scaffold-ran.txt``; ``RESUME=1`` leaves that out, so a matrix can be run in parts.
Writes the output of a failure to ``build/scaffold/``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))
from answer_sets import Pair, all_sets, named, pairs  # noqa: E402
from cloudformation import linted  # noqa: E402

from airflow_sagemaker_mlops.scaffold import Existing, make_project  # noqa: E402
from airflow_sagemaker_mlops.scaffold.questions import Value  # noqa: E402

OWN = Existing((ROOT / "tests" / "pipelines" / "valid" / "train-evaluate-register.json").read_text(), ".json", "own")
OUT = ROOT / "build" / "scaffold"
RAN = ROOT / "build" / "scaffold-ran.txt"
NOT_RUN = ("ci", "target", "licence", "region")  # what makes no difference to a run
AT_A_TIME = 2
Answers = dict[str, Value]


def main() -> int:
    """The exit code: 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("all", "lint", "run"), default="all")
    parser.add_argument("--most", type=int, default=1000, help="the most runs")
    parser.add_argument("--resume", action="store_true", help=f"leave out what {RAN.name} says ran well")
    options = parser.parse_args()
    shutil.rmtree(OUT, ignore_errors=True)
    bad: list[str] = []
    if options.part != "run":
        checked: set[str] = set()
        sets = list(all_sets())
        bad += [name for name in (_linted(answers, checked) for answers in sets) if name]
        print(f"{len(sets)} combinations were rendered and linted; {len(bad)} failed")
    if options.part != "lint":
        bad += _all_runs(options.most, resume=options.resume)
    return 1 if bad else 0


def _linted(answers: Answers, checked: set[str]) -> str:
    """The name of the combination if it is not clean."""
    folder = _made(answers)
    failures = _lint(folder, checked)
    shutil.rmtree(folder)
    if failures:
        print(f"failed {folder.name}", *failures, flush=True)
    return folder.name if failures else ""


def _all_runs(most: int, *, resume: bool) -> list[str]:
    """The names of the combinations that failed."""
    kinds = {_difference(answers): answers for answers in all_sets()}
    done = set(RAN.read_text(encoding="utf-8").split()) if resume and RAN.exists() else set()
    RAN.parent.mkdir(parents=True, exist_ok=True)
    RAN.write_text("".join(f"{name}\n" for name in sorted(done)), encoding="utf-8")
    left = {name: answers for name, answers in kinds.items() if name not in done}
    bad = []
    names = _most_different_first(left, {name: kinds[name] for name in done & set(kinds)})[:most]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for name, failures in zip(names, pool.map(lambda name: _ran(name, left[name]), names), strict=True):
            if failures:
                bad.append(name)
                continue
            with RAN.open("a", encoding="utf-8") as noted:
                noted.write(f"{name}\n")
    remaining = len(kinds) - len(RAN.read_text(encoding="utf-8").split()) - len(bad)
    print(f"{len(kinds)} combinations differ in what runs; {len(bad)} failed, {remaining} were not run")
    return bad


def _ran(name: str, answers: Answers) -> list[str]:
    """Why the combination failed; its folder stays only then."""
    started = time.monotonic()
    folder = _made(answers)
    failures = _run(folder, answers)
    print(f"{'failed' if failures else 'ran':7}{name} {time.monotonic() - started:.0f} s", *failures, flush=True)
    if not failures:
        shutil.rmtree(folder)
    return failures


def _difference(answers: Answers) -> str:
    return named((key, value) for key, value in answers.items() if key not in NOT_RUN).replace("pull", "file")


def _most_different_first(left: dict[str, Answers], done: dict[str, Answers]) -> list[str]:
    """An order in which a part of the runs covers as many pairs of answers as it can."""
    seen: set[Pair] = {pair for answers in done.values() for pair in _pairs(answers)}
    ordered: list[str] = []
    waiting = dict(left)
    while waiting:
        name = max(waiting, key=lambda one: len(_pairs(waiting[one]) - seen))
        seen |= _pairs(waiting.pop(name))
        ordered.append(name)
    return ordered


def _pairs(answers: Answers) -> set[Pair]:
    return {pair for pair in pairs(answers) if not {name for name, _ in pair} & set(NOT_RUN)}


def _made(answers: Answers) -> Path:
    folder = OUT / named(answers.items())
    make_project(folder, answers, OWN if answers["source"] in ("file", "pull") else None)
    return folder


def _lint(folder: Path, checked: set[str]) -> list[str]:
    found = []
    for file in sorted((folder / "infra").glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        if text not in checked:
            checked.add(text)
            found += [f"{file.name}: {one}" for one in linted(text)]
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ruff")), *words, "--no-cache", "--quiet", str(folder)],
            capture_output=True,
            check=False,
        )
        found += [f"ruff {words[0]}"] if done.returncode else []
    return found


def _run(folder: Path, answers: Answers) -> list[str]:
    targets = ["check", "test"] if answers["source"] in ("file", "pull") else ["check", "test", "test-dags", "run"]
    for target in targets:
        words = ["make", target, f"VENV={Path(sys.executable).parents[1]}"]
        done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        log = folder / f"{target}.log"
        log.write_bytes(done.stdout)
        if done.returncode or b"Nothing to be done" in done.stdout:
            return [f"make {target}: see {log}"]
    return []


if __name__ == "__main__":
    sys.exit(main())
