// Models: the groups, and a page for each of them.
import { h, Page, Waiting, Note, Link, Saved, runPath, useAsked, useQuery, startRun, publish } from "./base.js";
import { Blocks } from "./blocks.js";
import { Approvals, Confirmed } from "./approvals.js";

const Rollback = ({ group, from, to, dags }) => h("div", { className: "smk-row" }, dags.map(({ dag_id, endpoint }) => h(Confirmed, { key: dag_id, word: `Roll back to version ${to} …`, tone: "bad", required: true, title: `Roll back ${group} to version ${to}?`, field: "Reason, for registry and history",
  act: (reason) => startRun(dag_id, { reason, version: Number(from) }).then((run) => ["Started. ", h(Link, { key: 1, to: runPath(dag_id, run.dag_run_id, "") }, "Open the run")]) },
h("p", null, `Version ${from} is rejected, and version ${to} is the champion again. ${endpoint ? `The endpoint ${endpoint} is updated.` : "No endpoint is updated."} This starts the DAG ${dag_id} with your rights.`))));

// Of the asset of a group, from Airflow 3.4, it is the page of that group.
function Models({ assetId, assetUri }) {
  const query = useQuery().get("group"), group = (assetId ? /^sagemaker:\/\/model-package-group\/([^/]+)/.exec(assetUri)?.[1] : query) || "", asked = useAsked(group ? "model" : "models", { group }), { data } = asked;
  return h(Page, { label: "Models" }, assetId && !group ? assetUri && h(Note, null, "This asset is not a model package group.") : !data ? h(Waiting, { asked }) : data.blocks ? h(Blocks, { of: data.blocks, slots: { approvals: h(Approvals, { group }), rollback: data.rollback && h(Rollback, data.rollback), report: h(Saved, { path: "model/report", params: { group } }, "Report of its champions") } }) : h(Note, null, data.why));
}
publish("Models", Models);
