// The tab of a DAG run: what it decided and why, what happened, and from what it was made.
import {
  h, Fragment, useState, useEffect, Page, Waiting, Note, Section, Table, Badge, Button, Link, Out, Uri, Code, Interval, spanOf, rangeOf, isDifference, useAsked, useSome,
  address, airflow, publish, runPath, taskPath, number, signed, duration, bytes, money, time, plural,
} from "./base.js";
import { Lineage } from "./lineage.js";

const POLL_S = 5;

function Run({ dagId, runId }) {
  const [chosen, choose] = useState({});
  const params = { dag_id: dagId, run_id: runId, ...chosen };
  const asked = useAsked("run", params, (data) => (data.live ? POLL_S : 0));
  const data = asked.data;
  if (!data) return h(Page, { label: "Decision" }, h(Waiting, { asked }));
  if (!data.view) return h(Page, { label: "Decision" }, h("h1", null, "Not a SageMaker pipeline"), h(Note, null, data.why));
  const { view } = data;
  const at = { ...data, dagId, runId, params: { ...params, group: data.group, instance: data.instance } };
  return h(Page, { label: "Decision" },
    data.pipelines.length > 1 && h(Choice, { data, choose }),
    h(Head, { view, at }),
    asked.error && h(Note, { tone: "bad" }, asked.error.message),
    at.waiting.map((task) => h(Note, { key: task, tone: "unsure" }, `${task} waits for somebody's approval. `, h(Link, { to: `${runPath(dagId, runId, "required_actions")}` }, "Answer it"))),
    h(Reproduced, { at }),
    [at.why, at.missing, ...view.notes].filter(Boolean).map((line) => h(Note, { key: line }, line)),
    h(Failures, { view, at }),
    h(Decisions, { view }),
    h(Steps, { view, at }),
    h(Parameters, { view }),
    h(Drifts, { view }),
    view.lineage.nodes.length > 1 && h(Section, { title: "Lineage", note: "point at anything, or step through it with Tab, to see what it came from and what it led to" }, h(Lineage, { graph: view.lineage })),
    h(Artifacts, { view }),
    h(Approvals, { view }),
    h(Identity, { view }));
}

const Choice = ({ data, choose }) => h("label", { className: "smk-row smk-muted" }, "Pipeline ",
  h("select", { className: "smk-button", value: `${data.group}|${data.instance}`, onChange: (event) => { const [group, instance] = event.target.value.split("|"); choose({ group, instance }); } },
    data.pipelines.map((one) => { const key = `${one.group}|${one.instance}`; return h("option", { key, value: key }, `${one.group || "of the DAG"}${one.instance < 0 ? "" : `, instance ${one.instance}`}`); })));

function Head({ view, at }) {
  const { run, decision, totals } = view;
  const facts = [
    ["Started", time(run.started)],
    [run.live ? "Running for" : "Took", duration(run.live ? (Date.now() - new Date(run.started)) / 1000 : totals.seconds ?? run.seconds)],
    ["Steps", `${totals.succeeded} of ${totals.steps} succeeded${totals.cached ? `, ${totals.cached} from the cache` : ""}`],
    typeof totals.cost === "number" ? ["Cost", money(totals.cost, totals.currency)] : ["Billable", duration(totals.billable_seconds)],
    ["Started by", [run.user, run.trigger].filter(Boolean).join(", ") || "–"],
  ];
  return h("header", null,
    h("div", { className: "smk-row" },
      decision && h(Badge, decision), h(Badge, { word: `Run: ${run.word}`, tone: run.tone }), run.live && h("span", { className: "smk-muted", role: "status" }, "live"),
      h("span", { className: "smk-grow" }), h(Actions, { at })),
    h("h1", null, view.headline),
    h("dl", { className: "smk-facts" }, facts.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value)))));
}

