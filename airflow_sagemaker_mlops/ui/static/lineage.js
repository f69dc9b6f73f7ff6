// A small layered graph: data on the left, what came of it on the right.
import { h, short, useState, useMemo } from "./base.js";

const WIDE = 146, HIGH = 36, GAP_X = 40, GAP_Y = 12;

export function layout({ nodes, edges }) {
  const before = new Map(nodes.map((node) => [node.id, []])), after = new Map(nodes.map((node) => [node.id, []]));
  for (const { source, target } of edges) if (before.has(target) && after.has(source)) { before.get(target).push(source); after.get(source).push(target); }
  const layer = new Map();
  const depth = (id, seen) => {
    if (layer.has(id)) return layer.get(id);
    if (seen.has(id)) return 0; // a circle cannot come from a run, and must not hang the page
    seen.add(id);
    layer.set(id, Math.max(-1, ...before.get(id).map((one) => depth(one, seen))) + 1);
    return layer.get(id);
  };
  for (const node of nodes) depth(node.id, new Set());
  for (const node of nodes) if (!before.get(node.id).length && after.get(node.id).length) layer.set(node.id, Math.max(0, Math.min(...after.get(node.id).map((one) => layer.get(one))) - 1));
  const columns = [];
  for (const node of nodes) (columns[layer.get(node.id)] ??= []).push(node.id);
  const place = new Map();
  const settle = (column) => column.forEach((id, at) => place.set(id, at - column.length / 2));
  columns.forEach(settle);
  const mean = (ids, own) => (ids.length ? ids.reduce((sum, id) => sum + place.get(id), 0) / ids.length : own);
  for (let turn = 0; turn < 4; turn++) {
    const [near, order] = turn % 2 ? [after, [...columns].reverse()] : [before, columns];
    for (const column of order) if (column) { const wish = new Map(column.map((id) => [id, mean(near.get(id), place.get(id))])); column.sort((a, b) => wish.get(a) - wish.get(b)); settle(column); }
  }
  const most = Math.max(1, ...columns.map((column) => column?.length || 0));
  const spots = new Map();
  columns.forEach((column, at) => column?.forEach((id, row) => spots.set(id, { x: at * (WIDE + GAP_X), y: (row + (most - column.length) / 2) * (HIGH + GAP_Y) })));
  return { spots, before, after, width: columns.length * (WIDE + GAP_X) - GAP_X, height: most * (HIGH + GAP_Y) - GAP_Y };
}

const reach = (start, near) => {
  const found = new Set([start]);
  for (const id of found) for (const next of near.get(id) || []) found.add(next);
  return found;
};

export function Lineage({ graph: all }) {
  const graph = useMemo(() => {
    const joined = new Set(all.edges.flatMap((edge) => [edge.source, edge.target]));
    return { ...all, nodes: all.nodes.filter((node) => joined.has(node.id)) };
  }, [all]);
  const made = useMemo(() => layout(graph), [graph]);
  const [at, look] = useState("");
  const lit = useMemo(() => (at ? new Set([...reach(at, made.before), ...reach(at, made.after)]) : null), [at, made]);
  const names = new Map(graph.nodes.map((node) => [node.id, node.label]));
  const listed = (ids) => ids.map((id) => names.get(id)).slice(0, 8).join(", ");
  const off = (id) => (lit && !lit.has(id) ? " smk-off" : "");
  return h("div", { className: "smk-scroll smk-graph" }, h("svg", { style: { width: made.width + 4, maxWidth: `max(100%, ${made.width * 0.8}px)` }, viewBox: `-2 -2 ${made.width + 4} ${made.height + 4}`, role: "group", "aria-label": "Lineage of this run", onMouseLeave: () => look("") },
    graph.edges.filter(({ source, target }) => made.spots.has(source) && made.spots.has(target)).map(({ source, target }) => {
      const a = made.spots.get(source), b = made.spots.get(target), x1 = a.x + WIDE, y1 = a.y + HIGH / 2, y2 = b.y + HIGH / 2, bend = Math.max(24, (b.x - x1) / 2);
      return h("path", { key: `${source}>${target}`, d: `M${x1},${y1} C${x1 + bend},${y1} ${b.x - bend},${y2} ${b.x},${y2}`, className: `smk-edge${lit && lit.has(source) && lit.has(target) ? " smk-on" : off("")}` });
    }),
    graph.nodes.map((node) => {
      const { x, y } = made.spots.get(node.id);
      const said = [`${node.kind} ${node.label}`, made.before.get(node.id).length && `from ${listed(made.before.get(node.id))}`, made.after.get(node.id).length && `leads to ${listed(made.after.get(node.id))}`].filter(Boolean).join("; ");
      return h("g", { key: node.id, transform: `translate(${x},${y})`, className: `smk-node smk-kind-${node.kind} smk-${node.tone}${off(node.id)}`, tabIndex: 0, role: "img", "aria-label": said, onMouseEnter: () => look(node.id), onFocus: () => look(node.id), onBlur: () => look("") },
        h("title", null, [said, node.detail].filter(Boolean).join("\n")),
        h("rect", { width: WIDE, height: HIGH, rx: node.kind === "step" ? 8 : 18 }),
        h("text", { x: 14, y: 15, className: "smk-kind" }, node.kind), h("text", { x: 14, y: 28 }, short(node.label, 19)));
    })));
}
