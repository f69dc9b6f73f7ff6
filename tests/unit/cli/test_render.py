"""``render`` writes valid Python, and reports what it cannot write with its place and a fix."""

from __future__ import annotations

import builtins
import json
import keyword
import runpy
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app

BASH = "airflow.providers.standard.operators.bash.BashOperator"


def written(tmp_path: Path, *steps: Any, name: str = "p.json") -> Path:
    file = tmp_path / name
    file.write_text(json.dumps({"Version": "2020-12-01", "Steps": list(steps)}, indent=1))
    return file


def rendered(file: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["render", str(file), *words])
    assert result.exit_code == 0, result.output
    compile(result.output, str(file), "exec")
    return result.output


def dag_of(file: Path, tmp_path: Path) -> Any:
    out = tmp_path / "rendered.py"
    out.write_text(rendered(file))
    return runpy.run_path(str(out))["dag"]


def score(name: str) -> dict[str, Any]:
    return {"Name": name, "Type": "Lambda", "FunctionArn": "f", "Arguments": {}}


OF_THE_FILE = ("dag", "DAG", "Label", "Param", "literal", "Import-", "1st", "-")


def test_steps_may_be_called_like_words_of_python_and_names_of_the_file(tmp_path: Path) -> None:
    of_python = [word.capitalize() for word in keyword.kwlist] + [word for word in dir(builtins) if word[0] != "_"]
    names = sorted({*of_python, *OF_THE_FILE})
    equal = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    branches = {"Conditions": [equal], "IfSteps": [score(name) for name in names], "ElseSteps": []}
    which = {"Name": "DAG_2", "Type": "Condition", "Arguments": branches}  # its edges have labels
    dag = dag_of(written(tmp_path, which), tmp_path)
    assert set(dag.task_ids) == {*names, "DAG_2", "pipeline.status"}


def test_a_definition_without_steps_is_a_dag_without_tasks(tmp_path: Path) -> None:
    dag = dag_of(written(tmp_path), tmp_path)
    assert (dag.dag_id, dag.task_ids) == ("p", [])


@pytest.mark.parametrize(
    ("name", "dag_id"),
    [
        ("my pipeline v2.json", "my_pipeline_v2"),
        ("a.b-c_d.json", "a.b-c_d"),
        ("prix d'août (2).json", "prix_d_août_2_"),
        ('"""\\N.json', "_N"),
        ("x" * 251 + ".yml", "x" * 250),
    ],
)
def test_the_id_of_the_dag_is_one_that_airflow_takes(tmp_path: Path, name: str, dag_id: str) -> None:
    assert dag_of(written(tmp_path, score("A"), name=name), tmp_path).dag_id == dag_id


@pytest.mark.parametrize(
    ("given", "better"), [("a b/c", "a_b_c"), ("", "pipeline"), ("x" * 251, "x" * 250), ("a\n", "a_")]
)
def test_an_id_that_airflow_does_not_take_is_refused(tmp_path: Path, given: str, better: str) -> None:
    result = CliRunner().invoke(app, ["render", str(written(tmp_path, score("A"))), "--dag-id", given])
    assert result.exit_code == 2
    what = "a DAG id is 1 to 250 letters, digits, dashes, dots and underscores"
    assert result.output == f'--dag-id is "{given}"; {what}, e.g. "{better}".\n'


def test_operators_of_other_packages_keep_their_arguments_and_do_not_hide_each_other(tmp_path: Path) -> None:
    note = {"Name": "Note", "Type": "x-airflow", "Operator": BASH, "Arguments": {"bash_command": "true", "retries": 3}}
    odd = {
        "Name": "Odd",
        "Type": "x-airflow",
        "Operator": "a.b.BashOperator",
        "Arguments": {"not a name": [1], "is": 2},
    }
    ours = {"Name": "Ours", "Type": "x-airflow", "Operator": "a.b.LambdaStepOperator"}
    assert dag_of(written(tmp_path, note, score("A")), tmp_path).get_task("Note").retries == 3
    text = rendered(written(tmp_path, note, odd, ours, score("A")))
    assert "from a.b import BashOperator\n" in text
    assert "from airflow.providers.standard.operators.bash import BashOperator as BashOperator_2\n" in text
    assert "from a.b import LambdaStepOperator as LambdaStepOperator_2\n" in text
    assert "        **{'not a name': [1]},\n        **{'is': 2},\n" in text


def test_text_of_a_document_that_looks_like_a_template_stays_data(tmp_path: Path) -> None:
    step = {**score("A"), "Arguments": {"text": "{{ ds }}", "more": ["{% x %}", "plain"]}}
    dag = dag_of(written(tmp_path, step), tmp_path)
    assert dag.get_task("A").step.spec.arguments == step["Arguments"]
    assert dag.get_task("A").template_fields == ()


def test_an_expression_for_another_packages_operator_is_refused_with_its_place_and_a_way_out(tmp_path: Path) -> None:
    env = {"WHERE": [{"Std:Join": {"On": "/", "Values": ["a", {"Get": "Execution.PipelineName"}]}}]}
    arguments = {"bash_command": {"Get": "Execution.PipelineExecutionId"}, "env": env}
    file = written(tmp_path, {"Name": "Note", "Type": "x-airflow", "Operator": BASH, "Arguments": arguments})
    result = CliRunner().invoke(app, ["render", str(file)])
    assert result.exit_code == 1
    headline, *rest = result.output.splitlines()
    assert headline == f"{file} cannot be rendered: 2 problems."
    what = '[SM303] step "Note" has an expression here, which only a DAG that keeps the definition resolves.'
    assert rest[0] == f"  {file}:9:5  $.Steps[0].Arguments.bash_command  {what}"
    assert rest[1].startswith("      Write {{ params.Name }} for a parameter")
    assert rest[2].startswith(f"  {file}:14:7  $.Steps[0].Arguments.env.WHERE[0]  [SM303]")


def test_an_operator_that_no_import_line_can_name_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, {"Name": "Note", "Type": "x-airflow", "Operator": "mine.lambda.Note"})
    result = CliRunner().invoke(app, ["render", str(file)])
    assert result.exit_code == 1
    assert '$.Steps[0].Operator  [SM303] "mine.lambda.Note" contains a Python keyword' in result.output


def test_real_definitions_are_rendered_as_python(corpus: Path) -> None:
    compiled, files = 0, sorted(corpus.glob("*.json"))
    for file in files[::3]:
        result = CliRunner().invoke(app, ["render", str(file)])
        if result.exit_code == 0:
            compile(result.output, file.name, "exec")
            compiled += 1
        else:
            assert " is not a valid pipeline definition: " in result.output, file.name
    assert compiled > len(files) / 6