function Actions({ at }) {
  const [state, set] = useState({});
  if (!at.sealed) return null;
  const again = async () => {
    set({ busy: true });
    try {
      const { conf, group, note } = at.again;
      const known = (await airflow(`dags/${encodeURIComponent(at.dagId)}/details`)).params || {};
      const named = Object.fromEntries(Object.entries(conf).map(([name, value]) => [group && `${group}.${name}` in known ? `${group}.${name}` : name, value]));
      const made = await airflow(`dags/${encodeURIComponent(at.dagId)}/dagRuns`, { method: "POST", body: { logical_date: null, conf: named, note } });
      set({ run: made.dag_run_id });
    } catch (error) { set({ error: error.status === 403 ? "You may not start runs of this DAG." : error.message }); }
  };
  return h(Fragment, null,
    state.run ? h(Link, { to: runPath(at.dagId, state.run) }, "Open the new run") : state.ask
      ? h(Fragment, null, h("span", null, "Start a run with the same parameters?"), h(Button, { onClick: again, disabled: state.busy, autoFocus: true }, state.busy ? "Starting …" : "Start it"), h(Button, { onClick: () => set({}) }, "No"))
      : h(Button, { onClick: () => set({ ask: true }), disabled: !at.again?.conf, title: at.again?.why || "Start a run with the same parameters, and compare its results with these" }, "Reproduce"),
    h("a", { className: "smk-button", href: address("record", at.params) }, "Download record"),
    h("a", { className: "smk-button", href: address("report", at.params) }, "Report"),
    state.error && h(Note, { tone: "bad" }, state.error));
}

function Reproduced({ at }) {
  const found = at.reproduces;
  if (!found) return null;
  const link = h(Link, { to: runPath(at.dagId, found.run_id) }, found.run_id);
  if (found.why) return h(Note, null, "Reproduces ", link, ". ", found.why);
  if (found.same === null) return h(Note, { tone: "busy" }, "Reproduces ", link, "; compared when it has ended.");
  return h(Note, { tone: found.same ? "good" : "unsure" }, found.same ? "✓ Reproduced: " : "≠ Not reproduced: ", found.same ? `the same as ` : `differs from `, link,
    ` in ${plural(found.compared, "compared value")}.`, found.differences.length > 0 && h("ul", null, found.differences.map((line) => h("li", { key: line }, line))));
}

function Failures({ view, at }) {
  const failed = view.steps.filter((step) => step.status === "Failed");
  return failed.length > 0 && h(Section, { title: failed.length === 1 ? `Why ${failed[0].step} failed` : `Why ${failed.length} steps failed` },
    failed.slice(0, 5).map((step) => h(Failure, { key: step.step, step, at })));
}

// The last lines that the job wrote: from the record, or from the task log, which repeats them after this heading.
const HEADING = "Last lines of its log:";
function Failure({ step, at }) {
  const [lines, set] = useState(step.log);
  const task = at.tasks[step.step];
  useEffect(() => {
    if (lines.length || !task) return;
    airflow(`dags/${encodeURIComponent(at.dagId)}/dagRuns/${encodeURIComponent(at.runId)}/taskInstances/${encodeURIComponent(task.task_id)}/logs/${task.try_number || 1}`, { params: { map_index: task.map_index, full_content: true } })
      .then((log) => {
        const said = (log.content || []).flatMap((item) => String(item.event ?? item).split("\n"));
        const from = said.findLastIndex((line) => line.includes(HEADING));
        if (from >= 0) set(said.slice(from + 1, from + 21).filter((line) => line.startsWith("  ")).map((line) => line.slice(2)));
      }, () => {});
  }, [task?.try_number]);
  return h("div", { className: "smk-panel smk-bad" },
    h("strong", null, step.cause || step.reason || "It left no reason."), " ", task && h(Link, { to: taskPath(at.dagId, at.runId, task.task_id) }, step.step), " ", h(Out, { href: step.logs }, step.logs ? "Logs" : null),
    lines.length > 0 && h(Code, { value: lines.join("\n"), label: `Last lines of the log of ${step.step}` }),
    step.reason && step.reason !== step.cause && h("details", null, h("summary", null, "All that AWS said"), h(Code, { value: step.reason, label: "Reason" })));
}

