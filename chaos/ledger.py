"""The embedded AWS's data about the drill: every resource with its tags, and the injected faults."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_sagemaker_mlops.local_aws import LocalAws

from .audit import COMPLETED, Job

# Together on about 5 % of the calls.
RULES = (
    {"operation": "^Create", "kind": "lost_answer", "rate": 0.05},
    {"operation": ".", "kind": "throttle", "rate": 0.015},
    {"operation": ".", "kind": "error", "rate": 0.012},
    {"operation": ".", "kind": "drop", "rate": 0.012},
    {"operation": ".", "kind": "delay", "rate": 0.01, "seconds": 0.5},
    {"operation": "^Describe", "kind": "not_found_yet", "rate": 0.3, "seconds": 1.5},
)
JOBS = (("processing", "ProcessingJob"), ("training", "TrainingJob"))
KEPT = (("models", "Model", "Models"), ("endpoint_configs", "EndpointConfig", "EndpointConfigs"))


def make_faults(state_dir: Path, seed: int, spare: str = "") -> None:
    """Start injecting faults, except into the operation ``spare``."""
    rules = [{**rule, "operation": f"^(?!{spare}$){rule['operation']}"} for rule in RULES] if spare else RULES
    (state_dir / "faults.json").write_text(json.dumps({"seed": seed, "rules": rules}))


def end_faults(state_dir: Path) -> None:
    """Stop injecting faults."""
    (state_dir / "faults.json").unlink(missing_ok=True)


def faults_made(state_dir: Path) -> dict[str, int]:
    """{kind: count}, over all restarts of the server."""
    try:
        lines = (state_dir / "faults.log").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(Counter(words[1] for words in map(str.split, lines) if len(words) == 3))


def jobs(aws: LocalAws) -> list[Job]:
    """Every job, model and endpoint configuration."""
    client = aws.client("sagemaker")
    found: list[Job] = []
    for kind, word in JOBS:
        pages = client.get_paginator(f"list_{kind}_jobs").paginate(MaxResults=100)
        for row in (row for page in pages for row in page[f"{word}Summaries"]):
            end = row.get(f"{word.removesuffix('Job')}EndTime")
            found.append(_job(client, word, row, row[f"{word}Status"], end))
    for kind, word, member in KEPT:
        pages = client.get_paginator(f"list_{kind}").paginate(MaxResults=100)
        for row in (row for page in pages for row in page[member]):
            found.append(_job(client, word, row, COMPLETED, row["CreationTime"]))
    return found


def _job(client: Any, word: str, row: Any, status: str, end: Any) -> Job:
    tags = dict(_tags(client, row[f"{word}Arn"]))
    return Job(
        name=row[f"{word}Name"],
        step=tags.get("airflow:step", ""),
        dag_id=tags.get("airflow:dag_id", ""),
        run_id=tags.get("airflow:run_id", ""),
        task_id=tags.get("airflow:task_id", ""),
        status=status,
        created=row["CreationTime"].timestamp(),
        ended=end.timestamp() if end is not None else None,
    )


def _tags(client: Any, arn: str) -> Iterator[tuple[str, str]]:
    for page in client.get_paginator("list_tags").paginate(ResourceArn=arn):
        yield from ((tag["Key"], tag["Value"]) for tag in page["Tags"])
