"""Writes a record to SageMaker Lineage: existing entities are reused, so repeating it changes nothing.

One call per entity and association, and one per job's trial component; a few hundred milliseconds per step.
Blocking.  Refusals by AWS are logged, and everything else is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..aws_errors import error_code, error_message
from ..execution.aws.errors import IN_USE
from .sagemaker_lineage import Edge, Graph, graph_of

if TYPE_CHECKING:
    from ..json_types import AwsShape
    from ..records.model.documents import RecordDocument

MAX_LOGGED = 5  # refusals that are logged in full; the others are counted
Log = Callable[..., None]


class LineageApi(Protocol):
    """The part of boto3's SageMaker client that this module calls; members as in the API reference."""

    def create_context(self, **members: object) -> AwsShape:
        """Create a context."""

    def update_context(self, **members: object) -> AwsShape:
        """Change a context."""

    def create_action(self, **members: object) -> AwsShape:
        """Create an action."""

    def describe_action(self, **members: object) -> AwsShape:
        """One action."""

    def create_artifact(self, **members: object) -> AwsShape:
        """Create an artifact."""

    def list_artifacts(self, **members: object) -> AwsShape:
        """Artifacts of a source."""

    def list_trial_components(self, **members: object) -> AwsShape:
        """Trial components of a job."""

    def add_association(self, **members: object) -> AwsShape:
        """Associate two entities."""


@dataclass(slots=True)
class Written:
    """The numbers of entities and associations, of those that already existed, and the problems."""

    entities: int = 0
    associations: int = 0
    found: int = 0
    problems: list[str] = field(default_factory=list)

    def refused(self, what: str, error: Exception) -> None:
        """Record a refusal by AWS; re-raises ``error`` if AWS gave no response."""
        code = error_code(error)
        if not code:
            raise error
        self.problems.append(f"{what}: {code}: {error_message(error)}")


def write_lineage(client: LineageApi, record: RecordDocument, uri: str, log: Log) -> Written:
    """Write the graph of a record with a boto3 client of SageMaker.

    Never raises for refusals by AWS; raises botocore's error if AWS does not respond, as further calls would fail, too.
    """
    graph, written = graph_of(record, uri), Written()
    arns = _entities(client, graph, written) | _trial_components(client, graph, written)
    for edge in _possible(graph, arns):
        _associate(client, (arns[edge.source], arns[edge.target], edge.kind), written)
    for problem in written.problems[:MAX_LOGGED]:
        log("SageMaker Lineage: %s", problem)
    if len(written.problems) > MAX_LOGGED:
        log("SageMaker Lineage: and %d more", len(written.problems) - MAX_LOGGED)
    log(
        "SageMaker Lineage has %d entities and %d associations of this run, %d of which already existed",
        written.entities,
        written.associations,
        written.found,
    )
    return written


def _entities(client: LineageApi, graph: Graph, written: Written) -> dict[str, str]:
    """{key: ARN} of contexts, actions and artifacts."""
    arns: dict[str, str] = {}
    makers: tuple[tuple[dict[str, dict[str, Any]], Callable[..., tuple[str, bool]]], ...] = (
        (graph.contexts, _context),
        (graph.actions, _action),
        (graph.artifacts, _artifact),
    )
    for entities, make in makers:
        for key, request in entities.items():
            try:
                arns[key], found = make(client, request)
            except Exception as error:
                written.refused(key, error)
                continue
            written.entities += 1
            written.found += found
    return arns


def _context(client: LineageApi, request: AwsShape) -> tuple[str, bool]:
    try:
        return str(client.create_context(**request)["ContextArn"]), False
    except Exception as error:
        if not _exists(error):
            raise
    # The run continued after it was cleared, so its end has changed.
    news = {name: request[name] for name in ("ContextName", "Description", "Properties")}
    return str(client.update_context(**news)["ContextArn"]), True


def _action(client: LineageApi, request: AwsShape) -> tuple[str, bool]:
    try:
        return str(client.create_action(**request)["ActionArn"]), False
    except Exception as error:
        if not _exists(error):
            raise
    return str(client.describe_action(ActionName=request["ActionName"])["ActionArn"]), True


def _artifact(client: LineageApi, request: AwsShape) -> tuple[str, bool]:
    """Create or reuse: SageMaker, or another run with the same input, may have created the artifact of a SourceUri."""
    try:
        return str(client.create_artifact(**request)["ArtifactArn"]), False
    except Exception as error:
        if not _exists(error):
            raise
        refused = error
    found = client.list_artifacts(SourceUri=request["Source"]["SourceUri"])["ArtifactSummaries"]
    if not found:
        raise refused
    return str(found[0]["ArtifactArn"]), True


def _trial_components(client: LineageApi, graph: Graph, written: Written) -> dict[str, str]:
    """{key: ARN} of the trial components that SageMaker created for the jobs."""
    arns: dict[str, str] = {}
    for key, job in graph.jobs.items():
        try:
            found = client.list_trial_components(SourceArn=job)["TrialComponentSummaries"]
        except Exception as error:
            written.refused(f"the trial component of {job}", error)
            continue
        if found:
            arns[key] = str(found[0]["TrialComponentArn"])
        else:
            written.problems.append(f"there is no trial component of {job}")
    return arns


def _possible(graph: Graph, arns: Mapping[str, str]) -> Iterator[Edge]:
    """The associations whose ends both exist; bypasses jobs without a trial component."""
    for edge in graph.edges:
        if edge.source in arns and edge.target in arns:
            yield edge
    for job in (key for key in graph.jobs if key not in arns):
        read = [edge.source for edge in graph.edges if edge.target == job]
        wrote = [edge.target for edge in graph.edges if edge.source == job and edge.kind == "Produced"]
        for source in read:
            yield from (Edge(source, w, "DerivedFrom") for w in wrote if w != source and {source, w} <= arns.keys())


def _associate(client: LineageApi, association: tuple[str, str, str], written: Written) -> None:
    source, target, kind = association
    try:
        client.add_association(SourceArn=source, DestinationArn=target, AssociationType=kind)
    except Exception as error:
        if not _exists(error):
            written.refused(f"{source} -> {target}", error)
            return
        written.found += 1
    written.associations += 1


def _exists(error: Exception) -> bool:
    return error_code(error) in IN_USE or "already exist" in error_message(error).lower()
