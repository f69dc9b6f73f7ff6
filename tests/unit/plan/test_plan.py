"""The plan of a definition: tasks, edges and run rules."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.branch_closure import not_taken
from airflow_sagemaker_mlops.plan.describe import pipeline_doc
from airflow_sagemaker_mlops.plan.edges import needed_edges
from airflow_sagemaker_mlops.plan.model import STATUS_TASK_ID, Plan
from airflow_sagemaker_mlops.plan.show import mermaid, tree
from airflow_sagemaker_mlops.plan.spec import ParameterSlot

DAILY = Path(__file__).parents[3] / "dags" / "daily_model" / "definition.yaml"


def train(name: str, *after: str, uses: str = "") -> dict[str, Any]:
    arguments: dict[str, Any] = {"RoleArn": "arn:aws:iam::123456789012:role/R"}
    if uses:
        arguments["HyperParameters"] = {"x": {"Get": uses}}
    return {"Name": name, "Type": "Training", "Arguments": arguments, "DependsOn": list(after)}


def condition(name: str, then: list[Any], otherwise: list[Any], *after: str) -> dict[str, Any]:
    equal = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    arguments = {"Conditions": [equal], "IfSteps": then, "ElseSteps": otherwise}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, "DependsOn": list(after)}


def plan_of(*steps: Any, **more: Any) -> Plan:
    return make_plan(load_pipeline({"Version": "2020-12-01", **more, "Steps": list(steps)}))


def edges(plan: Plan) -> set[tuple[str, str, str]]:
    return {
        (edge.task_id, task.task_id, edge.kind)
        for task in plan.tasks
        for edge in task.upstream
        if task.task_id != STATUS_TASK_ID
    }


def status_upstream_of(plan: Plan) -> set[str]:
    return {edge.task_id for edge in plan.by_id[STATUS_TASK_ID].upstream}


def test_explicit_data_and_branch_edges() -> None:
    plan = plan_of(
        train("B", uses="Steps.A.ModelArtifacts.S3ModelArtifacts"),
        train("A"),
        condition("C", [train("D", "B")], [train("E", uses="Steps.A.RoleArn")], "A"),
    )
    assert edges(plan) == {
        ("A", "B", "data"),
        ("A", "C", "explicit"),
        ("C", "D", "branch"),
        ("B", "D", "explicit"),
        ("C", "E", "branch"),
        ("A", "E", "data"),
    }
    assert [task.task_id for task in plan.tasks][:2] == ["A", "B"]
    assert plan.by_id["A"].spec.outputs == ("ModelArtifacts.S3ModelArtifacts", "RoleArn")
    assert plan.by_id["C"].spec.branches == {"If": ["D"], "Else": ["E"]}


def test_a_property_file_is_an_edge_and_names_its_output() -> None:
    plan = make_plan(load_pipeline(DAILY))
    assert plan.by_id["EvaluateModel"].spec.outputs == ("ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri",)
    assert plan.by_id["IsBetter"].spec.files == {
        "EvaluateModel": {"Report": {"FilePath": "evaluation.json", "OutputName": "report"}}
    }
    assert plan.by_id["IsBetter"].reads == ("EvaluateModel", "ProductionMetric")


def test_a_step_gets_only_the_parameters_it_references() -> None:
    plan = plan_of(
        train("A", uses="Parameters.P"),
        train("B"),
        Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": 2}, {"Name": "Q", "Type": "String"}],
    )
    assert plan.by_id["A"].spec.parameters == {"P": ParameterSlot("Integer", 2)}
    assert not plan.by_id["B"].spec.parameters


def test_everything_behind_a_branch_not_taken_does_not_run() -> None:
    plan = plan_of(
        train("A"),
        condition("C", [train("Then"), condition("Inner", [train("Deep")], [])], [train("Else")], "A"),
        train("Join", "Then", "Else"),
        train("After", "Join"),
        train("Free", "C"),
    )
    assert not_taken(plan, {"C": True}) == {"Else", "Join", "After"}
    assert not_taken(plan, {"C": True, "Inner": False}) == {"Else", "Join", "After", "Deep"}
    assert not_taken(plan, {"C": False}) == {"Then", "Inner", "Deep", "Join", "After"}


def foreign(name: str, *after: str) -> dict[str, Any]:
    operator = "airflow.providers.standard.operators.bash.BashOperator"
    step = {"Name": name, "Type": "x-airflow", "Operator": operator, "Arguments": {"bash_command": "true"}}
    return {**step, "DependsOn": list(after)} if after else step


def test_the_status_task_waits_for_leaves_only_where_nothing_can_end_early() -> None:
    assert status_upstream_of(plan_of(train("A"), train("B", "A"), train("C", "B"), train("D", "B"))) == {"C", "D"}
    assert status_upstream_of(plan_of(train("A"), train("B", "A"), train("C", "A", "B"))) == {"C"}


def test_the_status_task_waits_for_steps_beside_one_that_may_fail() -> None:
    """Airflow ends C as ``upstream_failed`` as soon as A or B has failed, while the other still runs."""
    assert status_upstream_of(plan_of(train("A"), train("B"), train("C", "A", "B"))) == {"A", "B", "C"}


def test_the_status_task_waits_for_a_step_whose_only_dependent_may_be_skipped_early() -> None:
    plan = plan_of(train("Slow"), condition("C", [train("B", "Slow")], []))
    assert status_upstream_of(plan) == {"Slow", "C", "B"}
    plan = plan_of(train("Slow"), foreign("Short"), train("B", "Short"), train("C", "Slow", "B"))
    assert {"Slow", "B", "C"} <= status_upstream_of(plan)
    plan = plan_of(foreign("Short"), train("A", "Short"), train("B", "A"))  # as a short circuit, it skips B at once
    assert status_upstream_of(plan) == {"A", "B"}


def test_the_status_task_trusts_a_dependent_whose_condition_comes_later() -> None:
    plan = plan_of(train("A"), condition("C", [train("B", "A")], [], "A"))
    assert status_upstream_of(plan) == {"B"}


SEEDS = st.integers(0, 2**32)  # drawing every step by Hypothesis takes five times as long


def graph(chance: random.Random) -> list[Any]:
    """A random pipeline with conditions at two levels, other operators, and edges from anywhere earlier."""
    numbers = itertools.count()
    names: list[str] = []

    def step(depth: int) -> Any:
        name = f"S{next(numbers)}"
        upstream = chance.sample(names, min(len(names), chance.randrange(4)))
        kind = chance.choice(["train", "train", "condition", "foreign"])
        names.append(name)
        if depth and kind == "condition":
            then = [step(depth - 1) for _ in range(chance.randint(0, 2))]
            otherwise = [step(depth - 1) for _ in range(chance.randint(0, 2))]
            return condition(name, then, otherwise, *upstream)
        return foreign(name, *upstream) if kind == "foreign" else train(name, *upstream)

    return [step(2) for _ in range(chance.randint(1, 6))]


@given(SEEDS)
@settings(deadline=None)
def test_steps_are_said_never_to_run_where_no_outcome_lets_them(seed: int) -> None:
    pipeline = load_pipeline({"Version": "2020-12-01", "Steps": graph(random.Random(seed))})
    plan = make_plan(pipeline)
    decisions = [step.name for step in pipeline.steps if step.type == "Condition"]
    outcomes = [
        dict(zip(decisions, row, strict=True)) for row in itertools.product([True, False], repeat=len(decisions))
    ]
    never = set.intersection(*(not_taken(plan, outcome) for outcome in outcomes))
    first = {name for name in never if not any(edge.task_id in never for edge in plan.by_id[name].upstream)}
    told = {str(problem.what).split('"')[1] for problem in pipeline.warnings if problem.code == "SM207"}
    assert told == first


@settings(max_examples=600, deadline=None)
@given(SEEDS)
def test_no_step_can_end_after_the_status_task_has_begun(seed: int) -> None:
    """Plays Airflow's all_success with early failing and skipping; a step may take as long as it likes."""
    chance = random.Random(seed)
    plan = make_plan(load_pipeline({"Version": "2020-12-01", "Steps": graph(chance)}))
    tasks = {task.task_id: task for task in plan.tasks if task.task_id != STATUS_TASK_ID}
    below: dict[str, set[str]] = {name: set() for name in tasks}
    for name, task in reversed(tasks.items()):
        for edge in task.upstream:
            below[edge.task_id] |= {name} | below[name]
    state = dict.fromkeys(tasks, "none")
    slow = chance.choice(sorted(tasks))  # everything else that can end does so first
    changed = True
    while changed:
        changed = False
        for name, task in tasks.items():
            if state[name] != "none":
                continue
            above = [state[edge.task_id] for edge in task.upstream]
            if "failed" in above:
                state[name] = "failed"  # or upstream_failed, which is the same to what stands behind it
            elif "skipped" in above:
                state[name] = "skipped"
            elif all(s == "success" for s in above) and name != slow:
                state[name] = chance.choice(["success", "success", "failed"])
                skipped: Any = ()
                if state[name] == "success" and task.step_type == "Condition":
                    taken = chance.random() < 0.5
                    skipped = task.spec.branches.get("Else" if taken else "If", [])
                elif state[name] == "success" and task.step_type == "x-airflow" and below[name]:
                    skipped = chance.sample(sorted(below[name]), chance.randint(0, len(below[name])))
                for other in skipped:
                    state[other] = "skipped" if state[other] == "none" else state[other]
            else:
                continue
            changed = True
    runs = state[slow] == "none" and all(state[edge.task_id] == "success" for edge in tasks[slow].upstream)
    if runs:
        waits_for = {state[name] for name in status_upstream_of(plan)}
        assert "none" in waits_for


