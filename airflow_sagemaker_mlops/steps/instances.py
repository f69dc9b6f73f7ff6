"""The instances that the steps of a pipeline start, in the words of SageMaker's service quotas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..definition.model import Pipeline, Step
from ..definition.values import coerce

if TYPE_CHECKING:
    from ..json_types import Json

PROCESSING, TRAINING, SPOT = "processing job", "training job", "spot training job"
TRANSFORM, ENDPOINT = "transform job", "endpoint"


@dataclass(frozen=True, slots=True)
class Instances:
    """What one step has running at a time, at most.

    :ivar usage: what the quota counts, e.g. ``training job``
    """

    step: str
    instance_type: str
    usage: str
    count: int

    @property
    def quota(self) -> str:
        """The name of the quota, as Service Quotas and ResourceLimitExceeded have it."""
        return f"{self.instance_type} for {self.usage} usage"


def instances_of(pipeline: Pipeline) -> Iterator[Instances]:
    """The instances of every step, as far as its arguments say them; a step's own types are added up."""
    for step in pipeline.steps:
        found: dict[tuple[str, str], int] = {}
        for usage, instance_type, count in _in(step.arguments):
            found[usage, instance_type] = found.get((usage, instance_type), 0) + count
        at_a_time = _at_a_time(pipeline, step)
        for (usage, instance_type), count in found.items():
            yield Instances(step.name, instance_type, usage, count * (1 if usage == ENDPOINT else at_a_time))


def _at_a_time(pipeline: Pipeline, step: Step) -> int:
    """How often the step may run at the same time: the jobs of a tuning job, the iterations of a loop."""
    limits = _object(_object(step.arguments.get("HyperParameterTuningJobConfig")).get("ResourceLimits"))
    times = _number(limits.get("MaxParallelTrainingJobs")) or 1
    loop = pipeline.by_name.get(step.parent or "")
    return times * ((_number(loop.arguments.get("MaxConcurrency")) or 1) if loop is not None and loop.body else 1)


def _in(arguments: Mapping[str, Json]) -> Iterator[tuple[str, str, int]]:
    yield from _one(PROCESSING, _object(arguments.get("ProcessingResources")).get("ClusterConfig"))
    yield from _one(TRANSFORM, arguments.get("TransformResources"))
    for job in (arguments, arguments.get("TrainingJobDefinition"), *_list(arguments.get("TrainingJobDefinitions"))):
        usage = SPOT if str(_object(job).get("EnableManagedSpotTraining")).lower() == "true" else TRAINING
        config = _object(job).get("ResourceConfig")
        for group in (config, *_list(_object(config).get("InstanceGroups"))):
            yield from _one(usage, group)
    for key in ("ProductionVariants", "ShadowProductionVariants"):
        for variant in _list(arguments.get(key)):
            yield from _one(ENDPOINT, variant, "InitialInstanceCount")


def _one(usage: str, config: object, key: str = "InstanceCount") -> Iterator[tuple[str, str, int]]:
    instance_type, count = _object(config).get("InstanceType"), _number(_object(config).get(key))
    if isinstance(instance_type, str) and count:
        yield usage, instance_type, count


def _object(value: object) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Json]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int:
    """The integer in ``value``; 0 for an expression that only a run knows."""
    with suppress(ValueError):
        return int(coerce(value, "integer"))
    return 0
