// The tab of a DAG: charts over its runs, comparison, replay of a rule, and the definition.
import { h, Fragment, useState, Page, Waiting, Note, Section, Button, Saved, runPath, useAsked, number, signed, plural, publish } from "./base.js";
import { Blocks } from "./blocks.js";
import { Definition } from "./graph.js";
import { Picked } from "./bits.js";

const TONE = { promote: "good", reject: "bad", inconclusive: "unsure" }, SIGN = { promote: "●", reject: "■", inconclusive: "▲" }, RANK = ["reject", "inconclusive", "promote"];

function Comparison({ params }) {
  const asked = useAsked("comparison", params);
  return h(Section, { title: "Comparison", note: "the oldest run first; what differs" }, asked.data ? h(Fragment, null, h(Blocks, { of: asked.data.blocks }), h(Saved, { path: "comparison/report", params }, "Report of the oldest and the newest")) : h(Waiting, { asked }));
}

// As `judged_again` in reports/replay_view.py decides.
const judged = (one, margin, must) => {
  const own = (must === "improve" ? one.lower > margin : one.lower >= margin) ? 2 : one.upper < margin ? 0 : 1;
  return RANK[Math.min(own, RANK.includes(one.others) ? RANK.indexOf(one.others) : 1)];
};

function Replay({ params, dagId }) {
  const [picked, pick] = useState(0), [margins, move] = useState({}), asked = useAsked("replay", params);
  if (!asked.data) return h(Section, { title: "Replay" }, h(Waiting, { asked }));
  const { rules, without } = asked.data.view || { rules: [] };
  if (!rules.length) return null;
  const { must, title, low, high, margin: recorded, candidates } = rules[picked], margin = margins[picked] ?? recorded, set = (value) => move({ ...margins, [picked]: value });
  const now = candidates.map((one) => judged(one, margin, must)), count = (word) => now.filter((one) => one === word).length, before = candidates.filter((one) => one.verdict === "promote").length;
  const changed = candidates.flatMap((one, i) => (now[i] === one.verdict ? [] : [{ cells: [{ to: runPath(dagId, one.run_id), time: one.started }, { word: one.verdict, tone: TONE[one.verdict] }, { word: now[i], tone: TONE[now[i]] }, `${signed(one.gain)} (${signed(one.low)} to ${signed(one.high)})`] }]));
  const x = (v) => `${((v - low) / (high - low)) * 100}%`, from = Math.max(0, candidates.length - 60), height = (candidates.length - from) * 9 + 8;
  const words = must === "improve" || margin > 0 ? `must be better by ${number(margin, 3)}` : `may be worse by less than ${number(-margin, 3)}`;
  return h(Section, { title: "Replay", note: "the recorded candidates, judged by another margin; other rules keep their verdicts" },
    h(Picked, { label: "Rule", options: rules.map((one, i) => [i, `${one.title} ${one.must === "improve" ? "must improve" : "must not worsen"}`]), value: picked, onPick: pick }),
    h("p", { role: "status", className: "smk-lead" }, `If ${title} ${words}, the gate would have promoted `, h("b", null, `${count("promote")} of ${candidates.length}`), ` candidates${count("promote") === before ? ", as it did" : ` instead of ${before}`}, rejected ${count("reject")}, and not decided ${count("inconclusive")}.`),
    h("label", { className: "smk-row" }, "Margin", h("input", { type: "range", min: low, max: high, step: (high - low) / 400, value: margin, "aria-valuetext": words, onChange: (event) => set(Number(event.target.value)) }), h("output", null, signed(margin)), h(Button, { onClick: () => set(recorded), disabled: margin === recorded }, "As recorded")),
    h("svg", { width: "100%", height, role: "img", "aria-label": "Intervals of the latest candidates and the margin" },
      candidates.slice(from).map((one, i) => h("g", { key: i, className: `smk-${TONE[now[from + i]]}` }, h("line", { x1: x(one.low), x2: x(one.high), y1: i * 9 + 8, y2: i * 9 + 8, className: "smk-range" }), h("text", { x: x(one.gain), y: i * 9 + 11, textAnchor: "middle", className: "smk-dot" }, SIGN[now[from + i]]))),
      h("line", { x1: x(margin), x2: x(margin), y1: 0, y2: height, className: "smk-margin" })),
    h("p", { className: "smk-muted" }, `Better than the champion of the day is to the right.${without ? ` ${plural(without, "gate")} had no champion.` : ""}`),
    changed.length > 0 && h(Blocks, { of: [{ table: "Other verdicts", columns: ["Candidate", "Was", "Would be", "Better by"].map((name) => ({ title: name })), rows: changed }] }));
}

function Pipeline({ dagId }) {
  const [group, pick] = useState(""), [chosen, choose] = useState([]), params = { dag_id: dagId, group };
  const asked = useAsked("trend", params), drawn = useAsked("definition", { dag_id: dagId }), { data } = asked, view = drawn.data?.view;
  if (data && drawn.data && !data.blocks && !view) return h(Page, { label: "Pipeline" }, h("h1", null, "Not a SageMaker pipeline"), h(Note, null, data.why));
  const first = { title: "Compare", cell: (row) => h("input", { type: "checkbox", "aria-label": `Compare ${row.pick}`, checked: chosen.includes(row.pick), onChange: () => choose(chosen.includes(row.pick) ? chosen.filter((one) => one !== row.pick) : [...chosen, row.pick].slice(-6)) }) };
  return h(Page, { label: "Pipeline" },
    data && h(Picked, { label: "Pipeline", options: data.groups.map((one) => [one, one || dagId]), value: data.group, onPick: (one) => { choose([]); pick(one); } }),
    data?.blocks ? h(Fragment, null, h(Blocks, { of: data.blocks, first }), chosen.length > 1 && h(Comparison, { params: { ...params, run: chosen } }), h(Replay, { params, dagId })) : data ? h(Note, null, data.why) : h(Waiting, { asked }),
    drawn.data ? view && h(Definition, { view }) : h(Waiting, { asked: drawn }));
}
publish("Pipeline", Pipeline);
