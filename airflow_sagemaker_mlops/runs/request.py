"""The request for a run: :class:`RunRequest`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..records.model.prices import Prices
from ..records.reuse.selective_run import SelectiveRequest
from .clients import Target
from .definition_source import DefinitionSource
from .errors import Argument, RunError
from .stubs import StubOptions

WHOLE = SelectiveRequest()
NO_STUBS = StubOptions()
EMBEDDED = Target()


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The request for a run, or with stubs for all branches for several runs.

    :param parameters: values by name, typed or as strings
    :param name: name of the pipeline; default: the definition's
    :param records: location of the records, "off" for none
    :param cache: whether steps follow their ``CacheConfig``
    :param selective: the steps to run, and the source run of their inputs; all steps if omitted
    :param max_parallel_steps: maximum number of steps that run at once; 0 for no limit
    :param publishes: whether to first run the ``publish.py`` in the definition's folder, on the embedded AWS
    :param trigger: origin of the request, for the record
    :param no_records: the fix if results of an earlier run are needed but no records are known
    :param compare_again: maximum number of further runs from the step that reads the champion, if it changes meanwhile
    :param answers: {x-approval step: {"decision", "user", "at", "comment"}}, used instead of waiting for an answer
    :param on_demand: whether to start the embedded AWS only for the first call, because stubs may need none
    """

    source: DefinitionSource
    parameters: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    target: Target = EMBEDDED
    records: str | None = None
    cache: bool = True
    selective: SelectiveRequest = WHOLE
    stubs: StubOptions = NO_STUBS
    max_parallel_steps: int = 0
    prices: Prices | None = None
    publishes: bool = True
    trigger: str = "api"
    no_records: str = "Pass the location of the records as records=..., and leave out stubs."
    on_demand: bool = False
    compare_again: int = 3
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return self.name or self.source.pipeline_name

    @property
    def is_recorded(self) -> bool:
        """Whether the run may be recorded: a stub's result does not count as a success."""
        return self.stubs.stubs is None


def check_selective(selective: SelectiveRequest) -> None:
    """Raise :class:`RunError` for a request whose members exclude each other."""
    select, resume, source = Argument("select"), Argument("resume"), Argument("source_run")
    if selective.patterns and selective.resume:
        raise RunError(
            "{select} and {resume} exclude each other: {resume} selects by itself. Leave one out.",
            select=select,
            resume=resume,
        )
    if selective.source_run is not None and not selective.patterns:
        raise RunError(
            "{source} says where {select} takes results from. Add {select}, or use {again}.",
            source=source,
            select=select,
            again=Argument("resume", "RUN"),
        )
