"""Fills Airflow's database with runs for the tests of the pages; run as a program with AIRFLOW_HOME set.

The runs of ``decides`` and of ``shops`` are real: ``dag.test()`` decides and seals them.  Those of ``late-flights``
come from the records of the example (``story_records.json.gz``), with the task instances and the XCom that such a run
leaves; others are made from these records: live, asking people, hostile, huge, old, damaged, lost.
"""

from __future__ import annotations

import copy
import gzip
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ASKS = ("CanServe", "RegisterUndecided")
STATES = {"Succeeded": "success", "Failed": "failed", "NotTaken": "skipped", "NotStarted": "upstream_failed"}
HOSTILE = "<img src=x onerror=alert(1)>\"'`{{7*7}}\u202e</script><script>alert(2)</script>"
DECIDES = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Score", "Type": "Float", "DefaultValue": 0.95}],
    "Steps": [
        {
            "Name": "IsGood",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {"Type": "GreaterThanOrEqualTo", "LeftValue": {"Get": "Parameters.Score"}, "RightValue": 0.9}
                ],
                "IfSteps": [],
                "ElseSteps": [
                    {"Name": "TooBad", "Type": "Fail", "Arguments": {"ErrorMessage": "The score is too low."}}
                ],
            },
        }
    ],
}
DAG_FILE = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task_group
from airflow_sagemaker_mlops import SageMakerPipelineDag, SageMakerPipelineTaskGroup, champion_rollback_dag

decides = SageMakerPipelineDag("decides", definition="decides.json", schedule=None)
SageMakerPipelineDag("never-run", definition="decides.json", schedule=None)
SageMakerPipelineDag("late-flights", definition={definition!r}, schedule=None)
champion_rollback_dag("late-flights-rollback", "late-flights")
with DAG("shops", schedule=None) as shops:
    SageMakerPipelineTaskGroup("north", "decides.json")

    @task_group
    def each(score):
        SageMakerPipelineTaskGroup("ml", "decides.json", parameters={{"Score": score}})

    each.expand(score=[0.95, 0.5])
with DAG("plain", schedule=None):
    EmptyOperator(task_id="nothing")