def test_pictures_name_every_step_and_label_branches() -> None:
    plan = make_plan(load_pipeline(DAILY))
    assert "Else: KeepProduction  [Lambda]" in tree(plan)
    drawn = mermaid(plan)
    assert drawn.startswith("flowchart TD")
    assert "|If|" in drawn
    assert "|Else|" in drawn
    assert all(f'"{task.task_id}' in drawn for task in plan.tasks[:-1])


@pytest.mark.parametrize("count", [1, 2000])
def test_long_chains_are_planned(count: int) -> None:
    steps = [train("S0")] + [train(f"S{i}", f"S{i - 1}") for i in range(1, count)]
    assert status_upstream_of(plan_of(*reversed(steps))) == {f"S{count - 1}"}


def test_a_loop_has_the_parameters_of_the_steps_in_its_body() -> None:
    body = [train("One", uses="Parameters.Rate"), train("Two", uses="Parameters.Depth")]
    loop = {"IterableItems": {"Get": "Parameters.Items"}, "MaxConcurrency": 1, "ForEachBody": body}
    parameters = [{"Name": name, "Type": "String"} for name in ("Items", "Rate", "Depth", "Unused")]
    plan = plan_of({"Name": "L", "Type": "ForEach", "Arguments": loop}, Parameters=parameters)
    assert set(plan.by_id["L"].spec.parameters) == {"Items", "Rate", "Depth"}


