"""QueryLineage: walks the graph of associations from given entities to their ascendants, descendants, or both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...json_types import AwsShape
from .context import Answer, Context, Handler, Request, page
from .lineage import ASSOCIATION, Entity, entity_of

MAX_DEPTH = 10


def _query(context: Context, request: Request) -> Answer:
    edges = [dict(found.body["request"]) for found in context.store.all(ASSOCIATION, context.region)]
    direction = str(request.get("Direction") or "Both")
    depth = int(request.get("MaxDepth") or MAX_DEPTH)
    seen: dict[str, None] = dict.fromkeys(request.get("StartArns") or [])
    walked: dict[int, Mapping[str, Any]] = {}
    ends = list(_ends(direction))
    for here, there in ends:  # a walk up never turns down
        frontier = list(request.get("StartArns") or [])
        for _ in range(depth):
            nexts = []
            for number, edge in enumerate(edges):
                if edge[here] in frontier:
                    walked[number] = edge
                    nexts.append(edge[there])
            frontier = [arn for arn in dict.fromkeys(nexts) if arn not in seen]
            seen.update(dict.fromkeys(frontier))
    started = set(request.get("StartArns") or [])
    found = [entity_of(context, arn) for arn in seen if arn not in started]
    matching = [entity for entity in found if _wanted(entity, request.get("Filters") or {})]
    vertices = [{"Arn": e.arn, "Type": e.type, "LineageType": e.kind} for e in matching]
    answer = page(vertices, {"MaxResults": 50, **request}, "Vertices")
    return answer | {"Edges": list(walked.values()) if request.get("IncludeEdges", True) else []}


def _ends(direction: str) -> Iterator[tuple[str, str]]:
    """(the known end, the wanted end) of the associations to follow."""
    if direction in ("Ascendants", "Both"):
        yield "DestinationArn", "SourceArn"
    if direction in ("Descendants", "Both"):
        yield "SourceArn", "DestinationArn"


def _wanted(entity: Entity, filters: AwsShape) -> bool:
    limits = (
        ("CreatedAfter", entity.created, 1),
        ("CreatedBefore", entity.created, -1),
        ("ModifiedAfter", entity.modified, 1),
        ("ModifiedBefore", entity.modified, -1),
    )
    return (
        (not filters.get("Types") or entity.type in filters["Types"])
        and (not filters.get("LineageTypes") or entity.kind in filters["LineageTypes"])
        and all(entity.properties.get(key) == value for key, value in (filters.get("Properties") or {}).items())
        and all(sign * (moment - float(filters[key])) > 0 for key, moment, sign in limits if key in filters)
    )


HANDLERS: dict[str, Handler] = {"QueryLineage": _query}
