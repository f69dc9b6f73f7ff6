// Draws pages that the server describes, as reports/blocks.py says.
import { h, Fragment, Note, Section, Table, useSome, time } from "./base.js";
import { Cell } from "./bits.js";
import { Chart } from "./plot.js";

function Rows({ of, first }) {
  const [rows, more] = useSome(of.rows, 20);
  const columns = of.columns.map((column, i) => ({ title: column.time ? time(column.time) + " ".repeat(i) : column.title, right: column.right, cell: (row) => h(Cell, { of: row.cells[i] }) }));
  return h(Fragment, null, h(Table, { label: of.table, rows, rowClass: (row) => (row.mine ? "smk-mine" : undefined), columns: first ? [first, ...columns] : columns }), more);
}

// slots: {name: node} for the places of components; first: a column before those of the tables.
export const Blocks = ({ of, slots = {}, first }) => of.map((one, key) => {
  const inner = one.blocks && h(Blocks, { of: one.blocks, slots, first });
  if (one.section) return h(Section, { key, title: one.section, note: one.note }, inner);
  if (one.fold) return h("details", { key }, h("summary", null, one.fold), inner);
  if (one.table) return h(Rows, { key, of: one, first });
  if (one.charts) return h(Chart, { key, of: one });
  if (one.alert) return h(Note, { key, tone: one.tone }, one.alert);
  if (one.bullets) return h("ul", { key }, one.bullets.map((cell, i) => h("li", { key: i }, h(Cell, { of: cell }))));
  if (one.slot) return h(Fragment, { key }, slots[one.slot]);
  return h(/^h\d$/.test(one.kind) ? one.kind : "p", { key, className: one.kind }, one.cells.map((cell, i) => h("span", { key: i }, h(Cell, { of: cell }), " ")));
});
