"""``GET api/run``: everything that the tab of a run shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from ..data.run_source import RunSource, source_of
from .guards import READS_RUNS, DagId, RunId

if TYPE_CHECKING:
    from ...json_types import JsonObject

router = APIRouter(dependencies=READS_RUNS)
NOT_OURS = "This run is not a run of a SageMaker pipeline."


@router.get("/run")
def run(dag_id: DagId, run_id: RunId, group: str = "", instance: int = -1) -> dict[str, Any]:
    """The view of a run; ``view`` is null, with a sentence in ``why``, if there is nothing to show."""
    source = source_of(dag_id, run_id, group, instance)
    if source is None:
        return {"view": None, "why": "This run does not exist any more."}
    if source.pipeline is None or source.record is None:
        return {"view": None, "why": NOT_OURS}
    return {"view": _view(source), "why": source.why_not, **_about(source)}


def _about(source: RunSource) -> JsonObject:
    return {
        "live": source.run.is_live,
        "sealed": source.is_sealed,
        "waiting": [*source.waiting],
        "pipelines": [{"group": one.group, "instance": one.instance} for one in source.pipelines],
    }


def _view(source: RunSource) -> Any:
    return source.record
