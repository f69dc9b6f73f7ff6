"""The pipeline of a run, for its record: :class:`Source`."""

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
    """A pipeline's own part of a record.

    definition   as given to the DAG, with the base folder of relative paths
    pipeline     its name
    group        id of its task group; empty for a DAG
    defaults     parameters whose defaults the DAG file has changed
    records      location of the records, as for ``StepTask``
    outlets      (name, URI) of the assets for locations to which its steps write
    connection   connection of its steps
    mapped       whether it is inside a mapped task group, so that each instance is a separate run
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
        """The name of the run of ``ti`` in records."""
        from ..execution.identity import run_name
        from .task_states import map_index_of

        return run_name(ti.run_id, map_index_of(ti) if self.mapped else -1)
