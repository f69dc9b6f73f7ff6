"""``sagemaker-mlops conf`` prints the conf that triggers a selective DAG run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.records.capture.run_recorder import parameters_of, seal_run
from airflow_sagemaker_mlops.records.model.run_info import RunInfo
from airflow_sagemaker_mlops.records.model.step_record import StepRecord
from airflow_sagemaker_mlops.records.reuse.selective_run import SelectiveRequest
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.runtime.selective.conf import request_in


def compare(name: str, *after: str) -> dict[str, Any]:
    terms = [{"Type": "GreaterThan", "LeftValue": {"Get": "Parameters.Level"}, "RightValue": 1}]
    arguments = {"Conditions": terms, "IfSteps": [], "ElseSteps": []}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, "DependsOn": list(after)}


DOCUMENT = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Level", "Type": "Integer"}, {"Name": "Mode", "Type": "String", "DefaultValue": "fast"}],
    "Steps": [compare("Load"), compare("Train", "Load"), compare("Check", "Train")],
}


class Desk:
    """The command, with one definition and one folder of records, in which a run "r1" of DAG "daily" failed."""

    def __init__(self, folder: Path) -> None:
        self.file, self.records = folder / "p.json", folder / "records"
        self.file.write_text(json.dumps(DOCUMENT))
        result = {"Step": "Load", "Properties": {"Outcome": True}}
        steps = [
            StepRecord("Load", "Condition", "Succeeded", result=result),
            StepRecord("Train", "Condition", "Failed"),
        ]
        plan = make_plan(load_pipeline(DOCUMENT))
        for dag_id in ("daily", "daily.ml"):
            identity = RunInfo(dag_id, "r1", status="Failed", started="2026-01-01T00:00:00Z")
            parameters = parameters_of(plan, {"Level": 7}, "conf")
            seal_run(FolderStore(self.records), plan, identity, parameters=parameters, step_records=steps)

    def conf(self, *words: str) -> tuple[int, str, str]:
        where = ["--dag", "daily", "--location", str(self.records)]
        done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["conf", str(self.file), *where, *words])
        return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_conf_to_resume_with_names_the_run_and_gives_its_parameters(desk: Desk) -> None:
    code, out, told = desk.conf("--resume", "latest")
    assert (code, told) == (0, "selected  Train, Check\nreused    Load, from run r1\n")
    assert json.loads(out) == {"Level": 7, "Mode": "fast", "pipeline.resume": "r1"}
    assert request_in(json.loads(out), "", [""]) == SelectiveRequest((), None, "r1")


def test_a_conf_of_a_selection_names_the_run_that_was_checked(desk: Desk) -> None:
    code, out, told = desk.conf("--select", "Train,Check", "-p", "Level=2")
    assert code == 0, told
    assert "reused results were made with other parameters: Level 7 -> 2" in told
    assert json.loads(out) == {"Level": 2, "pipeline.select": ["Train", "Check"], "pipeline.source_run": "r1"}
    code, out, told = desk.conf("--select", "Load", "-p", "Level=2")
    assert json.loads(out) == {"Level": 2, "pipeline.select": ["Load"]}, told


def test_a_task_group_has_records_and_keys_of_its_own(desk: Desk) -> None:
    code, out, told = desk.conf("--group", "ml", "--resume", "latest")
    assert code == 0, told
    assert json.loads(out)["ml.pipeline.resume"] == "r1"
    code, out, told = desk.conf("--group", "other", "--resume", "latest")
    assert (code, out) == (2, "")
    assert "[SM407] there is no source run" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--select", "Chek", "-p", "Level=2"], '[SM405] no step is called "Chek".'),
        (["--select", "Check", "-p", "Level=2"], '[SM408] "Train" has to be reused, but ended Failed in run "r1".'),
        (["--select", "Load"], "these parameters have no default: Level."),
        (["--select", "Load", "--resume", "r1"], "exclude each other"),
        ([], "give --select or --resume."),
    ],
)
def test_a_part_that_could_not_run_has_no_conf(desk: Desk, words: list[str], told: str) -> None:
    code, out, said = desk.conf(*words)
    assert (code, out) == (2, "")
    assert told in said
