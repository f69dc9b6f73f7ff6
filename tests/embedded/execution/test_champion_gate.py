"""Champion gates on the embedded AWS: natively, and as standard steps for the service."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.definition import examine, load_pipeline
from airflow_sagemaker_mlops.definition.champion_gate import GATE
from airflow_sagemaker_mlops.definition.for_service import for_service
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.exceptions import StepFailed
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.runners.champion_gate import ChampionGateRunner
from airflow_sagemaker_mlops.execution.runners.verdict import read_report
from airflow_sagemaker_mlops.execution.scope import Scope, Unreadable
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions, StepRun, Submitted
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.spec import StepSpec

ROLE = "arn:aws:iam::123456789012:role/R"
OUT = "/opt/ml/processing/output"
# Scores that order 400 labels rightly, by chance, or wrongly; of a chance score against another one nothing is known.
PREDICT = f"""
import random
r = random.Random(1)
def noise(k): return k * r.gauss(0, 1)
for name, mine, other in (("promote", 2, 0), ("reject", 0, 2), ("inconclusive", 1, 1)):
    with open(f"{OUT}/{{name}}/p.csv", "w") as f:
        f.write("id,label,candidate,champion\\n")
        for i in range(400):
            y = i % 2
            f.write(f"{{i}},{{y}},{{mine * y + noise(1)}},{{other * y + noise(1)}}\\n")
"""
VERDICTS = ("promote", "reject", "inconclusive")
LISTS = {"promote": "PromoteSteps", "reject": "RejectSteps", "inconclusive": "InconclusiveSteps"}


CODE = "/opt/ml/processing/input/code"


def job(bucket: str, outputs: tuple[str, ...]) -> dict[str, Any]:
    code = {
        "S3Uri": f"s3://{bucket}/code/predict.py",
        "LocalPath": CODE,
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    return {
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": "python:3", "ContainerEntrypoint": ["python3", f"{CODE}/predict.py"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
        "ProcessingInputs": [{"InputName": "code", "S3Input": code}],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": name,
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/{name}/predictions",
                        "LocalPath": f"{OUT}/{name}",
                        "S3UploadMode": "EndOfJob",
                    },
                }
                for name in outputs
            ]
        },
    }


def leaf(name: str) -> dict[str, Any]:
    return {"Name": name, "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": [], "ElseSteps": []}}


def gate(verdict: str, group: str) -> dict[str, Any]:
    return {
        "Name": f"Gate-{verdict}",
        "Type": "x-champion-gate",
        "Champion": {"ModelPackageGroup": group},
        "Predictions": {"Step": "Evaluate", "Output": verdict},
        "Rules": [{"Metric": "auc", "Must": "improve", "By": {"Get": "Parameters.Margin"}}],
        **{LISTS[one]: [leaf(f"{verdict}-gave-{one}")] for one in VERDICTS},
    }


@pytest.fixture
def clients(aws: LocalAws) -> SessionAws:
    return SessionAws(aws.session(), aws.region, key=uuid.uuid4().hex, endpoint_of=lambda _service: aws.endpoint_url)


@pytest.fixture
def place(aws: LocalAws) -> tuple[str, str]:
    """A bucket, and a model package group with a champion."""
    bucket, group = f"b{uuid.uuid4().hex}", f"g{uuid.uuid4().hex}"
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("s3").put_object(Bucket=bucket, Key="code/predict.py", Body=PREDICT.encode())
    sagemaker = aws.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    specification = {
        "Containers": [{"Image": "python:3", "ModelDataUrl": f"s3://{bucket}/m.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    sagemaker.create_model_package(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved", InferenceSpecification=specification
    )
    return bucket, group


def run(document: Any, clients: SessionAws, name: str) -> PipelineRun:
    plan = make_plan(load_pipeline(document))
    options = ExecutionOptions(poll_interval_s=0.5, logs="off")
    done = PipelineRun(plan, "Gates", f"{name}-{uuid.uuid4().hex}", clients, {}, options, lambda _step, _line: None)
    asyncio.run(done.run())
    assert done.status == "Succeeded", [step.error for step in done.steps.values()]
    return done


def ran(done: PipelineRun) -> set[str]:
    return {name for name, step in done.steps.items() if "-gave-" in name and step.state == "Succeeded"}


@pytest.mark.e2e
def test_a_gate_and_what_it_is_lowered_to_take_the_same_branch(
    aws: LocalAws, clients: SessionAws, place: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, group = place
    evaluate = {"Name": "Evaluate", "Type": "Processing", "Arguments": job(bucket, VERDICTS)}
    document = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Margin", "Type": "Float", "DefaultValue": 0.001}],
        "Steps": [evaluate, *(gate(verdict, group) for verdict in VERDICTS)],
    }
    native = run(document, clients, "native")
    assert ran(native) == {f"{verdict}-gave-{verdict}" for verdict in VERDICTS}
    for verdict in VERDICTS:
        result = native.steps[f"Gate-{verdict}"].result
        assert result is not None
        decision = result["Decision"]
        assert (decision["Verdict"], decision["Outcome"]) == (verdict, verdict == "promote")
        assert decision["Sentence"].startswith("AUC 0.")
        assert decision["Champion"].endswith(f":model-package/{group}/1")
        assert decision["Report"].startswith(f"s3://{bucket}/{verdict}/champion-gate/reports/")
        assert decision["Rules"][0]["margin"] == 0.001
        condition = native.steps[f"Gate-{verdict}.promote"].result
        assert condition is not None
        assert condition["Decision"]["Because"] == decision["Sentence"]

    lowered = uploaded(document, aws, tmp_path, monkeypatch)
    assert not [problem for problem in examine(lowered)[1] if problem.code != "SM140"]
    assert not [step for step in load_pipeline(lowered).steps if step.type.startswith("x-")]
    assert ran(run(lowered, clients, "lowered")) == ran(native)


def uploaded(document: Any, aws: LocalAws, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What ``to-json --for-service --upload`` writes, with the files of the gates in S3 by then."""
    source, out = folder / "gates.json", folder / "service.json"
    source.write_text(json.dumps(document))
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["to-json", str(source), "--for-service", "--upload", "-o", str(out)])
    assert done.exit_code == 0, done.output
    for uri, content in for_service(load_pipeline(document)).files.items():
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        assert aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == content
        assert f"wrote {uri}" in done.stderr
    return json.loads(out.read_text())


