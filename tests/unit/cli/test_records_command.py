"""``sagemaker-mlops records`` and ``why-not-cached``."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from record_examples import DECIDE, TRAIN, reads_of, record, training
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.records.cache.key import cache_key
from airflow_sagemaker_mlops.records.model.canonical_json import canonical_json
from airflow_sagemaker_mlops.records.model.step_record import Artifact, CacheOutcome, StepRecord
from airflow_sagemaker_mlops.records.seal.seal import MAX_INLINE, seal, write_step_record
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.index import FAN, _write_page, add_to_index, summary_of
from airflow_sagemaker_mlops.records.store.sealed import seal_document
from airflow_sagemaker_mlops.records.verify.chain import rebuild_index

runner = CliRunner(env={"COLUMNS": "220"})


@pytest.fixture
def three(folder: FolderStore) -> FolderStore:
    """Three runs of one DAG, the last with more rounds."""
    for number, rounds in ((1, 80), (2, 80), (3, 120)):
        key = cache_key("Training", training(rounds).request or {})
        step_record = training(
            rounds, cache=CacheOutcome(key.key, key.attributes, "miss"), metrics={"mse": 7.0 - rounds / 100}
        )
        started = f"2026-01-0{number}T00:00:00Z"
        seal(folder, record(f"manual__{number}", step_record, DECIDE, rounds=rounds, started=started, user=""))
    return folder


def invoke(store: FolderStore, *words: str) -> tuple[int, str]:
    result = runner.invoke(app, [*words, "--location", store.base])
    return result.exit_code, result.output


def test_list_has_the_newest_first(three: FolderStore) -> None:
    code, text = invoke(three, "records", "list")
    assert code == 0
    assert text.index("manual__3") < text.index("manual__2") < text.index("manual__1")
    rows = json.loads(invoke(three, "records", "list", "daily", "-n", "1", "--format", "json")[1])
    assert [(row["dag_id"], row["run_id"], row["jobs_started"]) for row in rows] == [("daily", "manual__3", 2)]


def test_show_answers_what_data_code_parameters_decision_and_person(folder: FolderStore) -> None:
    seal(folder, record("manual__1"))
    code, text = invoke(folder, "records", "show")
    assert code == 0
    for answer in (
        "s3://b/train",
        "c0ffee"[:6],
        "NumRound",
        "True: 0.97 > 0.9 is true",
        "manual by ada",
        "arn:package",
    ):
        assert answer in text


def test_show_and_diff_write_reports_that_open_without_a_server(three: FolderStore, tmp_path: Path) -> None:
    run, changes = tmp_path / "run.html", tmp_path / "changes.html"
    assert invoke(three, "records", "show", "--html", str(run))[0] == 0
    page = run.read_text()
    assert "manual__3" in page
    assert "120 <span" in page  # marked as changed
    assert 'compared with run <span class="mono">manual__2</span>' in page
    assert invoke(three, "records", "diff", "latest~1", "latest", "--html", str(changes))[0] == 0
    assert "NumRound 80 → 120" in changes.read_text()
    code, text = invoke(three, "records", "show", "--html", str(tmp_path))
    assert code == 2
    assert "cannot be written" in text


def test_show_gives_the_document_or_one_step_as_json(three: FolderStore) -> None:
    document = json.loads(invoke(three, "records", "show", "latest", "--format", "json")[1])
    assert document["run"]["run_id"] == "manual__3"
    step = json.loads(invoke(three, "records", "show", "latest~1", "--step", "TrainModel")[1])
    assert step["request"]["HyperParameters"] == {"num_round": "80"}


def test_show_of_a_run_that_is_on_shows_what_its_steps_left(folder: FolderStore) -> None:
    write_step_record(folder, "daily", "manual__9", TRAIN)
    code, text = invoke(folder, "records", "show", "manual__9")
    assert code == 0
    assert "has no record yet: it is still running" in text
    assert "TrainModel" in text


def test_diff_says_what_changed(three: FolderStore) -> None:
    code, text = invoke(three, "records", "diff", "latest~1")
    assert code == 0
    assert text.splitlines()[0] == "manual__2 -> manual__3"
    assert {"  NumRound 80 -> 120", "  same code, same image", "  mse 6.2 -> 5.8"} <= set(text.splitlines())
    changes = json.loads(invoke(three, "records", "diff", "latest~1", "latest", "--format", "json")[1])["changes"]
    assert "NumRound 80 -> 120" in changes


def test_verify_ends_with_1_and_names_an_altered_record(three: FolderStore) -> None:
    assert invoke(three, "records", "verify") == (0, "daily: 3 records, intact\n")
    data = three.read("daily/records/manual__2.json").data  # type: ignore[union-attr]
    three.write("daily/records/manual__2.json", data.replace(b"Succeeded", b"succeeded", 1))
    code, text = invoke(three, "records", "verify", "daily")
    assert code == 1
    assert "daily: 3 records, NOT intact" in text
    assert "run manual__2: " in text
    assert "was altered after it was sealed" in text
    assert "manual__1" not in text
    (found,) = json.loads(invoke(three, "records", "verify", "--format", "json")[1])
    assert [(f["run_id"], f["harmless"]) for f in found["findings"]] == [("manual__2", False)]


def test_a_place_without_records_is_not_verified(three: FolderStore, tmp_path: Path) -> None:
    for empty in (FolderStore(tmp_path / "nowhere"), FolderStore(tmp_path)):
        for words in ((), ("--format", "json")):
            code, text = invoke(empty, "records", "verify", *words)
            assert (code, "nothing was verified" in text) == (1, True)
    code, text = invoke(three, "records", "verify", "dayly")
    assert code == 1
    assert 'Did you mean "daily"?' in text


def test_a_damaged_index_is_reported_by_list_and_built_again_by_verify(
    folder: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_sagemaker_mlops.records.store.index.FAN", 3)  # records of a page
    for number in range(3):
        seal(folder, record(f"r{number}"))
    rebuild_index(folder, "daily")
    (page,) = folder.keys("daily/index/")
    folder.write(page, b"{")
    assert "1 damaged index objects, so records may be missing here" in invoke(folder, "records", "list")[1]
    assert invoke(folder, "records", "verify", "--rebuild-index") == (0, "daily: 3 records, intact\n")
    assert len(json.loads(invoke(folder, "records", "list", "-n", "0", "--format", "json")[1])) == 3


@pytest.mark.parametrize(("form", "lines"), [("slsa", 2), ("openlineage", 6)])
def test_export_writes_a_line_a_run_and_for_openlineage_one_a_step_as_well(
    three: FolderStore, tmp_path: Path, form: str, lines: int
) -> None:
    out = tmp_path / "out"
    code, _ = invoke(three, "records", "export", "manual__1", "manual__2", "--format", form, "-o", str(out))
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert (code, len(written)) == (0, lines)


def test_export_writes_a_table(three: FolderStore) -> None:
    table = list(csv.DictReader(io.StringIO(invoke(three, "records", "export", "--format", "csv")[1])))
    assert {row["run_id"] for row in table} == {"manual__3"}


def test_why_not_cached_names_the_attribute_that_changed(three: FolderStore) -> None:
    code, text = invoke(three, "why-not-cached", "daily", "TrainModel")
    assert (code, text.splitlines()) == (
        0,
        ["TrainModel in run manual__3, compared with manual__2:", "  HyperParameters.num_round 80 -> 120."],
    )
    said = json.loads(
        invoke(three, "why-not-cached", "daily", "TrainModel", "--run", "manual__1", "--format", "json")[1]
    )
    assert said["compared_with"] is None
    assert said["because"] == ["no earlier run of this step is recorded."]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("records", "show", "manual__7"), 1, 'there is no record of run "manual__7" of DAG "daily"'),
        (("records", "show", "latest", "--step", "TrainModl"), 1, 'no step "TrainModl". Did you mean "TrainModel"?'),
        (("records", "list", "dayly"), 1, 'no records of DAG "dayly"'),
        (("records", "diff", "latest~7"), 1, 'so there is no "latest~7"'),
        (("why-not-cached", "dayly", "TrainModel"), 1, 'Did you mean "daily"?'),
        (("records", "list", "--format", "xml"), 2, '--format is "xml"; use text or json.'),
        (("records", "export", "--format", "xml"), 2, '--format is "xml"; use slsa, openlineage or csv.'),
    ],
)
def test_what_cannot_be_done_is_a_sentence(three: FolderStore, words: tuple[str, ...], code: int, said: str) -> None:
    result, text = invoke(three, *words)
    assert result == code
    assert said in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (canonical_json(seal_document(record("bad"), []))[:500], "is cut off or was altered"),
        (
            canonical_json({**seal_document(record("bad"), []), "schema": "0.1"}),
            'has schema "0.1", this version reads 1.x',
        ),
        (canonical_json(seal_document(record("bad"), [])).replace(b"ada", b"eve"), "was altered after it was sealed"),
        (canonical_json(seal_document(record("bad", dag_id="other"), [])), 'of DAG "other": it was copied there'),
    ],
)
def test_records_that_are_not_whole_say_what_is_wrong(three: FolderStore, data: bytes, said: str) -> None:
    three.write("daily/records/bad.json", data)
    code, text = invoke(three, "records", "show", "bad")
    assert code == 1
    assert said in text


@pytest.mark.parametrize("words", [("show", "large"), ("diff", "large", "manual__3"), ("diff", "manual__3", "large")])
@pytest.mark.parametrize("data", [b"{", b"[1]", b"\xff"])
def test_a_request_that_is_damaged_is_named(three: FolderStore, words: tuple[str, ...], data: bytes) -> None:
    seal(three, record("large", replace(TRAIN, request={"HyperParameters": {"x": "y" * MAX_INLINE}})))
    (key,) = three.keys("daily/requests/")
    three.write(key, data)
    code, text = invoke(three, "records", *words)
    assert code == 1, text
    assert f"{key} is cut off or was altered." in text


def test_an_export_that_cannot_be_written_is_reported(three: FolderStore) -> None:
    code, text = invoke(three, "records", "export", "-o", "/dev/null/x")
    assert (code, text) == (2, "/dev/null/x cannot be written: Not a directory.\n")


def test_a_record_that_cannot_be_read_is_passed_over_when_an_earlier_success_is_looked_for(three: FolderStore) -> None:
    three.write("daily/records/manual__2.json", b"{")
    code, text = invoke(three, "why-not-cached", "daily", "TrainModel")
    assert (code, "compared with manual__1" in text) == (0, True), text
    assert "skipped: " in text
    assert "manual__2.json is cut off or was altered" in text


def test_a_record_of_schema_1_0_is_shown_compared_and_verified(folder: FolderStore) -> None:
    older = {**record("manual__0"), "schema": "1.0"}
    seal(folder, older)
    seal(folder, record("manual__1", started="2026-01-02T00:00:00Z"))
    for words in (("show", "manual__0"), ("diff", "manual__0"), ("verify",), ("export", "manual__0")):
        code, text = invoke(folder, "records", *words)
        assert code == 0, text
    assert "same inputs" in invoke(folder, "records", "diff", "manual__0")[1]


def test_a_record_with_ten_thousand_inputs_is_shown_in_a_page(folder: FolderStore) -> None:
    many = tuple(Artifact(f"s3://b/in/{n}", name=f"i{n}", objects=1, bytes=1, sha256="a" * 64) for n in range(10_000))
    seal(folder, record("manual__1", replace(TRAIN, inputs=many)))
    code, text = invoke(folder, "records", "show")
    assert (code, "more; --format json has all" in text) == (0, True)
    assert text.count("s3://b/in/") == 49  # beside the definition


def test_a_loop_of_a_thousand_children_is_shown_in_a_page(folder: FolderStore) -> None:
    children = [StepRecord(f"Try-{n}", "Training", "Succeeded", loop="Loop") for n in range(1000)]
    seal(folder, record("manual__1", StepRecord("Loop", "ForEach", "Succeeded"), *children))
    text = invoke(folder, "records", "show")[1]
    assert text.count("Try-") == 50
    assert "and 950 more" in text


def test_runs_of_several_dags_are_told_apart(three: FolderStore) -> None:
    seal(three, record("manual__1", dag_id="other"))
    assert "there are records of 2 DAGs" in invoke(three, "records", "show")[1]
    for words in (("other/manual__1",), ("manual__1", "--dag", "other")):
        document = json.loads(invoke(three, "records", "show", *words, "--format", "json")[1])
        assert document["run"]["dag_id"] == "other"


def test_markup_and_control_codes_of_users_are_shown_and_not_obeyed(folder: FolderStore) -> None:
    bad = "[bold red]x[/bold red] \x1b[31m <script>"
    failed = replace(TRAIN, status="Failed", failure_reason=bad)
    document = record("r[/]1", failed, status="Failed", user=bad)
    document["approvals"] = [{"model": bad, "decision": bad, "user": bad}]
    seal(folder, document)
    for words in (("list",), ("show",), ("diff", "latest"), ("verify",)):
        code, text = invoke(folder, "records", *words)
        assert code == 0
        assert "\x1b" not in text
    text = invoke(folder, "records", "show")[1]
    assert "[bold red]x[/bold red] \\x1b[31m <script>" in text
    assert "r[/]1" in text


def test_a_connection_without_a_location_is_refused_with_the_way_out() -> None:
    result = runner.invoke(app, ["records", "list", "--conn", "aws_default"], env={"SAGEMAKER_MLOPS_RECORDS": None})
    assert result.exit_code == 2
    assert "add --location s3://bucket/prefix" in result.output


def test_five_thousand_records_are_listed_without_reading_them(
    folder: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary: dict[str, Any] = summary_of(seal_document(record("r"), []))
    every = [{**summary, "run_id": f"r{n:05}", "started": f"2026-01-01T00:00:00.{n:05}Z"} for n in range(5000)]
    for level, start, end in ((2, 0, 4096), (1, 4096, 4992)):
        for at in range(start, end, FAN**level):
            _write_page(folder, "daily", level, every[at : at + FAN**level])
    for one in every[4992:]:
        add_to_index(folder, "daily", one)
    reads = reads_of(FolderStore, monkeypatch)
    code, text = invoke(folder, "records", "list", "-n", "0", "--format", "json")
    assert (code, len(json.loads(text))) == (0, 5000)
    assert [key for key in reads if "/records/" in key] == []
    assert len(reads) < 100
