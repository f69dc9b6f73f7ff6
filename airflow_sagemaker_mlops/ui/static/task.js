import { h, Page, Waiting, Note, publish, useAsked } from "./base.js";

function Task({ dagId, runId, taskId, mapIndex }) {
  const asked = useAsked("task", { dag_id: dagId, run_id: runId, task_id: taskId, map_index: mapIndex });
  if (!asked.data) return h(Page, null, h(Waiting, { asked }));
  return h(Page, null, h(Note, null, asked.data.why));
}
publish("SageMaker step", Task);
