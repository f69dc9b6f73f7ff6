"""``GET api/task``: everything that the tab of a step's task shows."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from .guards import READS_RUNS, DagId, RunId, TaskId

router = APIRouter(dependencies=READS_RUNS)


@router.get("/task")
def task(dag_id: DagId, run_id: RunId, task_id: TaskId, map_index: int = -1) -> dict[str, Any]:
    """The view of a step; ``step`` is null for a task that is no step of a pipeline."""
    return {"step": None, "why": "This task is not a step of a SageMaker pipeline."}
