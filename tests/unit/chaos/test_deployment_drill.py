"""The plan of the deployment story, and what its comparison finds."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.plan import make_plan
from chaos import ledger
from chaos.deployments.agreement import Lane, Version, disagreements
from chaos.deployments.lanes import HERE, OUTCOMES, make_story

ONE, TWO = "arn:model-package/lane-1/1", "arn:model-package/lane-1/2"
LOSER = Version("arn:model-package/lane-1/3", "lane-1-02", "Rejected", "/")
GOOD = Lane(
    versions=(
        Version(ONE, "lane-1-00", "Approved", "Archived/Retired"),
        Version(TWO, "lane-1-01", "Approved", "Production/Approved"),
        LOSER,
    ),
    champion=TWO,
    history=(ONE, TWO),
    pointer=TWO,
    status="InService",
    serves=(TWO,),
    answer="0.5",
    expected="0.5",
)
OPERATIONS = ("InvokeEndpoint", "InvokeEndpointAsync", "UpdateEndpoint", "CreateEndpoint")
PROMOTED, REGISTERED = ["lane-1-00", "lane-1-01"], ["lane-1-00", "lane-1-01", "lane-1-02"]


def test_the_same_seed_gives_the_same_story_and_every_lane_begins_with_a_deployment() -> None:
    story = make_story(7, 20, 3)
    assert story == make_story(7, 20, 3) != make_story(8, 20, 3)
    assert (story.kills, len(story.runs)) == (20, 7)
    assert all(runs[0].case == "better" for runs in story.lanes.values())
    assert len({run.run_id for run in story.runs}) == 7


def test_every_point_of_a_deployment_is_killed_at_in_the_order_of_the_steps() -> None:
    runs = make_story(1, 300, 3).runs
    points = {(run.case, point.task) for run in runs for point in run.points}
    assert points == {(case, task) for case, outcome in OUTCOMES.items() for task in outcome.points}
    for run in runs:
        places = [OUTCOMES[run.case].points.index(point.task) for point in run.points]
        assert places == sorted(places)


def test_the_cases_name_steps_of_the_definition() -> None:
    tasks = {task.task_id for task in make_plan(load_pipeline(HERE / "lane.yaml")).tasks}
    assert all({*outcome.tasks, *outcome.points} <= tasks for outcome in OUTCOMES.values())


def test_a_lane_in_which_all_agree_gives_nothing() -> None:
    assert list(disagreements(GOOD, PROMOTED, REGISTERED)) == []
    nothing = Lane((LOSER,), "", (), "", "", (), "", "")
    assert list(disagreements(nothing, [], ["lane-1-02"])) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"champion": ONE}, "the champion"),
        ({"history": (ONE, TWO, TWO)}, "the history"),
        ({"history": (ONE,)}, "the history"),
        ({"pointer": ONE}, "champion.json"),
        ({"status": "Updating"}, "the endpoint's status"),
        ({"serves": (ONE,)}, "packages that the endpoint serves"),
        ({"serves": (TWO, ONE)}, "packages that the endpoint serves"),
        ({"answer": "0.1"}, "the endpoint's answer"),
        ({"versions": GOOD.versions[:2]}, "versions by run"),
        ({"versions": (*GOOD.versions, LOSER)}, "versions by run"),
        (
            {"versions": (GOOD.versions[1], replace(GOOD.versions[0], stage="Production/Approved"), LOSER)},
            "in production",
        ),
    ],
)
def test_whatever_differs_is_found(change: dict[str, Any], what: str) -> None:
    found = list(disagreements(replace(GOOD, **change), PROMOTED, REGISTERED))
    assert len(found) == 1
    assert what in found[0]


def test_a_run_that_was_not_to_promote_and_did_is_found() -> None:
    found = list(disagreements(GOOD, PROMOTED[:1], REGISTERED))
    assert [said.partition(":")[0] for said in found] == [
        "the champion",
        "versions in production",
        "the history",
        "champion.json",
        "packages that the endpoint serves",
    ]


def test_what_the_clients_ask_of_an_endpoint_has_no_injected_fault(tmp_path: Path) -> None:
    ledger.make_faults(tmp_path, 1, spare="InvokeEndpoint")
    rules = json.loads((tmp_path / "faults.json").read_text())["rules"]
    hit = {name: sum(bool(re.search(rule["operation"], name)) for rule in rules) for name in OPERATIONS}
    assert hit == {"InvokeEndpoint": 0, "InvokeEndpointAsync": 4, "UpdateEndpoint": 4, "CreateEndpoint": 5}
