"""The drill's cases against the pipelines that it writes for the embedded AWS."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan.build import plan_of
from chaos.pipelines import CASES, LONG, SLOW, STATUS, WAYS_IN, write


@pytest.mark.e2e
def test_the_cases_name_every_task_of_their_pipelines(aws: LocalAws, tmp_path: Path) -> None:
    dag_ids = write(tmp_path, aws, tmp_path / "markers")
    cases = (*CASES, SLOW, LONG)
    assert {case.dag_id(way_in) for case in cases for way_in in WAYS_IN} == set(dag_ids)
    for case in cases:
        plan = plan_of(tmp_path / f"{case.name}.json")
        assert {task.task_id for task in plan.tasks} == {*case.tasks, STATUS}, case.name
