"""``parameters=`` of DAGs and groups: values, templates and results of tasks, each of its own pipeline."""

from __future__ import annotations

import copy
import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, Param, literal, task, task_group
from airflow.sdk.definitions.param import ParamsDict
from airflow_names import DagSerialization
from jinja2 import Environment

from airflow_sagemaker_mlops import (
    InvalidPipeline,
    SageMakerPipelineDag,
    SageMakerPipelineTaskGroup,
)
from airflow_sagemaker_mlops.airflow_versions import AirflowFailException, XComNotFound
from airflow_sagemaker_mlops.operators.pipeline_tasks import PipelineParametersOperator
from airflow_sagemaker_mlops.runtime.parameter_values import values_of
from airflow_sagemaker_mlops.runtime.selective.conf import undeclared
from airflow_sagemaker_mlops.runtime.selective.step import InvalidConf, refuse_misspelt

PARAMETERS = [
    {"Name": "Day", "Type": "String", "DefaultValue": "none"},
    {"Name": "N", "Type": "Integer", "DefaultValue": 1},
    {"Name": "Size", "Type": "String", "DefaultValue": "s", "EnumValues": ["s", "l"]},
    {"Name": "On", "Type": "Boolean", "DefaultValue": False},
]
FAIL = {"Name": "Show", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Day"}}}
DOCUMENT: dict[str, Any] = {"Version": "2020-12-01", "Parameters": PARAMETERS, "Steps": [FAIL]}


def problems_of(**options: Any) -> list[tuple[str, str, str]]:
    dag = SageMakerPipelineDag("p", DOCUMENT, **options)
    with pytest.raises(InvalidPipeline) as caught:
        dag.validate()
    return [(problem.code, problem.where, problem.what) for problem in caught.value.problems]


def rendered(
    parameters: dict[str, Any], params: dict[str, Any] | None = None, *, has_date: bool = True, **more: Any
) -> dict[str, Any]:
    """What the first task pushes in a run of 31 January 2024."""
    dag = SageMakerPipelineDag("p", DOCUMENT, parameters=parameters, **more)
    first: Any = dag.get_task("pipeline.parameters")
    pushed: dict[str, Any] = {}
    ti = SimpleNamespace(dag_id="p", task=first, map_index=-1, xcom_push=lambda key, value: pushed.update({key: value}))
    given = dict.fromkeys(parameters) | (params or {})
    day = datetime.datetime(2024, 1, 31, tzinfo=datetime.UTC)
    run = SimpleNamespace(conf=params or {}, run_after=day, logical_date=day if has_date else None)
    context: Any = {"ti": ti, "dag_run": run, "params": given}
    if has_date:  # Airflow leaves the others out, too
        context |= {"logical_date": day, "ds": "2024-01-31"}
    first.render_template_fields(context)
    result: dict[str, Any] = first.execute(context)
    return result


def test_a_template_is_rendered_in_each_run_by_a_task_before_the_steps() -> None:
    dag = SageMakerPipelineDag("p", DOCUMENT, parameters={"Day": "{{ ds }}"}, schedule="@daily")
    assert dag.get_task("Show").upstream_task_ids == {"pipeline.parameters"}
    assert rendered({"Day": "{{ ds }}"}) == {"Day": "2024-01-31"}
    assert rendered({"Day": "day={{ ds }}/x", "N": "{{ 1 + 2 }}", "On": "{{ 'true' }}"}) == {
        "Day": "day=2024-01-31/x",
        "N": 3,
        "On": True,
    }


def test_a_template_is_rendered_to_text_also_where_the_dag_renders_python_objects() -> None:
    """Airflow would make the number 100000.0 of the text 1e5."""
    assert rendered({"Day": "{{ '1e5' }}"}, render_template_as_native_obj=True) == {"Day": "1e5"}


def test_no_task_is_added_where_nothing_is_rendered() -> None:
    for parameters in (None, {}, {"Day": "2024-01-31"}, {"Day": literal("{{ ds }}")}):
        dag = SageMakerPipelineDag("p", DOCUMENT, parameters=parameters)
        assert "pipeline.parameters" not in dag.task_dict
    assert dag.params["Day"] == "{{ ds }}"


def test_a_template_in_the_documents_default_or_in_the_conf_is_data() -> None:
    document = {**DOCUMENT, "Parameters": [{**PARAMETERS[0], "DefaultValue": "{{ ds }}"}]}
    dag = SageMakerPipelineDag("p", document)
    assert set(dag.task_ids) == {"Show", "pipeline.status"}
    assert rendered({"Day": "{{ ds }}"}, {"Day": "{{ ds_nodash }}"}) == {"Day": "{{ ds_nodash }}"}


def test_the_form_is_empty_where_a_run_renders_and_says_what_it_will_be() -> None:
    param: Param = SageMakerPipelineDag("p", DOCUMENT, parameters={"Size": "{{ var.value.size }}"}).params.get_param(
        "Size"
    )
    assert param.resolve() is None
    assert (param.schema["type"], param.schema["enum"]) == (["null", "string"], ["s", "l", None])
    assert param.schema["description_md"] == (
        "Not used by any step. Left empty: `{{ var.value.size }}`, rendered in each run."
    )
    assert param.resolve("l") == "l"


def test_the_form_says_which_steps_use_a_parameter_that_nobody_described() -> None:
    def fails(name: str, *parameters: str) -> dict[str, Any]:
        values = [{"Get": f"Parameters.{parameter}"} for parameter in parameters]
        return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": {"Std:Join": {"On": "", "Values": values}}}}

    described = {"Name": "Why", "Type": "String", "DefaultValue": "x", "Description": "a reason"}
    long = {"Name": "Long", "Type": "String", "DefaultValue": "s3://" + "x" * 40}
    steps = [fails("A", "Day", "N", "Why"), *(fails(name, "N", "Long") for name in ("B", "C", "D", "E"))]
    document = {**DOCUMENT, "Parameters": [*PARAMETERS, described, long], "Steps": steps}

    def helps(params: Any) -> dict[str, Any]:
        return {name: params.get_param(name).description for name in params}

    told = helps(SageMakerPipelineDag("p", document, parameters={"N": 7}).params)
    assert told == {
        "Day": "Used by A. Default: none.",
        "N": "Used by A, B, C and 2 more. Default: 7.",
        "Size": "Not used by any step.",
        "On": "Not used by any step.",
        "Why": None,
        "Long": "Used by B, C, D and 1 more.",
    }
    with DAG("d", schedule=None) as dag:
        SageMakerPipelineTaskGroup("one", DOCUMENT)
        SageMakerPipelineTaskGroup("two", {**DOCUMENT, "Steps": [fails("Else", "Day", "N")]})
        SageMakerPipelineTaskGroup("three", DOCUMENT)
    assert helps(dag.params)["Day"] == "Used by Show. Default: none. Used by Else. Default: none."


def test_the_conf_counts_before_what_was_rendered_and_that_before_the_default() -> None:
    params = {"Day": None, "N": 1, "Size": "l"}
    assert values_of(["Day", "N", "Size"], "", params, {"Day": "2024-01-31", "Size": "s"}) == {
        "Day": "2024-01-31",
        "N": 1,
        "Size": "l",
    }


def test_the_result_of_a_task_is_a_parameter_and_that_task_comes_first() -> None:
    with SageMakerPipelineDag("own", DOCUMENT) as outer:

        @task
        def latest() -> str:
            return "2024-01-31"

        SageMakerPipelineTaskGroup("ml", DOCUMENT, parameters={"Day": latest(), "N": 2})
    assert outer.get_task("ml.pipeline.parameters").upstream_task_ids == {"latest"}
    assert outer.get_task("ml.Show").upstream_task_ids == {"ml.pipeline.parameters"}
    assert outer.params.get_param("ml.Day").schema["description_md"] == (
        "Used by Show. Left empty: the result of latest."
    )


def test_the_value_a_task_group_is_mapped_over_reaches_its_pipeline() -> None:
    with DAG("mapped", schedule=None) as dag:

        @task_group
        def each(day: Any) -> None:
            SageMakerPipelineTaskGroup("ml", DOCUMENT, parameters={"Day": day})

        each.expand(day=["2024-01-30", "2024-01-31"])
    DagSerialization.to_dict(dag)
    first: Any = dag.get_task("each.ml.pipeline.parameters")
    assert first.values["Day"].resolve({"ti": SimpleNamespace(map_index=1)}) == "2024-01-31"
    assert first.group == "each.ml"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"N": "{{ ds }}"}, 'Parameter "N" is "2024-01-31", which is not an Integer.'),
        ({"Size": "{{ ds }}"}, 'Parameter "Size" is "2024-01-31"; use one of: s, l.'),
        ({"Day": "{{ dss }}"}, """Parameter "Day": "{{ dss }}" cannot be rendered: 'dss' is undefined."""),
    ],
)
def test_what_is_rendered_and_does_not_fit_fails_by_parameter_value_and_rule(
    parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(AirflowFailException) as caught:
        rendered(parameters)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ ds }}", "'ds' is undefined"),
        ("{{ data_interval_start | ds }}", "'data_interval_start' is undefined"),
        ("s3://b/{{ dag_run.logical_date | ds }}/", "an expression in it is None"),
    ],
)
def test_a_run_without_a_logical_date_has_no_ds_and_the_sentence_says_what_it_has(template: str, why: str) -> None:
    with pytest.raises(AirflowFailException) as caught:
        rendered({"Day": template}, has_date=False)
    first, _, rest = str(caught.value).partition(". ")
    assert first == f'Parameter "Day": "{template}" cannot be rendered: {why}'
    assert rest.startswith("This run has no logical date")
    assert rendered({"Day": "{{ dag_run.run_after | ds }}"}, has_date=False) == {"Day": "2024-01-31"}


