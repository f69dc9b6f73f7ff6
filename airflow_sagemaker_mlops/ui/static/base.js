// The only module that touches what Airflow's page publishes. 3.1 publishes no Chakra, so the pages have their own style.
const { React, ReactRouterDOM: Router } = globalThis;
export const { createElement: h, Fragment, useState, useEffect, useMemo, useRef } = React;

// el("div", "smk-row")(one, another): an element as a function of its children.
export const el = (tag, className) => (...children) => h(tag, { className }, ...children);
export const Mono = el("span", "smk-mono"), Small = el("div", "smk-muted smk-small"), Muted = el("span", "smk-muted"), Grow = el("span", "smk-grow");

const HERE = new URL(import.meta.url);
const API = new URL("../api/", HERE);
const VERSION = HERE.search;

const SENTENCES = {
  401: "You are signed out. Reload the page to sign in.",
  403: "You may not read this: it takes the right to read the runs, tasks and XComs of this DAG.",
};

class ApiError extends Error {
  constructor(status, sentence) { super(sentence); this.status = status; }
}

// Characters that turn text around become visible: texts of Airflow's API may come from anybody.
const visible = (_key, value) => (typeof value === "string" ? value.replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd") : value);

async function answerOf(request, seen) {
  let response;
  try { response = await request; } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "Airflow does not answer. The page tries again when you reload it.");
  }
  if (response.ok) return response.status === 204 ? null : JSON.parse(await response.text(), seen);
  const body = await response.json().catch(() => ({}));
  const said = typeof body.detail === "string" ? body.detail : body.problem;
  throw new ApiError(response.status, (response.status < 500 && SENTENCES[response.status]) || said || `Airflow answered ${response.status}.`);
}

const withParams = (url, params) => {
  for (const [name, given] of Object.entries(params || {})) for (const value of [].concat(given)) if (value !== undefined && value !== null && value !== "") url.searchParams.append(name, value);
  return url;
};

// Our own API.
const address = (path, params) => withParams(new URL(path, API), params).href;
const ask = (path, params, signal) => answerOf(fetch(address(path, params), { signal }));

// Airflow's public API, with the reader's own rights.
export const airflow = (path, { method = "GET", body, params } = {}) => answerOf(fetch(
  withParams(new URL(`api/v2/${path}`, document.baseURI), params),
  { method, headers: { Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}) }, body: body && JSON.stringify(body) },
), visible);

// An address of parts that may hold anything.
export const joined = (...parts) => parts.map(encodeURIComponent).join("/");
export const startRun = (dag, conf, note) => airflow(joined("dags", dag, "dagRuns"), { method: "POST", body: { logical_date: null, conf, note } });

// {data, error, loading, reload}; asks again every pollS(data) seconds, while that is above 0 and the page is visible.
export function useAsked(path, params, pollS) {
  const [state, set] = useState({ loading: true });
  const [turn, again] = useState(0);
  const key = JSON.stringify([path, params]);
  useEffect(() => {
    const stop = new AbortController();
    let timer;
    const load = () => ask(path, params, stop.signal).then(
      (data) => { set({ data }); plan(pollS ? pollS(data) : 0); },
      (error) => { if (error.name !== "AbortError") { set((old) => ({ data: old.key === key ? old.data : undefined, error })); plan(pollS && error.status === 0 ? 15 : 0); } },
    );
    const plan = (seconds) => { if (seconds > 0 && !stop.signal.aborted) timer = setTimeout(() => (document.hidden ? plan(seconds) : load()), seconds * 1000); };
    set((old) => (turn ? old : { loading: true }));
    load();
    return () => { stop.abort(); clearTimeout(timer); };
  }, [key, turn]);
  return { ...state, reload: () => again((n) => n + 1) };
}

