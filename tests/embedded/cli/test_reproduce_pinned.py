"""``sagemaker-mlops reproduce --pin`` reads every external input as recorded, even if it has changed since."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from test_selective import runner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.local_aws import LocalAws

DAILY = Path(__file__).parents[3] / "dags" / "daily_model"
pytestmark = pytest.mark.e2e


class Bench:
    """A bucket, a definition and the two commands."""

    def __init__(self, aws: LocalAws, folder: Path, *, versions: bool = True) -> None:
        self.aws, self.file, self.records = aws, folder / "p.json", folder / "records"
        self.s3, self.bucket = aws.client("s3"), f"pin-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=self.bucket)
        if versions:
            self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())

    def call(self, command: str, *words: str) -> tuple[int, str]:
        where = ["--records", str(self.records), "--state-dir", self.aws.state_dir, "--name", "p", "--quiet"]
        result = runner.invoke(app, [command, *words, *where])
        return result.exit_code, result.output

    def latest(self) -> dict[str, Any]:
        words = ["records", "show", "p/latest", "--location", str(self.records), "--format", "json"]
        document: dict[str, Any] = json.loads(runner.invoke(app, words).output)
        return document


def definition(bench: Bench) -> dict[str, Any]:
    """A job adds up the numbers of a folder, times a parameter; a comparison and a property file see the sum."""

    def source(name: str, uri: Any) -> dict[str, Any]:
        about = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
        path = f"/opt/ml/processing/input/{name}"
        return {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": path, **about}}

    entry = [
        "python3",
        "/opt/ml/processing/input/code/add.py",
        {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Times"}]}},
    ]
    where = {"Std:Join": {"On": "/", "Values": ["s3:/", bench.bucket, "out", {"Get": "Execution.PipelineExecutionId"}]}}
    arguments = {
        "AppSpecification": {"ImageUri": "python:3", "ContainerEntrypoint": entry},
        "RoleArn": bench.aws.role_arn,
        "ProcessingInputs": [
            source("code", {"Std:Join": {"On": "/", "Values": ["s3:/", bench.bucket, "code", "add.py"]}}),
            source("numbers", f"s3://{bench.bucket}/numbers"),
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": where,
                        "LocalPath": "/opt/ml/processing/output/out",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
    }
    add = {
        "Name": "Add",
        "Type": "Processing",
        "Arguments": arguments,
        "PropertyFiles": [{"PropertyFileName": "Sum", "OutputName": "out", "FilePath": "sum.json"}],
    }
    total = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Add.PropertyFiles.Sum"}, "Path": "sum"}}
    terms = [{"Type": "GreaterThan", "LeftValue": total, "RightValue": 1}]
    check = {"Name": "Check", "Type": "Condition", "Arguments": {"Conditions": terms, "IfSteps": [], "ElseSteps": []}}
    times = {"Name": "Times", "Type": "Integer", "DefaultValue": 2}
    return {"Version": "2020-12-01", "Parameters": [times], "Steps": [add, check]}


def script(more: int) -> str:
    return (
        "import json, pathlib, sys\n"
        "base = pathlib.Path('/opt/ml/processing')\n"
        "numbers = [int(path.read_text()) for path in (base / 'input/numbers').rglob('*') if path.is_file()]\n"
        "out = base / 'output/out/sum.json'\n"
        "out.parent.mkdir(parents=True, exist_ok=True)\n"
        f"out.write_text(json.dumps({{'sum': sum(numbers) * int(sys.argv[1]) + {more}}}))\n"
    )


@pytest.fixture
def bench(tmp_path: Path, aws: LocalAws) -> Bench:
    return prepared(Bench(aws, tmp_path))


def prepared(bench: Bench) -> Bench:
    bench.file.write_text(json.dumps(definition(bench)))
    bench.put("code/add.py", script(0))
    bench.put("numbers/a", "3")
    bench.put("numbers/deep/b", "4")
    return bench


def change_everything(bench: Bench) -> None:
    bench.put("code/add.py", script(1000))
    bench.put("numbers/a", "30")
    bench.put("numbers/c", "50")
    bench.s3.delete_object(Bucket=bench.bucket, Key="numbers/deep/b")
    document = definition(bench)
    document["Parameters"][0]["DefaultValue"] = 9
    bench.file.write_text(json.dumps(document))


def test_a_run_is_reproduced_after_input_code_parameters_and_definition_were_all_changed(bench: Bench) -> None:
    assert bench.call("run", str(bench.file), "-p", "Times=5")[0] == 0
    change_everything(bench)
    assert bench.call("run", str(bench.file), "-p", "Times=7")[0] == 0
    code, text = bench.call("reproduce", "latest~1", "--pin")
    assert (code, "reproduced: run run__" in text) == (0, True), text
    record = bench.latest()
    assert record["decisions"][0]["terms"][0]["left"] == 35
    assert record["externalParameters"]["Times"] == {"value": 5, "source": "source run"}
    inputs = {item["name"]: item for item in record["steps"][0]["inputs"]}
    assert all(item["uri"].startswith(f"s3://{bench.bucket}/reproductions/") for item in inputs.values())
    assert f"pinned s3://{bench.bucket}/numbers: recorded versions are at {inputs['numbers']['uri']}" in text


def test_the_reproduction_of_a_reproduction_reads_the_same_copies(bench: Bench) -> None:
    assert bench.call("run", str(bench.file))[0] == 0
    change_everything(bench)
    assert bench.call("reproduce", "latest", "--pin")[0] == 0
    first = bench.latest()["steps"][0]["inputs"]
    assert [item["instead_of"] for item in first] == [
        f"s3://{bench.bucket}/{key}" for key in ("code/add.py", "numbers")
    ]
    code, text = bench.call("reproduce", "latest", "--pin")
    assert code == 0, text
    assert bench.latest()["steps"][0]["inputs"] == first


def test_without_versions_what_was_written_over_is_named_and_nothing_is_started(tmp_path: Path, aws: LocalAws) -> None:
    bench = prepared(Bench(aws, tmp_path, versions=False))
    assert bench.call("run", str(bench.file))[0] == 0
    assert bench.call("reproduce", "latest", "--pin")[0] == 0  # nothing has changed
    change_everything(bench)
    before = bench.latest()["run"]["run_id"]
    code, text = bench.call("reproduce", "latest", "--pin")
    assert code == 1
    for key in ("code/add.py", "numbers/a", "numbers/deep/b"):
        assert f"s3://{bench.bucket}/{key}: the object with ETag" in text
    assert f"nothing was started: run {before} cannot be pinned. Restore them" in text
    assert bench.latest()["run"]["run_id"] == before


def test_a_parameter_that_is_not_as_recorded_is_no_pinned_run(bench: Bench) -> None:
    assert bench.call("run", str(bench.file))[0] == 0
    code, text = bench.call("reproduce", "latest", "--pin", "-p", "Times=3")
    assert (code, "Times 2 -> 3\nnothing was started" in text) == (1, True), text


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--pin", "--level", "parameters"], "there is no --level parameters"),
        (["--pin", "--copies", "elsewhere"], "where --pin copies recorded versions to: s3://bucket/prefix"),
        (["p.json", "--copies", "s3://b/x"], "where --pin copies recorded versions to: s3://bucket/prefix"),
    ],
)
def test_words_that_do_not_go_with_pinning_are_refused(words: list[str], why: str) -> None:
    result = runner.invoke(app, ["reproduce", "latest", *words, "--name", "p"])
    assert (result.exit_code, why in result.output) == (2, True), result.output


def test_the_example_is_reproduced_after_everything_was_changed(
    tmp_path: Path, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(DAILY))
    import publish

    bench = Bench(aws, tmp_path)
    publish.publish(aws.client, bench.bucket, aws.role_arn)
    bench.file = tmp_path / "definition.yaml"
    bench.file.write_text((DAILY / "definition.yaml").read_text())
    own = [f"Bucket={bench.bucket}", f"ModelPackageGroup={bench.bucket}", f"EndpointName={bench.bucket}"]
    given = [word for value in own for word in ("-p", value)]
    assert bench.call("run", str(bench.file), *given)[0] == 0
    before = bench.latest()
    # The day's data, the code that evaluates, the definition and its parameters: nothing is as it was.
    day3 = bench.s3.get_object(Bucket=bench.bucket, Key="daily-model/data/day-3/day-3.csv")["Body"].read().decode()
    bench.put("daily-model/data/day-1/day-1.csv", day3)
    bench.put("daily-model/code/evaluate.py", "raise SystemExit('not this one')")
    bench.put(
        "daily-model/code/preprocess.py", (DAILY / "scripts" / "preprocess.py").read_text().replace("seed=7", "seed=8")
    )
    bench.file.write_text(
        bench.file.read_text().replace("DefaultValue: 30", "DefaultValue: 3").replace('"0.2"', '"0.9"')
    )
    code, text = bench.call("reproduce", before["run"]["run_id"], "--pin")
    assert (code, "reproduced" in text) == (0, True), text
    assert "taken from the record instead of being run again: ProductionMetric (Lambda)" in text
    after = bench.latest()
    metrics = [{step["step"]: step.get("metrics") for step in record["steps"]} for record in (before, after)]
    assert metrics[0]["TrainModel"]
    assert metrics[0] == metrics[1]
    assert before["decisions"] == after["decisions"]
    assert (after["totals"]["jobs_started"], after["models"]) == (3, [])
    packages = aws.client("sagemaker").list_model_packages(ModelPackageGroupName=bench.bucket)
    assert len(packages["ModelPackageSummaryList"]) == 1  # the reproduced model was neither registered nor deployed