def test_an_expression_that_is_none_never_becomes_the_text_none() -> None:
    with pytest.raises(AirflowFailException, match="an expression in it is None"):
        rendered({"Day": "{{ params.get('Missing') }}"})
    assert rendered({"Day": "{{ params.get('Missing') or 'all' }}"}) == {"Day": "all"}


def test_a_wrong_value_in_the_dag_file_is_a_problem_of_its_dag() -> None:
    assert problems_of(parameters={"N": "many", "Size": "xl", "Day": ["a"], "On": datetime.date(2024, 1, 31)}) == [
        ("SM413", "parameters['N']", 'parameter "N" is "many", which is not an Integer.'),
        ("SM413", "parameters['Size']", 'parameter "Size" is "xl"; use one of: s, l.'),
        ("SM413", "parameters['Day']", "parameter \"Day\" is ['a'], which is not a String."),
        ("SM413", "parameters['On']", 'parameter "On" is datetime.date(2024, 1, 31), which is not a Boolean.'),
    ]
    assert [code for code, _, _ in problems_of(parameters=[("N", 1)])] == ["SM413"]
    assert [code for code, _, _ in problems_of(parameters={"Day": "{{ ds"})] == ["SM414"]
    for value in ("{{ ds }}", "y"):
        assert [code for code, _, _ in problems_of(parameters={"Day": value}, params={"Day": "x"})] == ["SM415"]


