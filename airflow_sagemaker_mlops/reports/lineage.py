"""The lineage of one run: data and code -> steps -> artifacts, models and endpoints.

Records have no graph, so edges come from what steps read and made: a URI in a request that an earlier step wrote below,
or the name or ARN of a resource that an earlier step created.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..json_types import JsonObject
from ..steps.catalogue import entry_of
from .artifacts import MODEL
from .reading import ListLimits, mapping, objects, text
from .shapes import ArtifactView, EdgeView, LineageView, NodeView, StepView
from .wording import PLAIN

MAX_NODES, MAX_EDGES, MAX_VALUES = 400, 1_200, 2_000
_DID_NOTHING = frozenset({"NotTaken", "NotStarted", "NotSelected"})
_ENDPOINT = "Endpoint"


class _Graph:
    def __init__(self) -> None:
        self.nodes: dict[str, NodeView] = {}
        self.edges: dict[tuple[str, str], None] = {}

    def node(self, kind: str, key: str, label: str, detail: str = "", tone: str = PLAIN) -> str:
        ident = f"{kind}:{key}"
        self.nodes.setdefault(ident, {"id": ident, "kind": kind, "label": label, "detail": detail, "tone": tone})
        return ident

    def edge(self, source: str, target: str) -> None:
        if source != target:
            self.edges.setdefault((source, target))


def lineage_of(
    steps: Sequence[JsonObject], views: Sequence[StepView], artifacts: Sequence[ArtifactView], cutter: ListLimits
) -> LineageView:
    """Nodes and edges; a step's node comes after everything that it read and before everything that it created."""
    graph = _Graph()
    ran = [(step, view) for step, view in zip(steps, views, strict=False) if view["status"] not in _DID_NOTHING]
    names = {view["step"] for _, view in ran}
    _outside(graph, artifacts, names)
    made: dict[str, str] = {}  # URIs, ARNs and names of resources -> node
    by_step = _made_by_step(artifacts)
    for step, view in ran:
        own = graph.node("step", view["step"], view["step"], view["type"], view["tone"])
        for artifact in artifacts:
            if view["step"] in artifact["used_by"] and artifact["made_by"] and artifact["made_by"] != view["step"]:
                graph.edge(_node_of(graph, artifact), own)
        for source in _read(step, made):
            graph.edge(source, own)
        for artifact in by_step.get(view["step"], ()):
            made[artifact["uri"].rstrip("/")] = node = _node_of(graph, artifact)
            graph.edge(own, node)
        _resources(graph, step, view, own, made)
    nodes = cutter.first("lineage", list(graph.nodes.values()), MAX_NODES)
    kept = {node["id"] for node in nodes}
    edges = [
        EdgeView(source=source, target=target) for source, target in graph.edges if source in kept and target in kept
    ]
    return {"nodes": nodes, "edges": cutter.first("edges", edges, MAX_EDGES)}


def _outside(graph: _Graph, artifacts: Sequence[ArtifactView], steps: set[str]) -> None:
    """Nodes and edges of what came from outside the run."""
    for artifact in artifacts:
        readers = [step for step in artifact["used_by"] if step in steps]
        if artifact["made_by"] or not readers or artifact["role"] in ("image", "commit"):
            continue
        kind = "code" if artifact["role"] == "code" else "data"
        label = artifact["name"] or _last_of(artifact["uri"])
        node = graph.node(kind, artifact["uri"], label, artifact["uri"])
        for reader in readers:
            graph.edge(node, f"step:{reader}")


def _made_by_step(artifacts: Sequence[ArtifactView]) -> dict[str, list[ArtifactView]]:
    found: dict[str, list[ArtifactView]] = {}
    for artifact in artifacts:
        if artifact["made_by"]:
            found.setdefault(artifact["made_by"], []).append(artifact)
    return found


def _node_of(graph: _Graph, artifact: ArtifactView) -> str:
    kind = "model" if artifact["role"] == MODEL else "artifact"
    label = artifact["name"] or _last_of(artifact["uri"])
    return graph.node(kind, artifact["uri"].rstrip("/"), label, artifact["uri"])


def _resources(graph: _Graph, step: JsonObject, view: StepView, own: str, made: dict[str, str]) -> None:
    """What a step created besides data: a model package, an endpoint, or a resource that later steps name."""
    for package in objects(step.get("model_packages")):
        arn = text(package.get("arn"))
        label = f"{text(package.get('group')) or 'model'} {text(package.get('version'))}".strip()
        made[arn] = node = graph.node("model", arn, label, text(package.get("approval_status")))
        graph.edge(own, node)
    if not view["name"]:
        return
    node = own
    if view["type"] == _ENDPOINT:
        node = graph.node("endpoint", view["name"], view["name"], view["arn"])
        graph.edge(own, node)
    entry = entry_of(view["type"])
    if entry is not None and entry.name_key and not objects(step.get("model_packages")):
        made.setdefault(f"{entry.name_key}={view['name']}", node)
    if view["arn"]:
        made.setdefault(view["arn"], node)


def _read(step: JsonObject, made: dict[str, str]) -> Iterator[str]:
    """Nodes of what the request of ``step`` names."""
    for key, value in _values(mapping(step.get("request"))):
        if found := made.get(value) or made.get(f"{key}={value}"):
            yield found
        elif value.startswith("s3://") and (node := _above(value, made)):
            yield node


def _above(uri: str, made: dict[str, str]) -> str:
    """The node of what was written at ``uri`` or at a folder above it."""
    for _ in range(20):
        uri = uri.rstrip("/")
        if uri in made:
            return made[uri]
        uri = uri.rpartition("/")[0]
        if len(uri) <= len("s3://"):
            break
    return ""


def _values(request: JsonObject) -> Iterator[tuple[str, str]]:
    """Every text in ``request`` with its key, without the outputs of the step."""
    left: list[tuple[str, object]] = [("", request)]
    for _ in range(MAX_VALUES):
        if not left:
            return
        key, value = left.pop()
        if isinstance(value, str):
            yield key, text(value)
        elif isinstance(value, dict):
            left += [(str(name), one) for name, one in value.items() if "Output" not in str(name)]
        elif isinstance(value, list):
            left += [(key, one) for one in value[:MAX_VALUES]]


def _last_of(uri: str) -> str:
    """The last two segments of a URI are enough to recognise it."""
    parts = [part for part in uri.split("/") if part]
    return "/".join(parts[-2:]) if len(parts) > 2 else uri
