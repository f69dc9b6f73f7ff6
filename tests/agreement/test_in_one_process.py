"""Two thousand random pipelines: the package and the second reading of the language agree."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.plan import make_plan

from .language_model import Drawn, document, ends, pipelines, status, stubs

WORDS = {"NotTaken": "NotRun", "NotStarted": "NotRun"}


@given(pipelines())
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
def test_which_steps_run_and_how_the_run_ends(steps: list[Drawn]) -> None:
    run = PipelineRun(
        plan=make_plan(load_pipeline(document(steps))),
        pipeline="drawn",
        run_id="run",
        aws=SessionAws(None, "us-east-1"),  # every step that would call AWS has a stub
        parameters={},
        options=ExecutionOptions(stubs=stubs(steps)),
        notify=lambda _step, _line: None,
    )
    asyncio.run(run.run())
    known = ends(steps)
    seen: dict[str, Any] = {name: WORDS.get(step.state, step.state) for name, step in run.steps.items()}
    assert seen == known, {name: step.error for name, step in run.steps.items() if step.error}
    assert run.status == status(steps, known)
