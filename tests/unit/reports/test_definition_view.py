"""A definition as a picture."""

from __future__ import annotations

import json

from index_examples import HOSTILE

from airflow_sagemaker_mlops.reports.definition_view import MAX_STEPS, DefinedStep, definition_view, words_of
from airflow_sagemaker_mlops.reports.graph_layout import layered, without_shortcuts

GATE = DefinedStep(
    "IsBetter",
    "x-champion-gate",
    after={"Evaluate": ""},
    settings={
        "Rules": [
            {"Metric": "auc", "Must": "improve", "By": {"Get": "Parameters.Margin"}},
            {"Metric": "log_loss", "Must": "not_worsen", "By": "1%"},
            {"Metric": "auc", "Slice": "origin", "Must": "not_worsen", "By": 0.05, "MinRecords": 200},
            {"Metric": "auc", "Floor": 0.6, "AlarmAbove": 0.98},
        ]
    },
)
STORY = [
    DefinedStep("Evaluate", "Processing"),
    GATE,
    DefinedStep("IsBetter.promote", "Condition", after={"IsBetter": ""}),
    DefinedStep("IsBetter.reject", "Condition", after={"IsBetter.promote": "Else", "IsBetter": ""}),
    DefinedStep("Register", "RegisterModel", after={"IsBetter.promote": "If", "IsBetter": ""}),
    DefinedStep("Deploy", "Endpoint", after={"Register": "", "IsBetter.promote": "If"}),
    DefinedStep("Note", "RegisterModel", after={"IsBetter.reject": "If"}),
    DefinedStep("Ask", "x-approval", after={"IsBetter.reject": "Else"}),
    DefinedStep("pipeline.status", "Status", after={"Deploy": "", "Note": "", "Ask": ""}),
]


def edges_of(steps: list[DefinedStep]) -> dict[tuple[str, str], str]:
    return {(edge["source"], edge["target"]): edge["label"] for edge in definition_view(steps)["edges"]}


def test_the_branches_of_a_verdict_leave_the_step_that_gives_it() -> None:
    assert edges_of(STORY) == {
        ("Evaluate", "IsBetter"): "",
        ("IsBetter", "Register"): "promote",
        ("Register", "Deploy"): "",
        ("IsBetter", "Note"): "reject",
        ("IsBetter", "Ask"): "inconclusive",
    }


def test_the_rules_of_a_gate_are_said_in_words() -> None:
    assert words_of(GATE) == [
        "AUC must improve by more than Margin",
        "log loss may be worse by less than 1%",
        "AUC may be worse by less than 0.05, for each origin, from 200 records",
        "AUC at least 0.6, alarm above 0.98",
    ]


def test_the_rules_of_a_drift_check_are_said_in_words() -> None:
    rules = [{"Check": "psi", "Columns": ["hour"], "Max": 0.25}, {"Check": "records", "Min": 500}, {"Check": "schema"}]
    step = DefinedStep("Drift", "x-drift-check", settings={"Rules": rules})
    assert words_of(step) == ["psi of hour at most 0.25", "records at least 500", "schema"]


def test_a_condition_keeps_its_words_and_its_branches() -> None:
    steps = [
        DefinedStep("IsGood", "Condition", decides="$.auc of Evaluate >= 0.75"),
        DefinedStep("Register", "RegisterModel", after={"IsGood": "If"}),
        DefinedStep("Stop", "Fail", after={"IsGood": "Else"}),
    ]
    view = definition_view(steps)
    assert view["nodes"][0]["words"] == ["$.auc of Evaluate >= 0.75"]
    assert edges_of(steps) == {("IsGood", "Register"): "If", ("IsGood", "Stop"): "Else"}


def test_a_run_condition_is_passed_through() -> None:
    steps = [
        DefinedStep("Train", "Training"),
        DefinedStep("Clean.when", "RunCondition", after={"Train": "on Failed"}),
        DefinedStep("Clean", "Processing", after={"Clean.when": ""}),
    ]
    assert edges_of(steps) == {("Train", "Clean"): "on Failed"}


def test_every_step_stands_below_what_it_waits_for() -> None:
    view = definition_view(STORY)
    layer = {node["id"]: node["y"] for node in view["nodes"]}
    assert all(layer[edge["source"]] < layer[edge["target"]] for edge in view["edges"])
    assert len({(node["x"], node["y"]) for node in view["nodes"]}) == len(view["nodes"])


def test_an_edge_that_a_path_implies_is_not_drawn() -> None:
    assert without_shortcuts("abc", {("a", "b"): "", ("b", "c"): "", ("a", "c"): ""}) == {
        ("a", "b"): "",
        ("b", "c"): "",
    }


def test_a_circle_ends() -> None:
    places = layered(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "b")])
    assert set(places) == {"a", "b", "c"}


def test_a_thousand_steps_and_hostile_text_are_bounded() -> None:
    steps = [
        DefinedStep(
            f"s{n}",
            HOSTILE,
            title=HOSTILE,
            about=HOSTILE,
            decides=HOSTILE,
            after={f"s{n - 1}": HOSTILE},
            settings={"Rules": 3, "Arguments": [], "Parameters": {HOSTILE: 1}},
        )
        for n in range(1_000)
    ]
    view = definition_view(steps)
    assert (len(view["nodes"]), view["cut"]["steps"]) == (MAX_STEPS, 1_000 - MAX_STEPS)
    assert "\\u001b" not in json.dumps(view)
