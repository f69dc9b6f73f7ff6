"""The trial components that SageMaker makes of jobs; those that people make themselves are moto's."""

from __future__ import annotations

from dataclasses import dataclass

from ..store import Resource
from .context import Answer, Context, Handler, PassedOn, Request, page

FAMILIES = {"processing-job": "processing", "training-job": "training", "transform-job": "transform"}
TYPES = {"processing-job": "ProcessingJob", "training-job": "TrainingJob", "transform-job": "TransformJob"}


@dataclass(frozen=True, slots=True)
class OfJob:
    """A job's trial component; ``path`` is the job's in ARNs."""

    job: Resource
    path: str
    arn: str

    @property
    def type(self) -> str:
        """What it is called in a lineage graph."""
        return TYPES[self.path]

    @property
    def name(self) -> str:
        """Its own name."""
        return self.arn.rpartition("/")[2]


def of_job(context: Context, job_arn: str) -> OfJob | None:
    """The trial component of the job ``job_arn``; ``None`` when there is no such job."""
    path, _, name = job_arn.rpartition(":")[2].partition("/")
    job = context.store.get(FAMILIES[path], context.region, name) if path in FAMILIES else None
    if job is None:
        return None
    return OfJob(job, path, context.arn(f"experiment-trial-component/{name.lower()}-aws-{path}"))


def with_arn(context: Context, arn: str) -> OfJob | None:
    """The trial component ``arn``; ``None`` when no job has it."""
    name = arn.rpartition("/")[2]
    for path, family in FAMILIES.items():
        if name.endswith(f"-aws-{path}"):
            wanted = name.removesuffix(f"-aws-{path}")
            jobs = (job for job in context.store.all(family, context.region) if job.name.lower() == wanted)
            return next((OfJob(job, path, arn) for job in jobs), None)
    return None


def _list(context: Context, request: Request) -> Answer:
    source = request.get("SourceArn")
    if not source:
        raise PassedOn
    found = of_job(context, str(source))
    rows = [_summary(found)] if found is not None else []
    return page(rows, request, "TrialComponentSummaries")


def _summary(found: OfJob) -> Answer:
    return {
        "TrialComponentName": found.name,
        "DisplayName": found.name,
        "TrialComponentArn": found.arn,
        "TrialComponentSource": {"SourceArn": found.job.body["arn"], "SourceType": f"SageMaker{found.type}"},
        "CreationTime": found.job.created,
        "LastModifiedTime": found.job.modified,
    }


HANDLERS: dict[str, Handler] = {"ListTrialComponents": _list}
