import { h, Page, Waiting, Note, publish, useAsked } from "./base.js";

function Run({ dagId, runId }) {
  const asked = useAsked("run", { dag_id: dagId, run_id: runId }, (data) => (data.live ? 5 : 0));
  if (!asked.data) return h(Page, null, h(Waiting, { asked }));
  return h(Page, null, asked.data.view ? h("h1", null, asked.data.view.headline) : h(Note, null, asked.data.why));
}
publish("Decision", Run);
