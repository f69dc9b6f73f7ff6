"""Ctrl-C and SIGTERM in ``deploy`` and ``rollback``, and two of them at the same moment, on an account in memory."""

from __future__ import annotations

import errno
import os
import re
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fake_account import FakeAccount
from fake_registry import ARN, GROUP, refused

from airflow_sagemaker_mlops.cli.deploy import Account, run_deploy, run_rollback
from airflow_sagemaker_mlops.cli.signals import Interrupted, interruptible
from airflow_sagemaker_mlops.cli.stages import StageChoice
from airflow_sagemaker_mlops.registry.champion import Client, champion_of
from airflow_sagemaker_mlops.registry.change import Change, baseline_of
from airflow_sagemaker_mlops.registry.history import History
from airflow_sagemaker_mlops.registry.promotion import promote
from airflow_sagemaker_mlops.releases.bundle import build_bundle
from airflow_sagemaker_mlops.releases.release import Author, deploy, target_of
from airflow_sagemaker_mlops.stages.find import stage_named

CONFIG = f"""
project: late
model_package_group: {GROUP}
champions: s3://ml-prod/history
endpoint: late
releases: s3://ml-prod/releases
dags: s3://mwaa-prod/dags
pipelines: {{late: {{definition: dags/late.yaml}}}}
"""
PLACE = ("mwaa-prod", "dags/late.zip")
COMPONENTS = "components"  # an endpoint configuration for inference components, which name the models themselves
FIRST = "PutObject releases/late/stages/prod/000001.json"


@dataclass
class Hosting(FakeAccount):
    """An account with an endpoint whose configuration ``v3`` serves version 3 of the group."""

    serves: str = ""
    updates: list[str] = field(default_factory=list)

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        if not self.serves:
            raise refused("ValidationException", f'Could not find endpoint "{EndpointName}".')
        return {"EndpointName": EndpointName, "EndpointStatus": "InService", "EndpointConfigName": self.serves}

    def list_endpoint_configs(self, **_: Any) -> dict[str, Any]:
        return {"EndpointConfigs": [{"EndpointConfigName": name} for name in ("v3", "v2", "v1")]}

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        variant = {"VariantName": "AllTraffic"}
        if EndpointConfigName != COMPONENTS:
            variant["ModelName"] = EndpointConfigName
        return {"ProductionVariants": [variant]}

    def describe_model(self, ModelName: str) -> dict[str, Any]:
        container = {"Image": "i", "ModelDataUrl": f"s3://bucket/models/{ModelName[1:]}/model.tar.gz"}
        return {"PrimaryContainer": container}

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str) -> dict[str, Any]:
        self.updates.append(EndpointConfigName)
        return {}


@dataclass(frozen=True)
class InMemory(Account):
    aws: Hosting = field(default_factory=Hosting)

    def clients(self, region: str | None) -> Client:
        return self.aws.client


