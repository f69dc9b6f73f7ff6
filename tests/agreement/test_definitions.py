"""The definitions of ``tests/pipelines/valid``: whatever their steps end with, both readings agree on what runs.

``tests/embedded/execution/test_whole_pipelines.py`` runs them to their end with stubs, and real ones where those are.
"""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.execution.stubs.generate import made_up
from airflow_sagemaker_mlops.plan import make_plan

from .language_model import Drawn, ends, status

VALID = sorted((Path(__file__).parents[1] / "pipelines" / "valid").glob("*.json"))
BRANCHES, BODY = ("IfSteps", "ElseSteps"), "ForEachBody"
TIMES = 24
VALUES = {"String": "text", "Integer": 1, "Float": 1.0, "Boolean": True}


def read(steps: Any, chance: random.Random, parent: str = "", branch: bool = True) -> list[Drawn]:
    """The steps of a document with ends drawn for them, those in branches behind their conditions."""
    found: list[Drawn] = []
    for step in steps:
        arguments = step.get("Arguments") or {}
        depends = step.get("DependsOn") or ()
        waits = [(one, "Completed") if isinstance(one, str) else (one["Step"], one["Trigger"]) for one in depends]
        kind = step["Type"] if step["Type"] in ("Condition", "Fail", "ForEach") else "Lambda"
        inside = {name: arguments[name] for name in BRANCHES if name in arguments}
        outside = {key: value for key, value in arguments.items() if key not in BRANCHES}
        own = {one["Name"] for one in arguments.get(BODY, ())} if kind == "ForEach" else set()
        reads = names_in({**step, "Arguments": outside}) - {name for name, _ in waits} - own - {parent}
        end = {"Fail": "Failed", "Condition": "Succeeded"}.get(kind) or chance.choice(
            ["Succeeded"] * 4 + ["Failed"] + ["Stopped"] * (kind == "Lambda")
        )
        outcome = chance.random() < 0.5
        found.append(Drawn(step["Name"], kind, waits, sorted(reads), end, outcome, parent, branch))
        for name, steps_of_branch in inside.items():
            found += read(steps_of_branch, chance, step["Name"], name == "IfSteps")
    return found


def names_in(value: Any) -> set[str]:
    """Names of the steps that expressions in ``value`` read."""
    if isinstance(value, dict):
        get = value.get("Get")
        if set(value) == {"Get"} and isinstance(get, str):
            root, _, rest = get.partition(".")
            return {rest.partition(".")[0].partition("[")[0]} if root == "Steps" else set()
        return set().union(*map(names_in, value.values())) if value else set()
    return set().union(*map(names_in, value)) if isinstance(value, list) and value else set()


def stubs(plan: Any, steps: list[Drawn], document: Any) -> dict[str, Any]:
    """Stubs that end as drawn, with what other steps read of them."""
    table: dict[str, Any] = {"*": {}}
    given = made_up(plan)
    bodies = {
        task["Name"]: task["Arguments"][BODY][0]["Name"] for task in document["Steps"] if task["Type"] == "ForEach"
    }
    for step in steps:
        properties = {key: value for key, value in given.get(step.name, {}).items() if key == "Properties"}
        if step.kind == "Condition":
            table[step.name] = {"Outcome": step.outcome}
        elif step.kind == "ForEach":
            table[f"{bodies[step.name]}-0"] = {"Status": step.end}
        elif step.kind != "Fail":
            table[step.name] = {
                **properties,
                "Status": step.end,
                **({"FailureReason": "drawn"} if step.end == "Failed" else {}),
            }
    return table


def without_experiments(value: Any) -> Any:
    """The document without what would be made in an account before a job that has a stub."""
    if isinstance(value, dict):
        if str(value.get("Get")).startswith("PipelineExperimentConfig"):
            return "experiment"
        return {key: without_experiments(inner) for key, inner in value.items() if key != "PipelineExperimentConfig"}
    return [without_experiments(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_both_readings_agree_on_which_steps_of_our_definitions_run(file: Path) -> None:
    document = without_experiments(json.loads(file.read_text()))
    plan = make_plan(load_pipeline(document))
    for seed in range(TIMES):
        steps = read(document["Steps"], random.Random(f"{file.stem} {seed}"))
        run = PipelineRun(
            plan=plan,
            pipeline="valid",
            run_id="run",
            aws=SessionAws(None, "us-east-1"),  # every step that would call AWS has a stub
            parameters={p.name: VALUES[p.type] for p in plan.parameters if p.required},
            options=ExecutionOptions(stubs=stubs(plan, steps, document)),
            notify=lambda _step, _line: None,
        )
        asyncio.run(run.run())
        known = ends(steps)
        seen = {
            name: "NotRun" if step.state in ("NotTaken", "NotStarted") else step.state
            for name, step in run.steps.items()
        }
        assert seen == known, {name: step.error for name, step in run.steps.items() if step.error}
        assert run.status == status(steps, known)
