"""Random pipelines on Airflow itself: its trigger rules, skips and status agree with the language.

A run takes seconds, so a few pipelines are chosen of many: those that together show most of what can happen to a step.
``PIPELINES=500 pytest tests/agreement/test_on_airflow.py`` tries more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from agreement.language_model import Drawn, by_name, document, ends, pipelines, status, stubs
from airflow_sagemaker_mlops.local_aws import LocalAws

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(3600)]  # many runs, in their own time
COUNT = int(os.environ.get("PIPELINES", "16"))
DRAWN = max(400, 10 * COUNT)
CODE = """
import json, os, pathlib
from airflow_sagemaker_mlops import SageMakerPipelineDag

folders = sorted(pathlib.Path(__file__).parent.glob("p*"))
dags = {folder.name: SageMakerPipelineDag(folder.name, definition=str(folder / "pipeline.json")) for folder in folders}
globals().update(dags)
if __name__ == "__main__":
    for folder in folders:
        os.environ["AIRFLOW__SAGEMAKER_MLOPS__STUBS"] = str(folder / "stubs.json")
        run = dags[folder.name].test()
        instances = run.get_task_instances()
        status = [ti.xcom_pull(task_ids="pipeline.status") for ti in instances if ti.task_id == "pipeline.status"]
        states = {ti.task_id: ti.state for ti in instances}
        left = {ti.task_id: ti.xcom_pull(task_ids=ti.task_id) for ti in instances if ti.state == "failed"}
        seen = {"state": run.state, "states": states, "status": status[0], "left": left}
        (folder / "seen.json").write_text(json.dumps(seen, default=str))
"""
ENDS = {"success": "Succeeded", "failed": "Failed"}


def draw() -> list[list[Drawn]]:
    drawn: list[list[Drawn]] = []

    @given(pipelines())
    @settings(
        max_examples=DRAWN,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def keep(steps: list[Drawn]) -> None:
        drawn.append(steps)

    keep()
    return drawn


def situations(steps: list[Drawn]) -> set[str]:
    """What the scheduler meets in a pipeline: how each step ends, where it stands, and what it waits for."""
    table, known = by_name(steps), ends(steps)
    found = {status(steps, known)}
    for step in steps:
        outer = table.get(step.parent)
        where = (
            f"in a branch of one that ended {known[outer.name]}, {outer.outcome == step.branch}" if outer else "outside"
        )
        found.add(f"{step.kind} {known[step.name]} {where}")
        waits = sorted(f"{trigger} of {known[name]} {table[name].kind}" for name, trigger in step.depends)
        waits += sorted(f"reads {known[name]} {table[name].kind}" for name in step.reads)
        found.update(f"{one} and {other}" for one in waits for other in waits if one <= other)
        found.update(f"{step.kind} behind {one} {where}" for one in waits)
    return found


def choose(drawn: list[list[Drawn]]) -> list[list[Drawn]]:
    """``COUNT`` pipelines, each the one that adds most situations to those before."""
    left = [(steps, situations(steps)) for steps in drawn]
    chosen: list[list[Drawn]] = []
    covered: set[str] = set()
    for _ in range(COUNT):
        best = max(range(len(left)), key=lambda index: len(left[index][1] - covered))
        steps, new = left.pop(best)
        covered |= new
        chosen.append(steps)
    return chosen


@pytest.mark.usefixtures("airflow_db")
def test_airflow_ends_random_pipelines_as_the_language_says(aws: LocalAws, tmp_path: Path) -> None:
    drawn = choose(draw())
    for index, steps in enumerate(drawn):
        folder = tmp_path / f"p{index:03}"
        folder.mkdir()
        (folder / "pipeline.json").write_text(json.dumps(document(steps)))
        (folder / "stubs.json").write_text(json.dumps(stubs(steps)))
    (tmp_path / "drawn.py").write_text(CODE)
    environment = {
        **os.environ,
        "AIRFLOW_CONN_AWS_DEFAULT": aws.connection_json(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    done = subprocess.run(
        [sys.executable, "drawn.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for index, steps in enumerate(drawn):
        seen = json.loads((tmp_path / f"p{index:03}" / "seen.json").read_text())
        known = ends(steps)
        found = {}
        for name in known:
            end = ENDS.get(str(seen["states"][name]), "NotRun")
            stopped = (seen["left"].get(name) or {}).get("Status") == "Stopped"
            found[name] = "Stopped" if end == "Failed" and stopped else end
        assert found == known, (index, seen["states"])
        wanted = status(steps, known)
        assert seen["status"]["Status"] == wanted, (index, seen)
        assert seen["state"] == ("failed" if wanted == "Failed" else "success")