function Decisions({ view }) {
  if (!view.decisions.length) return null;
  const shown = view.decision?.step;
  const order = [...view.decisions].sort((a, b) => (b.step === shown) - (a.step === shown));
  return order.map((one) => h(Section, { key: one.step, title: `Decision of ${one.step}`, note: one.records ? `on ${plural(one.records, "record")}` : undefined },
    h("p", null, h(Badge, one), " ", !view.headline.includes(one.sentence) && one.sentence), one.because && h("p", { className: "smk-muted" }, one.because),
    one.rules.length > 0 && h(Rules, { rules: one.rules, label: `Rules of ${one.step}` }),
    one.terms.length > 0 && h("ul", { className: "smk-terms" }, one.terms.map((term, at) => h("li", { key: at }, h(Badge, { word: term.holds ? "holds" : "does not hold", tone: term.holds ? "good" : "plain" }), " ", term.text || `${term.left} ${term.operator} ${term.right}`))),
    one.branch.sentence && h("p", null, h("strong", null, "Then: "), one.branch.sentence)));
}

const limits = (rule) => [rule.floor !== null && `at least ${number(rule.floor)}`, rule.ceiling !== null && `at most ${number(rule.ceiling)}`, rule.margin !== null && `better by ${number(rule.margin)}`].filter(Boolean).join(", ");
function Rules({ rules, label }) {
  const metrics = [...new Set(rules.map((rule) => rule.metric))];
  const groups = new Map(metrics.map((metric) => [metric, rules.filter((rule) => rule.metric === metric)]));
  const scale = new Map(metrics.map((metric) => [metric, { span: spanOf(groups.get(metric)), range: rangeOf(groups.get(metric)) }]));
  const [some, more] = useSome([...groups.values()].flatMap((group) => [...group.filter((rule) => !rule.slice), ...group.filter((rule) => rule.slice)]));
  return h(Fragment, null, h(Table, {
    label, rows: some, rowClass: (rule) => (rule.slice ? "smk-slice" : ""),
    columns: [
      { title: "Metric", cell: (rule) => h(Fragment, null, rule.slice ? h("span", { className: "smk-mono" }, rule.slice) : h("strong", null, rule.title), rule.dry_run && " (no effect)", !rule.slice && limits(rule) && h("div", { className: "smk-muted smk-small" }, limits(rule))) },
      { title: "Candidate", right: true, cell: (rule) => number(rule.candidate) },
      { title: "Champion", right: true, cell: (rule) => number(rule.champion) },
      { title: rules.some(isDifference) ? "Difference, with its interval" : "Value, with its interval", cell: (rule) => h(Interval, { rule, ...scale.get(rule.metric) }) },
      { title: "", right: true, cell: (rule) => (isDifference(rule) ? signed(rule.difference) : "") },
      { title: "Verdict", cell: (rule) => h(Badge, { ...rule, title: rule.sentence }) },
    ],
  }), h("p", { className: "smk-muted smk-small" }, rules.some(isDifference) ? "The dot is the measured difference, the bar its interval; further right is better. The dashed line has to be beaten." : "There is no champion to compare with: the dot is the candidate's value, the bar its interval, a dashed line its limit."), more);
}

