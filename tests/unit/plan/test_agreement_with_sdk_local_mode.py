"""The SDK's local pipeline executor and this package run the same steps of pipelines made with the SDK's classes.

Jobs do nothing on the SDK's side (its executors want Docker); conditions, branches and the order are its own.
Where ours differs on purpose is in ``test_where_ours_differs_on_purpose``.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.evaluate import evaluate
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.branch_closure import not_taken

pytest.importorskip("sagemaker", reason="the SageMaker SDK is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # the SDK's imports warn of many things


@pytest.fixture(scope="module")
def sdk(sdk_session: SimpleNamespace) -> SimpleNamespace:
    from sagemaker.core.workflow import conditions
    from sagemaker.mlops.local import pipeline as executor
    from sagemaker.mlops.local import pipeline_entities as entities
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.pipeline import Pipeline
    from sagemaker.mlops.workflow.steps import Step, StepTypeEnum

    class Job(Step):  # type: ignore[misc]
        """A training step that asks for nothing."""

        arguments = {"RoleArn": "arn:aws:iam::123456789012:role/R"}  # noqa: RUF012
        properties = None

        def __init__(self, name: str, depends_on: list[str]) -> None:
            super().__init__(name, step_type=StepTypeEnum.TRAINING, depends_on=depends_on)

    return SimpleNamespace(
        Job=Job,
        ConditionStep=ConditionStep,
        Pipeline=Pipeline,
        conditions=conditions,
        executor=executor,
        entities=entities,
        session=sdk_session,
    )


def pipeline_of(sdk: SimpleNamespace, steps: list[Any]) -> Any:
    return sdk.Pipeline(name="p", steps=steps, sagemaker_session=sdk.session)


def ran_in_sdk(sdk: SimpleNamespace, pipeline: Any) -> tuple[set[str], str]:
    """Names of the steps that ran in the SDK's local mode, and how it ended."""
    execution = sdk.entities._LocalPipelineExecution("id", pipeline, local_session=sdk.session)
    local = sdk.executor.LocalPipelineExecutor(execution, sdk.session)
    real = local._step_executor_factory.get
    done = SimpleNamespace(execute=dict)
    local._step_executor_factory.get = lambda step: done if step.step_type.value == "Training" else real(step)
    local.execute()
    return {step["StepName"] for step in execution.list_steps()["PipelineExecutionSteps"]}, execution.status


def ran_in_ours(definition: str) -> set[str]:
    pipeline = load_pipeline(definition)
    outcomes = {
        step.name: evaluate(step.conditions, lambda value: value).value
        for step in pipeline.steps
        if step.type == "Condition"
    }
    plan = make_plan(pipeline)
    return {step.name for step in pipeline.steps} - not_taken(plan, outcomes)


def random_condition(sdk: SimpleNamespace, chance: random.Random, depth: int = 2) -> Any:
    c = sdk.conditions
    kind = chance.randrange(6 if depth else 4)
    left, right = chance.randrange(3), chance.randrange(3)
    if kind == 4:
        return c.ConditionNot(random_condition(sdk, chance, depth - 1))
    if kind == 5:
        return c.ConditionOr([random_condition(sdk, chance, depth - 1) for _ in range(chance.randrange(1, 3))])
    if kind == 3:
        return c.ConditionIn(left, [right, 2])
    return [c.ConditionEquals, c.ConditionGreaterThan, c.ConditionLessThanOrEqualTo][kind](left, right)


def random_steps(sdk: SimpleNamespace, chance: random.Random) -> list[Any]:
    """Steps with branches two deep, depending on anything that came before at any level."""
    names: list[str] = []

    def step(depth: int) -> Any:
        name = f"S{len(names)}"
        after = chance.sample(names, min(len(names), chance.randrange(3)))
        names.append(name)
        if not depth or chance.random() < 0.5:
            return sdk.Job(name, after)
        branches = [[step(depth - 1) for _ in range(chance.randrange(3))] for _ in range(2)]
        conditions = [random_condition(sdk, chance) for _ in range(chance.randrange(1, 3))]
        return sdk.ConditionStep(
            name=name, conditions=conditions, if_steps=branches[0], else_steps=branches[1], depends_on=after
        )

    return [step(2) for _ in range(chance.randrange(2, 6))]


def test_the_same_steps_run_in_two_hundred_random_pipelines(sdk: SimpleNamespace) -> None:
    different = []
    skipped_somewhere = 0
    for seed in range(200):
        pipeline = pipeline_of(sdk, random_steps(sdk, random.Random(seed)))
        definition = pipeline.definition()
        theirs, status = ran_in_sdk(sdk, pipeline)
        ours = ran_in_ours(definition)
        skipped_somewhere += len(ours) < len(load_pipeline(definition).steps)
        if (theirs, status) != (ours, "Succeeded"):
            different.append((seed, sorted(theirs ^ ours), status))
    assert different == []
    assert skipped_somewhere > 50


def test_where_ours_differs_on_purpose(sdk: SimpleNamespace) -> None:
    # Local mode compares Python types; docs/language/conditions.md has numbers as numbers.
    step = sdk.ConditionStep(
        name="C", conditions=[sdk.conditions.ConditionEquals(1, 1.0)], if_steps=[sdk.Job("Then", [])], else_steps=[]
    )
    pipeline = pipeline_of(sdk, [step])
    definition = pipeline.definition()
    _, status = ran_in_sdk(sdk, pipeline)
    assert status == "Failed"
    assert ran_in_ours(definition) == {"C", "Then"}
