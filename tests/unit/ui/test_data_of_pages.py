"""Data of the pages: which tasks belong to a pipeline, and what happens if the record store does not answer."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from airflow_sagemaker_mlops.records.model.errors import StoreUnavailable
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.index import add_to_index
from airflow_sagemaker_mlops.ui.data.airflow_rows import RunRow, TaskRow, XComRow
from airflow_sagemaker_mlops.ui.data.in_time import MAX_WAITING, THREADS, NoAnswer, in_time
from airflow_sagemaker_mlops.ui.data.indexes import Place, indexes_of
from airflow_sagemaker_mlops.ui.data.other_runs import champion_in, conf_of, others_of
from airflow_sagemaker_mlops.ui.data.pipelines import Pipeline, chosen, pipelines_of, steps_of, waits_for_people
from airflow_sagemaker_mlops.ui.data.run_source import reader_message, source_of
from airflow_sagemaker_mlops.ui.data.stores import client_of, place_of

STATUS = "PipelineStatusOperator"


def row(task_id: str, operator: str, map_index: int = -1) -> TaskRow:
    return TaskRow(task_id, map_index, "success", operator, 1, "", "")


def test_pipelines_are_found_by_their_status_tasks() -> None:
    rows = [
        row("pipeline.status", STATUS),
        row("daily.pipeline.status", STATUS),
        row("each.pipeline.status", STATUS, 0),
        row("each.pipeline.status", STATUS, 1),
        row("mypipeline.status", STATUS),  # not a group of its own
        row("other.pipeline.status", "EmptyOperator"),  # a user's own task
    ]
    found = pipelines_of("dag", "run", rows)
    assert [(one.group, one.instance) for one in found] == [("", -1), ("daily", -1), ("each", 0), ("each", 1)]
    assert [one.record_id for one in found] == ["dag", "dag.daily", "dag.each", "dag.each"]
    assert [one.name for one in found] == ["run", "run", "run[0]", "run[1]"]
    assert chosen(found, "each", 1) is found[3]
    assert chosen(found, "gone", 5) is found[0]
    assert pipelines_of("dag", "run", [row("nothing", "EmptyOperator")]) == []


def test_each_pipeline_has_only_its_own_steps() -> None:
    rows = [
        row("Train", "TrainingStepOperator"),
        row("IsBetter.promote", "ConditionStepOperator"),
        row("daily.Train", "TrainingStepOperator"),
        row("each.Train", "TrainingStepOperator", 0),
        row("each.Train", "TrainingStepOperator", 1),
        row("hello", "PythonOperator"),
        row("pipeline.status", STATUS),
    ]
    whole, daily, second = (Pipeline("d", "r", *of) for of in (("",), ("daily",), ("each", 1)))
    every = [whole, daily, Pipeline("d", "r", "each", 0), second]
    assert [name for _, name, _ in steps_of(whole, rows, every)] == ["Train", "IsBetter.promote"]
    assert [(task.task_id, name, kind) for task, name, kind in steps_of(daily, rows, every)] == [
        ("daily.Train", "Train", "Training")
    ]
    assert [task.map_index for task, _, _ in steps_of(second, rows, every)] == [1]


def test_tasks_that_wait_for_a_person_are_told_from_those_that_wait_for_a_job() -> None:
    waiting = [("awaiting_input", "HITLOperator"), ("deferred", "ApprovalStepOperator")]
    others = [("deferred", "TrainingStepOperator"), ("success", "ApprovalStepOperator")]
    rows = [TaskRow("t", -1, state, operator, 1, "", "") for state, operator in (*waiting, *others)]
    assert [waits_for_people(one) for one in rows] == [True, True, False, False]


def test_a_store_that_hangs_ends_the_request_and_never_takes_all_threads() -> None:
    hang = threading.Event()
    try:
        for _ in range(THREADS + MAX_WAITING):
            with pytest.raises(NoAnswer, match="did not answer within"):
                in_time(hang.wait, 0.01)
    finally:
        hang.set()
    assert in_time(lambda: "answer", 60) == "answer"


def test_a_store_that_did_not_answer_is_asked_once_for_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def silent(call: object) -> None:
        asked.append(call)
        raise NoAnswer("The store of records did not answer within 5 seconds.")

    sent = [XComRow(run, -1, {"Record": f"s3://b/r/d/records/{run}.json"}) for run in ("now", "before")]
    rows = [row("Train", "TrainingStepOperator"), row("pipeline.status", STATUS)]
    ended = RunRow("d", "now", "success", "", "", "", "", "")
    replaced = {"in_time": silent, "task_order": lambda _dag_id: {}, "latest_xcoms": lambda *_: sent}
    replaced |= {"run_row": lambda *_: ended, "task_rows": lambda *_: rows}
    replaced |= {"xcoms": lambda *_: {("pipeline.status", -1, "return_value"): sent[0].value}}
    for name, function in replaced.items():
        monkeypatch.setattr(f"airflow_sagemaker_mlops.ui.data.run_source.{name}", function)
    monkeypatch.setattr("airflow_sagemaker_mlops.ui.data.other_runs.in_time", silent)
    source = source_of("d", "now")
    assert source is not None
    assert source.record is not None
    assert [step["step"] for step in source.record["steps"]] == ["Train"]
    assert "did not answer" in source.why_not
    assert others_of(source).previous is None
    assert len(asked) == 1


def test_a_connection_that_fails_is_told_without_its_endpoint() -> None:
    error = StoreUnavailable('cannot read s3://b/k: Could not connect to the endpoint URL: "http://10.1.2.3/b/k?x".')
    error.__cause__ = EndpointConnectionError(endpoint_url="http://10.1.2.3/b/k?x")
    assert reader_message(error) == "cannot read s3://b/k: S3 does not answer (EndpointConnectionError)."


def test_errors_of_the_store_are_told_and_others_only_named() -> None:
    assert reader_message(StoreUnavailable("cannot read s3://b/k: no.")) == "cannot read s3://b/k: no."
    said = reader_message(RuntimeError("arn:aws:iam::123456789012:role/secret"))
    assert "RuntimeError" in said
    assert "secret" not in said


@pytest.mark.parametrize("uri", ["", "s3://bucket", "records/x", "s3://b/p/records/x.txt", "/records/x.json"])
def test_what_is_no_address_of_a_record_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="not the address"):
        place_of(uri)


def test_the_address_of_a_record_is_its_location_and_key() -> None:
    assert place_of("s3://b/p/late/records/run.json") == ("s3://b/p", "late/records/run.json")
    assert place_of("/home/x/records/late/records/r.json") == ("/home/x/records", "late/records/r.json")


def test_a_record_with_secrets_is_not_given_to_another_run() -> None:
    record = {"run": {"dag_id": "d", "run_id": "r[2]"}, "steps": []}
    masked = {**record, "externalParameters": {"Token": {"value": "***", "source": "conf"}}}
    assert "Token" in str(conf_of(masked, "")["why"])  # type: ignore[arg-type]
    plain = {**record, "externalParameters": {"Days": {"value": 7, "source": "conf"}}}
    assert conf_of(plain, "g") == {"conf": {"Days": 7}, "group": "g", "note": 'Reproduces run "r".'}  # type: ignore[arg-type]


def test_the_champion_is_that_of_the_first_decision() -> None:
    steps = [{"step": "A"}, {"step": "B", "decision": None}, {"step": "C", "decision": {"Champion": "arn:x"}}, "odd"]
    assert champion_in({"steps": steps}) == "arn:x"
    assert champion_in(None) == ""


def test_an_index_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    add_to_index(FolderStore(tmp_path), "good", {"run_id": "run", "sha256": "0" * 64, "previous": []})
    good, lost = Place("good", str(tmp_path), "good"), Place("lost", "ftp://nowhere", "lost")
    found, missing = indexes_of([lost, good])
    assert {place.dag_id: list(index.summaries) for place, index in found.items()} == {"good": ["run"]}
    [said] = missing
    assert said.startswith("lost: ")


class Connection:
    """Clients of a boto3 session, which counts those that it has to create."""

    region, config = "us-east-1", None

    def __init__(self) -> None:
        self.session: object = type("Session", (), {})()
        self.made: list[str] = []

    def make(self, service: str, region: str, config: object) -> object:
        self.made.append(service)
        return object()


def test_requests_share_the_clients_of_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection()
    monkeypatch.setattr("airflow_sagemaker_mlops.ui.data.stores.aws_connection", lambda: connection)
    assert client_of("s3") is client_of("s3")
    client_of("sagemaker")
    assert connection.made == ["s3", "sagemaker"]
    connection.session = type("Session", (), {})()  # of renewed credentials
    client_of("s3")
    assert connection.made == ["s3", "sagemaker", "s3"]