const round = (value, digits = 4) => Number(value.toPrecision(digits));
export const number = (value, digits) => (typeof value !== "number" || !isFinite(value) ? "–" : round(value, digits).toLocaleString("en", { maximumFractionDigits: 20 }));
export const signed = (value) => (value > 0 ? "+" : "") + number(value, 3);
export function duration(seconds) {
  if (typeof seconds !== "number" || !isFinite(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s < 10) return `${round(s, 2)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}
export const money = (amount, currency) => (typeof amount !== "number" ? "–" : `${amount.toFixed(amount < 1 ? 4 : 2)} ${currency || ""}`.trim());
export function time(text) {
  const at = new Date(text || NaN);
  return isNaN(at) ? "–" : at.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}
export const text = (value) => (typeof value === "string" ? value : JSON.stringify(value) ?? "");
export const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
export const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many || `${one}s`}`;

const MARKS = { good: "✓", bad: "✕", unsure: "?", busy: "…", plain: "" };
// The mark says the same as the colour.
export const Badge = ({ word, tone = "plain", title }) => h("span", { className: `smk-badge smk-${tone}`, title },
  MARKS[tone] && h("span", { "aria-hidden": true }, MARKS[tone]), word);

export const Link = ({ to, children, ...rest }) => h(Router.Link, { to, className: "smk-link", ...rest }, children);
export const runPath = (dag, run, tab = "plugin/sagemaker-run") => `/${joined("dags", dag, "runs", run)}${tab && `/${tab}`}`;
export const taskPath = (dag, run, task, tab = "plugin/sagemaker-task") => `${runPath(dag, run, "")}/${joined("tasks", task)}/${tab}`;
export const useGo = () => Router.useNavigate();
export const useQuery = () => new URLSearchParams(Router.useLocation().search);
// Leaves Airflow; anything but http and https is shown as text.
export const Out = ({ href, children }) => (/^https?:\/\//.test(href || "")
  ? h("a", { href, target: "_blank", rel: "noopener noreferrer", className: "smk-link" }, children, h("span", { "aria-hidden": true }, " ↗"))
  : h(Fragment, null, children));

export const Button = ({ children, ...rest }) => h("button", { type: "button", className: "smk-button", ...rest }, children);
// A file of our API.
export const Saved = ({ path, params, children }) => h("a", { className: "smk-button", href: address(path, params) }, children);
export const Section = ({ title, note, id, children }) => h("section", { className: "smk-section", "aria-label": title, id },
  h("h2", null, title, note && h("small", null, note)), children);
// columns: [{title, cell: row => node, right, wide}]
export const Table = ({ label, columns, rows, keyOf = (_row, at) => at, rowClass }) => h("div", { className: "smk-scroll", tabIndex: 0, role: "region", "aria-label": label },
  h("table", { className: "smk-table" },
    h("thead", null, h("tr", null, columns.map((column) => h("th", { key: column.title, scope: "col", className: column.right ? "smk-right" : undefined }, column.title)))),
    h("tbody", null, rows.map((row, at) => h("tr", { key: keyOf(row, at), className: rowClass?.(row) },
      columns.map((column) => h("td", { key: column.title, className: column.right ? "smk-right" : undefined }, column.cell(row, at))))))));
// Columns are [title, cell of row, is right-aligned]; empty ones are left out.
export const table = (label, rows, columns, more) => h(Table, { label, rows, columns: columns.filter(Boolean).map(([title, cell, right]) => ({ title, cell, right })), ...more });
export const Facts = (pairs) => h("dl", { className: "smk-facts" }, pairs.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))));
export const Code = ({ value, label }) => h("pre", { className: "smk-code", tabIndex: 0, role: "region", "aria-label": label }, typeof value === "string" ? value : JSON.stringify(value, null, 2));
export const Uri = ({ uri, href }) => h("span", { className: "smk-uri", title: uri }, h(Out, { href }, uri.length > 60 ? `…${uri.slice(-58)}` : uri));
export const Note = ({ children, tone = "plain" }) => h("p", { className: `smk-note smk-${tone}`, role: tone === "bad" ? "alert" : undefined }, children);
// Reveals long lists in steps, so that 1,000 rows paint at once.
export function useSome(rows, first = 50) {
  const [most, more] = useState(first);
  const left = rows.length - most;
  return [rows.slice(0, most), left > 0 && h(Button, { onClick: () => more(most + 200) }, `Show ${Math.min(left, 200)} more of ${rows.length.toLocaleString("en")}`)];
}

