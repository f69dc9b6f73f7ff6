// The tab of a step's task: what was asked of AWS, what came back, and why it ran at all.
import { h, Fragment, Page, Waiting, Note, Section, Table, Badge, Link, Out, Code, publish, useAsked, runPath, duration, time, number } from "./base.js";

function Task({ dagId, runId, taskId, mapIndex }) {
  const asked = useAsked("task", { dag_id: dagId, run_id: runId, task_id: taskId, map_index: mapIndex }, (data) => (data.live && data.step ? 5 : 0));
  const data = asked.data;
  if (!data) return h(Page, { label: "Step" }, h(Waiting, { asked }));
  if (!data.step) return h(Page, { label: "Step" }, h("h1", null, "Not a step of a SageMaker pipeline"), h(Note, null, data.why));
  const { step, cache } = data;
  const links = Object.entries(data.links).filter(([, url]) => url);
  return h(Page, { label: "Step" },
    h("header", null,
      h("div", { className: "smk-row" }, step.word && h(Badge, step), h("span", { className: "smk-muted" }, step.type), h("span", { className: "smk-grow" }), h(Link, { to: runPath(dagId, runId) }, "Decision of the run")),
      h("h1", null, step.step),
      h("dl", { className: "smk-facts" }, [["Started", time(step.started)], ["Took", duration(step.seconds)], ["Billable", duration(step.billable_seconds)], ["Instance", step.instance_type || "–"]].map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))))),
    asked.error && h(Note, { tone: "bad" }, asked.error.message), data.why && h(Note, null, data.why),
    step.cause && h("div", { className: "smk-panel smk-bad" }, h("strong", null, step.cause), step.reason !== step.cause && h(Code, { value: step.reason, label: "Reason" })),
    links.length > 0 && h("p", { className: "smk-row" }, links.map(([name, url]) => h(Out, { key: name, href: url }, name))),
    cache && h(Section, { title: "Cache" },
      h("p", null, h(Badge, { word: step.cache?.word || "Cache off", tone: step.cache?.hit ? "good" : "plain" }), " ", cache.source_run && h(Fragment, null, "result of ", h(Link, { to: runPath(dagId, cache.source_run) }, cache.source_run))),
      cache.why.length > 0 && h("ul", null, cache.why.map((line) => h("li", { key: line }, line))),
      cache.key && h("p", { className: "smk-muted smk-mono" }, "key ", cache.key)),
    h(Section, { title: "Tries and jobs" }, h(Table, {
      label: "Tries", rows: data.tries,
      columns: [{ title: "Try", right: true, cell: (one) => one.number }, { title: "State", cell: (one) => one.state || "none" }, { title: "Started", cell: (one) => time(one.started) },
        { title: "Took", right: true, cell: (one) => duration(one.ended && one.started ? (new Date(one.ended) - new Date(one.started)) / 1000 : undefined) }],
    }), step.attempts?.length > 0 && h(Table, {
      label: "Jobs", rows: step.attempts,
      columns: [{ title: "Job", cell: (one) => h("span", { className: "smk-mono" }, h(Out, { href: one.console }, one.name)) }, { title: "Status", cell: (one) => h(Badge, { word: one.status || "–", tone: one.status === "Failed" ? "bad" : "plain" }) },
        { title: "Took", right: true, cell: (one) => duration(one.seconds) }, { title: "Reason", cell: (one) => one.reason }, { title: "Logs", cell: (one) => h(Out, { href: one.logs }, one.logs ? "Logs" : "") }],
    })),
    Object.keys(step.metrics || {}).length > 0 && h(Section, { title: "Metrics" }, h(Table, { label: "Metrics", rows: Object.entries(step.metrics), columns: [{ title: "Metric", cell: ([name]) => name }, { title: "Value", right: true, cell: ([, value]) => (typeof value === "number" ? number(value, 6) : value) }] })),
    h(Json, { title: "Request", note: "as it was sent, secrets masked", value: data.request }), h(Json, { title: "Properties", note: "as later steps received them", value: data.result }));
}
const Json = ({ title, note, value }) => h(Section, { title, note: value ? note : "none yet" }, value && h(Fragment, null, h(Code, { value: value.text, label: title }), value.left_out > 0 && h("p", { className: "smk-muted" }, `${value.left_out.toLocaleString("en")} more characters are in the record.`)));

publish("SageMaker step", Task);
