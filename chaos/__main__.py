"""``python -m chaos --runs 200 --kills 100 --seed 1``: exit code 0 when nothing was found, 1 otherwise.

``--story deployment`` runs deployments of models instead of jobs.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from .deployments.drill import DeploymentDrill
from .deployments.lanes import make_story
from .drill import Drill, Progress
from .machine import Missing, busy_loops, install_services
from .plan import OUTAGES, Outage, make_plan
from .screen import Screen, lines_of, table

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "build" / "chaos"
TARGET = ROOT / "build" / "chaos.json"


def main(words: Sequence[str] | None = None) -> int:
    """Exit code."""
    given = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    try:
        install_services()
    except Missing as error:
        print(error, file=sys.stderr)
        return 2
    HOME.parent.mkdir(exist_ok=True)
    alone = (HOME.parent / "chaos.lock").open("w")
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("Another drill of this checkout goes on; it has to end first.", file=sys.stderr)
        return 2
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    begun = time.monotonic()
    log = (HOME / "drill.log").open("a", buffering=1)
    progress = Progress(lambda text: void(log.write(f"{time.strftime('%H:%M:%S')} {text}\n")))
    tell = _jobs if given.story == "jobs" else _deployments
    figures, counts, lines = tell(given, console, progress)
    figures["seconds"] = round(time.monotonic() - begun)
    TARGET.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(table(figures, counts))
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    return 1 if any(counts.values()) else 0


Told = tuple[dict[str, Any], dict[str, int], list[str]]  # figures, counts that have to be 0, a line for each violation


def _jobs(given: argparse.Namespace, console: Console, progress: Progress) -> Told:
    plan = make_plan(given.seed, given.runs, given.kills)
    outage = Outage(OUTAGES[given.outage_of], given.outage_s)
    drill = Drill(plan, HOME, given.parallel, given.patience + given.outage_s, progress, outage)
    again = f"RUNS={given.runs} KILLS={given.kills} SEED={given.seed}"
    if outage.seconds:
        again += f" OUTAGE_S={given.outage_s:g} OUTAGE_OF={given.outage_of}"
    if given.busy:
        again += f" BUSY={given.busy}"
    _begin(console, given.seed, again)
    with busy_loops(given.busy), Screen(console, progress, runs=len(plan.runs), kills=len(plan.kills)):
        drill.run()
    return _figures(drill), drill.findings.counts(), list(lines_of(drill.findings))


def _deployments(given: argparse.Namespace, console: Console, progress: Progress) -> Told:
    story = make_story(given.seed, given.kills, given.lanes)
    drill = DeploymentDrill(story, HOME, given.patience, progress)
    _begin(console, given.seed, f"STORY=deployment KILLS={given.kills} SEED={given.seed}")
    with busy_loops(given.busy), Screen(console, progress, runs=len(story.runs), kills=story.kills):
        drill.run()
    figures = {
        "runs": len(story.runs),
        "kills": progress.killed,
        "restarts": drill.restarts,
        "faults": sum(drill.faults.values()),
        "asked": drill.asked,
        **drill.findings.counts(),
        "seed": story.seed,
        "points": drill.points,
        "details": asdict(drill.findings),
    }
    lines = [f"{kind}: {said}" for kind in drill.findings.counts() for said in getattr(drill.findings, kind)]
    return figures, drill.findings.counts(), lines


def _begin(console: Console, seed: int, words: str) -> None:
    console.print(f"Seed {seed}; the same plan again: make chaos {words}", highlight=False)
    console.print("Logs, one a process: build/chaos/", style="dim")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--story", choices=("jobs", "deployment"), default="jobs")
    parser.add_argument("--runs", type=int, default=200, help="of the story jobs")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--lanes", type=int, default=3, help="deployments that go on beside each other")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=10, help="runs at a time")
    parser.add_argument("--patience", type=float, default=900, help="seconds for the last runs to end")
    parser.add_argument("--outage-s", type=float, default=0, help="seconds for which --outage-of is away, half way")
    parser.add_argument("--outage-of", choices=sorted(OUTAGES), default="api-server")
    parser.add_argument("--busy", type=int, default=0, help="busy loops beside the drill")
    return parser


def void(_value: object) -> None:
    """Nothing."""


def _figures(drill: Drill) -> dict[str, Any]:
    return {
        "runs": len(drill.plan.runs),
        "kills": drill.progress.killed,
        "outage_s": round(drill.outage_lasted_s),
        "faults": sum(drill.faults.values()),
        "user_actions": drill.user_actions,
        **drill.findings.counts(),
        "seed": drill.plan.seed,
        "jobs": drill.jobs,
        "restarts": drill.restarts,
        "faults_by_kind": drill.faults,
        "details": asdict(drill.findings),
    }


if __name__ == "__main__":
    sys.exit(main())