"""


def write_dags(folder: Path) -> None:
    """The DAG files."""
    folder.mkdir(parents=True)
    (folder / "decides.json").write_text(json.dumps(DECIDES))
    definition = HERE.parents[1] / "dags" / "late_flights" / "definition.yaml"
    (folder / "pages.py").write_text(DAG_FILE.format(definition=str(definition)))


def story() -> dict[str, dict[str, Any]]:
    """Records of the example by what happened: first, promoted, drifted, inconclusive, rejected, not_served."""
    texts = json.loads(gzip.decompress((HERE / "story_records.json.gz").read_bytes()))
    return {name: json.loads(text) for name, text in texts.items()}


def main(records: str, only_story: bool) -> None:
    """Fill the database; prints {name: [dag id, run id]}."""
    from airflow.utils.db import upgradedb

    upgradedb()
    told = {name: ["decides", run] for name, run in _really_run(only_story).items()}
    if "shops" in told:
        told["shops"][0] = "shops"
    runs = Runs(records)
    inserted = runs.insert_story() if only_story else runs.insert()
    told |= {name: ["late-flights", run] for name, run in inserted.items()}
    told["plain"] = ["plain", _insert("plain", "other", "success")]
    print("RUNS", json.dumps(told))


def _really_run(only_story: bool) -> dict[str, str]:
    sys.path.insert(0, str(Path.cwd()))
    import pages  # type: ignore[import-not-found]

    made = {
        "good": pages.decides.test().run_id,
        "bad": pages.decides.test(run_conf={"Score": 0.5}).run_id,
    }
    return made if only_story else {**made, "shops": pages.shops.test().run_id}


class Runs:
    """The runs of ``late-flights``."""

    def __init__(self, records: str) -> None:
        from airflow_sagemaker_mlops.records.store.folder import FolderStore

        self.records = records
        self.store = FolderStore(Path(records))
        self.known = story()

    def insert_story(self) -> dict[str, str]:
        """Insert the runs of the example; returns {name: run id}."""
        return {name: self.sealed(record, record["run"]["run_id"]) for name, record in self.known.items()}

    def insert(self) -> dict[str, str]:
        """Insert all; returns {name: run id}."""
        made = self.insert_story()
        hostile = replaced(self.known["promoted"], HOSTILE)
        made["hostile"] = self.sealed(hostile, "hostile")
        made["huge"] = self.sealed(self.huge(), "huge")
        made["inputs"] = self.sealed(self.inputs(), "inputs")
        made["clock"] = self.sealed(self.clock(), "clock")
        made["old"] = self.written("old", lambda data: data.replace(b'"schema":"', b'"schema":"0.', 1))
        made["half"] = self.written("half", lambda data: data[: len(data) // 2])
        made["asking"] = self.asking()
        made["lost"] = _insert("late-flights", "lost", "success", "s3://bucket/records/late-flights/records/lost.json")
        made["gone"] = _insert("late-flights", "gone", "success", f"{self.records}/late-flights/records/gone.json")
        states = {"ProcessDays": "success", "Champion": "running"}
        made["live"] = _insert("late-flights", "live", "running", steps=states)
        self.step_written("live", self.known["promoted"]["steps"][0])
        return made

    def step_written(self, run_id: str, step: dict[str, Any]) -> None:
        """Write the record of a step, as the step does when it ends."""
        from airflow_sagemaker_mlops.records.model.step_record import StepRecord
        from airflow_sagemaker_mlops.records.seal.seal import write_step_record

        write_step_record(self.store, "late-flights", run_id, StepRecord.from_json(step))

    def sealed(self, record: dict[str, Any], run_id: str) -> str:
        """Seal ``record`` as that of the run, and insert the run."""
        from airflow_sagemaker_mlops.records.seal.seal import seal

        document = copy.deepcopy(record)
        document.pop("integrity", None)
        document["run"] |= {"dag_id": "late-flights", "run_id": run_id}
        uri = seal(self.store, document).uri  # type: ignore[arg-type]
        states = {step["step"]: STATES.get(step["status"], "success") for step in document["steps"]}
        started = datetime.fromisoformat(record["run"]["started"])
        state = "failed" if record["run"]["status"] == "Failed" else "success"
        return _insert("late-flights", run_id, state, uri, states, started)

    def written(self, run_id: str, change: Callable[[bytes], bytes]) -> str:
        """Seal a record as that of the run, then change its bytes."""
        self.sealed(self.known["promoted"], run_id)
        file = Path(self.records) / "late-flights" / "records" / f"{run_id}.json"
        file.chmod(0o600)
        file.write_bytes(change(file.read_bytes()))
        return run_id

    def asking(self) -> str:
        """A run in which two tasks wait for people, as x-approval steps do."""
        from airflow.models.hitl import HITLDetail
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session

        run_id = _insert("late-flights", "asking", "running", steps=dict.fromkeys(ASKS, "awaiting_input"))
        with create_session() as session:
            for number, task_id in enumerate(ASKS, 6):
                ti = session.query(TaskInstance).filter_by(run_id=run_id, task_id=task_id).one()
                arn = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/late-flights/{number}"
                asked = {"options": ["Approve", "Reject"], "subject": f"Approve late-flights/{number}?"}
                session.add(HITLDetail(ti_id=ti.id, body=f"{HOSTILE}\n\n`{arn}`", params={"comment": None}, **asked))
        return run_id

    def inputs(self) -> dict[str, Any]:
        """A step with 10,000 inputs."""
        record = copy.deepcopy(self.known["promoted"])
        record["steps"][0]["inputs"] = [{"uri": f"s3://bucket/{n}", "role": "input"} for n in range(10_000)]
        return record

    def clock(self) -> dict[str, Any]:
        """Steps that end before they start, in a year that is far off."""
        record = copy.deepcopy(self.known["rejected"])
        for one in (record["run"], *record["steps"]):
            one |= {"started": "2190-01-01T00:00:00.000+00:00", "ended": "0001-01-01T00:00:00+14:00"}
        return record

    def huge(self) -> dict[str, Any]:
        """1,000 steps, each with ten inputs."""
        record = copy.deepcopy(self.known["promoted"])
        inputs = [{"uri": f"s3://bucket/{number}", "role": "input", "bytes": number} for number in range(10)]
        record["steps"] += [
            {"step": f"Step{number}", "type": "Processing", "status": "Succeeded", "inputs": inputs}
            for number in range(1000)
        ]
        return record


def replaced(value: Any, text: str) -> Any:
    """``value`` with ``text`` in front of every text that is for people."""
    kept = {"kind", "schema", "dag_id", "run_id", "status", "type", "step", "started", "ended", "operator", "canonical"}
    kept |= {
        "Verdict",
        "verdict",
        "result",
        "role",
        "decision",
        "sha256",
        "goal",
        "Op",
        "digest",
        "request_sha256",
        "metric",
        "source_kind",
    }
    if isinstance(value, dict):
        return {key: item if key in kept else replaced(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, text) for item in value]
    return f"{text}{value}" if isinstance(value, str) else value


def _insert(
    dag_id: str,
    run_id: str,
    state: str,
    uri: str = "",
    steps: dict[str, str] | None = None,
    started: datetime | None = None,
) -> str:
    from airflow.models.dagbag import DBDagBag
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    begun = started or datetime.fromisoformat("2026-11-30T12:00:00+00:00")
    with create_session() as session:
        dag: Any = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
        run = dag.create_dagrun(
            run_id=run_id,
            run_after=begun,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState(state),
            start_date=begun,
            session=session,
        )
        run.end_date = None if state == "running" else begun + timedelta(minutes=5)
        for ti in run.task_instances:
            ti.state = (steps or {}).get(ti.task_id, "success" if uri else None)
            ti.start_date = begun if ti.state else None
            ti.try_number = 1
            ti.end_date = begun + timedelta(seconds=30) if ti.state not in (None, "running") else None
        session.flush()
        if uri:
            XComModel.set(
                key="return_value",
                value={"Status": "Succeeded", "Record": uri, "RecordSha256": "0" * 64},
                task_id="pipeline.status",
                dag_id=dag_id,
                run_id=run_id,
                session=session,
            )
    return run_id


if __name__ == "__main__":
    main(sys.argv[1], only_story="--only-story" in sys.argv)
