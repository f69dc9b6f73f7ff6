"""Drift checks on the embedded AWS: natively, and as standard steps for the service."""

from __future__ import annotations

import asyncio
import json
import math
import re
import uuid
from typing import Any

import pytest
from builders import processing, python

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.drift_check import DRIFT
from airflow_sagemaker_mlops.definition.for_service import for_service
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.exceptions import StepFailed
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.runners.drift_check import DriftCheckRunner
from airflow_sagemaker_mlops.execution.runners.verdict import read_report
from airflow_sagemaker_mlops.execution.scope import Scope, Unreadable
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions, StepRun
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.spec import StepSpec

OUT = "/opt/ml/processing/output"
# A column that goes from 0 to 1 in January, and from 0.5 to 1.5 today.
WRITE = f"""
for name, count, first in (("january", 2000, 0), ("today", 500, 0.5)):
    with open(f"{OUT}/{{name}}/data.csv", "w") as f:
        f.write("id,x\\n")
        f.writelines(f"{{i}},{{first + i / count}}\\n" for i in range(count))
"""
VERDICTS = {"drift": "DriftSteps", "stable": "StableSteps", "inconclusive": "InconclusiveSteps"}


def write(aws: LocalAws, bucket: str) -> dict[str, Any]:
    def output(name: str) -> dict[str, Any]:
        place = {"S3Uri": f"s3://{bucket}/{name}", "LocalPath": f"{OUT}/{name}", "S3UploadMode": "EndOfJob"}
        return {"OutputName": name, "S3Output": place}

    outputs = {"Outputs": [output("january"), output("today")]}
    return processing(aws.role_arn, "Write", *python(WRITE), arguments={"ProcessingOutputConfig": outputs})


def check(name: str, baseline: Any, **keys: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "x-drift-check",
        "Data": {"Step": "Write", "Output": "today"},
        "Baseline": baseline,
        "Columns": {"Ignore": ["id"]},
        "Rules": [{"Check": "psi", "Max": {"Get": "Parameters.Limit"}}],
        **keys,
    }


def leaf(name: str) -> dict[str, Any]:
    return {"Name": name, "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": [], "ElseSteps": []}}


@pytest.fixture
def clients(aws: LocalAws) -> SessionAws:
    return SessionAws(aws.session(), aws.region, key=uuid.uuid4().hex, endpoint_of=lambda _service: aws.endpoint_url)


@pytest.fixture
def bucket(aws: LocalAws) -> str:
    name = f"b{uuid.uuid4().hex}"
    aws.client("s3").create_bucket(Bucket=name)
    aws.client("s3").put_object(Bucket=name, Key="none/no-champion.json", Body=b"{}")
    return name


def run(document: Any, clients: SessionAws) -> PipelineRun:
    plan = make_plan(load_pipeline(document))
    options = ExecutionOptions(poll_interval_s=0.3, logs="off")
    done = PipelineRun(plan, "Drift", f"drift-{uuid.uuid4().hex}", clients, {}, options, lambda _step, _line: None)
    asyncio.run(done.run())
    return done


def states(done: PipelineRun) -> dict[str, str]:
    """How the checks and the steps for verdicts ended; not the conditions, which the service calls otherwise."""
    shown = ("First", "Second", *VERDICTS)
    return {name: step.state for name, step in done.steps.items() if name in shown}


