"""``run --select`` and ``run --resume``, on a pipeline of comparisons, which starts no job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.cli.run import misfit
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.selection import InvalidSelection
from airflow_sagemaker_mlops.records.reuse.selective_run import SelectiveRequest, merge_parameters
from airflow_sagemaker_mlops.runs.request import NO_STUBS

runner = CliRunner(env={"COLUMNS": "200"})


def compare(name: str, left: Any, *after: str) -> dict[str, Any]:
    terms = [{"Type": "GreaterThan", "LeftValue": left, "RightValue": 1}]
    arguments = {"Conditions": terms, "IfSteps": [], "ElseSteps": []}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, "DependsOn": list(after)}


DOCUMENT = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Score", "Type": "String"}, {"Name": "Level", "Type": "Integer", "DefaultValue": 2}],
    "Steps": [
        compare("Load", {"Get": "Parameters.Level"}),
        compare("Train", {"Get": "Parameters.Score"}, "Load"),  # text cannot be compared with a number
        compare("Check", 3, "Train"),
        compare("Aside", 4),
    ],
}


class Desk:
    """The command, with one definition, one folder of records and the embedded AWS."""

    def __init__(self, folder: Path, state_dir: str) -> None:
        self.file, self.out, self.state_dir = folder / "p.json", folder / "summary.json", state_dir
        self.records = folder / "records"
        self.write(DOCUMENT)

    def write(self, document: dict[str, Any]) -> None:
        self.file.write_text(json.dumps(document))

    def run(self, *words: str) -> tuple[int, str]:
        where = ["--records", str(self.records), "--state-dir", self.state_dir, "--summary", str(self.out)]
        self.out.unlink(missing_ok=True)
        result = runner.invoke(app, ["run", str(self.file), *where, "--quiet", *words])
        return result.exit_code, result.output

    def states(self) -> dict[str, str]:
        steps = json.loads(self.out.read_text())["steps"]
        return {step["name"]: "Reused" if step["reused"] else step["status"] for step in steps}


@pytest.fixture
def desk(tmp_path: Path, aws: LocalAws) -> Desk:
    return Desk(tmp_path, str(aws.state_dir))


def mended() -> dict[str, Any]:
    steps = [compare("Train", 5, "Load") if step["Name"] == "Train" else step for step in DOCUMENT["Steps"]]  # type: ignore[index]
    return {**DOCUMENT, "Steps": steps}


@pytest.mark.e2e
def test_a_failed_run_is_resumed_with_its_parameters_and_the_rest_is_reused(desk: Desk) -> None:
    assert desk.run("-p", "Score=x", "-p", "Level=7")[0] == 1
    assert desk.states() == {"Load": "Succeeded", "Train": "Failed", "Check": "NotStarted", "Aside": "Succeeded"}
    desk.write(mended())
    code, text = desk.run("--resume", "latest")
    assert code == 0, text
    assert desk.states() == {"Load": "Reused", "Train": "Succeeded", "Check": "Succeeded", "Aside": "NotSelected"}
    assert "selected  Train, Check\nreused    Load, from run run__" in text
    assert "the definition has changed since run" in text
    assert "✓ reused" in text
    assert json.loads(desk.out.read_text())["parameters"] == {"Score": "x", "Level": 7}
    shown = runner.invoke(app, ["records", "show", "p/latest", "--location", str(desk.records)]).output
    assert "source run" in shown
    assert "reused (run__" in shown


@pytest.mark.e2e
def test_selected_steps_do_not_inherit_parameters(desk: Desk) -> None:
    desk.write(mended())
    assert desk.run("-p", "Score=x", "-p", "Level=7")[0] == 0
    code, text = desk.run("--select", "Check", "-p", "Score=y")
    assert code == 0, text
    assert desk.states() == {"Load": "Reused", "Train": "Reused", "Check": "Succeeded", "Aside": "NotSelected"}
    assert "reused results were made with other parameters: Score 'x' -> 'y', Level 7 -> 2" in text
    assert "Score" in desk.run("--select", "Check")[1]


@pytest.mark.e2e
def test_nothing_is_started_for_a_selection_that_cannot_run(desk: Desk) -> None:
    given = ("-p", "Score=x")
    code, text = desk.run(*given, "--select", "Check")
    assert (code, "SM407" in text, desk.out.exists()) == (2, True, False), text
    code, text = desk.run(*given, "--select", "Load,Check")
    assert (code, "Train is between selected steps but not selected." in text) == (2, True), text
    code, text = desk.run(*given, "--select", "Load", "--select", "Chek")
    assert (code, 'Did you mean "Check"?' in text) == (2, True), text


@pytest.mark.e2e
def test_a_selection_without_anything_upstream_needs_no_earlier_run(desk: Desk) -> None:
    assert desk.run("-p", "Score=x", "--select", "Load", "--select", "Aside")[0] == 0
    assert desk.states() == {"Load": "Succeeded", "Train": "NotSelected", "Check": "NotSelected", "Aside": "Succeeded"}
    code, text = desk.run("-p", "Score=x", "--select", "Check", "--records", "off")
    assert (code, "knows no records to take them from" in text) == (2, True), text


def test_options_that_exclude_each_other_are_refused() -> None:
    assert "exclude each other" in misfit(SelectiveRequest(["A"], None, "latest"), NO_STUBS)
    assert "Add --select" in misfit(SelectiveRequest((), "latest"), NO_STUBS)
    assert misfit(SelectiveRequest(["A"], "latest"), NO_STUBS) == ""


def test_a_secret_parameter_of_the_resumed_run_has_to_be_given_again() -> None:
    plan = make_plan(load_pipeline(DOCUMENT))
    with pytest.raises(InvalidSelection, match=r"Score held a secret[^$]*Give Score again"):
        merge_parameters(plan, {}, {"Score": "***", "Level": 1})
    assert merge_parameters(plan, {"Score": "s"}, {"Score": "***", "Level": 1}) == {"Score": "s", "Level": 1}
