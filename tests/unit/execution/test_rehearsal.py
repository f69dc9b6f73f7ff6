"""Rehearsals: the branches that they take, the values that they generate, and the syntax of stub files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.cli.option_names import in_options
from airflow_sagemaker_mlops.cli.run import branches_of
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.conditions import parse_conditions
from airflow_sagemaker_mlops.definition.evaluate import evaluate
from airflow_sagemaker_mlops.definition.model import Get, JsonGet
from airflow_sagemaker_mlops.definition.property_paths import lookup
from airflow_sagemaker_mlops.definition.verdict_kinds import VERDICT_KINDS
from airflow_sagemaker_mlops.execution.stubs.branches import ANSWERS, NoSuchChoice, all_branches, chosen
from airflow_sagemaker_mlops.execution.stubs.generate import files_at_places, made_up
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.model import Plan
from airflow_sagemaker_mlops.runs.errors import RunError
from airflow_sagemaker_mlops.runs.run_pipeline import rehearse, run_pipeline
from airflow_sagemaker_mlops.runs.stubs import StubOptions, parse_branches, read_table

OUTPUT = {"OutputName": "o", "S3Output": {"S3Uri": "s3://b/o", "LocalPath": "/o", "S3UploadMode": "EndOfJob"}}
PARAMETERS = [
    {"Name": "Least", "Type": "Float", "DefaultValue": 0.8},
    {"Name": "Deploy", "Type": "String", "DefaultValue": "no"},
    {"Name": "Bucket", "Type": "String", "DefaultValue": "b"},
]


def report(path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Eval.PropertyFiles.Report"}, "Path": path}}


def evaluation() -> dict[str, Any]:
    files = [{"PropertyFileName": "Report", "OutputName": "o", "FilePath": "r.json"}]
    return {
        "Name": "Eval",
        "Type": "Processing",
        "PropertyFiles": files,
        "Arguments": {"ProcessingOutputConfig": {"Outputs": [OUTPUT]}},
    }


def fail(name: str) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": name}}


def call(name: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Lambda", "FunctionArn": "f", **more}


def gate(name: str, condition: Any, if_steps: list[Any], else_steps: list[Any]) -> dict[str, Any]:
    conditions = condition if isinstance(condition, list) else [condition]
    branches = {"IfSteps": if_steps, "ElseSteps": else_steps}
    return {"Name": name, "Type": "Condition", "Arguments": {"Conditions": conditions, **branches}}


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def plan_of(*steps: Any) -> Plan:
    return make_plan(load_pipeline({"Version": "2020-12-01", "Parameters": PARAMETERS, "Steps": list(steps)}))


def outcome(plan: Plan, name: str, table: dict[str, Any]) -> bool:
    """What the comparisons of a Condition give over the made-up report."""
    content = table["Eval"]["PropertyFiles"]["Report"]

    def value(operand: Any) -> Any:
        match operand:
            case JsonGet(path=path):
                return lookup(content, path)
            case Get(name=parameter):
                return {one["Name"]: one["DefaultValue"] for one in PARAMETERS}[parameter]
            case _:
                return operand

    return evaluate(parse_conditions(plan.by_id[name].spec.arguments["Conditions"], ""), value).value


MIN = {"Get": "Parameters.Least"}


@pytest.mark.parametrize("branch", ["If", "Else"])
@pytest.mark.parametrize(
    "condition",
    [
        compare("GreaterThan", report("auc"), MIN),
        compare("GreaterThan", MIN, report("auc")),
        compare("GreaterThanOrEqualTo", report("auc"), 0.5),
        compare("LessThan", report("auc"), 3),
        compare("LessThanOrEqualTo", 3, report("auc")),
        compare("Equals", report("state"), "good"),
        compare("NotEquals", report("state"), "bad"),
        compare("Equals", report("ok"), True),
        {"Type": "In", "QueryValue": report("state"), "Values": ["good", "fine"]},
        {"Type": "NotIn", "QueryValue": report("state"), "Values": ["bad"]},
        {"Type": "Not", "Condition": compare("LessThan", report("auc"), MIN)},
        {"Type": "Or", "Conditions": [compare("LessThan", report("auc"), 1), compare("Equals", report("x"), 2)]},
        [compare("GreaterThan", report("auc"), 0.1), compare("LessThan", report("mse"), 4)],
    ],
)
def test_reports_are_made_up_for_the_branch_that_is_wanted(condition: Any, branch: Any) -> None:
    plan = plan_of(evaluation(), gate("Gate", condition, [call("A")], [call("B")]))
    table = made_up(plan, {"Gate": branch})
    assert outcome(plan, "Gate", table) is (branch == "If")
    assert table["Gate"] == {"Outcome": branch == "If"}


@pytest.mark.parametrize(
    ("if_steps", "else_steps", "branch"),
    [
        ([call("A")], [fail("F")], "If"),
        ([fail("F")], [call("A")], "Else"),
        ([fail("F"), call("A"), call("B")], [], "Else"),
        ([call("A")], [call("B"), call("C")], "Else"),
        ([], [], "If"),
    ],
)
def test_the_branch_that_builds_most_is_taken(if_steps: list[Any], else_steps: list[Any], branch: str) -> None:
    plan = plan_of(evaluation(), gate("Gate", compare("GreaterThan", report("auc"), MIN), if_steps, else_steps))
    assert chosen(plan) == {"Gate": branch}


def test_steps_behind_a_branch_and_nested_conditions_count() -> None:
    behind = [call("B1", DependsOn=["B"]), call("B2", DependsOn=["B1"])]
    inner = gate("Inner", compare("Equals", report("x"), 1), [fail("F")], [call("D")])
    outer = gate("Outer", compare("Equals", report("y"), 1), [call("A"), inner], [call("B")])
    assert chosen(plan_of(evaluation(), outer, *behind))["Outer"] == "If"
    more = call("B3", DependsOn=["B2"])
    plan = plan_of(evaluation(), outer, *behind, more)
    assert chosen(plan)["Outer"] == "Else"
    assert chosen(plan, {"Outer": "If"})["Inner"] == "Else"


def test_a_condition_on_parameters_is_theirs_unless_a_branch_is_named() -> None:
    plan = plan_of(gate("Gate", compare("Equals", {"Get": "Parameters.Deploy"}, "yes"), [call("A")], [fail("F")]))
    assert chosen(plan) == {"Gate": "Else"}
    assert "Gate" not in made_up(plan)
    assert chosen(plan, parameters={"Deploy": "yes"}) == {"Gate": "If"}
    assert made_up(plan, {"Gate": "If"})["Gate"] == {"Outcome": True}


def test_all_branches_are_taken_in_as_few_runs_as_needed() -> None:
    inner = gate("Inner", compare("Equals", report("x"), 1), [call("C")], [call("D")])
    outer = gate("Outer", compare("Equals", report("y"), 1), [call("A"), inner], [fail("F")])
    assert all_branches(plan_of(evaluation(), outer)) == [
        {"Outer": "If", "Inner": "If"},
        {"Outer": "Else", "Inner": "If"},
        {"Outer": "If", "Inner": "Else"},
    ]


def test_json_files_at_places_of_parameters_and_of_the_run_are_made_up() -> None:
    def at(*values: Any) -> dict[str, Any]:
        return {"Std:JsonGet": {"S3Uri": {"Std:Join": {"On": "/", "Values": list(values)}}, "Path": "a.b"}}

    own = at("s3:/", {"Get": "Parameters.Bucket"}, {"Get": "Execution.PipelineExecutionId"}, "m.json")
    of_a_step = at({"Get": "Steps.Eval.OutputDataConfig.S3OutputPath"}, {"Get": "Parameters.Deploy"}, "m.json")
    condition = [compare("GreaterThan", own, 1), compare("GreaterThan", of_a_step, 1)]
    plan = plan_of(evaluation(), gate("Gate", condition, [call("A")], []))
    execution = {"PipelineExecutionId": "abc"}
    assert files_at_places(plan, execution) == {"s3://b/abc/m.json": {"a": {"b": 2}}}
    assert files_at_places(plan, execution, parameters={"Bucket": "c"}).keys() == {"s3://c/abc/m.json"}
    below = made_up(plan)["Eval"]["Files below properties"]
    assert below == {"OutputDataConfig.S3OutputPath": {"no/m.json": {"a": {"b": 2}}}}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"Get": {"OutputParameters": {"auc": 0.9}}}, r"Did you mean Properties: \{OutputParameters: \.\.\.\}\?"),
        ({"Get": {"Propertys": {}}}, 'Did you mean "Properties"'),
        ({"Get": {"status": "Failed"}}, 'Did you mean "Status"'),
        ({"Get": {"Status": "Broken"}}, "Succeeded, Failed or Stopped"),
        ({"Get": {"Seconds": "long"}}, "write a number"),
        ({"Get": {"Properties": ["auc"]}}, "write an object"),
        ({"Gett": {}}, 'no step is called "Gett". Did you mean "Get"'),
        ({"Get": {"Properties": {"OutputParameters": {"auk": 1}}}}, 'no output "auk". Did you mean "auc"'),
        ({"Eval": {"PropertyFiles": {"Raport": {}}}}, 'no property file "Raport". Did you mean "Report"'),
        ({"Get": {"Outcome": True}}, "only a Condition has an Outcome"),
        ({"Gate": {"Properties": {}}}, r"its stub is \{Outcome: true\}"),
    ],
)
def test_what_no_stand_in_has_is_refused_by_name(table: dict[str, Any], told: str, tmp_path: Path) -> None:
    file = tmp_path / "stubs.json"
    file.write_text(json.dumps(table))
    get = call("Get", OutputParameters=[{"OutputName": "auc", "OutputType": "Float"}])
    plan = plan_of(evaluation(), get, gate("Gate", compare("Equals", 1, 1), [call("A")], []))
    with pytest.raises(ValueError, match=told):
        read_table(plan, str(file))


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("Gat=if", 'Did you mean "Gate"'),
        ("Gate=no", "NAME=if or NAME=else"),
        ("Gate", "NAME=if"),
        ("A=if", "Condition"),
    ],
)
def test_a_branch_that_there_is_not_is_refused(word: str, told: str) -> None:
    plan = plan_of(gate("Gate", compare("Equals", 1, 1), [call("A")], []))
    with pytest.raises(ValueError, match=told):
        parse_branches(plan, branches_of([word]))
    assert parse_branches(plan, branches_of(["Gate=ELSE"])) == {"Gate": "Else"}


def test_branches_are_for_rehearsals() -> None:
    for wrong in (StubOptions(None, {"Gate": "if"}), StubOptions(None, all_branches=True)):
        with pytest.raises(RunError, match='stubs="auto"') as caught:
            wrong.check()
        assert "--stubs auto" in in_options(caught.value)
    with pytest.raises(RunError, match="takes every branch"):
        StubOptions("auto", {"Gate": "if"}, all_branches=True).check()
    StubOptions("auto", {"Gate": "if"}).check()


def judged(kind: str = "x-champion-gate", **more: Any) -> dict[str, Any]:
    own: dict[str, Any] = {
        "x-champion-gate": {
            "Champion": {"ModelPackageGroup": "group"},
            "Predictions": {"Step": "Eval", "Output": "o"},
            "Rules": [{"Metric": "auc", "Must": "improve"}],
        },
        "x-drift-check": {
            "Data": {"Step": "Eval", "Output": "o"},
            "Baseline": "s3://b/baseline.json",
            "Rules": [{"Check": "records", "Min": 1}],
        },
    }[kind]
    return {"Name": "Judge", "Type": kind, **own, **more}


def scores() -> dict[str, Any]:
    step = evaluation()
    step["Arguments"] |= {"RoleArn": "arn", "AppSpecification": {"ImageUri": "image"}}
    return step


VERDICT = {"Get": "Steps.Judge.Verdict"}
GATE_STEPS = {"PromoteSteps": [call("P")], "RejectSteps": [call("R")], "InconclusiveSteps": [call("I")]}
DRIFT_STEPS = {"DriftSteps": [call("D")], "StableSteps": [call("S")]}


def verdict_in(table: dict[str, Any]) -> Any:
    return table["Judge"]["Properties"]["Verdict"]


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, "promote"),
        ({"Judge.promote": "If"}, "promote"),
        ({"Judge.reject": "If"}, "reject"),
        ({"Judge.promote": "Else"}, "reject"),
        ({"Judge.promote": "Else", "Judge.reject": "Else"}, "inconclusive"),
        ({"Own": "If"}, "inconclusive"),
    ],
)
def test_the_verdict_of_a_stub_leads_to_the_branches_that_are_taken(given: Any, verdict: str) -> None:
    own = gate("Own", compare("Equals", VERDICT, "inconclusive"), [], [])
    plan = plan_of(scores(), judged(**GATE_STEPS), own)
    table = made_up(plan, given)
    assert verdict_in(table) == verdict
    assert {name: table[name]["Outcome"] for name in ("Judge.promote", "Judge.reject", "Own")} == {
        "Judge.promote": verdict == "promote",
        "Judge.reject": verdict == "reject",
        "Own": verdict == "inconclusive",
    }


def test_a_drift_check_is_stable_unless_more_is_built_for_drift() -> None:
    assert verdict_in(made_up(plan_of(scores(), judged("x-drift-check", **DRIFT_STEPS)))) == "stable"
    more = {**DRIFT_STEPS, "DriftSteps": [call("D"), call("E")]}
    assert verdict_in(made_up(plan_of(scores(), judged("x-drift-check", **more)))) == "drift"
    fails = {**DRIFT_STEPS, "DriftSteps": [call("D"), fail("F")]}
    assert verdict_in(made_up(plan_of(scores(), judged("x-drift-check", **fails)))) == "stable"


def test_a_rejected_approval_goes_with_its_branch() -> None:
    asks = {"Name": "Ask", "Type": "x-approval", "Arguments": {"ModelPackageArn": "arn"}}
    condition = compare("Equals", {"Get": "Steps.Ask.Approved"}, True)
    plan = plan_of(asks, gate("Gate", condition, [call("A")], [call("B")]))
    assert made_up(plan)["Ask"]["Properties"] == {"Approved": True, "Decision": "Approved"}
    assert made_up(plan, {"Gate": "Else"})["Ask"]["Properties"] == {"Approved": False, "Decision": "Rejected"}


def test_every_verdict_has_a_run_of_its_own_if_all_branches_are_taken() -> None:
    plan = plan_of(scores(), judged(**GATE_STEPS))
    assert [verdict_in(made_up(plan, choice)) for choice in all_branches(plan)] == ["promote", "reject", "inconclusive"]


def test_drift_that_fails_the_step_has_no_run() -> None:
    own = gate("Own", compare("Equals", VERDICT, "drift"), [call("A")], [])
    plan = plan_of(scores(), judged("x-drift-check", FailOnDrift=True), own)
    assert all_branches(plan) == [{"Own": "Else"}]


@pytest.mark.parametrize(
    "given",
    [{"Judge.promote": "If", "Judge.reject": "If"}, {"Judge.promote": "If", "Own": "If"}],
)
def test_branches_for_different_verdicts_are_refused(given: Any) -> None:
    own = gate("Own", compare("Equals", VERDICT, "inconclusive"), [], [])
    plan = plan_of(scores(), judged(**GATE_STEPS), own)
    with pytest.raises(NoSuchChoice, match='no answer of "Judge" leads to'):
        chosen(plan, given)
    words = {name: branch.lower() for name, branch in given.items()}
    with pytest.raises(RunError, match='no answer of "Judge" leads to'):
        StubOptions("auto", words).choices(plan, {})


def test_a_verdict_beside_a_number_is_made_up_for_the_branch() -> None:
    both = [compare("Equals", VERDICT, "reject"), compare("GreaterThan", report("auc"), 0.5)]
    plan = plan_of(scores(), judged(), gate("Own", both, [call("A"), call("B")], [call("C")]))
    table = made_up(plan)
    assert (verdict_in(table), table["Eval"]["PropertyFiles"]["Report"]) == ("reject", {"auc": 1.5})
    assert chosen(plan, {"Own": "Else"}) == {"Own": "Else"}


@pytest.mark.parametrize(
    ("declared", "branch", "left"),
    [
        ({"Verdict": "reject", "Sentence": "worse"}, {}, {"Verdict": "reject", "Sentence": "worse"}),
        ({"Verdict": "reject", "Sentence": "worse"}, {"Judge.promote": "if"}, {"Verdict": "promote"}),
        ({"Verdict": "inconclusive"}, {"Judge.promote": "else"}, {"Verdict": "inconclusive"}),
        ({}, {"Judge.promote": "else"}, {"Verdict": "reject"}),
    ],
)
def test_a_declared_verdict_is_kept_where_it_leads_to_the_branch(declared: Any, branch: Any, left: Any) -> None:
    plan = plan_of(scores(), judged(**GATE_STEPS))
    options = StubOptions({"Judge": {"Properties": declared}}, branch)
    table = options.table(plan, options.choices(plan, {})[0], {}, {})
    assert table["Judge"]["Properties"] == left


def test_a_step_without_a_stub_judges_itself_whatever_the_branch() -> None:
    plan = plan_of(scores(), judged(**GATE_STEPS))
    options = StubOptions({"Eval": {}}, {"Judge.promote": "else"})
    assert "Judge" not in options.table(plan, options.choices(plan, {})[0], {}, {})


@pytest.mark.parametrize("properties", [{"Verdict": "promot"}, {"Verdict": True}, {"Verdict": "stable"}])
def test_a_verdict_that_there_is_not_is_refused(properties: Any) -> None:
    plan = plan_of(scores(), judged(**GATE_STEPS))
    with pytest.raises(ValueError, match="it is one of promote, reject, inconclusive"):
        read_table(plan, {"Judge": {"Properties": properties}})


def test_what_a_stub_may_answer_is_what_the_step_says() -> None:
    assert {kind: {one["Verdict"] for one in ANSWERS[kind]} for kind in VERDICT_KINDS} == {
        kind: set(VERDICT_KINDS[kind].verdicts) for kind in VERDICT_KINDS
    }


def test_a_report_that_two_conditions_read_fits_the_one_that_runs() -> None:
    path = report("verdict")
    inner = gate("Second", compare("Equals", path, "reject"), [call("R")], [call("I")])
    plan = plan_of(evaluation(), gate("First", compare("Equals", path, "promote"), [call("P")], [inner]))
    for given in ({"First": "If"}, {"First": "Else", "Second": "If"}, {"First": "Else", "Second": "Else"}):
        table = made_up(plan, given)
        running = ["First"] if given == {"First": "If"} else ["First", "Second"]
        assert all(outcome(plan, name, table) is (given[name] == "If") for name in running)


def test_a_rehearsal_registers_no_version_that_a_later_run_would_be_compared_with(tmp_path: Path) -> None:
    """Its model is made up; and no AWS is asked, which the tests of this folder could not reach."""
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": "churn",
            "ModelApprovalStatus": "Approved",
            "InferenceSpecification": {
                "Containers": [
                    {"Image": "image", "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}
                ],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        },
    }
    train = {"Name": "Train", "Type": "Training", "Arguments": {"RoleArn": "arn:aws:iam::123456789012:role/R"}}
    read = call("Tell", Arguments={"model": {"Get": "Steps.Register.ModelPackageArn"}})
    document = {"Version": "2020-12-01", "Steps": [train, register, read]}
    (done,) = rehearse(document, state_dir=tmp_path / "aws")
    assert {name: step.state for name, step in done.steps.items()} == dict.fromkeys(
        ("Train", "Register", "Tell"), "Succeeded"
    )
    assert not (tmp_path / "aws").exists()


TYPED = call(
    "Score",
    OutputParameters=[{"OutputName": name, "OutputType": name} for name in ("String", "Integer", "Float", "Boolean")],
)


def test_outputs_of_a_stub_have_their_declared_types_as_those_of_a_function() -> None:
    shown = fail("Show")
    values = [{"Get": f"Steps.Score.OutputParameters['{name}']"} for name in ("String", "Integer", "Float", "Boolean")]
    shown["Arguments"]["ErrorMessage"] = {"Std:Join": {"On": " ", "Values": values}}
    given = {"String": {"a": [1]}, "Integer": "3", "Float": 2, "Boolean": "TRUE"}
    stubs = {"Score": {"Properties": {"OutputParameters": given}}}
    run = run_pipeline({"Version": "2020-12-01", "Steps": [TYPED, shown]}, stubs=stubs, records="off")
    assert run.steps["Show"].error == '{"a": [1]} 3 2.0 true'


def test_an_output_of_a_stub_that_does_not_fit_its_type_is_refused() -> None:
    document = {"Version": "2020-12-01", "Steps": [TYPED]}
    for outputs, words in (
        ({"Integer": "many"}, 'wrong value: output parameter "Integer" is "many", which is not an Integer'),
        (["many"], "has a list as OutputParameters; write {name: value}"),
    ):
        stubs = {"Score": {"Properties": {"OutputParameters": outputs}}}
        with pytest.raises(ValueError, match=re.escape(words)):
            run_pipeline(document, stubs=stubs, records="off")


def shown(*values: str) -> dict[str, Any]:
    joined = {"Std:Join": {"On": " ", "Values": [{"Get": value} for value in values]}}
    return {"Name": "Show", "Type": "Fail", "Arguments": {"ErrorMessage": joined}}


def rehearsed(*steps: Any, **values: Any) -> Any:
    parameters = [
        {"Name": "Word", "Type": "String", "DefaultValue": "x"},
        {"Name": "N", "Type": "Integer", "DefaultValue": 3},
    ]
    document = {"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)}
    return run_pipeline(document, values, stubs={"*": {}}, records="off").steps


def test_a_stub_answers_with_the_rendered_arguments_of_an_emr_step() -> None:
    program = {"Jar": "x", "Args": ["--n", {"Get": "Parameters.N"}]}
    step = {
        "Name": "E",
        "Type": "EMR",
        "Arguments": {"ClusterId": "j-12345678", "StepConfig": {"HadoopJarStep": program}},
    }
    assert rehearsed(step, shown("Steps.E.Config.Args[1]", "Steps.E.ClusterId"))["Show"].error == "3 j-12345678"


def job() -> dict[str, Any]:
    document = {
        "Std:Join": {"Values": ['{"word": "', {"Get": "Parameters.Word"}, '", "n": ', {"Get": "Parameters.N"}, "}"]}
    }
    given = {
        "RoleArn": "arn:aws:iam::111122223333:role/R",
        "JobCategory": "DataTransformation",
        "JobConfigSchemaVersion": "1",
    }
    return {"Name": "J", "Type": "Job", "Arguments": {**given, "JobConfigDocument": document}}


def test_a_stub_answers_with_the_values_in_the_document_of_a_job() -> None:
    paths = ("Steps.J.JobConfigDocument.word", "Steps.J.JobConfigDocument.n")
    assert rehearsed(job(), shown(*paths), Word="é")["Show"].error == "é 3"


@pytest.mark.parametrize("word", ['say "no"', "back\\slash"])
def test_a_value_that_breaks_the_document_of_a_job_fails_the_step_before_any_call(word: str) -> None:
    error = rehearsed(job(), Word=word)["J"].error
    assert error.startswith('Step "J" at Arguments.JobConfigDocument: the text is not in valid JSON format')
    assert word not in error


def test_of_two_declarations_of_an_output_the_last_counts() -> None:
    twice = [{"OutputName": "n", "OutputType": kind} for kind in ("Integer", "String")]
    steps = rehearsed(call("A", OutputParameters=twice), shown("Steps.A.OutputParameters['n']"))
    assert steps["Show"].error == "stub-n"
