"""The recorded run that a selective run takes results from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...definition.problems import Problem
from ...plan.model import Plan
from ...plan.selection import InvalidSelection
from ..model.documents import RecordDocument
from ..model.errors import RecordError, StoreUnavailable
from ..model.step_record import StepRecord
from ..store.protocol import Store
from ..store.reader import dags_of, parameters_of_record, read_record, run_named, steps_of
from ..store.sealed import record_name

ENDED = ("Succeeded", "Failed", "Stopped", "CompletedWithFailures")


@dataclass(frozen=True, slots=True)
class SourceRun:
    """A recorded run whose results a selective run takes; ``steps`` by name."""

    run_id: str
    status: str
    definition_hash: str
    parameters: Mapping[str, Any]
    steps: Mapping[str, StepRecord]

    @property
    def statuses(self) -> dict[str, str]:
        """Status of each step, by name."""
        return {name: step.status for name, step in self.steps.items()}


def read_source(store: Store, plan: Plan, pipeline: str, name: str) -> SourceRun:
    """The run called ``name`` (an id, its beginning, "latest") of ``pipeline``.

    Raises :class:`InvalidSelection` (SM407) if no results can be taken from it, and :class:`StoreUnavailable` if the
    records cannot be read.
    """
    try:
        run_id = run_named(store, pipeline, name)
        document = read_record(store, pipeline, run_id)
        steps = steps_of(store, document)
    except StoreUnavailable:
        raise
    except RecordError as error:
        other = name.partition("/")[0]
        what = f"there is no source run: {error}"
        if "/" in name and other != pipeline and other in dags_of(store):
            what = f'run "{name}" is of pipeline "{other}", and this is "{pipeline}": results are not exchanged.'
        fix = "sagemaker-mlops records list shows the runs there are; without one, select every step."
        raise InvalidSelection(plan.source, [Problem("SM407", "source-run", what, fix)]) from None
    status = str(document["run"].get("status", ""))
    if status not in ENDED:
        what = f'run "{run_id}" is {status or "without a status"}, so its results are not final.'
        raise InvalidSelection(
            plan.source, [Problem("SM407", "source-run", what, "Wait for its end, or name another.")]
        )
    return source_of(document, steps)


def source_of(document: RecordDocument, steps: Mapping[str, StepRecord]) -> SourceRun:
    """The run of the record ``document``, with ``steps`` from ``reader.steps_of``, as a source run."""
    run = document["run"]
    parameters = parameters_of_record(document)
    definition = document["definition"]["sha256"] if "definition" in document else ""
    return SourceRun(record_name(run), str(run.get("status", "")), definition, parameters, steps)