// A rule: the difference with its interval, further right is better, dashed the margin; without a champion the value.
const finite = (value) => typeof value === "number" && isFinite(value);
const limitsOf = (rule) => [rule.floor, rule.ceiling].filter(finite);
export const isDifference = (rule) => finite(rule.difference) && (finite(rule.margin) || !limitsOf(rule).length);
// Scales that a group of rules shares: half the width of differences, or both ends of values.
export function spanOf(rules) {
  const ends = rules.filter(isDifference).flatMap((rule) => [rule.low, rule.high, rule.difference, rule.margin]).filter(finite).map(Math.abs);
  return Math.max(1e-9, ...ends) * 1.15;
}
export function rangeOf(rules) {
  const ends = rules.filter((rule) => !isDifference(rule)).flatMap((rule) => [rule.low, rule.high, rule.candidate, ...limitsOf(rule)]).filter(finite);
  return [Math.min(...ends), Math.max(...ends)];
}
export function Interval({ rule, span = spanOf([rule]), range = rangeOf([rule]), width = 340 }) {
  const compared = isDifference(rule);
  const point = compared ? rule.difference : rule.candidate;
  const known = finite(rule.low) && finite(rule.high);
  const limits = compared ? [rule.margin || 0] : limitsOf(rule);
  if (!finite(point) && !known) return h("span", { className: "smk-muted" }, "not measured");
  const [from, to] = compared ? [-span, span] : range;
  const pad = compared ? 0 : (to - from || 1) * 0.15;
  const flip = compared && rule.goal === "minimize";
  const x = (value) => { const share = (value - from + pad) / (to - from + 2 * pad || 1); return Math.max(5, Math.min(width - 5, (flip ? 1 - share : share) * width)); };
  const [a, b] = known ? [x(rule.low), x(rule.high)].sort((p, q) => p - q) : [0, 0];
  const show = compared ? signed : (value) => number(value, 3);
  const label = `${rule.title || rule.metric}${rule.slice ? `, ${rule.slice}` : ""}: ${compared ? "difference " : ""}${show(point)}`
    + (known ? `, ${number((rule.level || 0.95) * 100)} % interval ${show(rule.low)} to ${show(rule.high)}` : "")
    + (limits.length ? `, ${compared ? "margin" : "limit"} ${limits.map((v) => number(v)).join(" and ")}` : "") + `: ${rule.word}.`;
  return h("svg", { viewBox: `0 0 ${width} 30`, className: `smk-interval smk-${rule.tone}`, role: "img", "aria-label": label },
    h("title", null, label),
    h("line", { x1: 0, x2: width, y1: 15, y2: 15, className: "smk-axis" }),
    compared && h("line", { x1: width / 2, x2: width / 2, y1: 4, y2: 26, className: "smk-axis" }),
    known && h("rect", { x: a, y: 9.5, width: Math.max(2, b - a), height: 11, rx: 4, className: "smk-bar" }),
    limits.map((limit) => h("line", { key: limit, x1: x(limit), x2: x(limit), y1: 1, y2: 29, className: "smk-margin" })),
    finite(point) && h("circle", { cx: x(point), cy: 15, r: 5, className: "smk-dot" }));
}

function dress() {
  if (document.getElementById("smk-style")) return;
  const link = Object.assign(document.createElement("link"), { id: "smk-style", rel: "stylesheet", href: new URL(`ui.css${VERSION}`, HERE).href });
  document.head.append(link);
}

class Guarded extends React.Component {
  constructor(props) { super(props); this.state = {}; }
  static getDerivedStateFromError(error) { return { error }; }
  render() {
    return this.state.error ? h(Note, { tone: "bad" }, "This page cannot show what it received: ", String(this.state.error.message || this.state.error)) : this.props.children;
  }
}

export function Page({ children, small, label }) {
  useEffect(() => { performance.clearMarks("smk-painted"); performance.mark("smk-painted"); }); // so that it can be measured
  return h("div", { id: small ? undefined : "smk-root", className: small ? "smk smk-card" : "smk smk-page", role: "region", "aria-label": label || "SageMaker" }, children);
}
export function Waiting({ asked }) {
  if (asked.error && !asked.data) return h(Note, { tone: "bad" }, asked.error.message, " ", h(Button, { onClick: asked.reload }, "Try again"));
  return asked.data ? null : h("p", { className: "smk-muted", role: "status" }, "Loading …");
}

export function publish(name, Component) {
  dress();
  globalThis[name] = (props) => h(Guarded, { key: JSON.stringify([props.dagId, props.runId, props.taskId, props.mapIndex]) }, h(Component, props));
}
