// The tab of a step's task: what was asked of AWS, what came back, and why it ran at all.
import { h, Fragment, Page, Waiting, Note, Section, table, Badge, Link, Out, Code, Facts, Mono, Muted, Grow, publish, useAsked, runPath, duration, time, number } from "./base.js";

function Task({ dagId, runId, taskId, mapIndex }) {
  const asked = useAsked("task", { dag_id: dagId, run_id: runId, task_id: taskId, map_index: mapIndex }, (data) => (data.live && data.step ? 5 : 0));
  const { data, error } = asked;
  if (!data) return h(Page, { label: "Step" }, h(Waiting, { asked }));
  if (!data.step) return h(Page, { label: "Step" }, h("h1", null, "Not a step of a SageMaker pipeline"), h(Note, null, data.why));
  const { step, cache, tries } = data;
  const links = Object.entries(data.links).filter(([, url]) => url);
  const metrics = Object.entries(step.metrics || {});
  const lasted = (one) => duration(one.ended && one.started ? (new Date(one.ended) - new Date(one.started)) / 1000 : undefined);
  return h(Page, { label: "Step" },
    h("header", null,
      h("div", { className: "smk-row" }, step.word && h(Badge, step), Muted(step.type), Grow(), h(Link, { to: runPath(dagId, runId) }, "Decision of the run")), h("h1", null, step.step),
      Facts([["Started", time(step.started)], ["Took", duration(step.seconds)], ["Billable", duration(step.billable_seconds)], ["Instance", step.instance_type || "–"]])),
    error && h(Note, { tone: "bad" }, error.message), data.why && h(Note, null, data.why),
    step.cause && h("div", { className: "smk-panel smk-bad" }, h("strong", null, step.cause), step.reason !== step.cause && h(Code, { value: step.reason, label: "Reason" })),
    links.length > 0 && h("p", { className: "smk-row" }, links.map(([name, url]) => h(Out, { key: name, href: url }, name))),
    h(Section, { title: "Cache" },
      h("p", null, h(Badge, { word: step.cache?.word || (data.known ? "Cache off" : "Not known"), tone: step.cache?.hit ? "good" : "plain" }), " ", cache.source_run && h(Fragment, null, "result of ", h(Link, { to: runPath(dagId, cache.source_run) }, cache.source_run))),
      cache.why.length > 0 && h("ul", null, cache.why.map((line) => h("li", { key: line }, line))), cache.key && h("p", null, Mono("key ", cache.key))),
    h(Section, { title: "Tries and jobs" },
      table("Tries", tries, [["Try", (one) => one.number], ["State", (one) => one.state || "none"], ["Started", (one) => time(one.started)], ["Took", lasted, 1]]),
      step.attempts?.length > 0 && table("Jobs", step.attempts, [
        ["Job", (one) => Mono(h(Out, { href: one.console }, one.name))], ["Status", (one) => h(Badge, { word: one.status || "–", tone: one.status === "Failed" ? "bad" : "plain" })],
        ["Took", (one) => duration(one.seconds), 1], ["Reason", (one) => one.reason], ["Logs", (one) => one.logs && h(Out, { href: one.logs }, "Logs")]])),
    metrics.length > 0 && h(Section, { title: "Metrics" }, table("Metrics", metrics, [["Metric", ([name]) => name], ["Value", ([, value]) => (typeof value === "number" ? number(value, 6) : value), 1]])),
    h(Json, { title: "Request", note: "as it was sent, secrets masked", value: data.request }), h(Json, { title: "Properties", note: "as later steps received them", value: data.result }));
}
const Json = ({ title, note, value }) => h(Section, { title, note: value ? note : "none recorded" }, value && h(Fragment, null, h(Code, { value: value.text, label: title }), value.left_out > 0 && h("p", null, Muted(`${value.left_out.toLocaleString("en")} more characters are in the record.`))));

publish("SageMaker step", Task);
