"""Three days of the daily model on the embedded AWS, in one process: ``make demo``.

Day 1 deploys the first model, day 2 is refused because its model is worse, day 3 deploys a better one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent))
import publish

from airflow_sagemaker_mlops import load_pipeline, local
from airflow_sagemaker_mlops.cli.aws import embedded
from airflow_sagemaker_mlops.cli.run import run_plan
from airflow_sagemaker_mlops.cli.summary import print_summary, summary_of, write_summary
from airflow_sagemaker_mlops.plan import make_plan

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "build" / "demo"
DAYS = ("day-1", "day-2", "day-3")


def main() -> int:
    """Run the three days; 0 when every run succeeded."""
    console = Console()
    begun = time.monotonic()
    state_dir = OUT / "aws"
    local.stop(state_dir)
    local.reset(state_dir)
    aws = local.start(state_dir)
    try:
        console.print(f"Embedded AWS at {aws.endpoint_url}, state in {state_dir}", style="dim")
        publish.publish(aws.client, aws.bucket, aws.role_arn)
        plan = make_plan(load_pipeline(HERE / "definition.yaml"))
        sentences = []
        for day in DAYS:
            console.rule(day)
            run = run_plan(plan, "daily-model", {"Day": day}, aws=embedded(aws), state_dir=Path(aws.state_dir))
            print_summary(run)
            write_summary(run, OUT / f"{day}.json")
            sentences.append(f"{day}: {sentence(summary_of(run))}")
            if run.status != "Succeeded":
                return 1
        console.rule()
        for line in sentences:
            console.print(line, highlight=False)
        console.print(f"{time.monotonic() - begun:.0f} s; summaries in {OUT}", style="dim")
        return 0
    finally:
        local.stop(state_dir)


def sentence(summary: dict[str, object]) -> str:
    """What was decided, and what came of it."""
    steps = {step["name"]: step for step in summary["steps"]}  # type: ignore[attr-defined]
    if summary["status"] != "Succeeded":
        return "failed"
    if steps["KeepProduction"]["status"] == "Succeeded":
        return "not deployed. " + steps["KeepProduction"]["outputs"]["reason"] + "."
    decision = summary["decisions"][0]  # type: ignore[index]
    auc, before = decision["terms"][0]["left"], decision["terms"][0]["right"]
    endpoint = steps["ApproveAndDeploy"]["outputs"]["endpoint_config_name"]
    asked = steps["Predict"]["outputs"]
    answer = f"its endpoint gives a record with label {asked['label']:.0f} a score of {asked['score']:.3f}"
    return f"deployed as {endpoint}. AUC {auc:.4f} beats {before:.4f}; {answer}."


if __name__ == "__main__":
    sys.exit(main())
