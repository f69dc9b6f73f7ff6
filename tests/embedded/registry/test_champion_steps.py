"""The steps around a champion, on the embedded AWS."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from airflow_sagemaker_mlops import RunObserver, run_pipeline
from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.registry.champion import champion_of
from airflow_sagemaker_mlops.registry.change import Change, baseline_of
from airflow_sagemaker_mlops.registry.errors import ChampionChanged
from airflow_sagemaker_mlops.registry.history import History
from airflow_sagemaker_mlops.registry.promotion import promote

pytestmark = pytest.mark.e2e


class Place:
    """A group and a bucket of its own, and the definition of a pipeline that promotes what it registers."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws, self.group, self.bucket = aws, f"late-{uuid.uuid4().hex[:8]}", f"b{uuid.uuid4().hex}"
        aws.client("s3").create_bucket(Bucket=self.bucket)
        aws.client("s3").put_object(Bucket=self.bucket, Key="model.tar.gz", Body=b"model")
        self.history = History(aws.client("s3"), f"s3://{self.bucket}/history", self.group)

    @property
    def champion(self) -> Any:
        return champion_of(self.aws.client, self.group)

    @property
    def version(self) -> dict[str, Any]:
        container = {"Image": "i", "ModelDataUrl": f"s3://{self.bucket}/model.tar.gz"}
        types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
        return {
            "ModelPackageGroupName": self.group,
            "InferenceSpecification": {"Containers": [container], **types},
        }

    def register(self) -> str:
        with suppress(ClientError):
            self.aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=self.group)
        return str(self.aws.client("sagemaker").create_model_package(**self.version)["ModelPackageArn"])

    def promote(self, arn: str, run: str) -> Any:
        baseline = baseline_of(self.champion, self.history)
        change = Change(arn, baseline, run, {"dag_id": "other", "run_id": run})
        return promote(self.aws.client, self.history, change, print)

    def definition(self, *, may_be_missing: bool = True) -> dict[str, Any]:
        place = {"ModelPackageGroupName": self.group, "HistoryS3Uri": self.history.base}
        promotion = {
            **place,
            "ModelPackageArn": {"Get": "Steps.Register.ModelPackageArn"},
            "Baseline": {"Get": "Steps.Champion.Baseline"},
            "Sentence": {"Std:Join": {"On": "", "Values": ["read ", {"Get": "Steps.Champion.ModelDataUrl"}]}},
        }
        return {
            "Version": "2020-12-01",
            "Steps": [
                {
                    "Name": "Champion",
                    "Type": "x-champion",
                    "Arguments": {**place, "GroupMayBeMissing": may_be_missing},
                },
                {"Name": "Register", "Type": "RegisterModel", "Arguments": self.version, "DependsOn": ["Champion"]},
                {"Name": "Promote", "Type": "x-promote-champion", "Arguments": promotion},
            ],
        }

    def run(self, definition: dict[str, Any] | None = None, **how: Any) -> Any:
        return run_pipeline(
            definition or self.definition(),
            name=self.group,
            state_dir=self.aws.state_dir,
            records=f"s3://{self.bucket}/records",
            **how,
        )


@pytest.fixture
def place(aws: LocalAws) -> Place:
    return Place(aws)


def test_on_the_first_day_a_marker_stands_for_the_champion_and_the_next_day_the_champion_is_there(place: Place) -> None:
    first = place.run()
    first.raise_for_status()
    described = place.champion.described
    assert described["ApprovalDescription"] == f"read {place.history.folder}no-champion.json"
    marker = place.aws.client("s3").get_object(
        Bucket=place.bucket, Key=f"history/champions/{place.group}/no-champion.json"
    )
    assert json.loads(marker["Body"].read())["champion"] is None
    place.run().raise_for_status()
    assert (place.champion.number, place.champion.described["ApprovalDescription"]) == (
        2,
        f"read s3://{place.bucket}/model.tar.gz",
    )
    assert [entry.by["run_id"] for entry in place.history.entries([1])] == [first.run_id]
    card = place.champion.described["ModelCard"]
    content = json.loads(card["ModelCardContent"])
    assert (card["ModelCardStatus"], content["model_overview"]["model_artifact"]) == (
        "Draft",
        [f"s3://{place.bucket}/model.tar.gz"],
    )
    assert content["additional_information"]["custom_details"]["pipeline"] == place.group
    with pytest.raises(ClientError, match=r"extraneous key \[model_package_details\]"):
        place.aws.client("sagemaker").update_model_package(
            ModelPackageArn=place.champion.arn, ModelCard={"ModelCardContent": '{"model_package_details": {}}'}
        )


