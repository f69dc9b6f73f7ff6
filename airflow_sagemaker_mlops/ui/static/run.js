// The tab of a DAG run: what it decided and why, what happened, and from what it was made.
import {
  h, el, Fragment, useState, useEffect, Page, Waiting, Note, Section, table, Badge, Button, Link, Out, Code, Facts, Mono, Small, Muted, Grow, Interval, spanOf, rangeOf, isDifference,
  useAsked, useQuery, useSome, Saved, airflow, joined, startRun, publish, runPath, taskPath, number, signed, duration, money, time, plural, short,
} from "./base.js";
import { Blocks } from "./blocks.js";
import { Lineage } from "./lineage.js";

const POLL_S = 5;
const Para = el("p"), Strong = el("strong"), Row = el("div", "smk-row");
const many = (...children) => h(Fragment, null, ...children);

function Run({ dagId, runId }) {
  const [chosen, choose] = useState({}), query = useQuery();
  const params = { dag_id: dagId, run_id: runId, group: query.get("group"), instance: query.get("instance"), ...chosen };
  const asked = useAsked("run", params, (data) => (data.live ? POLL_S : 0));
  const { data, error } = asked;
  if (!data) return h(Page, { label: "Decision" }, h(Waiting, { asked }));
  if (!data.view) return h(Page, { label: "Decision" }, h("h1", null, "Not a SageMaker pipeline"), h(Note, null, data.why));
  const { view } = data;
  const at = { ...data, dagId, runId, params: { ...params, group: data.group, instance: data.instance } };
  const drifted = view.decision?.kind === "drift";
  return h(Page, { label: "Decision" },
    data.pipelines.length > 1 && h(Choice, { data, choose }),
    h(Head, { view, at }),
    error && h(Note, { tone: "bad" }, error.message),
    at.waiting.map((task) => h(Note, { key: task, tone: "unsure" }, `${task} waits for somebody's approval. `, h(Link, { to: runPath(dagId, runId, "required_actions") }, "Answer it"))),
    at.reproduces && h(Reproduced, { found: at.reproduces, at }),
    [at.why, at.missing, ...view.notes].filter(Boolean).map((line) => h(Note, { key: line }, line)),
    h(Failures, { view, at }), h(Decisions, { view }), drifted && h(Drifts, { view }), h(Steps, { view, at }), h(Parameters, { view }), !drifted && h(Drifts, { view }),
    view.lineage.edges.length > 0 && h(Section, { title: "Lineage", note: "point at anything, or go through it with Tab, to see what it came from and what it led to" }, h(Lineage, { graph: view.lineage })),
    h(Blocks, { of: data.tables }));
}

function Choice({ data, choose }) {
  const key = (one) => `${one.group}|${one.instance}`;
  const change = (event) => choose(data.pipelines.find((one) => key(one) === event.target.value));
  return h("label", { className: "smk-row" }, "Pipeline", h("select", { className: "smk-button", value: key(data), onChange: change },
    data.pipelines.map((one) => h("option", { key: key(one), value: key(one) }, `${one.group || "of the DAG"}${one.instance < 0 ? "" : `, instance ${one.instance}`}`))));
}

function Head({ view, at }) {
  const { run, decision, totals } = view;
  return h("header", null,
    Row(decision && h(Badge, decision), h(Badge, { word: `Run: ${run.word}`, tone: run.tone }), run.live && h("span", { className: "smk-muted", role: "status" }, "live"), Grow(), at.sealed && h(Actions, { at })),
    h("h1", null, failedIn(view).reduce((said, { cause }) => (cause ? said.replace(`: ${cause}`, "") : said), view.headline)), // the causes follow
    Facts([
      ["Started", time(run.started)],
      [run.live ? "Running for" : "Took", duration(run.live ? (Date.now() - new Date(run.started)) / 1000 : totals.seconds ?? run.seconds)],
      ["Steps", `${totals.succeeded} of ${totals.steps} succeeded${totals.cached ? `, ${totals.cached} from the cache` : ""}`],
      totals.cost === null ? ["Billable", duration(totals.billable_seconds)] : ["Cost", money(totals.cost, totals.currency)],
      ["Started by", [run.user, run.trigger].filter(Boolean).join(", ") || "–"],
    ]));
}

