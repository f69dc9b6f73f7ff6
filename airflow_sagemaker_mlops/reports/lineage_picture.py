"""Draws the lineage of a run: boxes and curves in pixels, from left to right."""

from __future__ import annotations

from typing import TypedDict

from .graph_layout import layered
from .reading import clipped
from .shapes import LineageView, NodeView

WIDTH, HEIGHT, GAP_X, GAP_Y = 150, 38, 40, 10  # of a box, and between boxes
MAX_NODES, MAX_LETTERS = 60, 21


class Box(TypedDict):
    """A node with its position; ``label`` fits into its box."""

    node: NodeView
    label: str
    x: float
    y: float


class LineagePicture(TypedDict):
    """Boxes, curves (as the path data of SVG), and how many nodes are left out."""

    boxes: list[Box]
    curves: list[str]
    width: float
    height: float
    left: int


def lineage_picture(lineage: LineageView, limit: int = MAX_NODES) -> LineagePicture | None:
    """The drawing of the first ``limit`` nodes; ``None`` if nothing was read or created."""
    nodes = {node["id"]: node for node in lineage["nodes"][:limit]}
    edges = [(one["source"], one["target"]) for one in lineage["edges"]]
    edges = [(source, target) for source, target in edges if source in nodes and target in nodes]
    if not edges:
        return None
    joined = {name for edge in edges for name in edge}
    places = layered([name for name in nodes if name in joined], edges, late_sources=True)
    boxes: dict[str, Box] = {}
    for name, (row, layer) in places.items():
        x, y = layer * (WIDTH + GAP_X), row * (HEIGHT + GAP_Y)
        boxes[name] = {"node": nodes[name], "label": clipped(nodes[name]["label"], MAX_LETTERS), "x": x, "y": y}
    return {
        "boxes": list(boxes.values()),
        "curves": [_curve(boxes[source], boxes[target]) for source, target in edges],
        "width": max(box["x"] for box in boxes.values()) + WIDTH,
        "height": max(box["y"] for box in boxes.values()) + HEIGHT,
        "left": len(lineage["nodes"]) - len(nodes),
    }


def _curve(source: Box, target: Box) -> str:
    """From the right edge of a box to the left edge of another."""
    x1, y1 = source["x"] + WIDTH, source["y"] + HEIGHT / 2
    x2, y2 = target["x"], target["y"] + HEIGHT / 2
    bend = max((x2 - x1) / 2, 18)
    return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