function Steps({ view, at }) {
  const [some, more] = useSome(view.steps);
  const all = Math.max(1, ...view.steps.map((step) => (step.offset ?? 0) + (step.seconds ?? 0)));
  const priced = view.steps.some((step) => typeof step.cost === "number");
  return h(Section, { title: "Steps", note: view.cut.steps ? `${view.cut.steps} more are left out` : undefined }, h(Table, {
    label: "Steps", rows: some, keyOf: (step) => step.step, rowClass: (step) => (step.loop ? "smk-slice" : ""),
    columns: [
      { title: "Step", cell: (step) => h(Fragment, null, at.tasks[step.step] ? h(Link, { to: taskPath(at.dagId, at.runId, at.tasks[step.step].task_id) }, step.step) : step.step, h("div", { className: "smk-muted smk-small" }, step.type)) },
      { title: "State", cell: (step) => h(Fragment, null, h(Badge, step), step.cause && h("div", { className: "smk-small smk-cause" }, step.cause)) },
      { title: "When", cell: (step) => h(Span, { step, all }) },
      { title: "Time", right: true, cell: (step) => duration(step.seconds) },
      { title: priced ? "Cost" : "Billable", right: true, cell: (step) => (priced ? money(step.cost, view.totals.currency) : duration(step.billable_seconds)) },
      { title: "Cache", cell: (step) => step.cache && step.cache.result !== "off" && h(Fragment, null, h(Badge, { word: step.cache.word, tone: step.cache.hit ? "good" : "plain" }), step.cache.changed.length > 0 && h("div", { className: "smk-muted smk-small" }, `changed: ${step.cache.changed.join(", ")}`)) },
      { title: "AWS", cell: (step) => h(Out, { href: step.console }, step.console ? "Console" : h("span", { className: "smk-mono" }, step.name)) },
    ],
  }), more);
}
const Span = ({ step, all }) => step.offset !== null && h("svg", { viewBox: "0 0 120 12", className: `smk-span smk-${step.tone}`, "aria-hidden": true },
  h("rect", { x: 0, y: 5, width: 120, height: 2, className: "smk-track" }), h("rect", { x: Math.min(117, (step.offset / all) * 120), y: 2, width: Math.max(3, ((step.seconds ?? 0) / all) * 120), height: 8, rx: 2, className: "smk-dot" }));

function Parameters({ view }) {
  if (!view.parameters.length) return null;
  const other = (name) => ({ title: name === "previous" ? "Previous run" : "Champion's run", cell: (row) => (row[name] ? h("span", { className: row[name].changed ? "smk-mono smk-bold" : "smk-mono smk-muted" }, row[name].value) : "–") });
  const changed = (row) => row.previous?.changed || row.champion?.changed;
  const rows = [...view.parameters].sort((a, b) => Boolean(changed(b)) - Boolean(changed(a)));
  const count = rows.filter(changed).length;
  return h(Section, { title: "Parameters", note: view.previous ? (count ? `${plural(count, "differs", "differ")} from the run before or the champion's` : "the same as in the run before") : undefined }, h(Table, {
    label: "Parameters", rows, keyOf: (row) => row.name,
    columns: [
      { title: "Name", cell: (row) => h("span", { className: changed(row) ? "smk-bold" : undefined }, row.name) },
      { title: "Value", cell: (row) => h("span", { className: changed(row) ? "smk-mono smk-bold" : "smk-mono" }, row.value) },
      ...(view.previous ? [other("previous")] : []), ...(view.champion ? [other("champion")] : []),
      { title: "From", cell: (row) => h("span", { className: "smk-muted" }, row.source) },
    ],
  }));
}

function Drifts({ view }) {
  return view.drift.map((drift) => h(Section, { key: drift.step, title: `Drift, by ${drift.step}`, note: drift.records ? `${plural(drift.records, "record")} against ${plural(drift.baseline_records ?? 0, "record")}` : undefined },
    h("p", null, h(Badge, drift), " ", drift.sentence), h(Findings, { drift })));
}
function Findings({ drift }) {
  const order = { bad: 0, unsure: 1 };
  const [some, more] = useSome([...drift.findings].sort((a, b) => (order[a.tone] ?? 2) - (order[b.tone] ?? 2)), 8);
  return h(Fragment, null, h("div", { className: "smk-cards" }, some.map((one, at) => h("div", { key: at, className: "smk-card" },
    h("div", { className: "smk-row" }, h("strong", null, one.column || "the table"), h("span", { className: "smk-muted" }, one.check), h("span", { className: "smk-grow" }), h(Badge, { ...one, title: one.sentence })),
    one.labels.length > 1 && h(Shares, { one }), h("div", { className: "smk-muted smk-small" }, one.sentence)))), more);
}
// Two histograms over the same bins: outline the baseline, filled what came now.
function Shares({ one }) {
  const most = Math.max(1e-9, ...one.baseline, ...one.current);
  const step = 300 / one.labels.length;
  const tall = (value) => ((value || 0) / most) * 60;
  return h("svg", { viewBox: "0 0 300 64", className: `smk-shares smk-${one.tone}`, role: "img", "aria-label": `${one.column}: ${one.labels.map((label, at) => `${label}: ${number((one.baseline[at] || 0) * 100, 2)} % before, ${number((one.current[at] || 0) * 100, 2)} % now`).slice(0, 12).join("; ")}` },
    one.labels.map((label, at) => h("g", { key: at }, h("title", null, `${label}: ${number((one.baseline[at] || 0) * 100, 3)} % before, ${number((one.current[at] || 0) * 100, 3)} % now`),
      h("rect", { x: at * step + 1, y: 62 - tall(one.current[at]), width: Math.max(1, step - 2), height: tall(one.current[at]), className: "smk-bar" }),
      h("rect", { x: at * step + 1, y: 62 - tall(one.baseline[at]), width: Math.max(1, step - 2), height: tall(one.baseline[at]), className: "smk-outline" }))));
}

