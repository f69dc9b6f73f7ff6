"""The process behind one tuning job: ``python -m airflow_sagemaker_mlops.local_aws.job.tuner FOLDER``.

It draws hyperparameters from their ranges (grid or random; Bayesian search is not available), creates real training
jobs through the public API, and runs at most MaxParallelTrainingJobs of them at a time.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...json_types import AwsShape
from ..container.interpreter import XGBOOST
from ..container.job_folder import JobError, JobFolder
from ..processes import start_of
from .status import FINISHED, AlreadyClaimed, StatusFile

POLL_INTERVAL_S = 0.5
CHILD_KEYS = (
    "RoleArn",
    "OutputDataConfig",
    "StoppingCondition",
    "InputDataConfig",
    "VpcConfig",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "CheckpointConfig",
    "Environment",
)


class Tuner:
    """One tuning job.

    children   {training job: its tuned values and its status}, in the order of their creation
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ending = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: self.ending.set())
        self.job_folder = JobFolder.read(folder)
        self.status = StatusFile(folder, os.getpid(), start_of(os.getpid()))
        self.children: dict[str, dict[str, Any]] = dict(self.status.current.get("children") or {})
        self.config = self.job_folder.request["HyperParameterTuningJobConfig"]

    def run(self) -> None:
        """Run the job to a terminal status, whatever happens."""
        if (self.folder / "stop").exists():
            self.ending.set()
        self.status.change(start_time=time.time())
        try:
            self._run()
        except JobError as error:
            self._finish("Failed", str(error))
        except Exception as error:
            self._finish("Failed", f"InternalServerError: {type(error).__name__}: {error}")
            raise

    def _run(self) -> None:
        limits = self.config.get("ResourceLimits") or {}
        max_jobs, parallel = int(limits.get("MaxNumberOfTrainingJobs") or 1), int(limits["MaxParallelTrainingJobs"])
        draws = self._draws()
        while not self.ending.is_set():
            running = self._update_children()
            while len(self.children) < max_jobs and running < parallel and not self.ending.is_set():
                drawn = next(draws, None)
                if drawn is None:
                    max_jobs = len(self.children)
                    break
                self._start(*drawn)
                running += 1
            if not running and len(self.children) >= max_jobs:
                break
            self.ending.wait(POLL_INTERVAL_S)
        if self.ending.is_set():
            self._stop_children()
            self._finish("Stopped", "")
        elif not any(child["status"] == "Completed" for child in self.children.values()):
            reasons = {str(child.get("reason")) for child in self.children.values()}
            # AWS's text ends after the second sentence; the embedded AWS adds the reasons of the training jobs.
            what = f"No training job succeeded after {len(self.children)} attempts."
            hint = "Please take a look at the training job failures to get more details."
            self._finish("Failed", f"{what} {hint} {'; '.join(sorted(reasons))}")
        else:
            self._finish("Completed", "")

    def _definitions(self) -> list[dict[str, Any]]:
        request = self.job_folder.request
        single = request.get("TrainingJobDefinition")
        return list(request.get("TrainingJobDefinitions") or []) or ([single] if single else [])

    def _draws(self) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
        """(definition, hyperparameter values) of each training job in turn."""
        definitions = self._definitions()
        if not definitions:
            raise JobError("ClientError: the tuning job has no TrainingJobDefinition")
        rng = random.Random(self.config.get("RandomSeed", self.job_folder.name))
        if self.config.get("Strategy") == "Grid":
            for definition in definitions:
                choices = self._ranges(definition).get("CategoricalParameterRanges") or []
                names = [choice["Name"] for choice in choices]
                for values in itertools.product(*(choice["Values"] for choice in choices)):
                    yield definition, dict(zip(names, values, strict=True))
            return
        for definition in itertools.cycle(definitions):
            yield definition, _drawn(self._ranges(definition), rng)

    def _ranges(self, definition: AwsShape) -> dict[str, Any]:
        return definition.get("HyperParameterRanges") or self.config.get("ParameterRanges") or {}

    def objective(self, definition: AwsShape) -> dict[str, Any]:
        """The objective of a definition: its metric and direction."""
        return definition.get("TuningObjective") or self.config.get("HyperParameterTuningJobObjective") or {}

    def _start(self, definition: AwsShape, values: dict[str, str]) -> None:
        name = f"{self.job_folder.name}-{len(self.children) + 1:03d}"
        goal = self.objective(definition)
        request = {key: definition[key] for key in CHILD_KEYS if definition.get(key) is not None}
        request["TrainingJobName"] = name
        request["HyperParameters"] = {**(definition.get("StaticHyperParameters") or {}), **values}
        request["AlgorithmSpecification"] = _with_objective_metric(
            dict(definition["AlgorithmSpecification"]), goal.get("MetricName")
        )
        request["ResourceConfig"] = _resources(definition)
        self.children[name] = {
            "values": values,
            "status": "InProgress",
            "created": time.time(),
            "metric": goal.get("MetricName"),
            "goal": goal.get("Type"),
            "definition": definition.get("DefinitionName"),
        }
        self.status.change(children=self.children)  # before its creation, so that a restart does not create it again
        client = self.job_folder.client("sagemaker")
        with contextlib.suppress(client.exceptions.ResourceInUse):  # the server created it but died before answering
            client.create_training_job(**request)

    def _update_children(self) -> int:
        """Update the status of the children; returns the number of those still running."""
        client = self.job_folder.client("sagemaker")
        running, changed = 0, False
        for name, child in self.children.items():
            if child["status"] in FINISHED:
                continue
            answer = client.describe_training_job(TrainingJobName=name)
            if answer["TrainingJobStatus"] not in FINISHED:
                running += 1
                continue
            changed = True
            metrics = {m["MetricName"]: m["Value"] for m in answer.get("FinalMetricDataList") or []}
            child |= {
                "status": answer["TrainingJobStatus"],
                "reason": answer.get("FailureReason"),
                "ended": time.time(),
            }
            child |= {"value": metrics.get(child["metric"]), "arn": answer["TrainingJobArn"]}
        if changed:
            self.status.change(children=self.children)
        return running

    def _stop_children(self) -> None:
        client = self.job_folder.client("sagemaker")
        for name, child in self.children.items():
            if child["status"] not in FINISHED:
                try:
                    client.stop_training_job(TrainingJobName=name)
                except client.exceptions.ClientError as error:
                    child["reason"] = str(error)  # the child has ended by itself in the meantime
        deadline = time.time() + 130
        while self._update_children() and time.time() < deadline:
            time.sleep(POLL_INTERVAL_S)

    def _finish(self, status: str, reason: str) -> None:
        self.status.change(status=status, failure_reason=reason or None, end_time=time.time())


