"""What a drill does, from its seed: the same seed, runs and kills give the same plan.

The machine decides the exact moments; the plan decides what is run, what is killed after which run, and what users do.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .pipelines import CASES, LONG, SLOW, WAYS_IN, Case

Deed = Literal["clear", "fail_task", "fail_run"]
# How often each is killed: what runs steps most, what has no stub least.
TARGETS = {
    "worker-1": 4,
    "worker-2": 4,
    "triggerer-1": 4,
    "triggerer-2": 4,
    "scheduler": 3,
    "api-server": 3,
    "aws": 4,
}
# What may be away for long, with everything that stands in for it.
OUTAGES: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "database": ("postgres",),
    "broker": ("redis",),
    "triggerers": ("triggerer-1", "triggerer-2"),
}
SHARE_OF_USERS = 0.1
LONGEST_PAUSE_S = 6.0


@dataclass(frozen=True, slots=True)
class Action:
    """What a user does to a run by hand, ``after_s`` seconds after ``task_id`` was first seen under way."""

    deed: Deed
    task_id: str
    after_s: float


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One DAG run; ``actions`` are done in their order."""

    run_id: str
    dag_id: str
    case: Case
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL to ``target`` and its children, ``pause_s`` after so many runs have been started."""

    after_runs: int
    pause_s: float
    target: str


@dataclass(frozen=True, slots=True)
class Outage:
    """``parts`` are away together for so many seconds, once half of the runs have started; 0 for no outage."""

    parts: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Runs in the order they start, kills in the order they come."""

    seed: int
    runs: tuple[PlannedRun, ...]
    kills: tuple[Kill, ...]


def make_plan(seed: int, runs: int, kills: int) -> Plan:
    """The plan of ``seed``; every pipeline comes up in both ways in as often as any other, give or take one."""
    chance = random.Random(f"{seed}/{runs}/{kills}")
    by_hand = max(1, round(runs * SHARE_OF_USERS)) if runs > 1 else 0
    ways = [(case, way_in) for case in CASES for way_in in WAYS_IN]
    chance.shuffle(ways)
    picked: list[tuple[Case, str, tuple[Action, ...]]] = [(*ways[i % len(ways)], ()) for i in range(runs - by_hand)]
    picked += [_by_hand(chance, index) for index in range(by_hand)]
    chance.shuffle(picked)
    planned = tuple(
        PlannedRun(f"chaos-{index:04}", case.dag_id(way_in), case, actions)
        for index, (case, way_in, actions) in enumerate(picked)
    )
    return Plan(seed, planned, tuple(_kills(chance, runs, kills)))


def _by_hand(chance: random.Random, index: int) -> tuple[Case, str, tuple[Action, ...]]:
    clear = Action("clear", "Slow", chance.uniform(1, 8))
    deeds: tuple[tuple[Case, tuple[Action, ...]], ...] = (
        (SLOW, (clear,)),
        (LONG, (Action("fail_task", "Long", chance.uniform(1, 10)),)),
        (LONG, (Action("fail_run", "Long", chance.uniform(1, 10)),)),
        (
            LONG,
            (Action("clear", "Long", chance.uniform(1, 8)), Action("fail_task", "Long", chance.uniform(10, 20))),
        ),
    )
    case, actions = deeds[index % len(deeds)]
    return case, chance.choice(WAYS_IN), actions


def _kills(chance: random.Random, runs: int, kills: int) -> Sequence[Kill]:
    moments = sorted(chance.randint(1, runs) for _ in range(kills)) if runs else []
    names, weights = list(TARGETS), list(TARGETS.values())
    return [
        Kill(moment, round(chance.uniform(0, LONGEST_PAUSE_S), 2), chance.choices(names, weights)[0])
        for moment in moments
    ]
