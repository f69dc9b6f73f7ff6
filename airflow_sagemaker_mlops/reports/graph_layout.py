"""Places the steps of a definition: each in the layer after everything that it waits for, with few crossings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SWEEPS = 4
Edge = tuple[str, str]


def without_shortcuts(names: Sequence[str], edges: Mapping[Edge, str]) -> dict[Edge, str]:
    """The edges, without those that a longer path implies; a labelled edge stays if no path has a label.

    O(steps * edges) bit operations.
    """
    order = topological(names, list(edges))
    place = {name: index for index, name in enumerate(order)}
    below = _below(order, list(edges))
    reach: dict[str, int] = {}
    kept: dict[Edge, str] = {}
    for name in reversed(order):
        targets = sorted(below[name], key=place.__getitem__)
        beyond = 0
        for target in targets:
            if not beyond >> place[target] & 1:
                kept[name, target] = edges[name, target]
            beyond |= reach[target] | 1 << place[target]
        reach[name] = beyond
    return {edge: label for edge, label in edges.items() if edge in kept}


def layered(names: Sequence[str], edges: Sequence[Edge], *, late_sources: bool = False) -> dict[str, tuple[float, int]]:
    """Column and layer of each step.  Columns are centered: layers with fewer steps begin at a later column.

    late_sources   whether steps that wait for nothing are placed just before the first that needs them
    """
    order = topological(names, edges)
    below = _below(order, edges)
    layer = dict.fromkeys(order, 0)
    for name in order:
        for target in below[name]:
            layer[target] = max(layer[target], layer[name] + 1)
    above: dict[str, list[str]] = {name: [] for name in order}
    for source, target in edges:
        above[target].append(source)
    if late_sources:
        waiting = [name for name in order if below[name] and not above[name]]
        layer |= {name: max(min(layer[target] for target in below[name]) - 1, 0) for name in waiting}
    rows: dict[int, list[str]] = {}
    for name in order:
        rows.setdefault(layer[name], []).append(name)
    _uncross(rows, above, below)
    widest = max((len(row) for row in rows.values()), default=0)
    return {
        name: ((widest - len(row)) / 2 + index, number)
        for number, row in rows.items()
        for index, name in enumerate(row)
    }


def topological(names: Sequence[str], edges: Sequence[Edge]) -> list[str]:
    """The names so that every edge points forward; names on a circle come last, in their order."""
    waiting = dict.fromkeys(names, 0)
    below = _below(names, edges)
    for targets in below.values():
        for target in targets:
            waiting[target] += 1
    ready = [name for name in names if not waiting[name]]
    order: list[str] = []
    for name in ready:  # it grows while it is read
        order.append(name)
        for target in below[name]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return [*order, *(name for name in names if waiting[name] > 0)]


def _below(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, list[str]]:
    below: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        if source in below and target in below and source != target:
            below[source].append(target)
    return below


def _uncross(rows: Mapping[int, list[str]], above: Mapping[str, list[str]], below: Mapping[str, list[str]]) -> None:
    """Order each row by the mean place of the neighbours, downward and upward in turn."""
    for sweep in range(SWEEPS):
        numbers = sorted(rows) if sweep % 2 == 0 else sorted(rows, reverse=True)
        near = above if sweep % 2 == 0 else below
        place = {name: index - len(row) / 2 for row in rows.values() for index, name in enumerate(row)}
        for number in numbers:
            row = rows[number]
            mean = {name: _mean([place[one] for one in near[name]], place[name]) for name in row}
            row.sort(key=mean.__getitem__)
            place.update({name: index - len(row) / 2 for index, name in enumerate(row)})


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
