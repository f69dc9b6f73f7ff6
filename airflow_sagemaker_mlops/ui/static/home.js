// The card on Airflow's home page: champions, models that wait for a person, and verdicts of the week that need one.
import { h, Link, Page, useAsked, publish, runPath } from "./base.js";
import { Blocks } from "./blocks.js";
import { Approvals } from "./approvals.js";

const Card = ({ label, of }) => h("div", { style: { order: 5 } }, h(Page, { small: true, label }, h(Blocks, { of, slots: { approvals: h(Approvals) } })));
function Home() {
  const { data } = useAsked("home");
  return data && (data.blocks.length ? h(Card, { label: "SageMaker models", of: data.blocks }) : h("div", { style: { order: 5 } }, h(Approvals)));
}
publish("SageMaker models", Home);

// From Airflow 3.4: the card on a DAG's overview, and the button of a run, where Airflow says that its DAG is ours.
function Overview({ dagId }) {
  const { data } = useAsked("trend", { dag_id: dagId, head: true });
  return data?.blocks && h(Card, { label: "SageMaker pipeline", of: data.blocks });
}
publish("SageMaker pipeline", Overview);
publish("Decision of the run", ({ dag, dagId, runId }) => dag?.tags?.some(({ name }) => name === "sagemaker") && runId && h("span", { className: "smk" }, h(Link, { to: runPath(dagId, runId) }, "Decision")));
