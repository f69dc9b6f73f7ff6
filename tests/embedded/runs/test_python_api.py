"""``run_pipeline``, ``rehearse`` and ``reproduce`` as a notebook or a CI job uses them."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops import (
    InvalidPipeline,
    PipelineError,
    RecordError,
    RunError,
    RunFailed,
    RunObserver,
    RunResult,
    local_aws,
    rehearse,
    reproduce,
    run_pipeline,
)
from airflow_sagemaker_mlops.cli.option_names import in_options
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.runs.clients import connected
from airflow_sagemaker_mlops.runs.result import Cost

ROOT = Path(__file__).parents[3]


def call(name: str, *after: str, **outputs: str) -> dict[str, Any]:
    declared = [{"OutputName": output, "OutputType": kind} for output, kind in outputs.items()]
    return {
        "Name": name,
        "Type": "Lambda",
        "FunctionArn": "f",
        "OutputParameters": declared,
        "DependsOn": list(after),
        "Arguments": {"score": {"Get": "Parameters.Score"}},
    }


def definition(*steps: dict[str, Any], **defaults: str) -> dict[str, Any]:
    texts = [{"Name": name, "Type": "String", "DefaultValue": default} for name, default in defaults.items()]
    parameters = [{"Name": "Score", "Type": "Float"}, *texts]
    return {"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)}


def gate(then: dict[str, Any], otherwise: dict[str, Any]) -> dict[str, Any]:
    score = {"Get": "Steps.Evaluate.OutputParameters['score']"}
    terms = [{"Type": "GreaterThan", "LeftValue": score, "RightValue": {"Get": "Parameters.Score"}}]
    return {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {"Conditions": terms, "IfSteps": [then], "ElseSteps": [otherwise]},
    }


FAIL = {"Name": "Refuse", "Type": "Fail", "Arguments": {"ErrorMessage": "not good enough"}}
CHURN = definition(call("Evaluate", score="Float"), gate(call("Deploy"), FAIL), Token="none")
SCORED = {"Evaluate": {"Properties": {"OutputParameters": {"score": 0.9}}}, "*": {}}


def test_a_run_with_stubs_needs_no_aws_and_says_how_each_step_ended(tmp_path: Path) -> None:
    run = run_pipeline(CHURN, {"Score": 0.5}, name="churn", stubs=SCORED, state_dir=tmp_path / "aws")
    assert (run.status, run.ok, run.cause, run.record_uri) == ("Succeeded", True, "", None)
    assert {name: step.state for name, step in run.steps.items()} == {
        "Evaluate": "Succeeded",
        "Gate": "Succeeded",
        "Deploy": "Succeeded",
        "Refuse": "NotTaken",
    }
    assert run.steps["Evaluate"].outputs == {"score": 0.9}
    assert run.steps["Gate"].decision is not None
    assert run.steps["Gate"].decision["Outcome"] is True
    assert run.steps["Evaluate"].result is not None
    assert run.steps["Evaluate"].result.type == "Lambda"
    assert run.raise_for_status() is run
    assert not (tmp_path / "aws").exists()  # nothing was started


def test_a_run_with_stubs_imports_neither_airflow_nor_boto3_nor_the_command_line() -> None:
    code = (
        "import json, sys; from airflow_sagemaker_mlops import run_pipeline;"
        "run_pipeline(json.loads(sys.argv[1]), {'Score': 1}, stubs='auto').raise_for_status(); print(*sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code, json.dumps(CHURN)], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in told.stdout.split()}
    assert not {"airflow", "boto3", "moto", "typer", "rich"} & loaded
    assert "airflow_sagemaker_mlops.cli" not in told.stdout.split()


def test_a_failed_run_is_returned_with_its_cause_and_raised_on_demand(tmp_path: Path) -> None:
    run = run_pipeline(CHURN, {"Score": 0.95}, stubs=SCORED, state_dir=tmp_path)
    assert (run.status, run.ok, run.cause) == ("Failed", False, "Refuse failed: not good enough")
    assert [step.name for step in run.failed_steps] == ["Refuse"]
    with pytest.raises(RunFailed, match=r'"pipeline" is Failed: Refuse failed: not good enough'):
        run.raise_for_status()


def test_a_handled_failure_of_a_stub_is_reported_with_its_reason(tmp_path: Path) -> None:
    stubs = {"Evaluate": {"Status": "Failed", "FailureReason": "out of memory"}}
    run = run_pipeline(CHURN, {"Score": 1}, stubs=stubs, state_dir=tmp_path)
    assert run.status == "Failed"
    assert "out of memory" in run.cause
    assert run.steps["Deploy"].state == "NotStarted"


def test_a_rehearsal_takes_every_branch(tmp_path: Path) -> None:
    runs = rehearse(CHURN, {"Score": 0.5}, state_dir=tmp_path / "aws")
    assert [(dict(run.branches), run.status) for run in runs] == [
        ({"Gate": "If"}, "Succeeded"),
        ({"Gate": "Else"}, "Failed"),
    ]
    (only,) = [run_pipeline(CHURN, {"Score": 1}, stubs="auto", branches={"Gate": "else"}, state_dir=tmp_path / "aws")]
    assert only.steps["Deploy"].state == "NotTaken"


def test_a_result_is_frozen_and_its_summary_hides_secrets(tmp_path: Path) -> None:
    run = run_pipeline(CHURN, {"Score": 0.5, "Token": "hunter2secret"}, stubs=SCORED, state_dir=tmp_path)
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.status = "Failed"  # type: ignore[misc]
    assert run.parameters == {"Score": 0.5, "Token": "hunter2secret"}
    assert run.summary()["parameters"] == {"Score": 0.5, "Token": "***"}
    assert "hunter2secret" not in repr(run)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"parameters": {"Scor": 1}}, 'definition: there is no parameter "Scor". Did you mean "Score"?'),
        ({"parameters": {"Score": "high"}}, 'definition: parameter "Score" is "high", which is not a Float.'),
        ({}, 'have no default: Score. Add parameters={"Score": ...}.'),
        ({"branches": {"Gate": "if"}}, 'branches is for rehearsals: add stubs="auto", or a file.'),
        ({"branches": {"Gat": "if"}, "stubs": "auto"}, 'no Condition step is called "Gat". Did you mean "Gate"?'),
        ({"branches": {"Gate": "left"}, "stubs": "auto"}, 'branches is "Gate=left": write "if" or "else".'),
        ({"select": "Gate", "resume": "latest"}, "select and resume exclude each other"),
        ({"source_run": "latest"}, 'Add select, or use resume="RUN".'),
        ({"aws_conn_id": "a", "session": object()}, "aws_conn_id and session both name an account."),
    ],
)
def test_arguments_that_cannot_be_used_are_named_as_python_does(
    arguments: dict[str, Any], told: str, tmp_path: Path
) -> None:
    given = {"parameters": {"Score": 1} if arguments else {}, **arguments}
    with pytest.raises(RunError, match=re.escape(told)):
        run_pipeline(CHURN, **given, state_dir=tmp_path / "aws")
    assert not (tmp_path / "aws").exists()


def test_stubs_that_fit_no_step_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'stubs: no step is called "Evalute"\. Did you mean "Evaluate"'):
        run_pipeline(CHURN, {"Score": 1}, stubs={"Evalute": {}}, state_dir=tmp_path)


def test_a_selection_on_earlier_results_needs_records(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"records=\.\.\., and leave out stubs"):
        run_pipeline(CHURN, {"Score": 1}, stubs="auto", select="Gate", state_dir=tmp_path)


def test_a_broken_definition_is_raised_with_every_problem() -> None:
    with pytest.raises(InvalidPipeline) as caught:
        run_pipeline(definition(call("A", "B"), call("C", "D")))
    assert len(caught.value.problems) == 2


class Watching(RunObserver):
    def __init__(self) -> None:
        self.told: list[str] = []
        self.threads: set[threading.Thread] = set()

    def run_started(self, run: Any) -> None:
        self.told.append(f"start {run.pipeline} {run.status}")

    def step_changed(self, step: Any) -> None:
        self.told.append(f"{step.name} {step.state}")
        self.threads.add(threading.current_thread())

    def run_ended(self, run: Any) -> None:
        self.told.append(f"end {run.status}")


def test_an_observer_is_notified_of_every_step_while_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    watching = Watching()
    run_pipeline(CHURN, {"Score": 0.5}, name="churn", stubs=SCORED, state_dir=tmp_path, observer=watching)
    assert watching.told[0] == "start churn Executing"
    assert watching.told[-1] == "end Succeeded"
    assert [line for line in watching.told if line.startswith("Deploy")] == ["Deploy Executing", "Deploy Succeeded"]
    assert len(watching.threads) == 1
    assert capfd.readouterr() == ("", "")


def test_a_run_starts_where_an_event_loop_runs_already(tmp_path: Path) -> None:
    async def cell() -> RunResult:
        return run_pipeline(CHURN, {"Score": 0.5}, stubs=SCORED, state_dir=tmp_path)

    assert asyncio.run(cell()).status == "Succeeded"


class Stopping(RunObserver):
    def __init__(self, do: Callable[[Any], None]) -> None:
        self.do = do

    def run_started(self, run: Any) -> None:
        self.run = run

    def step_changed(self, step: Any) -> None:
        if step.name == "Evaluate" and step.state == "Succeeded":
            self.do(self.run)


def test_an_observer_can_stop_the_run(tmp_path: Path) -> None:
    stopping = Stopping(lambda run: run.stop("the budget is spent"))
    run = run_pipeline(CHURN, {"Score": 0.5}, stubs=SCORED, state_dir=tmp_path, observer=stopping)
    assert (run.status, run.cause, run.ok) == ("Stopped", "the budget is spent", False)
    assert run.steps["Deploy"].state != "Succeeded"


def test_an_exception_of_an_observer_stops_the_run_and_is_raised(tmp_path: Path) -> None:
    def fail(_run: Any) -> None:
        raise LookupError("no such widget")

    with pytest.raises(LookupError, match="no such widget"):
        run_pipeline(CHURN, {"Score": 0.5}, stubs=SCORED, state_dir=tmp_path, observer=Stopping(fail))


def test_ctrl_c_stops_the_run_before_it_is_raised(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    import _thread

    # A shell's background jobs begin with SIGINT ignored, and Python then leaves it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    stopping = Stopping(lambda _run: _thread.interrupt_main())
    slow = {**SCORED, "Deploy": {"Seconds": 30}}
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(CHURN, {"Score": 0.5}, stubs=slow, state_dir=tmp_path, observer=stopping)
    assert stopping.run.status == "Stopped"
    assert stopping.run.steps["Deploy"].state in ("Stopped", "NotStarted")


def compare(name: str, left: Any, *after: str) -> dict[str, Any]:
    terms = [{"Type": "GreaterThan", "LeftValue": left, "RightValue": 1}]
    arguments = {"Conditions": terms, "IfSteps": [], "ElseSteps": []}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, "DependsOn": list(after)}


@pytest.mark.e2e
def test_a_failed_run_is_resumed_and_reproduced_from_its_record(aws: LocalAws, tmp_path: Path) -> None:
    where: dict[str, Any] = {"state_dir": aws.state_dir, "records": tmp_path / "records", "name": "levels"}
    prices = tmp_path / "prices.yaml"
    prices.write_text("currency: EUR\ninstances: {ml.m5.large: 1}\n")
    broken = definition(compare("Load", {"Get": "Parameters.Score"}), compare("Train", "text", "Load"))
    first = run_pipeline(broken, {"Score": 7}, prices=prices, **where)
    assert (first.status, first.failed_steps[0].name, first.cost) == ("Failed", "Train", Cost(0.0, "EUR"))
    assert first.record_uri is not None

    mended = definition(compare("Load", {"Get": "Parameters.Score"}), compare("Train", 5, "Load"))
    second = run_pipeline(mended, resume=first, **where)
    assert second.raise_for_status().steps["Load"].is_reused
    assert second.parameters["Score"] == 7.0

    whole = run_pipeline(mended, {"Score": 7}, **where)
    again = reproduce(whole, mended, **where)
    assert (again.reproduced, again.source_run, again.compared > 0) == (True, whole.run_id, True)
    assert again.run is not None
    assert again.run.run_id != whole.run_id

    changed = definition(compare("Load", {"Get": "Parameters.Score"}), compare("Train", 6, "Load"))
    refused = reproduce(whole, changed, **where)
    assert (refused.reproduced, refused.run, refused.changes) == (False, None, ("the definition was changed",))
    differing = reproduce(whole, changed, level="parameters", **where)
    assert differing.differences == ("Train: left side of comparison 1 5 -> 6",)
    assert reproduce("latest", **where).reproduced  # pinned: the definition is the stored one

    definitions = tmp_path / "records" / "levels" / "definitions"
    for copy in definitions.iterdir():
        copy.unlink()
    with pytest.raises(RecordError, match=r"is gone\. Pass the definition instead") as gone:
        reproduce("latest", **where)
    assert in_options(gone.value).endswith("is gone. Leave out --pin and give the file.")
    with pytest.raises(RecordError, match="no-such-run"):
        reproduce("no-such-run", **where)
    assert local_aws.status(Path(aws.state_dir)) is not None


def test_the_example_of_the_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "python-api.md").read_text()
    yaml, *examples = re.findall(r"```(?:yaml|python test)\n(.*?)```", page, re.DOTALL)
    (tmp_path / "churn.yaml").write_text(yaml)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "docs/python-api.md", "exec"), names)
    assert names["run"].ok


def test_a_connection_leaves_the_environment_as_it_was(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MODELS", aws.connection_json())
    monkeypatch.delenv("AIRFLOW__LOGGING__LOGGING_LEVEL", raising=False)
    before = dict(os.environ)
    clients = connected("models", None)
    assert clients.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert dict(os.environ) == before