function Actions({ at }) {
  const [state, set] = useState({});
  const start = async () => {
    set({ busy: true });
    try {
      const { conf, group, note } = at.again;
      const known = (await airflow(joined("dags", at.dagId, "details"))).params || {};
      const named = Object.fromEntries(Object.entries(conf).map(([name, value]) => [group && `${group}.${name}` in known ? `${group}.${name}` : name, value]));
      set({ run: (await startRun(at.dagId, named, note)).dag_run_id });
    } catch (error) { set({ error: error.status === 403 ? "You may not start runs of this DAG." : error.message }); }
  };
  const why = at.again?.why;
  return many(
    state.run ? h(Link, { to: runPath(at.dagId, state.run) }, "Open the new run")
      : state.sure ? many("Start a run with the same parameters?", h(Button, { onClick: start, disabled: state.busy, autoFocus: true }, state.busy ? "Starting …" : "Start it"), h(Button, { onClick: () => set({}) }, "No"))
        : h(Button, { onClick: () => set({ sure: true }), disabled: Boolean(why), title: why || "Start a run with the same parameters, and compare its results with these" }, "Reproduce"),
    h(Saved, { path: "record", params: at.params }, "Download record"), h(Saved, { path: "report", params: at.params }, "Report"),
    state.error && h(Note, { tone: "bad" }, state.error));
}

function Reproduced({ found, at }) {
  const link = h(Link, { to: runPath(at.dagId, found.run_id) }, found.run_id);
  if (found.why) return h(Note, null, "Reproduces ", link, ". ", found.why);
  if (found.same === null) return h(Note, { tone: "busy" }, "Reproduces ", link, "; compared when it has ended.");
  return h(Note, { tone: found.same ? "good" : "unsure" }, found.same ? "✓ Reproduced: the same as " : "≠ Not reproduced: differs from ", link, ` in ${plural(found.compared, "compared value")}.`,
    found.differences.length > 0 && h("ul", null, found.differences.map((line) => h("li", { key: line }, line))));
}

// A verdict that fails its run is told as the decision already.
const failedIn = (view) => view.steps.filter((step) => step.status === "Failed" && !(step.step === view.decision?.step && view.headline.includes(step.cause)));
const Failures = ({ view, at }) => {
  const failed = failedIn(view);
  return failed.length > 0 && h(Section, { title: failed.length === 1 ? `Why ${failed[0].step} failed` : `Why ${failed.length} steps failed` }, failed.slice(0, 5).map((step) => h(Failure, { key: step.step, step, at })));
};

// The last lines that the job wrote: from the record, or from the task log, which repeats them after this heading.
const HEADING = "Last lines of its log:";
function Failure({ step, at }) {
  const [lines, set] = useState(step.log);
  const task = at.tasks[step.step];
  useEffect(() => {
    if (!lines.length && task?.try_number) airflow(joined("dags", at.dagId, "dagRuns", at.runId, "taskInstances", task.task_id, "logs", task.try_number), { params: { map_index: task.map_index, full_content: true } }).then((log) => {
      const said = (log.content || []).flatMap((item) => String(item.event ?? item).split("\n"));
      const from = said.findLastIndex((line) => line.includes(HEADING));
      if (from >= 0) set(said.slice(from + 1, from + 21).filter((line) => line.startsWith("  ")).map((line) => line.slice(2)));
    }, () => {});
  }, [task?.try_number]);
  return h("div", { className: "smk-panel smk-bad" },
    Strong(step.cause || step.reason || "It left no reason."), " ", task && h(Link, { to: taskPath(at.dagId, at.runId, task.task_id) }, step.step), " ", step.logs && h(Out, { href: step.logs }, "Logs"),
    lines.length > 0 && h(Code, { value: lines.join("\n"), label: `Last lines of the log of ${step.step}` }),
    step.reason && step.reason !== step.cause && h("details", null, h("summary", null, "All that AWS said"), h(Code, { value: step.reason, label: "Reason" })));
}