@pytest.mark.e2e
def test_a_check_and_what_it_is_lowered_to_end_alike(aws: LocalAws, clients: SessionAws, bucket: str) -> None:
    january = {"Step": "Write", "Output": "january"}
    branches = {key: [leaf(verdict)] for verdict, key in VERDICTS.items()}
    first = {"NextBaseline": january, "NoBaseline": "inconclusive", **branches}
    document = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Limit", "Type": "Float", "DefaultValue": 0.2}],
        "Steps": [
            write(aws, bucket),
            check("First", f"s3://{bucket}/none/no-champion.json", **first),
            check("Second", {"Get": "Steps.First.Profile"}),
        ],
    }
    native = run(document, clients)
    left_out = {"drift": "NotTaken", "stable": "NotTaken"}
    assert states(native) == {"First": "Succeeded", "Second": "Failed", "inconclusive": "Succeeded", **left_out}
    condition = native.steps["First.drift"].result
    assert condition is not None
    nothing = "There is no baseline to compare 500 records with; that counts as not decided here."
    assert condition["Decision"]["Because"] == nothing
    failed = native.steps["Second"]
    sentence = "Drift: 500 records against 2,000 of the baseline."
    assert sentence in failed.error
    assert "x: share of the baseline (-) and of today (=)" in failed.report
    assert failed.result is not None
    decision = failed.result["Decision"]
    assert (decision["Verdict"], decision["Outcome"], decision["Records"]) == ("drift", False, 500)
    assert decision["Report"].startswith(f"s3://{bucket}/drift-check/reports/")
    # Half of today's values lie above January's greatest, so its lower five tenths are empty and the last has six.
    shares = [(one + 0.5) / 505 for one in (0, 0, 0, 0, 0, 50, 50, 50, 50, 300)]
    index = sum((share - 0.1) * math.log(share / 0.1) for share in shares)
    assert decision["Terms"][0]["Left"] == pytest.approx(index, rel=0.01)
    assert {**decision["Terms"][0], "Left": 0} == {
        "Text": "psi (x)",
        "Op": "<=",
        "Left": 0,
        "Right": 0.2,
        "Result": False,
    }

    lowered = for_service(load_pipeline(document))
    for uri, content in lowered.files.items():
        aws.client("s3").put_object(Bucket=bucket, Key=uri.removeprefix(f"s3://{bucket}/"), Body=content)
    there = run(lowered.document, clients)
    assert states(there) == states(native)
    assert sentence in there.steps["Second"].error


WRONG = [
    ({"Rules": [{"Check": "psi", "Max": {"Get": "Parameters.Limit"}}]}, "Rules[0].Max: Max is -1 instead of a number"),
    ({"Columns": {"Label": {"Get": "Parameters.Limit"}}}, "Columns.Label: Label is not the name of a column."),
    ({"NoBaseline": {"Get": "Parameters.Word"}}, "NoBaseline is 'yes'; it is one of drift, stable, inconclusive."),
    ({"FailOnDrift": {"Get": "Parameters.Word"}}, "FailOnDrift is 'yes'; it is true or false."),
]


@pytest.mark.e2e
@pytest.mark.parametrize(("keys", "why"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_only_a_run_can_know_is_refused_before_the_job(
    clients: SessionAws, keys: dict[str, Any], why: str
) -> None:
    scope = Scope("Drift", {"Limit": -1, "Word": "yes"}, {}, {}, {}, lambda _uri: b"")
    identity = StepIdentity("p", "Drift", "d", "r", "Drift")
    step = StepRun(StepSpec(settings=keys), "x-drift-check", identity, scope, clients, lambda _line: None)
    with pytest.raises(StepFailed, match=re.escape(why)):
        asyncio.run(DriftCheckRunner().submit(step))


def test_a_report_of_a_gate_is_none_of_a_check() -> None:
    with pytest.raises(Unreadable, match="one of drift, stable, inconclusive"):
        read_report(json.dumps({"verdict": "promote"}).encode(), "s3://b/report.json", DRIFT)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"findings": [{"check": "psi", "column": "hour", "verdict": "drift"}]},
        {"findings": [{"check": "psi", "verdict": "stable", "dry_run": True}], "baseline_records": 9},
    ],
)
def test_a_report_that_says_stable_against_its_findings_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(Unreadable, match=r'says "stable".*decides nothing'):
        read_report(json.dumps({"verdict": "stable", **members}).encode(), "s3://b/report.json", DRIFT)
