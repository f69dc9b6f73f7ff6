"""``diff``, ``render``, ``pull`` and ``push``."""

from __future__ import annotations

import copy
import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops import SageMakerPipelineDag, local_aws
from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.diff import differences

DAILY = Path(__file__).parents[3] / "dags" / "daily_model" / "definition.yaml"


def step(name: str, **more: Any) -> dict[str, Any]:
    arguments = {"RoleArn": "r", "HyperParameters": {"num_round": "80"}, **more.pop("arguments", {})}
    return {"Name": name, "Type": "Training", "Arguments": arguments, **more}


BASE: dict[str, Any] = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "N", "Type": "Integer", "DefaultValue": 1}],
    "Steps": [step("A"), step("B", DependsOn=["A"]), step("C", DependsOn=["A"])],
}


def changed(**how: Any) -> list[str]:
    new = copy.deepcopy(BASE)
    for path, value in how.items():
        target: Any = new
        *keys, last = [int(key) if key.isdigit() else key for key in path.split("__")]
        for key in keys:
            target = target[key]
        target[last] = value
    return differences(make_plan(load_pipeline(BASE)), make_plan(load_pipeline(new)))


@pytest.mark.parametrize(
    ("how", "lines"),
    [
        ({}, []),
        ({"Steps__0__Description": "words"}, []),
        ({"Steps__0__Arguments__HyperParameters__num_round": "120"},
         ['~ step A: Arguments.HyperParameters.num_round "80" -> "120"']),
        ({"Steps__0__Arguments__EnableNetworkIsolation": True},
         ["~ step A: Arguments.EnableNetworkIsolation (nothing) -> true"]),
        ({"Parameters__0__DefaultValue": 2}, ["~ parameter N: default 1 -> 2"]),
        ({"Steps__2__DependsOn": ["B"]}, ["- edge A -> C", "+ edge B -> C"]),
        ({"Steps__2__DependsOn": [{"Step": "A", "Trigger": "Failed"}]}, ["~ edge A -> C: plain -> on Failed"]),
        ({"Steps__2__Name": "D"}, ["- step C (Training)", "+ step D (Training)"]),
    ],
)  # fmt: skip
def test_a_difference_is_one_of_meaning(how: dict[str, Any], lines: list[str]) -> None:
    assert changed(**how) == lines


def test_diff_says_by_its_exit_code_whether_anything_changed(tmp_path: Path) -> None:
    runner = CliRunner()
    same = runner.invoke(app, ["diff", str(DAILY), str(DAILY.with_suffix(".json"))])
    assert (same.exit_code, same.output) == (0, "no difference\n")
    other = tmp_path / "other.yaml"
    other.write_text(DAILY.read_text().replace("DefaultValue: 30", "DefaultValue: 31", 1))
    assert other.read_text() != DAILY.read_text()
    assert runner.invoke(app, ["diff", str(DAILY), str(other)]).exit_code == 1


def specs(dag: Any) -> dict[str, Any]:
    """What the tasks of a DAG would run."""
    found: dict[str, Any] = {}
    for task in dag.tasks:
        own = getattr(task, "step", None)
        what = (
            (replace(own.spec, branches={}), own.reads)
            if own is not None
            else getattr(task, "triggers", None) or task.steps
        )
        found[task.task_id] = (what, sorted(task.upstream_task_ids), getattr(task, "branches", None))
    return found


def rendered(file: Path, tmp_path: Path) -> Any:
    out = tmp_path / f"{file.stem}.py"
    result = CliRunner().invoke(app, ["render", str(file), "--dag-id", "rendered", "-o", str(out)])
    assert result.exit_code == 0, result.output
    return runpy.run_path(str(out))["dag"]


def test_a_rendered_file_makes_the_same_dag(tmp_path: Path) -> None:
    mine, theirs = rendered(DAILY, tmp_path), SageMakerPipelineDag("rendered", str(DAILY))
    assert specs(mine) == specs(theirs)
    assert mine.edge_info == theirs.edge_info
    assert {n: mine.params.get_param(n).serialize() for n in mine.params} == {
        n: theirs.params.get_param(n).serialize() for n in theirs.params
    }


def test_real_definitions_render_to_the_same_dag(tmp_path: Path, corpus: Path) -> None:
    compared = 0
    for file in sorted(corpus.glob("a*.json")):
        theirs = SageMakerPipelineDag("rendered", str(file))
        try:
            theirs.validate()
        except ValueError:
            continue
        assert specs(rendered(file, tmp_path)) == specs(theirs), file.name
        compared += 1
    assert compared > 10


@pytest.mark.e2e
def test_what_is_pushed_is_pulled_again(
    aws: local_aws.LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    runner, file = CliRunner(), tmp_path / "pipeline.json"
    options = ["--name", "there-and-back", "--role", aws.role_arn, "--region", aws.region]
    file.write_text(json.dumps(BASE))
    first = runner.invoke(app, ["push", str(file), *options])
    assert (first.exit_code, first.output.split()[0]) == (0, "created"), first.output
    file.write_text(json.dumps({**BASE, "Steps": BASE["Steps"][:2]}))
    second = runner.invoke(app, ["push", str(file), *options])
    assert (second.exit_code, second.output.split()[0]) == (0, "updated"), second.output
    out = tmp_path / "pulled.json"
    pulled = runner.invoke(app, ["pull", "there-and-back", "-o", str(out), "--region", aws.region])
    assert pulled.exit_code == 0, pulled.output
    assert differences(make_plan(load_pipeline(file)), make_plan(load_pipeline(out))) == []
    missing = runner.invoke(app, ["pull", "no-such-pipeline", "--region", aws.region])
    assert missing.exit_code == 1


def test_a_pipeline_that_was_deleted_is_pushed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client, tokens = boto3.client("sagemaker", region_name="us-east-1"), []

    def created(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        tokens.append(json.loads(params["body"])["ClientRequestToken"])
        return SimpleNamespace(status_code=200), {"PipelineArn": "arn"}

    missing = SimpleNamespace(status_code=400), {"Error": {"Code": "ResourceNotFound", "Message": "gone"}}
    client.meta.events.register("before-call.sagemaker.DescribePipeline", lambda **_: missing)
    client.meta.events.register("before-call.sagemaker.CreatePipeline", created)
    monkeypatch.setattr("airflow_sagemaker_mlops.cli.service.client_of", lambda *_: client)
    file = tmp_path / "pipeline.json"
    file.write_text(json.dumps(BASE))
    for _ in range(2):
        done = CliRunner().invoke(
            app, ["push", str(file), "--name", "again", "--role", "arn:aws:iam::123456789012:role/R"]
        )
        assert (done.exit_code, done.output) == (0, "created arn\n")
    assert len(set(tokens)) == 2  # AWS answers a token that it knows with what it made then


def test_steps_that_only_airflow_can_run_are_not_pushed(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.json"
    note = {"Name": "Note", "Type": "x-airflow", "Operator": "a.b.C"}
    file.write_text(json.dumps({**BASE, "Steps": [note]}))
    result = CliRunner().invoke(app, ["push", str(file), "--name", "n", "--role", "r"])
    assert result.exit_code == 2
    assert "Note" in result.output
    assert "sagemaker.sdk" not in sys.modules