WRONG = [
    ({"Rules": [{"Metric": "auc", "Must": "improve", "By": {"Get": "Parameters.Margin"}}]}, "Rules[0].By: By is -1;"),
    ({"NoChampion": {"Get": "Parameters.Word"}}, "NoChampion is 'yes'; it is one of promote, reject, approve."),
    ({"Champion": {"ModelPackageGroup": "nobodys"}}, 'There is no model package group "nobodys"'),
    (
        {"Champion": {"ModelPackageGroup": {"Get": "Parameters.None"}}},
        "Champion.ModelPackageGroup is empty in this run.",
    ),
]


@pytest.mark.e2e
@pytest.mark.parametrize(("keys", "told"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_only_a_run_can_know_is_refused_before_the_job(
    clients: SessionAws, keys: dict[str, Any], told: str
) -> None:
    parameters = {"Margin": -1, "Word": "yes", "None": ""}
    scope = Scope("IsBetter", parameters, {}, {}, {}, lambda _uri: b"")
    spec = {"Champion": {"ModelPackageGroup": "g"}, "Rules": [{"Metric": "auc", "Must": "improve"}], **keys}
    identity = StepIdentity("p", "IsBetter", "d", "r", "IsBetter")
    step = StepRun(StepSpec(settings=spec), "x-champion-gate", identity, scope, clients, lambda _line: None)
    with pytest.raises(StepFailed, match=re.escape(told)):
        asyncio.run(ChampionGateRunner().submit(step))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"promote"', b'{"verdict": "Promote"}', b'{"verdict": null}', b'{"sentence": "good"}', b"\xff"],
)
def test_a_report_that_cannot_be_read_never_promotes(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read_report(content, "s3://b/report.json", GATE)


RULE = {"metric": "auc", "rule": "[0]", "verdict": "promote", "dry_run": False}
CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, "without the rules that were met"),
    ({"rules": []}, "without the rules that were met"),
    ({"rules": ["promote"]}, "without the rules that were met"),
    ({"rules": [RULE, {**RULE, "rule": "[1]", "verdict": "reject"}]}, r'rule \[1\] \(auc\) says "reject"'),
    ({"rules": [RULE, {**RULE, "slice": "origin=JFK", "verdict": "inconclusive"}]}, "auc, origin=JFK"),
    ({"rules": [RULE, {**RULE, "verdict": None}]}, 'says "None"'),
    ({"rules": [RULE, {**RULE, "verdict": "reject", "dry_run": "yes"}]}, 'says "reject"'),
    ({"rules": [{**RULE, "dry_run": True}]}, "no rule that has an effect"),
    ({"rules": [{**RULE, "verdict": "skipped"}]}, "no rule that has an effect"),
    ({"rules": [RULE], "no_champion": "approve"}, 'no_champion "approve"'),
]


@pytest.mark.parametrize(("members", "why"), CONTRADICTIONS)
def test_a_report_that_promotes_against_its_rules_is_refused(members: dict[str, Any], why: str) -> None:
    content = json.dumps({"verdict": "promote", "sentence": "Better.", **members}).encode()
    with pytest.raises(Unreadable, match=f'^s3://b/report.json says "promote".*{why}.*decides nothing$'):
        read_report(content, "s3://b/report.json", GATE)


@pytest.mark.parametrize("rules", [[RULE], [RULE, {**RULE, "verdict": "reject", "dry_run": True}]])
def test_a_report_that_promotes_by_its_rules_is_read(rules: list[Any]) -> None:
    content = json.dumps({"verdict": "promote", "rules": rules, "no_champion": "promote"}).encode()
    assert read_report(content, "s3://b/report.json", GATE)["verdict"] == "promote"


def test_a_promotion_that_leaves_out_a_rule_or_the_champion_is_refused(clients: SessionAws) -> None:
    identity = StepIdentity("p", "IsBetter", "d", "r", "IsBetter")
    scope = Scope("IsBetter", {}, {}, {}, {}, lambda _uri: b"")
    step = StepRun(StepSpec(), "x-champion-gate", identity, scope, clients, print)
    job = Submitted("j", "j", 0, "", facts={"group": "g", "champion": "arn:v1", "rules": ["[0]", "[1]"]})
    with pytest.raises(StepFailed, match=r"without a word on the rule \[1\]"):
        ChampionGateRunner().check(step, job, {"verdict": "promote", "rules": [RULE]})
    both = {"verdict": "promote", "rules": [RULE, {**RULE, "rule": "[1]"}], "no_champion": "promote"}
    with pytest.raises(StepFailed, match="arn:v1 is the champion"):
        ChampionGateRunner().check(step, job, both)


def test_a_report_is_read_with_its_sentence() -> None:
    content = json.dumps({"verdict": "reject", "sentence": "AUC 0.6 against 0.7."}).encode()
    assert read_report(content, "s3://b/report.json", GATE)["sentence"] == "AUC 0.6 against 0.7."