function Decisions({ view }) {
  const unsaid = (one) => !view.headline.includes(one.sentence);
  const first = (one) => one.step === view.decision?.step;
  const shown = view.decisions.filter((one) => one.rules.length || one.terms.length || one.branch.sentence || unsaid(one)).sort((a, b) => first(b) - first(a));
  return shown.map((one) => h(Section, { key: one.step, title: `Decision of ${one.step}`, note: one.records ? `on ${plural(one.records, "record")}` : "" },
    Para(h(Badge, one), " ", unsaid(one) && one.sentence), one.because && Para(Muted(one.because)),
    one.rules.length > 0 && h(Rules, { rules: one.rules, label: `Rules of ${one.step}` }),
    one.terms.length > 0 && h("ul", { className: "smk-terms" }, one.terms.map((term, at) => h("li", { key: at }, h(Badge, term.holds ? { word: "holds", tone: "good" } : { word: "does not hold" }), " ", term.text || `${term.left} ${term.operator} ${term.right}`))),
    one.branch.sentence && Para(Strong("Then: "), one.branch.sentence)));
}

const asks = (margin) => (margin > 0 ? `better by ${number(margin)}` : margin < 0 ? `at most ${number(-margin)} worse` : "better");
const limits = (rule) => [rule.floor !== null && `at least ${number(rule.floor)}`, rule.ceiling !== null && `at most ${number(rule.ceiling)}`, rule.margin !== null && asks(rule.goal === "minimize" ? -rule.margin : rule.margin)].filter(Boolean).join(", ");
function Rules({ rules, label }) {
  const groups = new Map();
  for (const rule of rules) groups.set(rule.metric, [...(groups.get(rule.metric) || []), rule]);
  const scale = new Map([...groups].map(([metric, group]) => [metric, { span: spanOf(group), range: rangeOf(group) }]));
  const [some, more] = useSome([...groups.values()].flatMap((group) => group.toSorted((a, b) => Boolean(a.slice) - Boolean(b.slice))));
  const compared = rules.some(isDifference);
  return many(table(label, some, [
    ["Metric", (rule) => many(rule.slice ? Mono(rule.slice) : Strong(rule.title), rule.dry_run && " (no effect)", !rule.slice && Small(limits(rule)))],
    ["Candidate", (rule) => number(rule.candidate), 1], compared && ["Champion", (rule) => number(rule.champion), 1],
    [`${compared ? "Difference" : "Value"}, with its interval`, (rule) => h(Interval, { rule, ...scale.get(rule.metric) })],
    compared && ["", (rule) => (isDifference(rule) ? signed(rule.difference) : ""), 1],
    ["Verdict", (rule) => h(Badge, { ...rule, title: rule.sentence })],
  ], { rowClass: (rule) => (rule.slice ? "smk-slice" : "") }),
  Small(compared ? "The dot is the measured difference, the bar its interval; further right is better. The dashed line has to be beaten." : "There is no champion to compare with: the dot is the candidate's value, the bar its interval, a dashed line its limit."), more);
}

