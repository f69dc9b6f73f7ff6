"""Selective execution: expected values follow docs/language/selective-execution.md."""

from __future__ import annotations

import pytest
from test_plan import condition, plan_of, train

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.selection import InvalidSelection, Selection, select, select_unfinished

CHAIN = plan_of(train("Load"), train("Train", "Load"), train("Check", "Train"), train("Tell", "Check"), train("Aside"))
CHOICE = plan_of(
    train("Load"),
    condition("Which", [train("Good", "Load")], [train("Poor")], "Load"),
    train("After", "Good"),
    train("Other"),
    train("Both", "Other", "After"),
)


@pytest.mark.parametrize(
    ("patterns", "selected", "reused"),
    [
        (["Load"], "Load", ""),
        (["Train"], "Train", "Load"),
        (["+Train"], "Load Train", ""),
        (["Train+"], "Train Check Tell", "Load"),
        (["+Check+"], "Load Train Check Tell", ""),
        (["T*", "Check"], "Train Check Tell", "Load"),
        (["?rain", "Aside"], "Train Aside", "Load"),
        (["*"], "Load Train Check Tell Aside", ""),
    ],
)
def test_patterns_select_steps_and_reuse_what_is_upstream(patterns: list[str], selected: str, reused: str) -> None:
    chosen = select(CHAIN, patterns)
    assert (" ".join(chosen.selected), " ".join(chosen.reused)) == (selected, reused)
    assert {*chosen.selected, *chosen.reused, *chosen.not_selected} == {"Load", "Train", "Check", "Tell", "Aside"}


def test_every_step_has_one_part() -> None:
    chosen = select(CHAIN, ["Train"])
    assert [chosen.role_of(step) for step in ("Load", "Train", "Check", "Aside")] == [
        "reused",
        "selected",
        "not selected",
        "not selected",
    ]


def test_a_selection_with_a_gap_is_refused_and_names_the_missing_steps() -> None:
    with pytest.raises(InvalidSelection) as caught:
        select(CHAIN, ["Load", "Tell"])
    assert str(caught.value) == (
        "definition cannot be run selectively as requested: 1 problem, nothing was started.\n"
        "  definition  select  [SM406] Train, Check are between selected steps but not selected.\n"
        "      Select Train, Check as well."
    )


def test_a_misspelt_step_is_refused_with_the_right_name() -> None:
    with pytest.raises(InvalidSelection) as caught:
        select(CHAIN, ["Train", "Chek+", "X*"])
    first, second = caught.value.problems
    assert (first.code, first.where, first.what) == ("SM405", "select[1]", 'no step is called "Chek".')
    assert first.fix == 'Did you mean "Check"?'
    assert second.what == 'no step matches "X*".'


def test_nothing_at_all_is_no_selection() -> None:
    with pytest.raises(InvalidSelection, match="no step is selected"):
        select(CHAIN, [])


def test_steps_of_a_branch_may_be_selected_and_their_condition_is_reused() -> None:
    assert select(CHOICE, ["Good"]) == Selection(("Good",), ("Load", "Which"), ("Poor", "After", "Other", "Both"))


def test_a_step_of_a_loop_is_selected_with_its_loop() -> None:
    arguments = {"IterableItems": [1], "MaxConcurrency": 1, "ForEachBody": [train("Inner")]}
    loop = {"Name": "Loop", "Type": "ForEach", "Arguments": arguments}
    with pytest.raises(InvalidSelection) as caught:
        select(make_plan(load_pipeline({"Version": "2020-12-01", "Steps": [loop]})), ["Inner+"])
    assert caught.value.problems[0].fix == 'Select "Loop+".'


def test_resuming_runs_what_did_not_succeed_and_all_that_is_behind_it() -> None:
    statuses = {"Load": "Succeeded", "Train": "Failed", "Check": "NotStarted", "Tell": "NotStarted"}
    chosen = select_unfinished(CHAIN, {**statuses, "Aside": "Succeeded"})
    assert chosen == Selection(("Train", "Check", "Tell"), ("Load",), ("Aside",))


def test_resuming_keeps_a_decision_that_was_made() -> None:
    statuses = {"Load": "Succeeded", "Which": "Succeeded", "Good": "NotTaken", "Poor": "Succeeded", "Other": "Failed"}
    chosen = select_unfinished(CHOICE, {**statuses, "After": "NotTaken", "Both": "NotStarted"})
    assert chosen.selected == ("Other",)
    assert chosen.not_selected == ("Load", "Which", "Good", "Poor", "After", "Both")


def test_a_decision_that_is_made_again_may_take_the_other_branch() -> None:
    statuses = {"Load": "Succeeded", "Which": "Failed", "Other": "Succeeded", "Good": "NotStarted"}
    chosen = select_unfinished(CHOICE, {**statuses, "Poor": "NotTaken", "After": "NotStarted", "Both": "NotStarted"})
    assert set(chosen.selected) == {"Which", "Good", "Poor", "After", "Both"}
    assert set(chosen.reused) == {"Load", "Other"}


def test_resuming_a_run_of_a_part_continues_with_that_part() -> None:
    statuses = {"Load": "Succeeded", "Train": "Failed", "Check": "NotStarted", "Tell": "NotSelected"}
    chosen = select_unfinished(CHAIN, {**statuses, "Aside": "NotSelected"})
    assert chosen == Selection(("Train", "Check"), ("Load",), ("Tell", "Aside"))


def test_a_run_in_which_all_succeeded_cannot_be_resumed() -> None:
    with pytest.raises(InvalidSelection, match="SM409"):
        select_unfinished(CHAIN, dict.fromkeys(("Load", "Train", "Check", "Tell", "Aside"), "Succeeded"))
