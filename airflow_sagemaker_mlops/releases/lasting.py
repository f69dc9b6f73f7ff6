"""What a rollback would not undo: the effects of a release's runs outside of its files.

A rollback restores DAG files, definitions, code and the champion.  What runs made meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..definition.model import Pipeline
from ..stages.model import Stage

_KINDS: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"Processing", "Training", "Transform", "Tuning", "AutoML", "EMR", "EMRServerless", "NotebookJob"}),
        "what their jobs wrote to S3 and to other stores, and what they cost",
    ),
    (frozenset({"RegisterModel"}), "the versions that they registered stay in the model registry"),
    (frozenset({"Model", "EndpointConfig"}), "the models and configurations that they created stay"),
    (frozenset({"InferenceComponent"}), "the components that they deployed stay on their endpoint"),
    (frozenset({"Lambda", "Callback"}), "what the functions and the receivers of the messages did"),
    (frozenset({"Lineage"}), "the lineage entities that they wrote"),
    (frozenset({"Cleanup"}), "the resources that they deleted are not restored"),
    (frozenset({"x-airflow"}), "what the operators of other packages did"),
    (frozenset({"x-approval"}), "the answers of approvals stay in the registry"),
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
        if steps := [name for one in sorted(types) for name in names.get(one, ())]:
            yield f"{_listed(steps)}: {what}"
    if endpoints := names.get("Endpoint"):
        if stage.endpoint is not None:
            yield f"{_listed(endpoints)}: endpoints other than {stage.endpoint}, which is given back with the champion"
        else:
            yield f"{_listed(endpoints)}: endpoints serve what they serve; name one as endpoint to give it back, too"
    if "x-promote-champion" in names and stage.model_package_group is None:
        yield "the champion, because the stage names no model_package_group"
    for name in before.keys() - after.keys():
        yield f"runs of {name}, which this release removes, that are stopped by removing it"
    yield "runs that are under way: their later tasks take the DAG files that are there when they start"


def _listed(steps: list[str], most: int = 4) -> str:
    more = f" and {len(steps) - most} more" if len(steps) > most else ""
    return ", ".join(steps[:most]) + more