class Desk:
    """The commands in a project of one pipeline."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.account = folder, InMemory()
        self.aws = self.account.aws
        for name in ("config", "dags"):
            (folder / name).mkdir()
        (folder / "config" / "prod.yaml").write_text(CONFIG)
        (folder / "dags" / "late.py").write_text("from airflow_sagemaker_mlops import SageMakerPipelineDag\n")
        self.change("first")

    def change(self, message: str) -> None:
        step = f"{{Name: Stop, Type: Fail, Arguments: {{ErrorMessage: {message}}}}}"
        (self.folder / "dags" / "late.yaml").write_text(f'Version: "2020-12-01"\nSteps: [{step}]\n')

    def deploy(self, *, dry_run: bool = False) -> int:
        return run_deploy(StageChoice("prod", project=self.folder), self.account, dry_run=dry_run, output="text")

    def roll_back(self, *, dry_run: bool = False, keep_champion: bool = False) -> int:
        choice, how = StageChoice("prod", project=self.folder), {"dry_run": dry_run, "keep_champion": keep_champion}
        return run_rollback(choice, self.account, output="text", reason="worse", **how)

    def at(self, operation: str, number: int = signal.SIGINT) -> None:
        """Send a signal once, before the operation is carried out."""

        def before(name: str) -> None:
            if name.startswith(operation):
                self.aws.before = lambda _: None
                signal.raise_signal(number)

        self.aws.before = before


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("operation", ["GetCallerIdentity", "PutObject releases/late/bundles", FIRST])
def test_ctrl_c_before_the_decision_changes_nothing(
    desk: Desk, operation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.at(operation)
    assert desk.deploy() == 130
    assert capsys.readouterr().err.endswith("Ctrl-C: nothing was changed.\n")
    assert PLACE not in desk.aws.objects
    assert desk.deploy() == 0
    assert PLACE in desk.aws.objects


def test_ctrl_c_after_the_decision_names_it_and_the_same_command_completes_it(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.at(f"PutObject {PLACE[1]}", signal.SIGTERM)
    assert desk.deploy() == 143
    said = capsys.readouterr().err
    assert said.endswith("SIGTERM: deployment 1 is recorded and not complete. The same command completes it.\n")
    assert PLACE not in desk.aws.objects
    assert desk.deploy() == 0
    assert "has this bundle: none was made." in capsys.readouterr().out
    assert PLACE in desk.aws.objects


def test_what_an_earlier_interruption_left_is_named_again(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.at(f"PutObject {PLACE[1]}")
    assert desk.deploy() == 130
    desk.change("second")
    desk.at("PutObject releases/late/bundles")
    assert desk.deploy() == 130
    said = capsys.readouterr().err
    assert said.count("Ctrl-C: deployment 1 is recorded and not complete. The same command completes it.\n") == 2


def test_an_error_after_the_decision_names_it_and_the_same_command_completes_it(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    config = desk.folder / "config" / "prod.yaml"
    text = config.read_text()
    assert "dags: s3://" in text
    config.write_text(re.sub(r"^dags: .*$", "dags: shared/dags", text, flags=re.MULTILINE))
    (desk.folder / "shared").write_text("a file in the place of a folder")
    assert desk.deploy() == 1
    assert "shared/dags/late.zip cannot be read: Not a directory.\n" in capsys.readouterr().err  # before the decision
    (desk.folder / "shared").unlink()
    (desk.folder / "shared" / "dags" / "late.zip.part").mkdir(parents=True)
    assert desk.deploy() == 1
    assert capsys.readouterr().err.endswith(
        "shared/dags/late.zip cannot be written: Is a directory.\n"
        "deployment 1 is recorded and not complete. The same command completes it.\n"
    )
    (desk.folder / "shared" / "dags" / "late.zip.part").rmdir()
    assert desk.deploy() == 0
    assert (desk.folder / "shared" / "dags" / "late.zip").is_file()


def test_a_file_of_the_project_that_cannot_be_read_is_a_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read, secret = Path.read_bytes, desk.folder / "dags" / "late.yaml"

    def read_bytes(path: Path) -> bytes:
        if path == secret:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert desk.deploy() == 2
    assert capsys.readouterr().err == f"{secret} cannot be read: Permission denied. Nothing was changed.\n"


def test_an_interrupted_rollback_is_completed_by_the_same_command(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.deploy()
    first = desk.aws.objects[PLACE]
    desk.change("second")
    desk.deploy()
    desk.at(f"PutObject {PLACE[1]}")
    assert desk.roll_back() == 130
    assert "Ctrl-C: rollback 3 is recorded and not complete." in capsys.readouterr().err
    assert desk.aws.objects[PLACE] != first
    assert desk.roll_back() == 0
    assert desk.aws.objects[PLACE] == first


def test_what_cannot_be_read_after_ctrl_c_is_not_claimed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(_: str) -> None:
        raise refused("SlowDown", "Reduce your request rate.")

    def before(name: str) -> None:
        if name == FIRST:
            desk.aws.before = refuse
            signal.raise_signal(signal.SIGINT)

    desk.aws.before = before
    assert desk.deploy() == 130
    assert "`sagemaker-mlops releases --stage prod` shows whether the change was recorded." in capsys.readouterr().err


def test_the_same_commit_deployed_twice_at_once_is_one_release(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    target = target_of(desk.aws.client, stage_named("prod", [desk.folder]))

    def before(name: str) -> None:
        if name == FIRST:
            desk.aws.before = lambda _: None
            deploy(target, build_bundle(target.stage), Author("bob"), lambda _: None)

    desk.aws.before = before
    assert desk.deploy() == 0
    assert "Release 1 by bob" in capsys.readouterr().out
    assert target.releases.numbers() == [1]


def test_a_rollback_without_champions_updates_an_endpoint_that_serves_another_model(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.aws.version(1, ModelApprovalStatus="Approved")
    desk.aws.version(2, ModelApprovalStatus="Rejected")
    desk.deploy()
    desk.change("second")
    desk.deploy()
    assert desk.roll_back(dry_run=True) == 0  # there is no endpoint
    assert "endpoint" not in capsys.readouterr().out
    desk.aws.serves = "v2"
    assert desk.roll_back(dry_run=True) == 0
    said = capsys.readouterr().out
    assert "endpoint late serves another model, and would be updated to the champion" in said
    assert "the champion stays: arn:aws:sagemaker:us-east-1:123456789012:model-package/late-flights/1" in said
    assert desk.aws.updates == []
    assert desk.roll_back() == 0
    assert desk.aws.updates == ["v1"]


def test_a_dry_run_of_a_rollback_names_the_champion_that_comes_back(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(desk.aws, "s3://ml-prod/history", GROUP)
    for number in (1, 2):
        desk.change(f"release {number}")
        desk.deploy()
        arn = desk.aws.version(number)
        baseline = baseline_of(champion_of(desk.aws.client, GROUP), history)
        promote(desk.aws.client, history, Change(arn, baseline, f"run-{number}", {}, "better"), lambda _: None)
    capsys.readouterr()
    assert desk.roll_back(dry_run=True) == 0
    said = capsys.readouterr().out
    assert f"champion {ARN}2 would be rejected\n{ARN}1 would be the champion again, and endpoint late would be" in said


def test_an_endpoint_that_serves_the_champion_is_left_alone_and_so_is_one_with_keep_champion(desk: Desk) -> None:
    desk.aws.version(1, ModelApprovalStatus="Approved")
    for serves, keep in (("v1", False), ("v2", True), (COMPONENTS, False)):
        desk.deploy()
        desk.change(serves)
        desk.deploy()
        desk.aws.serves = serves
        assert desk.roll_back(keep_champion=keep) == 0
    assert desk.aws.updates == []


def test_a_release_that_was_rolled_back_is_recognized(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.deploy()
    desk.change("second")
    desk.deploy()
    desk.roll_back()
    capsys.readouterr()
    assert desk.deploy(dry_run=True) == 0
    said = capsys.readouterr().out
    assert "release 2 had this bundle, and " in said
    assert said.splitlines()[-2].endswith(": worse")


def test_a_release_is_recognized_after_several_rollbacks_in_a_row(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for message in ("first", "second", "third"):
        desk.change(message)
        assert desk.deploy() == 0
    assert desk.roll_back() == 0
    further = StageChoice("prod", project=desk.folder)
    how = {"dry_run": False, "output": "text", "keep_champion": False}
    assert run_rollback(further, desk.account, reason="also", of=2, **how) == 0
    capsys.readouterr()
    assert desk.deploy(dry_run=True) == 0
    said = capsys.readouterr().out
    assert "release 3 had this bundle, and " in said
    assert said.splitlines()[-2].endswith(": worse")
    desk.change("fourth")
    assert desk.deploy() == 0
    desk.change("third")
    capsys.readouterr()
    assert desk.deploy(dry_run=True) == 0  # somebody has decided since
    assert "had this bundle" not in capsys.readouterr().out


def test_a_folder_without_stages_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_deploy(StageChoice("prod", project=tmp_path), InMemory(), dry_run=True, output="text") == 2
    assert capsys.readouterr().err == (
        f"{tmp_path} has no stages: there is no config/*.yaml. "
        "Run the command in the folder of the project, or name it: --project DIR.\n"
    )


def test_the_first_signal_interrupts_and_the_handlers_return() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(Interrupted) as caught, interruptible():
        signal.raise_signal(signal.SIGHUP)
    assert caught.value.exit_code == 129
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
