"""The instances that steps start, in the words of SageMaker's quotas (as ResourceLimitExceeded quotes them)."""

from __future__ import annotations

from typing import Any

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.steps.instances import instances_of

CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 30}
PROCESSING = {"ProcessingResources": {"ClusterConfig": CLUSTER}}


def needs(*steps: dict[str, Any]) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for one in instances_of(load_pipeline({"Version": "2020-12-01", "Steps": list(steps)})):
        found.setdefault(one.step, []).append((one.quota, one.count))
    return found


def step(name: str, kind: str, **arguments: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments}


def test_jobs_need_the_instances_of_their_clusters() -> None:
    assert needs(
        step("P", "Processing", **PROCESSING),
        step("T", "Training", ResourceConfig={**CLUSTER, "InstanceCount": "3"}),
        step("S", "Training", ResourceConfig=CLUSTER, EnableManagedSpotTraining=True),
        step("B", "Transform", TransformResources=CLUSTER),
        step("M", "Model"),
    ) == {
        "P": [("ml.m5.large for processing job usage", 2)],
        "T": [("ml.m5.large for training job usage", 3)],
        "S": [("ml.m5.large for spot training job usage", 2)],
        "B": [("ml.m5.large for transform job usage", 2)],
    }


def test_instances_that_run_at_the_same_time_are_added_up() -> None:
    groups = [{"InstanceGroupName": name, "InstanceType": "ml.c5.xlarge", "InstanceCount": 2} for name in "ab"]
    variants = [{"VariantName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1} for name in "ab"]
    body = step("Body", "Processing", **PROCESSING)
    assert needs(
        step("G", "Training", ResourceConfig={"InstanceGroups": groups}),
        step("E", "EndpointConfig", ProductionVariants=variants, ShadowProductionVariants=variants[:1]),
        step(
            "H",
            "Tuning",
            HyperParameterTuningJobConfig={"ResourceLimits": {"MaxParallelTrainingJobs": 5}},
            TrainingJobDefinition={"ResourceConfig": CLUSTER},
        ),
        step("L", "ForEach", IterableItems=["x"], MaxConcurrency=4, ForEachBody=[body]),
    ) == {
        "G": [("ml.c5.xlarge for training job usage", 4)],
        "E": [("ml.m5.large for endpoint usage", 3)],
        "H": [("ml.m5.large for training job usage", 10)],
        "Body": [("ml.m5.large for processing job usage", 8)],
    }


def test_what_only_a_run_knows_is_left_out() -> None:
    unknown = {"Get": "Steps.P.ProcessingJobName"}
    later = {**CLUSTER, "InstanceType": unknown}
    assert needs(step("P", "Processing"), step("T", "Training", ResourceConfig=later)) == {}
