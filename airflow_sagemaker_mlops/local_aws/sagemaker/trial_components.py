"""The trial components that SageMaker creates for jobs; ``experiments`` has those that users create."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...json_types import AwsShape
from ..store import Resource
from .context import Answer, Context
from .job_lifecycle import status_in_list

FAMILIES = {"processing-job": "processing", "training-job": "training", "transform-job": "transform"}
TYPES = {"processing-job": "ProcessingJob", "training-job": "TrainingJob", "transform-job": "TransformJob"}


@dataclass(frozen=True, slots=True)
class JobTrialComponent:
    """The trial component of a job; ``path`` is the job's resource type in ARNs."""

    job: Resource
    path: str
    arn: str

    @property
    def type(self) -> str:
        """Its type in a lineage graph."""
        return TYPES[self.path]

    @property
    def name(self) -> str:
        """The name of the trial component."""
        return self.arn.rpartition("/")[2]

    def row(self, context: Context) -> Answer:
        """The answer of DescribeTrialComponent."""
        request, status = self.job.body["request"], status_in_list(context, FAMILIES[self.path], self.job)
        state = {"PrimaryStatus": status["status"], "Message": status.get("failure_reason")}
        row: Answer = {
            "TrialComponentName": self.name,
            "DisplayName": (request.get("ExperimentConfig") or {}).get("TrialComponentDisplayName") or self.name,
            "TrialComponentArn": self.arn,
            "Source": {"SourceArn": self.job.body["arn"], "SourceType": f"SageMaker{self.type}"},
            "Status": {key: value for key, value in state.items() if value},
            "StartTime": status.get("start_time"),
            "EndTime": status.get("end_time"),
            "CreationTime": self.job.created,
            "LastModifiedTime": status["last_modified_time"],
            "Parameters": {key: _parameter(value) for key, value in (request.get("HyperParameters") or {}).items()},
            "Metrics": [_metric(self.job, metric) for metric in status.get("metrics") or []],
        }
        if status.get("model_artifacts"):
            row["OutputArtifacts"] = {"SageMaker.ModelArtifact": {"Value": status["model_artifacts"]}}
        return row


def _parameter(value: str) -> Answer:
    """A hyperparameter, as a number if it is one."""
    try:
        return {"NumberValue": float(value)}
    except ValueError:
        return {"StringValue": value}


def _metric(job: Resource, metric: AwsShape) -> Answer:
    """The summary of a job's metric, of which only the last value is known."""
    value = metric["Value"]
    same = dict.fromkeys(("Max", "Min", "Last", "Avg"), value)
    summary = {"MetricName": metric["MetricName"], "SourceArn": job.body["arn"], "TimeStamp": metric["Timestamp"]}
    return {**summary, **same, "Count": 1, "StdDev": 0.0}


def _component(context: Context, path: str, job: Resource) -> JobTrialComponent:
    return JobTrialComponent(job, path, context.arn(f"experiment-trial-component/{job.name.lower()}-aws-{path}"))


def job_components(context: Context) -> Iterator[JobTrialComponent]:
    """The trial components of all jobs."""
    for path, family in FAMILIES.items():
        for job in context.store.all(family, context.region):
            yield _component(context, path, job)


def component_of_job(context: Context, job_arn: str) -> JobTrialComponent | None:
    """The trial component of the job ``job_arn``; ``None`` if there is no such job."""
    path, _, name = job_arn.rpartition(":")[2].partition("/")
    job = context.store.get(FAMILIES[path], context.region, name) if path in FAMILIES else None
    return None if job is None else _component(context, path, job)


def component_named(context: Context, name: str) -> JobTrialComponent | None:
    """The trial component called ``name``; ``None`` if no job has it."""
    return component_with_arn(context, context.arn(f"experiment-trial-component/{name}"))


def component_with_arn(context: Context, arn: str) -> JobTrialComponent | None:
    """The trial component ``arn``; ``None`` if no job has it."""
    name = arn.rpartition("/")[2]
    for path, family in FAMILIES.items():
        if name.endswith(f"-aws-{path}"):
            wanted = name.removesuffix(f"-aws-{path}")
            jobs = (job for job in context.store.all(family, context.region) if job.name.lower() == wanted)
            return next((JobTrialComponent(job, path, arn) for job in jobs), None)
    return None
