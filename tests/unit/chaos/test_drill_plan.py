"""The plan of a fault drill: the runs, kills and faults that a seed gives."""

from __future__ import annotations

from collections import Counter

from chaos.pipelines import CASES, LONG, SLOW, WAYS_IN
from chaos.plan import TARGETS, make_plan


def test_the_same_seed_gives_the_same_plan() -> None:
    assert make_plan(7, 50, 20) == make_plan(7, 50, 20)
    assert make_plan(7, 50, 20) != make_plan(8, 50, 20)


def test_every_pipeline_comes_up_in_both_ways_in() -> None:
    runs = make_plan(1, 50, 0).runs
    times = Counter(run.dag_id for run in runs if not run.actions)
    assert set(times) == {case.dag_id(way_in) for case in CASES for way_in in WAYS_IN}
    assert len({run.run_id for run in runs}) == 50


def test_users_step_in_in_a_tenth_of_the_runs_and_only_where_a_step_is_long_enough() -> None:
    by_hand = [run for run in make_plan(1, 200, 0).runs if run.actions]
    assert len(by_hand) == 20
    assert {run.case.name for run in by_hand} == {SLOW.name, LONG.name}
    assert {action.deed for run in by_hand for action in run.actions} == {"clear", "fail_task", "fail_run"}


def test_kills_come_in_the_order_of_runs_and_hit_every_part() -> None:
    kills = make_plan(1, 200, 100).kills
    assert len(kills) == 100
    assert [kill.after_runs for kill in kills] == sorted(kill.after_runs for kill in kills)
    assert {kill.target for kill in kills} == set(TARGETS)
    assert all(1 <= kill.after_runs <= 200 for kill in kills)


def test_a_drill_of_one_run_is_a_plan_too() -> None:
    assert len(make_plan(1, 1, 2).runs) == 1
    assert make_plan(1, 0, 5).kills == ()
