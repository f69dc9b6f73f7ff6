"""The story of the late flights: its data, its scripts, and two of its days."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.steps.requests import request_problems

FOLDER = Path(__file__).parents[3] / "dags" / "late_flights"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (FOLDER, FOLDER / "scripts"):
        monkeypatch.syspath_prepend(str(folder))


def test_every_request_of_the_definition_fits_the_api() -> None:
    assert list(request_problems(load_pipeline(FOLDER / "definition.yaml"))) == []


def test_a_day_has_the_flights_that_left_on_it() -> None:
    import data

    days = dict(itertools.islice(data.days("2013-01-02"), 3))
    flights = list(csv.DictReader(io.StringIO(days["2013-01-01"])))
    # 842 flights are in the table for the first of January, 4 of them without a departure: cancelled
    assert len(flights) == 838
    assert len({flight["id"] for flight in flights}) == 838
    assert list(days) == ["2013-01-01", "2013-01-02"]
    first = next(flight for flight in flights if flight["id"] == "0101-UA1545-EWR-IAH")
    assert (first["hour"], first["late"], first["weekday"]) == ("5", "0", "1")  # left 2 minutes late, on a Tuesday


def test_windows_lie_before_the_day_and_do_not_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import process

    days = tmp_path / "input" / "days"
    days.mkdir(parents=True)
    columns = ["id", "late", *process.COLUMNS]
    for day in range(1, 8):
        values = [f"d{day}", "1", *("AA" if name in ("carrier", "origin", "dest") else "1" for name in process.COLUMNS)]
        (days / f"2013-01-0{day}.csv").write_text(f"{','.join(columns)}\n{','.join(values)}\n", encoding="utf-8")
    (tmp_path / "input" / "reference").mkdir()
    (tmp_path / "input" / "reference" / "codes.json").write_text(
        '{"carrier": {"AA": 0}, "origin": {}, "dest": {"AA": 7}}'
    )
    monkeypatch.setattr(process, "BASE", tmp_path)
    for name, value in (("DAY", "2013-01-08"), ("TRAINING_DAYS", "4"), ("TEST_DAYS", "2")):
        monkeypatch.setenv(name, value)
    process.main()

    def written(name: str) -> list[list[str]]:
        return list(csv.reader((tmp_path / "output" / name).read_text("utf-8").splitlines()))

    assert [row[0] for row in written("baseline/baseline.csv")] == ["id", "d2", "d3", "d4", "d5"]
    assert [row[0] for row in written("test/test.csv")] == ["id", "d6", "d7"]
    assert [row[0] for row in written("day/day.csv")] == ["id", "d7"]
    trained = written("train/train.csv")
    assert len(trained) == 4
    assert trained[0] == ["1", "1", "1", "0", "", "7", *["1"] * 7]  # an unknown airport is a missing value
    monkeypatch.setenv("TRAINING_DAYS", "6")
    with pytest.raises(SystemExit, match="there are no flights of 2012-12-31"):
        process.main()


@pytest.mark.e2e
def test_the_first_model_is_deployed_a_blizzard_stops_the_run_and_a_model_that_is_not_better_is_rejected(
    aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import demo
    import publish

    monkeypatch.setattr(demo, "OUT", tmp_path)
    publish.publish(aws.client, aws.bucket, aws.role_arn)
    first, blizzard, worse = demo.DAYS[0], demo.DAYS[2], demo.DAYS[4]
    report = demo.report_of(demo.run_day(first, aws.state_dir))
    assert report is not None
    assert report.verdict == "promote"
    stopped = demo.run_day(blizzard, aws.state_dir)
    assert (demo.failed_step(stopped), stopped.steps["TrainModel"].state) == ("Drift", "NotStarted")
    report = demo.report_of(stopped)
    # flights of the day with a departure, and those of the first week of January, which the champion was trained on
    assert (report.verdict, report.records, report.baseline_records) == ("drift", 458, 6064)
    report = demo.report_of(demo.run_day(worse, aws.state_dir))
    assert report is not None
    # Against the model of the first week of January, which the story's champion has replaced by then.  The difference
    # and half its interval are from rank sums and the covariance of placements by numpy and scipy alone.
    assert report.verdict == "inconclusive"
    auc = report.rules[0]
    assert auc.difference == pytest.approx(-0.0109, abs=0.0005)
    assert auc.interval == pytest.approx((-0.0295, 0.0077), abs=0.001)
    client = aws.client("sagemaker")
    packages = client.list_model_packages(ModelPackageGroupName="late-flights", SortBy="CreationTime")
    states = [package["ModelApprovalStatus"] for package in packages["ModelPackageSummaryList"]]
    assert states == ["Rejected", "Approved"]
    assert client.describe_endpoint(EndpointName="late-flights")["EndpointStatus"] == "InService"
