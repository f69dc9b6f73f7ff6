"""Six weeks of the late-flights model on the embedded AWS, in one process: ``make demo``.

The first model is deployed because there is none; the second is better and replaces it; the day after a blizzard is
not like the days that the champion knows, so the run stops before it trains; the next model is not better for sure, so
the champion stays; then one is worse; the last is better and cannot answer what callers send, so it gets no traffic.
A client asks the endpoint for predictions all the time.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "scripts"))
import data
import process
import publish

from airflow_sagemaker_mlops import RunResult, local_aws, run_pipeline
from airflow_sagemaker_mlops.cli.progress import TerminalObserver
from airflow_sagemaker_mlops.drift import DriftReport
from airflow_sagemaker_mlops.gate import GateReport
from airflow_sagemaker_mlops.gate.picture import picture

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "build" / "demo"
ENDPOINT = "late-flights"
CAUSE = 230  # characters of a failure that are told


class Day(NamedTuple):
    """One day of the story: its parameters, and what has to come of it.

    verdict    of the gate; of the drift check if that is what fails
    fails_in   the step that fails the run; empty if none does
    """

    day: str
    training_days: int
    verdict: str
    about: str
    left_out: str = "none"
    fails_in: str = ""


DAYS = (
    Day("2013-01-15", 7, "promote", "the first model: a week of flights, and no champion to beat"),
    Day("2013-02-08", 31, "promote", "all of January instead of a week"),
    Day("2013-02-09", 31, "drift", "the day before was a blizzard", fails_in="Drift"),
    Day("2013-02-17", 40, "inconclusive", "a few days more than January, those of a blizzard among them"),
    Day("2013-02-22", 14, "reject", "the last two weeks only"),
    Day("2013-03-01", 52, "promote", "seven weeks, and a column less than callers send", "humid", "CanServe"),
)


def main() -> int:
    """Run the days; 0 when every one of them ended as told."""
    begun = time.monotonic()
    state_dir = OUT / "aws"
    local_aws.stop(state_dir)
    local_aws.reset(state_dir)
    aws = local_aws.start(state_dir)
    client = Client(aws.client("sagemaker-runtime"))
    try:
        print(f"Embedded AWS at {aws.endpoint_url}, state in {state_dir}")
        publish.publish(aws.client, aws.bucket, aws.role_arn)
        sentences = []
        for day in DAYS:
            print(f"\n{f' {day.day}: {day.about} ':─^100}")
            run = run_day(day, state_dir)
            report = report_of(run)
            if report is None or report.verdict != day.verdict or failed_step(run) != day.fails_in:
                return 1
            client.start()
            if isinstance(report, GateReport):  # the pictures of a drift are in the report on the failed step
                print("\n".join(picture(report)))
            sentences.append(f"{day.day}: {report.sentence}")
            if day.fails_in == "Drift":
                sentences[-1] += " Nothing was trained."
            elif day.fails_in:
                cause = run.steps[day.fails_in].cause
                sentences.append(f"  But not deployed, as it cannot serve: {cause[:CAUSE]}... The champion stays.")
        answers, errors = client.stop()
        print("─" * 100)
        print("\n".join(sentences))
        print(f"Meanwhile {ENDPOINT} answered {answers} requests of a client, {errors} with an error.")
        command = os.path.relpath(Path(sys.executable).parent / "sagemaker-mlops")
        where = f"--state-dir {os.path.relpath(state_dir)}"
        print(f"{time.monotonic() - begun:.0f} s; summaries in {OUT}, records and models in {state_dir}. To try next:")
        print(f"  {command} champion history late-flights {where}")
        print(f"  {command} records show {where}")
        print(f"  {command} records diff latest~1 latest {where}")
        return 1 if errors else 0
    finally:
        client.stop()
        local_aws.stop(state_dir)


def run_day(day: Day, state_dir: Path) -> RunResult:
    """What ``sagemaker-mlops run definition.yaml -p Day=...`` does."""
    parameters = {"Day": day.day, "TrainingDays": day.training_days, "LeftOut": day.left_out}
    with TerminalObserver(quiet=False) as terminal:
        run = run_pipeline(
            HERE / "definition.yaml",
            parameters,
            name="late-flights",
            state_dir=state_dir,
            publish=False,
            observer=terminal,
        )
    summary = json.dumps(run.summary(), indent=2, ensure_ascii=False)
    (OUT / f"{day.day}.json").write_text(summary + "\n", encoding="utf-8")
    return run


def report_of(run: RunResult) -> GateReport | DriftReport | None:
    """What the gate of ``run`` found, or the drift check that stopped it; ``None`` if it did not get so far."""
    stopped = failed_step(run) == "Drift"
    decision = run.steps["Drift" if stopped else "IsBetter"].decision
    if not decision:
        return None
    report = {key.lower(): value for key, value in decision.items()}
    if stopped:
        return DriftReport.from_json({**report, "baseline_records": decision["BaselineRecords"]})
    return GateReport.from_json(report)


def failed_step(run: RunResult) -> str:
    """The step that failed ``run``; empty if it succeeded."""
    return "".join(step.name for step in run.failed_steps[:1])


class Client:
    """Asks the endpoint about a flight five times a second, from the first deployment to the end."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self.answers = self.errors = 0

    def start(self) -> None:
        """Begin; later calls change nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask, daemon=True)
            self._thread.start()

    def stop(self) -> tuple[int, int]:
        """(answers, errors) so far; no request is made after this."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        return self.answers, self.errors

    def _ask(self) -> None:
        flight = next(csv.DictReader(io.StringIO(next(text for _, text in data.days("2013-01-01")))))
        body = ",".join(process.features(flight, data.codes()))
        while not self._over.wait(0.2):
            try:
                answer = self._runtime.invoke_endpoint(EndpointName=ENDPOINT, ContentType="text/csv", Body=body)
                0 <= float(answer["Body"].read()) <= 1 or self._fail("no probability")
                self.answers += 1
            except Exception as error:
                self._fail(error)

    def _fail(self, why: object) -> None:
        self.errors += 1
        print(f"the client got an error: {why}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
