"""Arguments of standalone steps that are known only in a run: templates and results of other tasks."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, literal, task
from airflow_names import DagSerialization

from airflow_sagemaker_mlops import SageMakerPipelineDag, SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.operators import LambdaStepOperator, ProcessingStepOperator
from airflow_sagemaker_mlops.operators.attempt import StepFailedForGood
from airflow_sagemaker_mlops.runtime.mapped_step import mapped_step

ROLE = "arn:aws:iam::123456789012:role/R"
DOCUMENT = {
    "Version": "2020-12-01",
    "Steps": [{"Name": "Prep", "Type": "Processing", "Arguments": {"RoleArn": ROLE}}],
}


def started(operator: Any, **context: Any) -> Any:
    """The step that a worker runs, after Airflow has rendered the task."""
    operator.render_template_fields(context)
    operator._take_rendered()
    return operator.step


def test_templates_anywhere_in_the_arguments_are_rendered_when_the_task_starts() -> None:
    with DAG("by-hand", schedule=None) as dag:
        arguments = {
            "RoleArn": ROLE,
            "Environment": {"DAY": "{{ ds }}", "RAW": literal("{{ ds }}")},
            "N": ["x{{ ds }}"],
        }
        operator = ProcessingStepOperator(task_id="one", arguments=arguments)
        function = LambdaStepOperator(task_id="two", arguments={}, settings={"FunctionArn": "f-{{ ds }}"})
    assert operator.start_from_trigger is False
    DagSerialization.to_dict(dag)
    assert started(operator, ds="2024-01-31").spec.arguments == {
        "RoleArn": ROLE,
        "Environment": {"DAY": "2024-01-31", "RAW": "{{ ds }}"},
        "N": ["x2024-01-31"],
    }
    assert started(function, ds="2024-01-31").spec.settings["FunctionArn"] == "f-2024-01-31"


def test_the_result_of_a_task_may_be_all_of_the_arguments_or_anywhere_in_them() -> None:
    with DAG("by-hand", schedule=None) as dag:

        @task
        def make() -> dict[str, Any]:
            return {}

        whole = ProcessingStepOperator(task_id="whole", arguments=make())
        inside = ProcessingStepOperator(task_id="inside", arguments={"RoleArn": ROLE, "Tags": [{"Value": make()}]})
        each = ProcessingStepOperator.partial(task_id="each", settings={"RetryPolicies": make()}).expand(
            arguments=make()
        )
    assert whole.upstream_task_ids == {"make"}
    assert inside.upstream_task_ids == {"make__1"}
    assert each.upstream_task_ids == {"make__2", "make__3"}
    DagSerialization.to_dict(dag)
    step = mapped_step(each)
    assert step is not None
    assert step.spec.arguments == {}


def test_what_a_run_gives_that_is_no_mapping_is_refused_in_a_sentence() -> None:
    with DAG("by-hand", schedule=None):
        operator: Any = ProcessingStepOperator(task_id="one", arguments={"RoleArn": "{{ role }}"})
    operator.arguments = ["RoleArn"]
    with pytest.raises(StepFailedForGood, match="arguments= is of type list in this run, but must be a mapping"):
        operator._take_rendered()


def test_arguments_that_are_known_are_not_templated_and_the_step_begins_where_it_did() -> None:
    with DAG("by-hand", schedule=None):
        operator = ProcessingStepOperator(task_id="one", arguments={"RoleArn": ROLE, "Raw": literal("{{ ds }}")})
    assert operator.template_fields == ()
    assert operator.step.spec.arguments == {"RoleArn": ROLE, "Raw": "{{ ds }}"}


@pytest.mark.parametrize(
    "make_text",
    [str, "{}".format, lambda value: f"ARN={value}", lambda value: "ARN=" + value, lambda value: value + "/x"],
)
def test_a_value_that_is_put_into_a_text_is_refused_where_it_is_put(make_text: Any) -> None:
    with DAG("bigger", schedule=None):
        group = SageMakerPipelineTaskGroup("ml", DOCUMENT)
        value = group.property_of("Prep", "ProcessingJobArn")
    with pytest.raises(TypeError, match=r"The value of Steps.Prep.ProcessingJobArn cannot be put into a string"):
        make_text(value)
    assert "{" not in repr(value)


def test_a_value_inside_of_an_argument_is_shown_by_airflow_before_it_is_known() -> None:
    from airflow.providers.standard.operators.bash import BashOperator

    with DAG("bigger", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("ml", DOCUMENT)
        told = BashOperator(
            task_id="tell", bash_command="x", env={"ARN": group.property_of("Prep", "ProcessingJobArn")}
        )
    assert told.upstream_task_ids == {"ml.Prep"}
    DagSerialization.to_dict(dag)


def test_no_connection_is_botos_own_chain_everywhere_and_one_left_out_is_the_configured_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__SAGEMAKER_MLOPS__AWS_CONN_ID", "aws_ml")

    def connections(**given: Any) -> set[str | None]:
        dag: Any = SageMakerPipelineDag("own", DOCUMENT, **given)
        with DAG("bigger", schedule=None):
            group = SageMakerPipelineTaskGroup("ml", DOCUMENT, **given)
            one = ProcessingStepOperator(task_id="one", arguments={"RoleArn": ROLE}, **given)
            each = ProcessingStepOperator.partial(task_id="each", **given).expand(arguments=[{"RoleArn": ROLE}])
        steps = [dag.get_task("Prep").step, group.property_of("Prep", "ProcessingJobArn").step, one.step]
        steps += [mapped_step(each), each.unmap({"arguments": {"RoleArn": ROLE}}).step]
        return {step.connection.aws_conn_id for step in steps} | {
            dag.get_task("pipeline.status").source.connection.aws_conn_id
        }

    assert connections(aws_conn_id=None) == {None}
    assert connections(aws_conn_id="") == {None}
    assert connections(aws_conn_id="other") == {"other"}
    assert connections() == {"aws_ml"}
    step: Any = SageMakerPipelineDag("own", DOCUMENT, steps={"Prep": {"aws_conn_id": None}}).get_task("Prep")
    assert step.step.connection.aws_conn_id is None
    monkeypatch.setenv("AIRFLOW__SAGEMAKER_MLOPS__AWS_CONN_ID", "")
    assert connections() == {None}