function Artifacts({ view }) {
  const [some, more] = useSome(view.artifacts, 30);
  return view.artifacts.length > 0 && h(Section, { title: "Artifacts", note: view.cut.artifacts ? `${view.cut.artifacts} more are left out` : undefined }, h(Table, {
    label: "Artifacts", rows: some,
    columns: [
      { title: "What", cell: (one) => h(Fragment, null, h(Uri, { uri: one.uri, href: one.console }), h("div", { className: "smk-muted smk-small" }, [one.role, one.name].filter(Boolean).join(", "))) },
      { title: "Size", right: true, cell: (one) => h(Fragment, null, bytes(one.bytes), one.objects > 1 && h("div", { className: "smk-muted smk-small" }, plural(one.objects, "object"))) },
      { title: "Version", cell: (one) => h("span", { className: "smk-mono", title: one.version || one.sha256 || one.etag }, one.problem || (one.version || one.sha256 || one.etag).slice(0, 12) || "–") },
      { title: "Made by", cell: (one) => one.made_by || h("span", { className: "smk-muted" }, "from outside") },
      { title: "Used by", cell: (one) => one.used_by.join(", ") || "–" },
    ],
  }), more);
}

function Approvals({ view }) {
  const rows = view.approvals;
  return h(Fragment, null, view.models.length > 0 && h(Section, { title: "Models" }, h(Table, {
    label: "Models", rows: view.models,
    columns: [
      { title: "Model", cell: (one) => h(Out, { href: one.console }, `${one.group} ${one.version}`) }, { title: "Status", cell: (one) => h(Badge, one) },
      { title: "Registered by", cell: (one) => one.step }, { title: "Data", cell: (one) => h(Uri, { uri: one.data || "–" }) },
    ],
  })), rows.length > 0 && h(Section, { title: "Approvals" }, h(Table, {
    label: "Approvals", rows,
    columns: [
      { title: "What", cell: (one) => one.what || one.step }, { title: "Decision", cell: (one) => h(Badge, one) },
      { title: "By", cell: (one) => (one.by_default ? "nobody in time: the default" : one.user || "–") }, { title: "At", cell: (one) => h(Fragment, null, time(one.at), one.later && h("div", { className: "smk-muted smk-small" }, "after the run")) },
      { title: "Comment", cell: (one) => one.comment },
    ],
  })));
}

function Identity({ view }) {
  const { hashes } = view;
  const rows = [["Record", hashes.record], ["Definition", hashes.definition], ["Commit", hashes.commits.join(", ") + (hashes.dirty ? ", with uncommitted changes" : "")], ["Bundle", hashes.bundle],
    ["Versions", Object.entries(hashes.versions).map(([name, version]) => `${name} ${version}`).join(", ")]].filter(([, value]) => value);
  return rows.length > 0 && h("details", { className: "smk-section" }, h("summary", null, "Hashes and versions"), h("dl", { className: "smk-facts smk-mono" }, rows.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value)))));
}

publish("Decision", Run);