def test_what_drift_is_measured_against_is_that_of_the_champion_or_a_marker_for_none(place: Place) -> None:
    def read() -> Any:
        definition = place.definition()
        promotion = definition["Steps"][2]["Arguments"]
        promotion["Sentence"]["Std:Join"]["Values"] = [{"Get": "Steps.Champion.DriftBaseline"}]
        statistics = {"ContentType": "application/json", "S3Uri": f"s3://{place.bucket}/profile.json"}
        register = {**place.version, "DriftCheckBaselines": {"ModelDataQuality": {"Statistics": statistics}}}
        definition["Steps"][1]["Arguments"] = register
        place.run(definition).raise_for_status()
        return place.champion.described["ApprovalDescription"]

    folder = place.history.folder
    assert read() == f"{folder}no-champion.json"
    assert read() == f"s3://{place.bucket}/profile.json"
    without = place.promote(place.register(), "other").entry.model_package
    assert read() == f"{folder}no-baseline.json"
    marker = place.aws.client("s3").get_object(
        Bucket=place.bucket, Key=f"history/champions/{place.group}/no-baseline.json"
    )
    assert json.loads(marker["Body"].read())["champion"] == without


def test_a_group_or_a_model_that_is_not_there_is_named(place: Place) -> None:
    missing = place.run(place.definition(may_be_missing=False))
    assert f'There is no model package group "{place.group}" in this account and region. Create it' in missing.cause
    place.run().raise_for_status()
    place.aws.client("s3").delete_object(Bucket=place.bucket, Key="model.tar.gz")
    gone = place.run()
    assert (
        f'Version 1 of "{place.group}" is the champion, but its model s3://{place.bucket}/model.tar.gz is '
        "no longer there" in gone.cause
    )


def test_the_command_shows_the_champion_and_gives_the_place_back_with_a_reason(place: Place) -> None:
    def command(*words: str) -> tuple[int, str]:
        told = CliRunner().invoke(app, ["champion", *words, "--state-dir", str(place.aws.state_dir)])
        return told.exit_code, told.stdout

    place.aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=place.group)
    assert command("show", place.group) == (1, f"{place.group} has no champion: none of its versions is approved\n")
    for run in ("monday", "tuesday"):
        place.promote(place.register(), run)
    code, text = command("show", place.group, "--format", "json")
    shown = json.loads(text)
    assert (code, shown["version"], shown["change"]["by"]["run_id"]) == (0, 2, "tuesday")
    assert command("rollback", place.group, "--reason", "late answers", "--of", "1")[0] == 1
    code, text = command("rollback", place.group, "--reason", "late answers", "--of", "2")
    assert code == 0
    assert "version 1 is the champion again; version 2 is rejected" in text
    assert "update-endpoint" in text
    entries = json.loads(command("history", place.group, "--format", "json")[1])
    assert [(entry["kind"], entry["sentence"]) for entry in entries] == [
        ("rollback", "late answers"),
        ("promotion", ""),
        ("promotion", ""),
    ]
    assert command("rollback", place.group, "--reason", "again")[0] == 1
    assert command("rollback", place.group, "--reason", " ")[0] == 2


class Rival(RunObserver):
    """Promotes another version right after the champion was read."""

    def __init__(self, place: Place, times: int) -> None:
        self.place, self.times, self.runs = place, times, 0

    def step_changed(self, step: Any) -> None:
        if (step.name, step.state) == ("Champion", "Succeeded"):
            self.runs += 1
            if self.runs <= self.times:
                self.place.promote(self.place.register(), f"rival-{self.runs}")


def test_who_loses_compares_again_with_the_champion_of_the_day(place: Place) -> None:
    place.run().raise_for_status()
    rival = Rival(place, 1)
    result = place.run(observer=rival)
    result.raise_for_status()
    assert rival.runs == 2
    kinds = [(entry.number, entry.by["run_id"]) for entry in place.history.entries()]
    assert kinds[0] == (3, result.run_id)
    assert kinds[1] == (2, "rival-1")
    assert place.history.read(3).baseline.startswith("2:")  # type: ignore[union-attr]


def test_who_loses_too_often_gives_up_and_learns_who_won(place: Place) -> None:
    place.run().raise_for_status()
    rival = Rival(place, 9)
    result = place.run(observer=rival, compare_again=1)
    assert (result.status, rival.runs) == ("Failed", 2)
    assert "changed since the comparison" in result.cause
    assert "run rival-2 of other promoted version" in result.cause


def test_of_promotions_at_a_time_on_one_baseline_s3_lets_one_through(place: Place) -> None:
    place.run().raise_for_status()
    baseline = baseline_of(place.champion, place.history)
    arns = [place.register() for _ in range(8)]

    def one(arn: str) -> bool:
        try:
            promote(place.aws.client, place.history, Change(arn, baseline, arn, {"user": arn}), lambda _: None)
        except ChampionChanged:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(one, arns))
    assert won.count(True) == 1
    assert place.history.numbers() == [1, 2]
    assert place.champion.arn == arns[won.index(True)]
