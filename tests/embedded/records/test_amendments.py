"""Approvals given after a record was sealed."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from record_examples import TRAIN, record
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.records.model.errors import BrokenRecord
from airflow_sagemaker_mlops.records.model.step_record import StepRecord
from airflow_sagemaker_mlops.records.seal.amendments import amend, news, read_amendments
from airflow_sagemaker_mlops.records.seal.seal import seal
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.protocol import Store
from airflow_sagemaker_mlops.records.store.reader import read_record
from airflow_sagemaker_mlops.records.verify.chain import verify

runner = CliRunner(env={"COLUMNS": "220"})
YES = {"model": "arn:package", "decision": "Approved", "user": "bea", "at": "2026-01-02T00:00:00Z", "comment": "good"}
NO = {**YES, "decision": "Rejected", "comment": "[red]drift[/red]"}


@pytest.fixture
def sealed(store: Store) -> dict[str, Any]:
    seal(store, record("r1"))
    return read_record(store, "daily", "r1")


def test_amendments_are_appended_in_their_order_and_leave_the_record_as_it_is(
    store: Store, sealed: dict[str, Any]
) -> None:
    amend(store, sealed, YES, noted_by="ada")
    amend(store, sealed, NO)
    found = read_amendments(store, sealed)
    assert [amendment["approval"]["decision"] for amendment in found] == ["Approved", "Rejected"]
    assert found[0]["noted"]["by"] == "ada"
    assert read_record(store, "daily", "r1") == sealed
    assert verify(store, "daily").findings == ()


def test_amendments_of_several_people_at_once_are_all_kept(folder: FolderStore) -> None:
    seal(folder, record("r1"))
    document = read_record(folder, "daily", "r1")
    with ThreadPoolExecutor(4) as people:
        list(people.map(lambda n: amend(folder, document, {**YES, "user": f"u{n}"}), range(8)))
    assert {item["approval"]["user"] for item in read_amendments(folder, document)} == {f"u{n}" for n in range(8)}


@pytest.mark.parametrize("taken", ["000001", "000002"])
def test_an_amendment_that_was_altered_or_taken_away_is_named_by_verify(folder: FolderStore, taken: str) -> None:
    seal(folder, record("r1"))
    document = read_record(folder, "daily", "r1")
    for approval in (YES, NO, YES):
        amend(folder, document, approval)
    key = f"daily/amendments/r1/{taken}.json"
    data = folder.read(key).data  # type: ignore[union-attr]
    folder.write(key, data.replace(b"bea", b"eve"))
    (finding,) = verify(folder, "daily").findings
    assert (finding.run_id, "was altered after it was sealed" in finding.what) == ("r1", True)
    folder.delete(key)
    (finding,) = verify(folder, "daily").findings
    assert "an amendment is missing or was replaced" in finding.what
    folder.write(key, b"{")
    with pytest.raises(BrokenRecord, match=f"{taken}.json is cut off or was altered"):
        read_amendments(folder, document)


def test_only_what_is_new_is_news() -> None:
    document = {**record("r1"), "approvals": [{"model": "arn:other", "decision": "Approved"}]}
    pending = {"arn:package": {"ModelApprovalStatus": "PendingManualApproval"}}
    assert list(news(document, [], pending)) == []
    package = {"ModelApprovalStatus": "Approved", "LastModifiedBy": {"IamIdentity": {"Arn": "arn:bea"}}}
    packages = {"arn:package": package, "arn:other": {"ModelApprovalStatus": "Approved"}}
    new = list(news(document, [], packages))
    assert new == [{"model": "arn:package", "decision": "Approved", "user": "arn:bea"}]
    assert list(news(document, [{"approval": new[0]}], packages)) == []


def test_the_command_notes_what_was_decided_and_show_tells_it(aws: LocalAws, folder: FolderStore) -> None:
    client, group = aws.client("sagemaker"), f"g-{uuid.uuid4().hex[:8]}"
    client.create_model_package_group(ModelPackageGroupName=group)
    container = {"Image": "image:1", "ModelDataUrl": f"s3://{aws.bucket}/model.tar.gz"}
    specification = {
        "Containers": [container],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    arn = client.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification=specification,
    )["ModelPackageArn"]
    packages = ({"arn": arn, "approval_status": "PendingManualApproval"},)
    step = StepRecord("TrainModel", TRAIN.type, "Succeeded", model_packages=packages)
    seal(folder, record("r1", step))

    def records(*words: str) -> str:
        where = ["--location", folder.base, "--state-dir", aws.state_dir]
        result = runner.invoke(app, ["records", *words, *where])
        assert result.exit_code == 0, result.output
        return result.output

    assert "its models have no new decisions" in records("approvals")
    client.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Rejected", ApprovalDescription="drifts [bold]much[/bold]"
    )
    assert f"noted: {arn} Rejected" in records("approvals", "r1")
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    noted = json.loads(records("approvals", "--format", "json"))
    assert (noted["run"]["run_id"], noted["gone"]) == ("r1", [])
    assert [(approval["model"], approval["decision"]) for approval in noted["noted"]] == [(arn, "Approved")]
    assert "no new decisions" in records("approvals")
    shown = records("show")
    assert f"later: {arn} Rejected" in shown
    assert "drifts [bold]much[/bold]" in shown
    document = json.loads(records("show", "--format", "json"))
    assert document["amendments"][0]["approval"]["decision"] == "Rejected"
    client.delete_model_package(ModelPackageName=arn)
    assert f"{arn} is no longer in the registry" in records("approvals")


def test_a_run_without_models_has_nothing_to_be_approved(folder: FolderStore) -> None:
    seal(folder, record("r1", StepRecord("TrainModel", "Training", "Succeeded")))
    result = runner.invoke(app, ["records", "approvals", "--location", folder.base])
    assert (result.exit_code, result.output) == (0, "run r1 registered no model\n")
    result = runner.invoke(app, ["records", "approvals", "--location", folder.base, "--format", "json"])
    assert json.loads(result.output)["noted"] == []
