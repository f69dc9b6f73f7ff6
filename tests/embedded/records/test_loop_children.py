"""What the iterations of a ForEach step store for the record."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from test_recorder import Lab, jobs

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.sealed import read_schema


class LoopLab(Lab):
    """The lab's one step, once for every item; the job fails for the item "bad"."""

    def definition(self) -> dict[str, Any]:
        document = super().definition()
        (body,) = document["Steps"]
        body["Arguments"]["Environment"] = {"ITEM": {"Get": "ForEach.CurrentItem"}, "DB_PASSWORD": "correct-horse"}
        body["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = ["python3", "-c", CODE]
        arguments = {"IterableItems": ["good", "bad"], "MaxConcurrency": 1, "ForEachBody": [body]}
        return {**document, "Steps": [{"Name": "Each", "Type": "ForEach", "Arguments": arguments}]}


CODE = (
    "import os, pathlib, sys; out = pathlib.Path('/opt/ml/processing/output/out'); "
    "out.mkdir(parents=True, exist_ok=True); (out / 'item').write_text(os.environ['ITEM']); "
    "sys.exit(os.environ['ITEM'] == 'bad')"
)


@pytest.fixture
def lab(aws: LocalAws, folder: FolderStore) -> Lab:
    return LoopLab(aws, folder)


def test_every_child_of_a_loop_is_recorded_with_its_job_request_and_outputs(lab: Lab) -> None:
    running, document = lab.run()
    assert (running.status, jobs(running)) == ("Failed", 2)
    assert list(Draft202012Validator(read_schema()).iter_errors(document)) == []
    loop, good, bad = document["steps"]
    assert [(step["step"], step["status"], step.get("loop")) for step in (loop, good, bad)] == [
        ("Each", "Failed", None),
        ("Copy-0", "Succeeded", "Each"),
        ("Copy-1", "Failed", "Each"),
    ]
    assert (good["attempts"][0]["status"], bad["attempts"][0]["status"]) == ("Completed", "Failed")
    assert "Copy-1" in bad["failure_reason"]
    assert good["request"]["Environment"] == {"ITEM": "good", "DB_PASSWORD": "***"}
    assert [(item["name"], item["objects"]) for item in good["inputs"]] == [("day", 1)]
    assert [item["objects"] for item in good["outputs"]] == [1]
    assert (document["totals"]["steps"], document["totals"]["jobs_started"]) == (1, 2)
    assert {item["annotations"]["steps"][0] for item in document["byproducts"]} >= {"Copy-0"}


def test_children_are_not_taken_from_the_cache(lab: Lab) -> None:
    lab.run()
    second, _ = lab.run()
    assert jobs(second) == 2