def test_a_value_is_made_to_fit_where_nothing_is_lost() -> None:
    dag = SageMakerPipelineDag("p", DOCUMENT, parameters={"N": "7", "On": "true", "Day": 31}, schedule="@daily")
    assert (dag.params["N"], dag.params["On"], dag.params["Day"]) == (7, True, "31")


def test_groups_that_differ_have_a_param_each_and_others_share_one() -> None:
    with DAG("many", schedule=None) as dag:
        for day in ("mon", "tue", "wed"):
            SageMakerPipelineTaskGroup(day, DOCUMENT, parameters={"Day": day})
    assert {"mon", "tue", "wed"} <= set(dag.task_group_dict)
    assert {name: dag.params[name] for name in dag.params} == {
        "mon.Day": "mon",
        "tue.Day": "tue",
        "wed.Day": "wed",
        "N": 1,
        "Size": "s",
        "On": False,
    }
    assert values_of(["Day", "N"], "tue", dag.params) == {"Day": "tue", "N": 1}
    other = {**DOCUMENT, "Parameters": [{"Name": "N", "Type": "String", "DefaultValue": "1"}, *PARAMETERS[:1]]}
    with DAG("types", schedule=None) as dag:
        SageMakerPipelineTaskGroup("a", DOCUMENT)
        SageMakerPipelineTaskGroup("b", other)
    assert {"a.N", "b.N", "Day"} <= set(dag.params)
    assert "N" not in dag.params


def test_a_param_of_the_dags_author_counts_for_its_groups_unless_they_are_given_another_value() -> None:
    with DAG("many", schedule=None, params={"Day": "mon"}) as dag:
        SageMakerPipelineTaskGroup("a", DOCUMENT)
        SageMakerPipelineTaskGroup("b", DOCUMENT, parameters={"Day": "tue"})
    assert (dag.params["Day"], dag.params["b.Day"]) == ("mon", "tue")
    assert "a.Day" not in dag.params
    with SageMakerPipelineDag("own", DOCUMENT, parameters={"Day": "mon"}) as own:
        SageMakerPipelineTaskGroup("same", DOCUMENT, parameters={"Day": "mon"})
        SageMakerPipelineTaskGroup("other", DOCUMENT)
    assert {name for name in own.params if name.endswith("Day")} == {"Day", "other.Day"}


