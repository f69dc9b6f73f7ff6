"""The DAG and the task group: tasks, edges and options."""

from __future__ import annotations

import copy
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, Param
from airflow.sdk import chain as chain_tasks
from airflow_names import AIRFLOW, DagBag, DagSerialization, figure_of_3_3

from airflow_sagemaker_mlops import (
    InvalidPipeline,
    SageMakerPipelineDag,
    SageMakerPipelineTaskGroup,
)
from airflow_sagemaker_mlops.execution.scope_values import typed_parameters
from airflow_sagemaker_mlops.operators import (
    ConditionStepOperator,
    ForEachStepOperator,
    TrainingStepOperator,
)
from airflow_sagemaker_mlops.operators.base import StepOperator
from airflow_sagemaker_mlops.plan.spec import ParameterSlot, StepSpec
from airflow_sagemaker_mlops.runtime.infrastructure_retries import INFRASTRUCTURE_RETRIES
from airflow_sagemaker_mlops.runtime.parameter_values import values_of

ROOT = Path(__file__).parents[3]
DAILY = ROOT / "dags" / "daily_model" / "definition.yaml"
ROLE = "arn:aws:iam::123456789012:role/R"


def train(name: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Training", "Arguments": {"RoleArn": ROLE}, **more}


def definition(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"Version": "2020-12-01", **more, "Steps": list(steps)}


def serialized(dag: DAG) -> dict[str, Any]:
    data: dict[str, Any] = DagSerialization.to_dict(dag)["dag"]
    return data


def test_steps_become_tasks_of_the_same_name_with_labelled_branches() -> None:
    dag = SageMakerPipelineDag("daily", DAILY)
    assert set(dag.step_tasks) >= {"ProcessDay", "TrainModel", "IsBetter", "KeepProduction"}
    assert dag.get_task("TrainModel").upstream_task_ids == {"ProcessDay"}
    assert dag.get_edge_info("IsBetter", "RegisterModel") == {"label": "If"}
    assert dag.get_edge_info("IsBetter", "KeepProduction") == {"label": "Else"}
    assert dag.get_task("pipeline.status").task_display_name == "status"
    assert dag.get_task("TrainModel").task_display_name == "Train"


def test_parameters_become_typed_params_of_the_trigger_form() -> None:
    parameters = [
        {"Name": "S", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"], "Description": "which"},
        {"Name": "I", "Type": "Integer", "DefaultValue": 3},
        {"Name": "F", "Type": "Float", "DefaultValue": 1},
        {"Name": "B", "Type": "Boolean", "DefaultValue": False},
        {"Name": "R", "Type": "String"},
    ]
    params = SageMakerPipelineDag("p", definition(train("A"), Parameters=parameters)).params
    schemas = {name: params.get_param(name).schema for name in ("S", "I", "F", "B", "R")}
    assert [schema["type"] for schema in schemas.values()] == ["string", "integer", "number", "boolean", "string"]
    assert schemas["S"]["enum"] == ["a", "b"]
    assert schemas["S"]["description_md"] == "which"
    assert params["F"] == 1.0
    assert not params.get_param("R").has_value


@pytest.mark.parametrize("given", [None, {"DbPassword": "hunter3"}])
def test_defaults_that_are_secrets_stay_out_of_the_serialized_dag(given: Any) -> None:
    parameters = [
        {"Name": "DbPassword", "Type": "String", "DefaultValue": "hunter2"},
        {"Name": "Rounds", "Type": "Integer", "DefaultValue": 7},
    ]
    reads, each = (
        train(name, Arguments={"RoleArn": ROLE, "Environment": {"X": {"Get": "Parameters.DbPassword"}}})
        for name in "AC"
    )
    body = {"IterableItems": [1], "MaxConcurrency": 1, "ForEachBody": [each]}
    loop = {"Name": "L", "Type": "ForEach", "Arguments": body}
    dag = SageMakerPipelineDag("p", definition(reads, train("B"), loop, Parameters=parameters), parameters=given)
    assert "hunter" not in json.dumps(serialized(dag))
    assert (dag.params["DbPassword"], dag.params["Rounds"]) == (None, 7)
    assert "is not shown" in dag.params.get_param("DbPassword").schema["description_md"]
    assert [dag.step_tasks[name].start_from_trigger for name in "ABL"] == [False, AIRFLOW >= (3, 3), False]
    step: Any = dag.step_tasks["A"]
    values = typed_parameters("A", step.step.spec, values_of(["DbPassword"], "", dag.params))
    assert values == {"DbPassword": given["DbPassword"] if given else "hunter2"}


def test_edges_that_were_implied_are_there_once_a_trigger_rule_is_changed() -> None:
    steps = train("A"), train("B", DependsOn=["A"]), train("C", DependsOn=["A", "B"])
    dag, other = (SageMakerPipelineDag(name, definition(*steps)) for name in ("p", "q"))
    assert dag.get_task("C").upstream_task_ids == {"B"}
    for task in (dag.get_task("B"), copy.deepcopy(other).get_task("B")):
        task.trigger_rule = "all_done"
    assert dag.get_task("C").upstream_task_ids == {"A", "B"}
    assert dag.get_task("pipeline.status").upstream_task_ids == {"A", "B", "C"}
    assert tasks_of(dag)["B"]["trigger_rule"] == "all_done"


@pytest.mark.parametrize(("name", "value"), [("S", "c"), ("I", "many"), ("B", "maybe")])
def test_a_wrong_value_at_trigger_time_is_refused_by_the_form(name: str, value: Any) -> None:
    parameters = [
        {"Name": "S", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
        {"Name": "I", "Type": "Integer", "DefaultValue": 3},
        {"Name": "B", "Type": "Boolean", "DefaultValue": False},
    ]
    params = SageMakerPipelineDag("p", definition(train("A"), Parameters=parameters)).params
    param: Param = params.get_param(name)
    with pytest.raises(Exception, match="is not"):
        param.resolve(value)


def test_descriptions_hash_and_parameters_are_the_docs_and_markup_is_shown_not_rendered() -> None:
    step = train("A", Description="<b>bold</b> *x*")
    parameters = [{"Name": "P", "Type": "String", "Description": "a | b"}]
    dag = SageMakerPipelineDag("p", definition(step, Parameters=parameters))
    assert "&lt;b&gt;" in str(dag.get_task("A").doc_md)
    assert "SHA-256" in str(dag.doc_md)
    assert r"a \| b" in str(dag.doc_md)


def test_airflow_arguments_of_single_steps_are_passed_on() -> None:
    dag = SageMakerPipelineDag("p", definition(train("A"), train("B")), steps={"A": {"pool": "gpu", "retries": 5}})
    assert (dag.get_task("A").pool, dag.get_task("A").retries) == ("gpu", 5)
    assert dag.get_task("B").retries == INFRASTRUCTURE_RETRIES


def test_after_a_killed_worker_no_task_waits_as_long_as_after_failed_work() -> None:
    """Airflow's own delay is five minutes, in which a gate or a status task would hold up a run that is nearly over."""
    on_failure = train("Clean", DependsOn=[{"Step": "A", "Trigger": "Failed"}])
    with DAG("bigger", schedule=None) as dag:
        SageMakerPipelineTaskGroup("ml", definition(train("A"), on_failure))
    assert {"ml.A", "ml.Clean.when", "ml.pipeline.status", "ml.pipeline.teardown"} <= set(dag.task_ids)
    assert {(task.retries, task.retry_delay) for task in dag.tasks} == {(INFRASTRUCTURE_RETRIES, timedelta(seconds=10))}


def test_what_airflow_is_reported_wrongly_is_reported() -> None:
    required = [{"Name": "P", "Type": "String"}]
    cases = [
        (SageMakerPipelineDag("a", definition(train("A")), steps={"Trian": {}}), "SM403"),
        (SageMakerPipelineDag("b", definition(train("A")), parameters={"Q": 1}), "SM401"),
        (SageMakerPipelineDag("c", definition(train("A"), Parameters=required), schedule="@daily"), "SM402"),
        (SageMakerPipelineDag("d", definition(train("A")), fail_fast=True), "SM420"),
    ]
    for dag, code in cases:
        with pytest.raises(InvalidPipeline) as caught:
            dag.validate()
        assert code in {problem.code for problem in caught.value.problems}


def test_a_pipeline_group_in_a_dag_that_fails_fast_is_refused() -> None:
    with DAG("d", schedule=None, fail_fast=True), pytest.raises(InvalidPipeline, match="SM420"):
        SageMakerPipelineTaskGroup("g", definition(train("A")))


def test_a_broken_definition_does_not_take_the_others_of_its_file_down(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(definition(train("A"))))
    (tmp_path / "bad.json").write_text('{"Version": "2020-12-01", "Steps": [{"Name": "A"}]}')
    (tmp_path / "worse.json").write_text("{")
    (tmp_path / "pipelines.py").write_text(
        "from airflow_sagemaker_mlops import SageMakerPipelineDag\n"
        "for name in ('bad', 'good', 'worse'):\n"
        "    SageMakerPipelineDag(name, definition=name + '.json')\n"
    )
    bag = DagBag(str(tmp_path))
    assert set(bag.dags) == {"good"}
    (error,) = bag.import_errors.values()
    assert "bad.json:1:37" in error
    assert "worse.json:1:2" in error
    assert "Traceback" not in error


def test_a_task_group_lives_in_a_bigger_dag_and_its_steps_are_wired_by_name() -> None:
    from airflow.providers.standard.operators.empty import EmptyOperator

    with DAG("bigger", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("ml", DAILY, parameters={"NumRound": 5})
        EmptyOperator(task_id="before") >> group.step_tasks["ProcessDay"]
    assert dag.get_task("ml.ProcessDay").upstream_task_ids == {"before"}
    assert dag.get_task("ml.TrainModel").step.reads == {"ProcessDay": "ml.ProcessDay"}
    assert dag.get_task("ml.IsBetter").branches["Else"] == ["ml.KeepProduction"]
    assert dag.params["NumRound"] == 5
    assert group.step_tasks["TrainModel"].step.step == "TrainModel"


@pytest.mark.parametrize("limit", [{"pool": "gpu"}, {"pool_slots": 2}, {"max_active_tis_per_dag": 1}])
def test_a_step_with_a_limit_of_airflows_own_begins_where_airflow_looks_at_it(limit: dict[str, Any]) -> None:
    """The scheduler defers what begins in the triggerer at once, and asks no pool (Airflow 3.3.2)."""
    dag = SageMakerPipelineDag("p", definition(train("A"), train("B")), steps={"B": limit})
    assert dag.get_task("A").start_from_trigger == (AIRFLOW >= (3, 3))
    assert not dag.get_task("B").start_from_trigger


def test_the_status_task_waits_for_all_before_a_step_that_something_else_may_end_early() -> None:
    from airflow.providers.standard.operators.empty import EmptyOperator

    chain = definition(train("A"), train("B", DependsOn=["A"]), train("C", DependsOn=["B"]))
    ways: list[Any] = [
        lambda other, step: other >> step,
        lambda other, step: step << other,
        lambda other, step: step.set_upstream([other]),
        chain_tasks,
    ]
    for way in ways:
        with DAG("bigger", schedule=None) as dag:
            group = SageMakerPipelineTaskGroup("ml", chain)
            status_task = dag.get_task("ml.pipeline.status")
            assert status_task.upstream_task_ids == {"ml.C"}
            way(EmptyOperator(task_id="other"), group.step_tasks["C"])
        assert status_task.upstream_task_ids == {"ml.A", "ml.B", "ml.C"}
        assert dag.get_task("ml.A").downstream_task_ids == {"ml.B", "ml.pipeline.status"}
    with DAG("behind", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("ml", chain)
        group.step_tasks["C"] >> EmptyOperator(task_id="other") >> EmptyOperator(task_id="last")
        EmptyOperator(task_id="first") >> group
    assert dag.get_task("ml.pipeline.status").upstream_task_ids == {"ml.C"}
    with SageMakerPipelineDag("own", chain) as dag:
        status_task = dag.get_task("pipeline.status")
        by_hand: Any = TrainingStepOperator(task_id="by_hand", arguments={"RoleArn": ROLE})
        status_task >> EmptyOperator(task_id="notify") >> by_hand
        EmptyOperator(task_id="more") >> by_hand
    assert len(dag.task_group.topological_sort()) == len(dag.tasks)  # it refuses a circle
    assert status_task.upstream_task_ids == {"C"}
    ruled = SageMakerPipelineDag("p", chain, steps={"B": {"trigger_rule": "all_done"}})
    assert ruled.get_task("pipeline.status").upstream_task_ids == {"A", "B", "C"}


def test_operators_can_be_used_by_hand() -> None:
    with DAG("by-hand", schedule=None, params={"Rate": 0.1}, default_args={"aws_conn_id": "aws_ml"}):
        arguments = {"RoleArn": ROLE, "HyperParameters": {"eta": {"Get": "Parameters.Rate"}}}
        operator = TrainingStepOperator(task_id="train", arguments=arguments, start_in="worker")
        condition = {"Type": "Equals", "LeftValue": {"Get": "Steps.train.TrainingJobStatus"}, "RightValue": "Completed"}
        decide = ConditionStepOperator(task_id="decide", arguments={"Conditions": [condition]}, branches={"If": ["x"]})
        operator >> decide
    assert operator.start_from_trigger is False
    assert operator.step.spec.outputs == "all"
    assert operator.step.spec.parameters == {"Rate": ParameterSlot("Any")}
    assert decide.step.reads == {"train": "train"}
    assert operator.step.connection.aws_conn_id == "aws_ml"


@pytest.mark.parametrize(
    ("given", "of_dag", "retries", "failed_too"),
    [
        ({}, {}, INFRASTRUCTURE_RETRIES, False),
        ({"retries": 0}, {}, 0, True),
        ({}, {"retries": 2}, 2, True),
        ({"default_args": {"retries": 3}}, {}, 3, True),
        ({"retries": 3, "retry_failed_steps": False}, {}, 3, False),
    ],
)
def test_a_step_continues_after_a_mishap_and_is_retried_as_asked_mapped_or_not(
    given: dict[str, Any], of_dag: dict[str, Any], retries: int, failed_too: bool
) -> None:
    with DAG("by-hand", schedule=None, default_args=of_dag) as dag:
        TrainingStepOperator(task_id="one", arguments={"RoleArn": ROLE}, **given)
        TrainingStepOperator.partial(task_id="each", **given).expand(arguments=[{"RoleArn": ROLE}])
    one, each = dag.task_dict["one"], dag.task_dict["each"]
    instance: Any = each.unmap({"arguments": {"RoleArn": ROLE}})
    assert (one.retries, each.retries, instance.retries) == (retries,) * 3
    assert (one.retry_failed_steps, instance.retry_failed_steps) == (failed_too,) * 2


def test_a_loop_by_hand_is_refused_with_what_to_write_instead() -> None:
    arguments = {"IterableItems": [1, 2], "MaxConcurrency": 1, "ForEachBody": [train("Each")]}
    with pytest.raises(ValueError, match=r"Without one, map the step of the body instead"):
        ForEachStepOperator(task_id="loop", arguments=arguments)


@figure_of_3_3
def test_what_airflow_does_in_a_worker_only_brings_the_task_there() -> None:
    """Callbacks on success are not run for a task that ends in the triggerer (Airflow 3.3.2)."""

    def tell(_context: Any) -> None:
        pass

    def begins_and_ends(**options: Any) -> tuple[bool, bool]:
        task: Any = SageMakerPipelineDag("p", definition(train("A")), steps={"A": options}).get_task("A")
        start = task.start_trigger_args
        return bool(task.start_from_trigger), start is not None and "finish_in" in start.trigger_kwargs

    assert begins_and_ends() == (True, False)
    assert begins_and_ends(on_failure_callback=tell) == (True, False)
    assert begins_and_ends(on_success_callback=tell) == (True, True)
    assert begins_and_ends(post_execute=tell) == (True, True)
    assert begins_and_ends(on_execute_callback=tell)[0] is False
    assert begins_and_ends(pre_execute=tell)[0] is False
    dag = SageMakerPipelineDag("q", definition(train("A")), default_args={"on_success_callback": tell})
    assert dag.get_task("pipeline.status").start_from_trigger is False


def tasks_of(dag: Any) -> dict[str, Any]:
    return {task["__var"]["task_id"]: task["__var"] for task in serialized(dag)["tasks"]}


@figure_of_3_3
@pytest.mark.parametrize("in_a_group", [False, True])
def test_what_a_cluster_policy_changes_after_a_task_was_made_is_kept(in_a_group: bool) -> None:
    """A policy assigns to the tasks of a DAG that is complete, and so may the DAG file."""

    def tell(_context: Any) -> None:
        pass

    def with_policy(**changed: Any) -> Any:
        document = definition(train("A"), train("B"))
        if in_a_group:
            with DAG("p", schedule=None) as dag:
                SageMakerPipelineTaskGroup("g", document, prefix_group_id=False)
        else:
            dag = SageMakerPipelineDag("p", document)
        for task in dag.tasks:
            for name, value in changed.items():
                setattr(task, name, value)
        return dag

    assert tasks_of(with_policy())["A"]["start_from_trigger"]
    assert tasks_of(with_policy())["pipeline.status"]["start_from_trigger"]
    for changed in ({"pool": "gpu"}, {"max_active_tis_per_dag": 1}, {"on_execute_callback": [tell]}):
        tasks = tasks_of(with_policy(**changed))
        assert not any(task.get("start_from_trigger") or task.get("start_trigger_args") for task in tasks.values())
    tasks = tasks_of(with_policy(on_success_callback=[tell]))
    assert tasks["A"]["start_trigger_args"]["trigger_kwargs"]["__var"]["finish_in"] == "worker"
    assert not tasks["pipeline.status"].get("start_from_trigger")
    assert with_policy().get_task("A").retry_failed_steps is False
    assert with_policy(retries=2).get_task("A").retry_failed_steps is True


def test_jinja_marks_in_a_definition_are_data() -> None:
    step = train("A")
    step["Arguments"] = {"RoleArn": ROLE, "HyperParameters": {"template": "{{ ds }}"}}
    operator = SageMakerPipelineDag("p", definition(step)).get_task("A")
    assert operator.template_fields == ()
    assert "{{ ds }}" in operator.step.to_json()


@figure_of_3_3
def test_a_step_serializes_to_its_arguments_once_and_at_most_700_bytes_beside() -> None:
    values = {f"key{i}": "v" * 40 for i in range(25)}
    upstream = [{"Get": f"Steps.S{i:02}.ModelArtifacts.S3ModelArtifacts"} for i in range(60)]
    steps = [
        {**train(f"S{i:02}"), "Arguments": {"RoleArn": ROLE, "HyperParameters": {**values, "from": upstream[i - 1]}}}
        for i in range(1, 60)
    ]
    steps.insert(0, train("S00"))
    big = steps[1]["Arguments"]
    few, many = (
        json.dumps(serialized(SageMakerPipelineDag("p", definition(*steps[:count]))), separators=(",", ":"))
        for count in (10, 60)
    )
    assert many.count("key24") == 59
    assert (len(many) - len(few)) / 50 - len(json.dumps(big, separators=(",", ":"))) <= 700


def test_a_step_read_back_in_the_triggerer_knows_what_it_was_given() -> None:
    from airflow_sagemaker_mlops.runtime.step_task import StepTask

    take = {"Get": "Steps.A.ModelArtifacts.S3ModelArtifacts"}
    steps = [train("A"), {**train("B"), "Arguments": {"RoleArn": ROLE, "HyperParameters": {"from": take}}}]
    with DAG("d", schedule=None) as dag:
        SageMakerPipelineTaskGroup("g", definition(*steps))
    for task_id in ("g.A", "g.B"):
        step = dag.get_task(task_id).step
        assert StepTask.from_json(step.to_json()) == step
    assert dag.get_task("g.B").step.reads == {"A": "g.A"}
    by_hand = StepTask("Training", StepSpec({"x": take}), reads={"A": "elsewhere"})
    assert StepTask.from_json(by_hand.to_json()) == by_hand


def test_the_same_text_is_planned_once_for_many_dags(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.json"
    file.write_text(json.dumps(definition(train("A"))))
    first, second = (SageMakerPipelineDag(name, str(file)) for name in ("customer_a", "customer_b"))
    assert first.get_task("A").step.spec is second.get_task("A").step.spec
    file.write_text(json.dumps(definition(train("B"))))
    assert SageMakerPipelineDag("customer_c", str(file)).task_ids == ["B", "pipeline.status"]


def test_an_external_id_goes_with_the_role_of_a_pipeline_a_step_and_a_step_by_hand() -> None:
    from airflow_sagemaker_mlops.operators import LambdaStepOperator
    from airflow_sagemaker_mlops.runtime.step_task import StepTask

    steps = [{"Name": name, "Type": "Lambda", "FunctionArn": "f"} for name in ("A", "B")]
    access = {"assume_role_arn": "arn:aws:iam::210987654321:role/R", "external_id": "tenant-7"}
    own = {"B": {"external_id": "tenant-8"}}
    dag = SageMakerPipelineDag("external", definition={"Version": "2020-12-01", "Steps": steps}, steps=own, **access)
    by_hand = LambdaStepOperator(task_id="hand", settings={"FunctionArn": "f"}, **access)
    steps_made = [operator.step.connection for operator in (dag.step_tasks["A"], dag.step_tasks["B"], by_hand)]
    asked = [(made.assume_role_arn, made.external_id) for made in steps_made]
    assert asked == [tuple(access.values()), (access["assume_role_arn"], "tenant-8"), tuple(access.values())]
    kept = dag.step_tasks["B"].step
    assert StepTask.from_json(kept.to_json()).connection == kept.connection


def noted(operator: str, **arguments: Any) -> dict[str, Any]:
    return {"Name": "Note", "Type": "x-airflow", "Operator": operator, "Arguments": arguments}


@pytest.mark.parametrize("path", ["pathlib.Path", "os.system", "airflow.sdk.DAG", "logging.root"])
def test_what_is_no_operator_is_refused_by_name(path: str) -> None:
    with pytest.raises(InvalidPipeline, match=rf"SM404\] {path} is a .*, not an Airflow operator"):
        SageMakerPipelineDag("p", definition(noted(path))).validate()


def test_only_operators_that_are_allowed_are_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bash = noted("airflow.providers.standard.operators.bash.BashOperator", bash_command="true")
    (tmp_path / "loud_operators.py").write_text("raise SystemExit('it was imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(
        "AIRFLOW__SAGEMAKER_MLOPS__ALLOWED_OPERATORS", "airflow.providers.standard.*, mine.operators.Note"
    )
    SageMakerPipelineDag("p", definition(bash)).validate()
    with pytest.raises(InvalidPipeline, match=r"SM229\] loud_operators.Note is not among the operators"):
        SageMakerPipelineDag("p", definition(noted("loud_operators.Note"))).validate()


def test_a_step_has_the_attributes_that_airflow_itself_would_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def attributes() -> dict[str, Any]:
        with DAG("d", schedule=None, params={"p": 1}, default_args={"retry_delay": 7, "owner": "me"}):
            task = TrainingStepOperator(task_id="T", arguments={}, queue="q", resources={"cpus": 2}, start_date=None)
        task.pool = "gpu"
        found = {name: value for name, value in vars(task).items() if name not in ("_dag", "task_group", "_step_of")}
        given = found.pop("_BaseOperator__init_kwargs")
        return {**found, "given": {key: given[key] for key in given if key not in ("dag", "task_group")}}

    ours = attributes()
    assert ours["retry_delay"] == timedelta(seconds=7)
    monkeypatch.delattr(StepOperator, "__setattr__")
    theirs = attributes()

    def shown(attributes: dict[str, Any]) -> dict[str, str]:
        return {name: re.sub(r" at 0x\w+", "", repr(value)) for name, value in attributes.items()}

    assert shown(ours) == shown(theirs)


def test_a_converter_of_a_users_own_operator_is_applied() -> None:
    class Loud(TrainingStepOperator):  # type: ignore[misc,valid-type]
        def _convert_queue(self, queue: str) -> str:
            return queue.upper()

    assert Loud(task_id="T", arguments={}, queue="q").queue == "Q"


def test_docs_of_a_dag_are_the_pipelines_or_those_of_its_file() -> None:
    described = SageMakerPipelineDag("d", definition(train("A")))
    assert "| A | Training |" in (described.doc_md or "")
    assert described.doc_md == copy.deepcopy(described).doc_md
    described.doc_md = "Mine."
    assert described.doc_md == "Mine."
    assert SageMakerPipelineDag("d", definition(train("A")), doc_md="Of the file.").doc_md == "Of the file."
    assert SageMakerPipelineDag("d", definition(train("A")), doc_md=None).doc_md is None
