"""What ``sagemaker-mlops run`` records, and the records of the embedded AWS."""

from __future__ import annotations

import json
from pathlib import Path

from record_examples import record
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.records.seal.seal import seal
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.s3 import S3Store

runner = CliRunner(env={"COLUMNS": "220"})


def invoke(store: FolderStore, *words: str) -> tuple[int, str]:
    result = runner.invoke(app, [*words, "--location", store.base])
    return result.exit_code, result.output


def test_without_a_location_the_records_of_the_embedded_aws_are_read(aws: LocalAws) -> None:
    client = aws.session().client("s3", endpoint_url=aws.endpoint_url)
    seal(S3Store(client, aws.bucket, "records"), record("embedded__1", dag_id="embedded_test"))
    result = runner.invoke(app, ["records", "list", "embedded_test", "--state-dir", str(aws.state_dir)])
    assert result.exit_code == 0
    assert "embedded__1" in result.output


DECISION = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Floor", "Type": "Float", "DefaultValue": 0.9}],
    "Steps": [
        {
            "Name": "Which",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [{"Type": "Equals", "LeftValue": {"Get": "Parameters.Floor"}, "RightValue": 0.5}],
                "IfSteps": [],
                "ElseSteps": [],
            },
        }
    ],
}


def run_decision(aws: LocalAws, tmp_path: Path, *words: str) -> str:
    file = tmp_path / "decide.json"
    file.write_text(json.dumps(DECISION))
    result = runner.invoke(app, ["run", str(file), "--state-dir", str(aws.state_dir), "-q", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_run_says_where_its_record_is_and_who_ran_what(aws: LocalAws, folder: FolderStore, tmp_path: Path) -> None:
    text = run_decision(aws, tmp_path, "-p", "Floor=0.5", "--records", folder.base)
    assert f"record {folder.base}/decide/records/run__" in text
    document = json.loads(invoke(folder, "records", "show", "--format", "json")[1])
    assert document["externalParameters"] == {"Floor": {"value": 0.5, "source": "cli"}}
    assert document["run"]["trigger"] == "cli"
    assert document["definition"]["source_kind"] == "json"
    assert document["definition"]["copy"]["sha256"] == document["definition"]["sha256"]
    assert document["decisions"][0]["outcome"] is True
    assert invoke(folder, "records", "verify")[0] == 0


def test_a_run_has_the_cost_when_it_is_given_prices(aws: LocalAws, folder: FolderStore, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("currency: USD\ninstances: {}\n")
    run_decision(aws, tmp_path, "--records", folder.base, "--prices", str(prices))
    assert "; cost 0 USD" in invoke(folder, "records", "show")[1]
    prices.write_text("cheap")
    words = ["run", str(tmp_path / "decide.json"), "--state-dir", aws.state_dir, "--prices", str(prices)]
    result = runner.invoke(app, words)
    assert (result.exit_code, "prices must be an object" in result.output) == (2, True)


def test_a_run_leaves_no_record_when_that_is_off_or_results_are_made_up(aws: LocalAws, tmp_path: Path) -> None:
    assert "record " not in run_decision(aws, tmp_path, "--records", "off")
    assert "record " not in run_decision(aws, tmp_path, "--stubs", "auto", "--records", str(tmp_path / "r"))
    assert not (tmp_path / "r").exists()


def test_a_record_that_cannot_be_written_does_not_change_how_the_run_ends(aws: LocalAws, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    text = run_decision(aws, tmp_path, "--records", str(tmp_path / "file"))
    assert "the run was not recorded: cannot" in text
