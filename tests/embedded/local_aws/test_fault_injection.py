"""Faults hit the intended operations and are counted when they have happened."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.local_aws.container.job_folder import JobFolder, new_job_data
from airflow_sagemaker_mlops.local_aws.errors import AwsError
from airflow_sagemaker_mlops.local_aws.fault_injection import FILE, LOG, FaultInjector, read_rules, write_rules

NOT_YET = {"operation": ".", "kind": "not_found_yet", "seconds": 60}
THROTTLED = {"operation": "^Describe", "kind": "throttle"}


def rules(*items: Any) -> str:
    return json.dumps({"seed": 1, "rules": items})


def body(**members: str) -> bytes:
    return json.dumps(members).encode()


def test_only_a_created_resource_is_not_visible_yet(tmp_path: Path) -> None:
    write_rules(tmp_path, rules(NOT_YET))
    faults = FaultInjector(tmp_path)
    made = body(ModelName="m", TransformJobName="t")
    assert not faults.before("CreateTransformJob", made)
    faults.after("CreateTransformJob", made)
    faults.before("DescribeModel", body(ModelName="m"))
    faults.before("DescribeTrainingJob", body(TrainingJobName="t"))
    with pytest.raises(AwsError, match="not visible yet"):
        faults.before("DescribeTransformJob", body(TransformJobName="t"))


def test_a_lost_answer_is_counted_only_when_it_is_lost(tmp_path: Path) -> None:
    write_rules(tmp_path, rules({"operation": "^Create", "kind": "lost_answer"}))
    faults = FaultInjector(tmp_path)
    assert faults.before("CreateModel", b"{}")
    assert not (tmp_path / LOG).exists()
    faults.lost_answer("CreateModel")
    assert (tmp_path / LOG).read_text().split()[1:] == ["lost_answer", "CreateModel"]


@pytest.mark.parametrize(
    "broken", ['{"rules": [', "[1]", '{"rules": [1]}', '{"rules": [{"kind": "throttle", "rate": []}]}']
)
def test_an_invalid_file_leaves_the_previous_rules_in_force(tmp_path: Path, broken: str) -> None:
    write_rules(tmp_path, rules(THROTTLED))
    faults = FaultInjector(tmp_path)
    for text in (rules(THROTTLED), broken):
        (tmp_path / FILE).write_text(text)
        os.utime(tmp_path / FILE, ns=(0, len(text)))  # independent of the resolution of the file system's clock
        with pytest.raises(AwsError, match="Rate exceeded"):
            faults.before("DescribeModel", b"{}")


@pytest.mark.parametrize(
    "broken",
    ["[]", '{"rules": {"kind": "throttle"}}', '{"rulez": []}', rules(1), rules({"kind": "throttle", "operation": "("})],
)
def test_invalid_rules_are_refused_in_a_sentence(tmp_path: Path, broken: str) -> None:
    with pytest.raises(ValueError, match="fault"):
        read_rules(broken)
    with pytest.raises(ValueError, match="fault"):
        write_rules(tmp_path, broken)
    assert not (tmp_path / FILE).exists()


@pytest.fixture
def throttled(aws: LocalAws) -> Iterator[LocalAws]:
    write_rules(Path(aws.state_dir), rules({"operation": "^Describe", "kind": "throttle"}))
    yield aws
    (Path(aws.state_dir) / FILE).unlink()


@pytest.mark.e2e
def test_calls_of_supervisors_are_exempt_from_faults(throttled: LocalAws) -> None:
    once = Config(retries={"total_max_attempts": 1})
    client = throttled.session().client("sagemaker", endpoint_url=throttled.endpoint_url, config=once)
    with pytest.raises(client.exceptions.ClientError, match="Rate exceeded"):
        client.describe_training_job(TrainingJobName="no-such-job")
    own = new_job_data(throttled, throttled.region, "tuning", "name", "arn", request={})
    client = JobFolder(Path(throttled.state_dir), own).client("sagemaker")
    with pytest.raises(client.exceptions.ClientError, match="Could not find"):
        client.describe_training_job(TrainingJobName="no-such-job")
