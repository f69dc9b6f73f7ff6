"""Three days of the daily model on the embedded AWS, in one process: ``make demo``.

Day 1 deploys the first model, day 2 is refused because its model is worse, day 3 deploys a better one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import publish

from airflow_sagemaker_mlops import local_aws, run_pipeline
from airflow_sagemaker_mlops.cli.progress import TerminalObserver

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "build" / "demo"
DAYS = ("day-1", "day-2", "day-3")


def main() -> int:
    """Run the three days; returns 0 if every run succeeded."""
    begun = time.monotonic()
    state_dir = OUT / "aws"
    local_aws.stop(state_dir)
    local_aws.reset(state_dir)
    aws = local_aws.start(state_dir)
    try:
        print(f"Embedded AWS at {aws.endpoint_url}, state in {state_dir}")
        publish.publish(aws.client, aws.bucket, aws.role_arn)
        sentences = []
        for day in DAYS:
            print(f"\n{f' {day} ':─^80}")
            summary = run_day(day, state_dir)
            if summary["status"] != "Succeeded":
                return 1
            sentences.append(f"{day}: {sentence(summary)}")
        print("─" * 80)
        print("\n".join(sentences))
        command = os.path.relpath(Path(sys.executable).parent / "sagemaker-mlops")
        where = f"--state-dir {os.path.relpath(state_dir)}"
        print(f"{time.monotonic() - begun:.0f} s; summaries in {OUT}, records and models in {state_dir}. Next, try:")
        print(f"  {command} records show {where}")
        print(f"  {command} records diff latest~1 latest {where}")
        print(f"  {command} logs latest TrainModel {where}")
        return 0
    finally:
        local_aws.stop(state_dir)


def run_day(day: str, state_dir: Path) -> dict[str, Any]:
    """Do the same as ``sagemaker-mlops run definition.yaml -p Day=...``; returns the summary of the run."""
    with TerminalObserver(quiet=False) as terminal:
        run = run_pipeline(
            HERE / "definition.yaml",
            {"Day": day},
            name="daily-model",
            state_dir=state_dir,
            publish=False,
            observer=terminal,
        )
    summary = run.summary()
    (OUT / f"{day}.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    return summary


def sentence(summary: dict[str, object]) -> str:
    """The decision and its outcome as a sentence."""
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
