"""Which pipeline a run was of, for its record: :class:`Source`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..hooks.connection import NO_CONNECTION, AwsConnection

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol


@dataclass(frozen=True, slots=True)
class Source:
    """What the record says of the pipeline itself.

    definition   as it was given to the DAG, with the folder that relative paths are relative to
    pipeline     its name
    group        of a task group, its id; empty for a DAG of its own
    defaults     parameters whose defaults the DAG file has changed
    records      where records go, as for ``StepTask``
    outlets      (name, URI) of the assets that are locations its steps write to
    connection   what leads to the AWS of its steps
    mapped       whether it is inside a mapped task group, so that each instance of it is a run of its own
    """

    definition: Any
    folder: Path
    pipeline: str
    group: str
    defaults: Mapping[str, Any]
    records: str
    outlets: tuple[tuple[str, str], ...] = ()
    connection: AwsConnection = NO_CONNECTION
    mapped: bool = False

    def run_name(self, ti: RuntimeTaskInstanceProtocol) -> str:
        """What the run of ``ti`` is called in records."""
        from ..execution.identity import run_name
        from .task_states import map_index_of

        return run_name(ti.run_id, map_index_of(ti) if self.mapped else -1)
