// A definition as a picture: the server places the steps and draws the edges.
import { h, short, useState, Section, Badge } from "./base.js";

export function Definition({ view: { nodes, edges, width, height, box, cut } }) {
  const [id, pick] = useState(null), node = nodes.find((one) => one.id === id), toggle = (one) => pick(one.id === id ? null : one.id);
  return h(Section, { title: "Definition", note: cut.steps ? `${cut.steps} more steps are not drawn` : "as it is now; choose a step to read more" },
    h("div", { className: "smk-scroll smk-defined", tabIndex: 0, role: "region", "aria-label": "Definition" },
      h("svg", { width, height, role: "group", "aria-label": "Steps" },
        edges.map((edge, i) => h("g", { key: i, className: [edge.source, edge.target].includes(id) ? "smk-way smk-near" : "smk-way" }, h("path", { d: edge.path }), edge.label && h("text", { x: edge.x, y: edge.y, textAnchor: "middle" }, edge.label))),
        nodes.map((one) => h("g", { key: one.id, transform: `translate(${one.x} ${one.y})`, className: `smk-box${one.decides ? " smk-decides" : ""}${one.id === id ? " smk-near" : ""}`, role: "button", tabIndex: 0, "aria-pressed": one.id === id, "aria-label": [one.title, one.type, ...one.words].join(", "), onClick: () => toggle(one), onKeyDown: (event) => event.key === "Enter" && toggle(one) },
          h("rect", { width: box[0], height: box[1], rx: 9 }), [[one.title, 26, "smk-name"], [one.type, 28], [one.words[0] || one.about, 29]].map(([words, most, className], i) => h("text", { key: i, x: 12, y: 20 + 16 * i, className }, short(words, most))))))),
    node && h("div", { className: "smk-card", role: "status" }, h("h3", null, node.title, " ", h(Badge, { word: node.type })), h("p", null, node.about), h("ul", null, node.words.map((word) => h("li", { key: word }, word))), h("p", { className: "smk-muted" }, node.more)));
}
