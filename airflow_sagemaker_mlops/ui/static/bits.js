// Small pieces of the pages that the server describes.
import { h, Fragment, Badge, Button, Link, Out, Small, Uri, time, duration } from "./base.js";

export const Picked = ({ label, options, value, onPick }) => options.length > 1 && h("div", { className: "smk-row", role: "group", "aria-label": label }, options.map(([id, words]) => h(Button, { key: id, "aria-pressed": id === value, onClick: () => onPick(id) }, words)));

// A cell of reports/blocks.py.
export function Cell({ of }) {
  if (!of || typeof of === "string") return of || null;
  if (Array.isArray(of)) return of.map((one, i) => h(Fragment, { key: i }, h(Cell, { of: one }), " "));
  if (of.small) return Small(of.small);
  if (of.bold) return h("b", null, of.bold);
  if (of.uri) return h(Uri, of);
  if (of.mono) return h("span", { className: "smk-mono", title: of.title }, of.mono);
  const words = of.time ? time(of.time) : of.text;
  return of.to ? h(Link, { to: of.to }, words) : of.word ? h(Badge, of) : of.muted ? h("span", { className: "smk-muted" }, of.muted) : of.seconds ? duration(of.seconds) : of.href ? h(Out, of, words) : words || null;
}
