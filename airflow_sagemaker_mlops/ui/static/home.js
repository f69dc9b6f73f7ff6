// The card on Airflow's home page: champions, models that wait for a person, and verdicts of the week that need one.
import { h, Page, useAsked, publish } from "./base.js";
import { Blocks } from "./blocks.js";
import { Approvals } from "./approvals.js";

function Home() {
  const { data } = useAsked("home");
  return data && h("div", { style: { order: 5 } }, data.blocks.length ? h(Page, { small: true, label: "SageMaker models" }, h(Blocks, { of: data.blocks, slots: { approvals: h(Approvals) } })) : h(Approvals));
}
publish("SageMaker models", Home);
