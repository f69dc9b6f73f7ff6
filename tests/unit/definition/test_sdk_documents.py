"""Documents from the classes of SDK 3.27 with features that the corpus does not have."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.execution.stubs.generate import made_up
from airflow_sagemaker_mlops.plan import make_plan

pytest.importorskip("sagemaker", reason="the SageMaker SDK is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # the SDK's imports warn of many things


@pytest.fixture(scope="module")
def sdk(sdk_session: SimpleNamespace) -> SimpleNamespace:
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.core.workflow.functions import Join
    from sagemaker.core.workflow.parameters import ParameterString
    from sagemaker.mlops.workflow import (
        callback_step,
        cleanup_step,
        emr_serverless_step,
        for_each_step,
        pipeline,
        step_dependency,
    )

    return SimpleNamespace(
        ExecutionVariables=ExecutionVariables,
        Join=Join,
        ParameterString=ParameterString,
        callback=callback_step,
        cleanup=cleanup_step,
        serverless=emr_serverless_step,
        loop=for_each_step,
        Pipeline=lambda **given: pipeline.Pipeline(sagemaker_session=sdk_session, **given),
        StepDependency=step_dependency.StepDependency,
        Trigger=step_dependency.TriggerCondition,
    )


def callback(sdk: SimpleNamespace, name: str, depends_on: Any = None, **inputs: Any) -> Any:
    output = sdk.callback.CallbackOutput(output_name="auc", output_type=sdk.callback.CallbackOutputTypeEnum.Float)
    return sdk.callback.CallbackStep(
        name=name, sqs_queue_url="https://queue", inputs=inputs, outputs=[output], depends_on=depends_on
    )


def rehearsed(document: str, **values: Any) -> PipelineRun:
    plan = make_plan(load_pipeline(document))
    run = PipelineRun(
        plan=plan,
        pipeline="sdk",
        run_id="run",
        aws=SessionAws(None, "us-east-1"),
        parameters=values,
        options=ExecutionOptions(stubs=made_up(plan)),
        notify=lambda _step, _line: None,
    )
    asyncio.run(run.run())
    return run


def test_a_for_each_step_with_a_selector_and_a_reader(sdk: SimpleNamespace) -> None:
    items = sdk.ParameterString(name="Items", default_value='[{"depth": 1}, {"depth": 2}]')
    current = sdk.loop.CurrentItem()
    body = [callback(sdk, "Score", depth=current.depth, whole=current, also=current["depth"])]
    body.append(callback(sdk, "Note", of=body[0].properties.Outputs["auc"]))
    field = sdk.loop.IterationOutput("Score").OutputParameters["auc"]
    loop = sdk.loop.ForEachStep(
        name="Loop",
        iterable_items=items,
        max_concurrency=2,
        for_each_body=body,
        selector=sdk.loop.ForEachSelector("MinBy", field),
    )
    result = loop.properties
    first = result.IterationOutputs[0].Note.OutputParameters["auc"]
    best = result.Selected.OutputParameters["auc"]
    after = callback(sdk, "After", status=result.Status, count=result.TotalStepCount, first=first, best=best)
    document = sdk.Pipeline(name="p", parameters=[items], steps=[loop, after]).definition()
    assert [step["Type"] for step in json.loads(document)["Steps"]] == ["ForEach", "Callback"]
    run = rehearsed(document)
    assert run.status == "Succeeded", [step.error for step in run.steps.values()]
    result_of = (run.steps["Loop"].result or {})["Loop"]
    assert (result_of["InputItemCount"], result_of["TotalStepCount"]) == (2, 4)


def test_run_conditions(sdk: SimpleNamespace) -> None:
    first = callback(sdk, "First")
    triggers = (sdk.Trigger.FAILED, sdk.Trigger.STOPPED, sdk.Trigger.ANY, sdk.Trigger.COMPLETED)
    steps = [callback(sdk, f"On{trigger.value}", [sdk.StepDependency(first, trigger)]) for trigger in triggers]
    document = sdk.Pipeline(name="p", steps=[first, *steps]).definition()
    run = rehearsed(document)
    assert {name: step.state for name, step in run.steps.items()} == {
        "First": "Succeeded",
        "OnFailed": "NotStarted",
        "OnStopped": "NotStarted",
        "OnAny": "Succeeded",
        "OnCompleted": "Succeeded",
    }


def test_an_emr_serverless_application_of_its_own(sdk: SimpleNamespace) -> None:
    config = sdk.serverless.EMRServerlessJobConfig(
        job_driver={"sparkSubmit": {"entryPoint": "s3://bucket/script.py"}},
        execution_role_arn="arn:aws:iam::123456789012:role/Spark",
    )
    step = sdk.serverless.EMRServerlessStep(
        name="Spark",
        display_name="Spark",
        description="a job run",
        job_config=config,
        application_config={"name": "own", "releaseLabel": "emr-7.0.0", "type": "SPARK"},
    )
    document = sdk.Pipeline(name="p", steps=[step]).definition()
    assert "ApplicationConfig" in json.loads(document)["Steps"][0]["Arguments"]
    assert rehearsed(document).status == "Succeeded"


def test_choices_and_the_time_of_evaluation(sdk: SimpleNamespace) -> None:
    size = sdk.ParameterString(name="Size", default_value="small", enum_values=["small", "large"])
    moment = sdk.Join(on=" ", values=["at", sdk.ExecutionVariables.CURRENT_DATETIME, size])
    document = sdk.Pipeline(name="p", parameters=[size], steps=[callback(sdk, "Ask", when=moment)]).definition()
    (parameter,) = make_plan(load_pipeline(document)).parameters
    assert parameter.enum == ("small", "large")
    assert rehearsed(document).status == "Succeeded"


def test_cleanup_of_a_step_that_is_named(sdk: SimpleNamespace) -> None:
    source = callback(sdk, "Make")
    clean = sdk.cleanup.CleanupStep(name="Clean", s3_sources=[sdk.cleanup.S3CleanupSource("Make")])
    plan = make_plan(load_pipeline(sdk.Pipeline(name="p", steps=[source, clean]).definition()))
    assert [edge.task_id for edge in plan.by_id["Clean"].upstream] == ["Make"]
    assert plan.by_id["Clean"].reads == ("Make",)