def test_groups_that_cannot_be_told_apart_are_refused_with_both_places() -> None:
    with DAG("many", schedule=None):
        SageMakerPipelineTaskGroup("a", DOCUMENT, parameters={"Day": "mon"})
        with pytest.raises(InvalidPipeline, match=r'\[SM415\] task group "b" and "a" give parameter "Day" different'):
            SageMakerPipelineTaskGroup("b", DOCUMENT, parameters={"Day": "tue"}, prefix_group_id=False)


def test_a_group_in_a_scheduled_dag_needs_defaults_as_a_dag_does() -> None:
    required = {**DOCUMENT, "Parameters": [{"Name": "Day", "Type": "String"}]}
    with DAG("daily", schedule="@daily"), pytest.raises(InvalidPipeline, match="SM402"):
        SageMakerPipelineTaskGroup("a", required)
    with DAG("rendered", schedule="@daily"):
        SageMakerPipelineTaskGroup("b", required, parameters={"Day": "{{ ds }}"})
    with DAG("with-params", schedule="@daily", params={"Day": "mon"}):
        SageMakerPipelineTaskGroup("a", required)


def test_a_key_of_the_conf_that_is_nobodys_is_refused_by_name() -> None:
    with DAG("many", schedule=None, params={"Reason": ""}) as dag:
        for day in ("mon", "tue"):
            SageMakerPipelineTaskGroup(day, DOCUMENT, parameters={"Day": day})

        @task(params={"Of": "task"})
        def own() -> None:
            pass

        own()
    good = {"mon.Day": "x", "N": 2, "Reason": "because", "Of": "me", "openlineage": {}, "mon.pipeline.select": "Show"}
    good["dry_run"] = True  # another task of the DAG may read it
    assert undeclared(good, dag) == []
    wrong = {"Nn": 2, "Day": "wed"}
    assert undeclared(wrong, dag) == ["Nn", "Day"]
    context = {
        "ti": SimpleNamespace(dag_id="many", task=dag.get_task("mon.Show")),
        "dag_run": SimpleNamespace(conf=wrong),
    }
    with pytest.raises(InvalidConf) as caught:
        refuse_misspelt(context)
    assert '[SM416] "Nn" is not a parameter of this DAG.\n      Did you mean "N"?' in str(caught.value)
    assert "Each pipeline has its own here: mon.Day, tue.Day." in str(caught.value)
    server_side = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert undeclared(good, server_side) == []
    assert undeclared(wrong, server_side) == ["Nn", "Day"]


def test_every_unknown_key_is_refused_where_the_dag_is_the_pipeline() -> None:
    assert undeclared({"N": 2, "dry_run": True}, SageMakerPipelineDag("alone", DOCUMENT)) == ["dry_run"]


def test_a_pipeline_group_without_prefix_leaves_the_conf_to_the_other_tasks_as_well() -> None:
    with DAG("mixed", schedule=None) as dag:
        SageMakerPipelineTaskGroup("g", DOCUMENT, prefix_group_id=False)
    for either in (dag, DagSerialization.from_dict(DagSerialization.to_dict(dag))):
        assert undeclared({"dry_run": True, "Nn": 2}, either) == ["Nn"]
    alone = DagSerialization.from_dict(DagSerialization.to_dict(SageMakerPipelineDag("alone", DOCUMENT)))
    assert undeclared({"dry_run": True}, alone) == ["dry_run"]


def test_params_that_are_given_as_airflows_own_mapping_stay_params() -> None:
    given = ParamsDict({"Day": Param("mon", enum=["mon", "tue"], type="string"), "Count": Param(type="integer")})
    dag = SageMakerPipelineDag("p", DOCUMENT, params=given)
    assert dag.params.get_param("Day").schema["enum"] == ["mon", "tue"]
    assert not dag.params.get_param("Count").has_value


def test_the_conf_of_a_dag_without_a_pipeline_is_its_authors() -> None:
    assert undeclared({"anything": 1}, DAG("plain", schedule=None)) == []