def test_a_tree_says_what_a_step_waits_for_and_hides_its_run_condition() -> None:
    handler = {**train("B"), "DependsOn": ["C", {"Step": "A", "Trigger": "Failed"}]}
    loop = {"IterableItems": [1], "MaxConcurrency": 1, "ForEachBody": [train("Each")]}
    plan = plan_of(train("A"), train("C"), handler, {"Name": "L", "Type": "ForEach", "Arguments": loop})
    lines = tree(plan).splitlines()
    assert lines[0].endswith("(4 steps)")
    assert "├─ B  [Training]  after C, A (on Failed)" in lines
    assert "└─ L  [ForEach]  runs Each [Training] for each item" in lines
    assert 'B.when<br/><small>RunCondition</small>"}}' in mermaid(plan)


def test_defaults_that_are_secrets_do_not_show_in_the_documentation() -> None:
    parameters = [
        {"Name": "DbPassword", "Type": "String", "DefaultValue": "hunter2"},
        {"Name": "Rounds", "Type": "Integer", "DefaultValue": 7},
    ]
    fail = {"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    document = {"Version": "2020-12-01", "Parameters": parameters, "Steps": [fail]}
    doc = pipeline_doc(make_plan(load_pipeline(document)))
    assert "| DbPassword | String | `***` |" in doc
    assert "| Rounds | Integer | `7` |" in doc


def test_the_documentation_of_a_dag_has_its_steps_its_conditions_in_words_and_a_picture() -> None:
    decide = condition("C", [train("B")], [], "A")
    decide["Arguments"]["Conditions"] = [
        {
            "Type": "Or",
            "Conditions": [
                {"Type": "GreaterThan", "LeftValue": {"Get": "Steps.A.TrainingTimeInSeconds"}, "RightValue": 3},
                {
                    "Type": "Not",
                    "Condition": {"Type": "In", "QueryValue": {"Get": "Parameters.Mode"}, "Values": ["a", "b|c"]},
                },
            ],
        },
        {"Type": "Equals", "LeftValue": {"Get": "Parameters.Mode"}, "RightValue": "x"},
    ]
    mode = {"Name": "Mode", "Type": "String", "DefaultValue": "x"}
    steps = [{**train("A"), "Description": "Trains."}, decide]
    document = {"Version": "2020-12-01", "Parameters": [mode], "Steps": steps}
    plan = make_plan(load_pipeline(document))
    lines = pipeline_doc(plan).splitlines()
    assert r"| A | Training |  | Trains. |" in lines
    assert r"| B | Training | C \(If\) |  |" in lines
    words = r'(Steps.A.TrainingTimeInSeconds > 3 or not (Mode in ["a", "b\|c"])) and Mode = "x"'
    assert f"| C | Condition | A | `{words}`. If: B |" in lines
    assert mermaid(plan) in "\n".join(lines)


def test_the_documentation_of_a_large_dag_only_says_how_large_it_is() -> None:
    doc = pipeline_doc(plan_of(*(train(f"S{index}") for index in range(26))))
    assert "26 steps: `sagemaker-mlops plan` shows them." in doc
    assert "mermaid" not in doc


def test_edges_that_others_imply_are_not_drawn_where_states_come_out_the_same() -> None:
    def upstream(*steps: Any) -> dict[str, list[str]]:
        plan = make_plan(load_pipeline({"Version": "2020-12-01", "Steps": list(steps)}))
        assert {edge.task_id for edge in plan.by_id["C"].upstream} >= {"B"}  # the plan has them all
        return {name: [edge.task_id for edge in edges] for name, edges in needed_edges(plan.tasks).items()}

    def step(name: str, *after: Any, **more: Any) -> dict[str, Any]:
        made = {"Name": name, "Type": "Training", "Arguments": {"RoleArn": "arn:aws:iam::123456789012:role/R"}, **more}
        return {**made, "DependsOn": list(after)} if after else made

    a, c = step("A"), step("C", "A", "B")
    assert upstream(a, step("B", "A"), c)["C"] == ["B"]
    assert upstream(a, step("B", "A"), step("B2", "B"), step("C", "A", "B", "B2"))["C"] == ["B2"]
    assert upstream(a, step("B"), c)["C"] == ["A", "B"]
    # It may skip itself, or have a trigger rule of its own.
    other = {"Type": "x-airflow", "Operator": "airflow.providers.standard.operators.empty.EmptyOperator"}
    foreign = {**other, "Name": "B", "DependsOn": ["A"]}
    assert upstream(a, foreign, c)["C"] == ["A", "B"]
    # It runs when A fails.
    assert upstream(a, step("B", {"Step": "A", "Trigger": "Any"}), c)["C"] == ["A", "B"]
    # A condition may skip it although A fails.
    equal = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    branches = {"Conditions": [equal], "IfSteps": [step("B", "A")], "ElseSteps": []}
    assert upstream(a, {"Name": "If", "Type": "Condition", "Arguments": branches}, c)["C"] == ["A", "B"]