def _drawn(ranges: AwsShape, rng: random.Random) -> dict[str, str]:
    values: dict[str, str] = {}
    for item in ranges.get("ContinuousParameterRanges") or []:
        values[item["Name"]] = repr(_random_value(item, rng))
    for item in ranges.get("IntegerParameterRanges") or []:
        values[item["Name"]] = str(round(_random_value(item, rng)))
    for item in ranges.get("CategoricalParameterRanges") or []:
        values[item["Name"]] = rng.choice(item["Values"])
    return values


def _random_value(item: AwsShape, rng: random.Random) -> float:
    low, high = float(item["MinValue"]), float(item["MaxValue"])
    if item.get("ScalingType") == "Logarithmic" and low > 0:
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return rng.uniform(low, high)


def _with_objective_metric(algorithm: AwsShape, metric: str | None) -> AwsShape:
    """``algorithm`` with a definition of the objective metric, which the built-in XGBoost has on AWS."""
    known = {item["Name"] for item in algorithm.get("MetricDefinitions") or []}
    if metric and metric not in known and XGBOOST.search(algorithm.get("TrainingImage") or ""):
        regex = rf"{metric.replace(':', '-')}[:=]([0-9.eE+-]+)"
        definitions = [*(algorithm.get("MetricDefinitions") or []), {"Name": metric, "Regex": regex}]
        return {**algorithm, "MetricDefinitions": definitions}
    return algorithm


def _resources(definition: AwsShape) -> dict[str, Any]:
    given = definition.get("ResourceConfig")
    if given:
        return dict(given)
    tuning = definition.get("HyperParameterTuningResourceConfig") or {}
    choices = tuning.get("InstanceConfigs") or [tuning]
    chosen = {key: choices[0][key] for key in ("InstanceType", "InstanceCount", "VolumeSizeInGB") if key in choices[0]}
    return {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10, **chosen}


if __name__ == "__main__":
    with contextlib.suppress(AlreadyClaimed):
        Tuner(Path(sys.argv[1])).run()