function Steps({ view, at }) {
  const [some, more] = useSome(view.steps);
  const all = Math.max(1, ...view.steps.map((step) => (step.offset ?? 0) + (step.seconds ?? 0)));
  const priced = view.steps.some((step) => step.cost !== null);
  const name = (step) => (at.tasks[step.step] ? h(Link, { to: taskPath(at.dagId, at.runId, at.tasks[step.step].task_id) }, step.step) : step.step);
  return h(Section, { title: "Steps", note: cutNote(view, "steps") }, table("Steps", some, [
    ["Step", (step) => many(name(step), Small(step.type))],
    ["State", (step) => many(h(Badge, step), step.cause && h("div", { className: "smk-small smk-cause", title: step.cause }, short(step.cause, 90)))],
    ["When", (step) => h(Span, { step, all })], ["Time", (step) => duration(step.seconds), 1],
    [priced ? "Cost" : "Billable", (step) => (priced ? money(step.cost, view.totals.currency) : duration(step.billable_seconds)), 1],
    ["Cache", (step) => step.cache && step.cache.result !== "off" && many(h(Badge, { word: step.cache.word, tone: step.cache.hit ? "good" : "plain" }), step.cache.changed.length > 0 && Small(`changed: ${step.cache.changed.join(", ")}`))],
    ["AWS", (step) => (step.console ? h(Out, { href: step.console }, "Console") : h("span", { className: "smk-uri smk-muted", title: step.name }, short(step.name.split("/").slice(-2).join("/"), 44)))],
  ], { keyOf: (step) => step.step, rowClass: (step) => (step.loop ? "smk-slice" : "") }), more);
}
const cutNote = (view, list) => (view.cut[list] ? `${view.cut[list]} more are left out` : "");
const Span = ({ step, all }) => step.offset !== null && h("svg", { viewBox: "0 0 120 12", className: `smk-span smk-${step.tone}`, "aria-hidden": true },
  h("rect", { x: 0, y: 5, width: 120, height: 2, className: "smk-track" }), h("rect", { x: Math.min(117, (step.offset / all) * 120), y: 2, width: Math.max(3, ((step.seconds ?? 0) / all) * 120), height: 8, rx: 2, className: "smk-dot" }));

function Parameters({ view }) {
  const changed = (row) => Boolean(row.previous?.changed || row.champion?.changed);
  const value = (text, bold) => h("span", { className: `smk-uri${bold ? " smk-bold" : ""}` }, text);
  const other = (name, title) => view[name] && [title, (row) => (row[name] ? value(row[name].value, row[name].changed) : "–")];
  const rows = view.parameters.toSorted((a, b) => changed(b) - changed(a));
  const count = rows.filter(changed).length;
  const note = view.previous && (count ? `${plural(count, "differs", "differ")} from the run before or the champion's` : "the same as in the run before");
  return rows.length > 0 && h(Section, { title: "Parameters", note }, table("Parameters", rows, [
    ["Name", (row) => (changed(row) ? Strong(row.name) : row.name)], ["Value", (row) => value(row.value, changed(row))], other("previous", "Previous run"), other("champion", "Champion's run"), ["From", (row) => Muted(row.source)],
  ], { keyOf: (row) => row.name }));
}

const Drifts = ({ view }) => view.drift.map((drift) => h(Section, { key: drift.step, title: `Drift, by ${drift.step}`, note: drift.records ? `${plural(drift.records, "record")} against ${number(drift.baseline_records)}` : "" },
  h(Findings, { drift })));
function Findings({ drift }) {
  const order = { bad: 0, unsure: 1 };
  const [some, more] = useSome(drift.findings.toSorted((a, b) => (order[a.tone] ?? 2) - (order[b.tone] ?? 2)), 8);
  return many(h("div", { className: "smk-cards" }, some.map((one, at) => h("div", { key: at, className: "smk-card" },
    Row(Strong(one.column || "the table"), Muted(one.check), Grow(), h(Badge, one)), one.labels.length > 1 && h(Shares, { one }), Small(one.sentence)))), more);
}
// Two histograms over the same bins: outlined the baseline, filled what came now.
function Shares({ one }) {
  const most = Math.max(1e-9, ...one.baseline, ...one.current), step = 300 / one.labels.length;
  const bar = (share, at, className) => h("rect", { x: at * step + 1, y: 62 - ((share || 0) / most) * 60, width: Math.max(1, step - 2), height: ((share || 0) / most) * 60, className });
  const said = one.labels.map((label, at) => `${label}: ${number((one.baseline[at] || 0) * 100, 3)} % before, ${number((one.current[at] || 0) * 100, 3)} % now`);
  return h("svg", { viewBox: "0 0 300 64", className: `smk-shares smk-${one.tone}`, role: "img", "aria-label": `${one.column}: ${said.slice(0, 12).join("; ")}` },
    one.labels.map((label, at) => h("g", { key: at }, h("title", null, said[at]), bar(one.current[at], at, "smk-bar"), bar(one.baseline[at], at, "smk-outline"))));
}

publish("Decision", Run);