def test_a_group_with_problems_of_its_options_can_be_a_placeholder_that_leaves_the_others_alone() -> None:
    required = {**DOCUMENT, "Parameters": [{"Name": "Key", "Type": "String"}]}
    with DAG("daily", schedule="@daily") as dag:
        broken = SageMakerPipelineTaskGroup("a", required, on_invalid="placeholder")
        good = SageMakerPipelineTaskGroup("b", DOCUMENT, parameters={"Day": "mon"})
    assert "Show" in good.step_tasks
    assert broken.step_tasks.keys() != good.step_tasks.keys()
    assert dag.params["Day"] == "mon"
    assert "Key" not in dag.params


CHOICES = {
    "Version": "2020-12-01",
    "Parameters": [
        {"Name": "N", "Type": "Integer", "DefaultValue": 1, "EnumValues": [1, "2"]},
        {"Name": "F", "Type": "Float", "DefaultValue": 0.5, "EnumValues": [0.5, 1]},
    ],
    "Steps": [FAIL | {"Arguments": {"ErrorMessage": "x"}}],
}


def test_the_choices_of_a_number_are_numbers_in_the_form_and_in_the_dag_file() -> None:
    dag = SageMakerPipelineDag("p", CHOICES, parameters={"N": "2", "F": 1})
    assert dict(dag.params) == {"N": 2, "F": 1.0}
    assert dag.params.get_param("N").schema["enum"] == [1, 2]
    assert dag.params.get_param("F").schema["enum"] == [0.5, 1.0]
    with pytest.raises(InvalidPipeline, match=r'"N" is 3; use one of: 1, 2\.'):
        SageMakerPipelineDag("p", CHOICES, parameters={"N": 3}).validate()


def test_a_problem_of_one_instance_of_a_mapped_group_is_not_one_of_the_next() -> None:
    """Under ``dag.test()``, all instances are copies of one task, in one process."""
    dag = SageMakerPipelineDag("p", DOCUMENT, parameters={"N": "{{ params.x }}"}, params={"x": "many"})
    first: Any = dag.get_task("pipeline.parameters")
    pushed: dict[str, Any] = {}

    def run(x: str) -> Any:
        instance = copy.copy(first)
        ti = SimpleNamespace(
            dag_id="p", task=instance, map_index=-1, xcom_push=lambda key, value: pushed.update({key: value})
        )
        context: Any = {"ti": ti, "dag_run": SimpleNamespace(conf={}), "params": {"N": None, "x": x}}
        instance.render_template_fields(context)
        return instance.execute(context)

    with pytest.raises(AirflowFailException, match='"many"'):
        run("many")
    assert run("7") == {"N": 7}


def test_a_key_that_a_task_did_not_store_is_refused_at_once_with_the_way_out() -> None:
    class Nowhere:
        def resolve(self, _context: Any) -> Any:
            raise XComNotFound("p", "make", "day")

    operator = PipelineParametersOperator(task_id="x", values={"Day": Nowhere()}, declared={})
    pushed: dict[str, Any] = {}
    ti = SimpleNamespace(
        dag_id="p", task=operator, map_index=-1, xcom_push=lambda key, value: pushed.update({key: value})
    )
    context: Any = {"ti": ti, "dag_run": SimpleNamespace(conf={}), "params": {}, "logical_date": None}
    operator.get_dag = lambda: None  # type: ignore[method-assign]
    operator.render_template_fields(context, Environment())
    words = 'Parameter "Day": task "make" returned nothing under the key "day"\\. With multiple_outputs=True, '
    with pytest.raises(AirflowFailException, match=words):
        operator.execute(context)
    assert pushed["return_value"]["Status"] == "NotStarted"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"N": "five"}, 'parameter "N" is "five", which is not an Integer.'),
        ({"N": Param(2.5, type="number")}, 'parameter "N" is 2.5, which is not an Integer.'),
        ({"Size": Param("xl", type="string")}, 'parameter "Size" is "xl"; use one of: s, l.'),
    ],
)
def test_a_param_whose_default_fits_no_run_is_refused(params: dict[str, Any], words: str) -> None:
    (name,) = params
    assert problems_of(params=params) == [("SM413", f"params['{name}']", words)]
    with DAG("outer", schedule=None, params=params), pytest.raises(InvalidPipeline, match="SM413"):
        SageMakerPipelineTaskGroup("ml", DOCUMENT)


def test_a_param_whose_default_fits_after_conversion_is_a_default() -> None:
    for params in ({"N": "5"}, {"N": Param(None, type=["null", "integer"])}, {"Size": Param("l", enum=["l"])}):
        SageMakerPipelineDag("p", DOCUMENT, params=params).validate()
