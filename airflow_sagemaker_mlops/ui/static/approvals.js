// Models that wait for a person: Airflow's required actions, read and answered through its public API.
import { h, Fragment, useState, useEffect, useRef, Button, Link, Note, airflow, joined, taskPath, time } from "./base.js";

// A button that asks before it acts: act(text) returns what to say then.
export function Confirmed({ word, tone, title, children, field, required, act }) {
  const box = useRef(null), [text, write] = useState(""), [state, set] = useState({});
  const run = (event) => {
    event.preventDefault();
    set({ busy: true });
    act(text).then((done) => set({ done }), (error) => set({ error: error.status === 403 ? "You may not do this: it takes the right to run this DAG and to answer its actions." : error.message }));
  };
  return h(Fragment, null, h(Button, { className: `smk-button smk-act smk-${tone}`, onClick: () => { set({}); box.current.showModal(); } }, word),
    h("dialog", { ref: box, className: "smk-dialog", "aria-label": title }, h("form", { onSubmit: run }, h("h2", null, title),
      state.done ? h(Note, { tone: "good" }, state.done) : h(Fragment, null, children, h("label", null, field, h("textarea", { value: text, required, maxLength: 1000, onChange: (event) => write(event.target.value) }))),
      state.error && h(Note, { tone: "bad" }, state.error),
      h("p", { className: "smk-row" }, !state.done && h("button", { disabled: state.busy, className: `smk-button smk-act smk-${tone}` }, word), h(Button, { onClick: () => box.current.close() }, state.done ? "Close" : "Cancel")))));
}

// The x-approval steps that wait; of a group, if one is given.  Before Airflow 3.1 there are none.
export function Approvals({ group = "" }) {
  const [found, set] = useState([]);
  useEffect(() => {
    const ours = (one) => one.options.includes("Approve") && (one.body || "").includes(`:model-package/${group && `${group}/`}`);
    airflow("dags/~/dagRuns/~/hitlDetails", { params: { response_received: false, limit: 100 } }).then((data) => set(data.hitl_details.filter(ours)), () => {});
  }, [group]);
  return found.map(({ task_instance: at, subject, body, created_at }) => {
    const path = joined("dags", at.dag_id, "dagRuns", at.dag_run_id, "taskInstances", at.task_id, at.map_index, "hitlDetails"), why = h("p", null, body.split("\n\n")[0]);
    const answer = (option) => (comment) => airflow(path, { method: "PATCH", body: { chosen_options: [option], params_input: { comment } } }).then(() => "Answered. The run goes on.");
    return h("div", { className: "smk-card smk-waiting", key: at.id }, h("h3", null, subject), why, h("p", { className: "smk-muted" }, "waits since ", time(created_at), " in ", h(Link, { to: taskPath(at.dag_id, at.dag_run_id, at.task_id, "required_actions") }, `${at.dag_id}, ${at.task_id}`)),
      h("div", { className: "smk-row" }, [["Approve", "good"], ["Reject", "bad"]].map(([word, tone]) => h(Confirmed, { key: word, word, tone, title: subject, field: "Comment, for the registry", act: answer(word) }, why))));
  });
}
