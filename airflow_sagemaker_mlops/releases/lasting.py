"""What a rollback would not undo: the effects of a release's runs.

A rollback restores DAG files, definitions, code and the champion.  What runs created in the meantime stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..definition.model import Pipeline
from ..stages.model import Stage

_KINDS: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"Processing", "Training", "Transform", "Tuning", "AutoML", "EMR", "EMRServerless", "Job", "Athena"}),
        "what jobs of {} wrote, and their cost",
    ),
    (frozenset({"RegisterModel"}), "versions that {} registered"),
    (frozenset({"Model", "EndpointConfig"}), "models and configurations that {} created"),
    (frozenset({"InferenceComponent"}), "components that {} deployed"),
    (frozenset({"Lambda", "Callback"}), "what functions and receivers of messages of {} did"),
    (frozenset({"Lineage"}), "lineage that {} wrote"),
    (frozenset({"Cleanup"}), "deletions by {}"),
    (frozenset({"x-airflow"}), "what operators of other packages did for {}"),
    (frozenset({"x-approval"}), "answers to {}"),
    (
        frozenset({"BedrockCustomModel", "BedrockCustomModelDeployment", "BedrockModelImport"}),
        "models of {} on Bedrock",
    ),
    (frozenset({"BedrockProvisionedModelThroughput"}), "throughput that {} provisioned, and its cost"),
)


def lasting_effects(
    stage: Stage, after: Mapping[str, Pipeline], before: Mapping[str, Pipeline], has_release: bool
) -> Iterator[str]:
    """Sentences about what rolling back to ``before`` would leave of the runs of ``after``."""
    if not has_release:
        yield "this is the first release of the stage, so there is nothing to roll back to"
    names: dict[str, list[str]] = {}
    for pipeline in after.values():
        for step in pipeline.steps:
            names.setdefault(step.type, []).append(step.name)
    for types, what in _KINDS:
        # pipelines may have steps of the same name
        if steps := list(dict.fromkeys(name for one in sorted(types) for name in names.get(one, ()))):
            yield what.format(_listed(steps))
    if endpoints := list(dict.fromkeys(names.get("Endpoint", ()))):
        if stage.endpoint is not None:
            yield f"endpoints of {_listed(endpoints)} other than {stage.endpoint}, which follows the champion"
        else:
            yield f"endpoints of {_listed(endpoints)}; one that is named as endpoint follows the champion"
    if "x-promote-champion" in names and stage.model_package_group is None:
        yield "the champion, because the stage names no model_package_group"
    for name in before.keys() - after.keys():
        yield f"runs of {name} that end because this release removes it"
    yield "tasks of running DAG runs, which take the DAG files that are there when they start"


def _listed(steps: list[str], limit: int = 4) -> str:
    more = f" and {len(steps) - limit} more" if len(steps) > limit else ""
    return ", ".join(steps[:limit]) + more
