"""What the deployment story runs, from its seed, and where its pipelines find what they read.

A lane is a model package group with an endpoint and a history.  Its runs follow one another, as from day to day; the
lanes go on beside each other, so that a kill at a chosen point of one run hits another one anywhere.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from airflow_sagemaker_mlops.local_aws import LocalAws

from ..pipelines import WAYS_IN

HERE = Path(__file__).parent
Target = Literal["worker", "triggerer"]

DAG_FILE = """
from airflow_sagemaker_mlops import SageMakerPipelineDag

for way_in in {ways}:
    SageMakerPipelineDag("deployment-" + way_in, definition="lane.yaml", poll_interval_s=1, start_in=way_in)
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The correct end of a case.

    state       of the DAG run
    tasks       {task: state}, of those that tell the cases apart
    points      tasks during which a process may be killed, in their order
    promotes    whether the run's version is the champion then
    """

    state: str
    tasks: Mapping[str, str]
    points: tuple[str, ...]
    promotes: bool = False


BEFORE = ("Champion", "Score", "IsBetter", "Register", "Model", "CanServe")
OUTCOMES: Mapping[str, Outcome] = {
    "better": Outcome(
        "success",
        {"Promote": "success", "RegisterRejected": "skipped"},
        # An update takes longest, and has the most states that a restart can meet.
        (*BEFORE, "Config", "Deploy", "Deploy", "Deploy", "Serves", "Promote", "Promote"),
        promotes=True,
    ),
    "worse": Outcome(
        "success",
        {"RegisterRejected": "success", "Promote": "skipped", "Deploy": "skipped"},
        ("Champion", "Score", "IsBetter", "RegisterRejected"),
    ),
    "unservable": Outcome(
        "failed",
        {"CanServe": "failed", "Deploy": "upstream_failed", "Promote": "upstream_failed"},
        BEFORE,
    ),
    "rolled-back": Outcome(
        "failed",
        {"Deploy": "failed", "Serves": "upstream_failed", "Promote": "upstream_failed"},
        (*BEFORE, "Config", "Deploy", "Deploy", "Deploy"),
    ),
}
WEIGHTS = {"better": 2, "worse": 1, "unservable": 1, "rolled-back": 2}
KILLS_A_RUN = 3
LONGEST_PAUSE_S = {"Deploy": 9.0, "CanServe": 4.0, "IsBetter": 4.0, "Score": 3.0}  # others end soon, in a worker


@dataclass(frozen=True, slots=True)
class Point:
    """SIGKILL to all ``target`` processes, ``pause_s`` after ``task`` was first seen under way."""

    task: str
    pause_s: float
    target: Target


@dataclass(frozen=True, slots=True)
class LaneRun:
    """A run of a lane, and where processes are killed during it, in this order."""

    lane: str
    run_id: str
    way_in: str
    case: str
    points: tuple[Point, ...]

    @property
    def dag_id(self) -> str:
        """The DAG whose steps start in ``way_in``."""
        return f"deployment-{self.way_in}"


@dataclass(frozen=True, slots=True)
class Story:
    """The runs of all lanes."""

    seed: int
    lanes: Mapping[str, tuple[LaneRun, ...]]

    @property
    def runs(self) -> tuple[LaneRun, ...]:
        """All runs."""
        return tuple(run for runs in self.lanes.values() for run in runs)

    @property
    def kills(self) -> int:
        """Number of planned kills."""
        return sum(len(run.points) for run in self.runs)


def make_story(seed: int, kills: int, lanes: int) -> Story:
    """The story of ``seed``; the first run of each lane deploys, so that the others have something to lose."""
    chance = random.Random(f"{seed}/{kills}/{lanes}")
    runs: dict[str, list[LaneRun]] = {f"lane-{number}": [] for number in range(1, lanes + 1)}
    left: dict[str, list[int]] = {case: [] for case in OUTCOMES}
    planned = 0
    while planned < kills:
        lane = min(runs, key=lambda name: len(runs[name]))
        case = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0] if runs[lane] else "better"
        points = _points(chance, case, left[case], min(KILLS_A_RUN, kills - planned))
        runs[lane].append(LaneRun(lane, f"{lane}-{len(runs[lane]):02}", chance.choice(WAYS_IN), case, points))
        planned += len(points)
    return Story(seed, {name: tuple(made) for name, made in runs.items()})


def _points(chance: random.Random, case: str, left: list[int], count: int) -> tuple[Point, ...]:
    """So many points of ``case``; each comes up once before any comes up again.

    left   indexes of the points that have not come up yet; changed
    """
    tasks = OUTCOMES[case].points
    picked: list[int] = []
    while len(picked) < count:
        if not left:
            left += chance.sample(range(len(tasks)), len(tasks))
        picked.append(left.pop())
    targets: tuple[Target, ...] = ("worker", "triggerer")
    return tuple(
        Point(tasks[index], round(chance.uniform(0, LONGEST_PAUSE_S.get(tasks[index], 1.5)), 2), chance.choice(targets))
        for index in sorted(picked)
    )


def publish(aws: LocalAws, dags: Path) -> list[str]:
    """Put the definition, the job's code, the records and the alarms where the runs find them; the ids of the DAGs."""
    s3, cloudwatch = aws.client("s3"), aws.client("cloudwatch")
    s3.put_object(Bucket=aws.bucket, Key="code/score.py", Body=(HERE / "score.py").read_bytes())
    s3.put_object(Bucket=aws.bucket, Key="samples/records.csv", Body=b"1,2\n3,4\n")
    for case in OUTCOMES:
        cloudwatch.put_metric_alarm(
            AlarmName=f"alarm-{case}",
            Namespace="chaos",
            MetricName=case,
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )
        state = "ALARM" if case == "rolled-back" else "OK"
        cloudwatch.set_alarm_state(AlarmName=f"alarm-{case}", StateValue=state, StateReason="the story says so")
    (dags / "lane.yaml").write_text((HERE / "lane.yaml").read_text())
    (dags / "deployments.py").write_text(DAG_FILE.format(ways=WAYS_IN))
    return [f"deployment-{way_in}" for way_in in WAYS_IN]


def conf(aws: LocalAws, run: LaneRun) -> dict[str, str]:
    """The parameters of ``run``."""
    return {"Bucket": aws.bucket, "RoleArn": aws.role_arn, "Lane": run.lane, "Run": run.run_id, "Case": run.case}
