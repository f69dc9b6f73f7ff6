"""Handles a pipeline that cannot be built: an import error of its file, or a placeholder in its place.

Airflow's DAG processor marks every DAG of a file with an import error as stale, so the file's good DAGs are neither
scheduled nor shown until it is fixed.  With ``on_invalid="placeholder"`` an unscheduled DAG takes the broken one's
place, with the report as its docs and one task that fails with it.  A DAG file without such a pipeline does not need
this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import settings
from ..definition.problems import InvalidPipeline, PipelineError, Problem, did_you_mean
from ..plan.model import INVALID_TASK_ID
from .options import is_placeholder

if TYPE_CHECKING:
    from airflow.sdk import DAG, BaseOperator, TaskGroup

LONGEST_SAID = 2000
LONGEST_DOC = 20_000  # characters; it is stored with the DAG
# DAG keywords for its owner and its access control.
_KEPT = ("access_control", "dag_display_name", "default_args", "owner_links")


def outcome(error: PipelineError, on_invalid: str | None) -> tuple[PipelineError, bool]:
    """``error``, with problems of ``on_invalid`` itself, and whether to create a placeholder."""
    if any(problem.code == settings.CODE and problem.where == "on_invalid" for problem in error.problems):
        return error, False
    try:
        return error, is_placeholder(on_invalid)
    except PipelineError as wrong:
        return type(error).several([error, wrong]), False


def as_problem(
    error: Exception, source: str, owner: str, given: Mapping[str, object], made: type = object
) -> PipelineError:
    """``error`` itself if it is ours; errors of Airflow, the SDK or Python as a problem of ``owner`` (SM164).

    given   the keywords that may have caused the error
    """
    if isinstance(error, PipelineError):
        return error
    said = " ".join(str(error).split())[:LONGEST_SAID].rstrip(".")
    unknown = next((str(name) for name in given if f"argument '{name}'" in said), "")
    if not isinstance(error, TypeError | ValueError) or not said:
        said = f"{type(error).__name__}{said and ': '}{said}"
    fix = did_you_mean(unknown, _keywords(made)) if unknown else ""
    return InvalidPipeline(source, [Problem("SM164", unknown or "options", f"{owner} cannot be created: {said}.", fix)])


def _keywords(made: type) -> list[str]:
    """Keywords that ``made`` accepts, directly or through ``**kwargs`` of a base class."""
    from inspect import signature

    own = [vars(kind)["__init__"] for kind in made.__mro__[:-1] if "__init__" in vars(kind)]
    return [name for init in own for name in signature(init).parameters]


class AnyTask(dict[str, "BaseOperator"]):
    """The tasks of a broken pipeline by step name: every name maps to its one task."""

    def __init__(self, task: BaseOperator) -> None:
        super().__init__()
        self.task = task

    def __missing__(self, step: str) -> BaseOperator:
        return self.task


def placeholder_options(error: PipelineError, given: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of the placeholder DAG."""
    return {
        **{name: given[name] for name in _KEPT if name in given},
        "schedule": None,
        "catchup": False,
        "description": "The pipeline cannot be used; its docs say why.",
        "doc_md": report_doc(error),
        "tags": [*(given.get("tags") or ["sagemaker"]), "invalid"],
    }


def report_doc(error: PipelineError) -> str:
    """The report as Markdown that shows it verbatim."""
    text = str(error).replace("```", "'''")
    shown = text if len(text) <= LONGEST_DOC else f"{text[:LONGEST_DOC]}\n..."
    return f"This pipeline cannot be used. A run of it fails with this report.\n\n```text\n{shown}\n```\n"


def placeholder_task(error: PipelineError, dag: DAG, group: TaskGroup | None = None) -> AnyTask:
    """Create the one task of a broken pipeline, available under any step's name."""
    from ..operators.pipeline_tasks import InvalidPipelineOperator

    more = {} if group is None else {"task_group": group}
    task = InvalidPipelineOperator(
        task_id=INVALID_TASK_ID, dag=dag, report=str(error), doc_md=report_doc(error), **more
    )
    return AnyTask(task)
