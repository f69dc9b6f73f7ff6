"""OpenLineage as plain data -> the classes of openlineage-python, which Airflow's provider accepts and validates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attr
from airflow.providers.openlineage.extractors.base import OperatorLineage
from openlineage.client import facet_v2
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    BaseFacet,
    RunFacet,
    dataset_version_dataset,
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    source_code_location_job,
)

if TYPE_CHECKING:
    from ..json_types import JsonObject

KNOWN: dict[str, Any] = {
    "version": dataset_version_dataset.DatasetVersionDatasetFacet,
    "errorMessage": error_message_run.ErrorMessageRunFacet,
    "jobType": job_type_job.JobTypeJobFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet,
}
if hasattr(facet_v2, "input_statistics_input_dataset"):  # not in every version that the provider supports
    KNOWN["inputStatistics"] = facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet


def lineage(
    datasets: Mapping[str, Sequence[JsonObject]], run_facets: Mapping[str, Any], job_facets: Mapping[str, Any]
) -> Any:
    """An operator's answer to the provider's listener."""
    return OperatorLineage(
        inputs=[_dataset(InputDataset, one) for one in datasets.get("inputs", ())],
        outputs=[_dataset(OutputDataset, one) for one in datasets.get("outputs", ())],
        run_facets=_facets(run_facets),
        job_facets=_facets(job_facets),
    )


def as_run_event(data: Mapping[str, Any]) -> RunEvent:
    """An event created by ``records.export.openlineage``.  Raises the classes' errors for invalid members."""
    run, job = data["run"], data["job"]
    return RunEvent(
        eventType=RunState[data["eventType"]],
        eventTime=data["eventTime"],
        producer=data["producer"],
        run=Run(runId=run["runId"], facets=_facets(run.get("facets", {}))),
        job=Job(namespace=job["namespace"], name=job["name"], facets=_facets(job.get("facets", {}))),
        inputs=[_dataset(InputDataset, one) for one in data["inputs"]],
        outputs=[_dataset(OutputDataset, one) for one in data["outputs"]],
    )


def _dataset(kind: type[InputDataset] | type[OutputDataset], data: Mapping[str, Any]) -> Any:
    more = {name: _facets(data[name]) for name in ("inputFacets", "outputFacets") if name in data}
    return kind(namespace=data["namespace"], name=data["name"], facets=_facets(data["facets"]), **more)


def _facets(facets: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _facet(name, data) for name, data in facets.items()}


def _facet(name: str, data: Mapping[str, Any]) -> BaseFacet:
    members = {key: value for key, value in data.items() if not key.startswith("_")}
    if name == "parent":
        run, job = parent_run.Run(**members["run"]), parent_run.Job(**members["job"])
        return parent_run.ParentRunFacet(run=run, job=job, producer=data["_producer"])
    known = KNOWN.get(name)
    if known is not None:
        return known(**members, producer=data["_producer"])  # type: ignore[no-any-return]
    made: Any = attr.make_class(data["_schemaURL"].rpartition("/")[2], list(members), bases=(RunFacet,), slots=True)
    made._get_schema = staticmethod(lambda: data["_schemaURL"])
    return made(**members, producer=data["_producer"])  # type: ignore[no-any-return]
