"""A drift check in a DAG without a definition."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sagemaker_mlops import operators
from airflow_sagemaker_mlops.operators import DriftCheckOperator

JOB = {"ImageUri": "image", "RoleArn": "arn:aws:iam::123456789012:role/R"}


def check(**keys: Any) -> DriftCheckOperator:
    arguments: dict[str, Any] = {"data": "s3://b/day", "baseline": "s3://b/profile.json", "job": JOB, **keys}
    return DriftCheckOperator(task_id="drift", **arguments)


def test_its_job_reads_what_it_is_given_and_drift_fails_it_unless_told_otherwise() -> None:
    spec = check(rules=[{"Check": "psi"}], no_baseline="drift", next_baseline="s3://b/january").step.spec
    inputs = {one["InputName"]: one["S3Input"]["S3Uri"] for one in spec.arguments["ProcessingInputs"]}
    assert inputs == {"data": "s3://b/day", "baseline": "s3://b/profile.json", "next-baseline": "s3://b/january"}
    assert spec.settings == {"Rules": [{"Check": "psi"}], "NoBaseline": "drift", "FailOnDrift": True}
    assert check(fail_on_drift=False).step.spec.settings == {"FailOnDrift": False}


def test_values_that_a_run_gives_are_not_judged_when_the_file_is_parsed() -> None:
    assert check(rules=[{"Check": "psi", "Max": "{{ params.limit }}"}]).template_fields == ("arguments", "settings")
    read = check(
        rules=[{"Check": "ks", "Max": {"Get": "Parameters.Limit"}}],
        columns={"Label": "{{ params.label }}", "Ignore": ["{{ params.id }}"]},
        baseline={"Get": "Steps.january.Profile"},
    )
    assert (list(read.step.spec.parameters), dict(read.step.reads)) == (["Limit"], {"january": "january"})


def test_what_no_run_can_mend_is_refused_at_once_and_whole() -> None:
    with pytest.raises(
        ValueError, match=r"rules\[0\]\.Check: .*columns\.Labels: .*no_baseline='maybe'.*data=.*RoleArn"
    ):
        check(
            rules=[{"Check": "psy"}],
            columns={"Labels": "late"},
            no_baseline="maybe",
            data="",
            job={"ImageUri": "image"},
        )


@pytest.mark.parametrize("rules", ["psi", {"Check": "psi"}, 5, [5], ["psi"]])
def test_rules_that_are_none_are_refused_with_a_sentence(rules: Any) -> None:
    with pytest.raises(ValueError, match=r"Task \"drift\": rules(\[0\])?: the rules? (is|are) not"):
        check(rules=rules)


def test_the_operator_of_the_step_type_is_there_too() -> None:
    assert operators.DriftCheckStepOperator.step_type == "x-drift-check"
