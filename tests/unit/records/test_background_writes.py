"""Records are written in the background: steps do not wait, the end of the run does, and errors are reported."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun, StepProgress
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.records.capture.background_writes import BackgroundWrites
from airflow_sagemaker_mlops.records.capture.recorder import Recorder, RecordOptions
from airflow_sagemaker_mlops.records.model.errors import StoreUnavailable
from airflow_sagemaker_mlops.records.reuse.source_run import ReusingRecorder
from airflow_sagemaker_mlops.records.seal.prefetch import SealPrefetch
from airflow_sagemaker_mlops.records.seal.seal import read_step_records
from airflow_sagemaker_mlops.records.store.folder import FolderStore

PATIENCE_S = 10.0
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


class Held(FolderStore):
    """A store that writes nothing before it is let go."""

    gate = threading.Event()

    def write(self, key: str, data: bytes) -> None:
        assert self.gate.wait(PATIENCE_S)
        super().write(key, data)


class Gone(FolderStore):
    """A store that takes nothing."""

    def write(self, key: str, data: bytes) -> None:
        raise StoreUnavailable(f"cannot write {key}: access denied.")

    def create(self, key: str, data: bytes) -> bool:
        raise StoreUnavailable(f"cannot write {key}: access denied.")


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    Held.gate.clear()
    yield Held(tmp_path)
    Held.gate.set()


def function(name: str, *after: str) -> dict[str, Any]:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    return {"Name": name, "Type": "Lambda", "FunctionArn": arn, "Arguments": {}, "DependsOn": list(after)}


def running(recorder: Any, notify: Callable[[StepProgress, str], None], **seconds: float) -> PipelineRun:
    """A run of First and then Second, which stubs answer for after so many ``seconds``."""
    document = {"Version": "2020-12-01", "Steps": [function("First"), function("Second", "First")]}
    return PipelineRun(
        plan=make_plan(load_pipeline(document)),
        pipeline="two",
        run_id="r1",
        aws=SessionAws(None, "us-east-1"),
        parameters={},
        options=ExecutionOptions(stubs={name: {"Seconds": seconds.get(name, 0)} for name in ("First", "Second")}),
        notify=notify,
        recorder=recorder,
    )


def recorder_at(store: FolderStore, **options: Any) -> Recorder:
    return Recorder(store, "two", "r1", None, RecordOptions(**options), background=BackgroundWrites())


def written(store: FolderStore) -> set[str]:
    return {step_record.step for step_record in read_step_records(FolderStore(store.root), "two", "r1")}


def test_steps_do_not_wait_for_their_records_and_the_end_of_the_run_does(held: Held) -> None:
    seen: list[set[str]] = []

    def notify(step: StepProgress, line: str) -> None:
        if step.name == "Second" and step.state == "Succeeded" and not line:
            seen.append(written(held))
            held.gate.set()

    recorder = recorder_at(held)
    asyncio.run(running(recorder, notify).run())
    assert seen == [set()]
    assert written(held) == {"First", "Second"}
    assert [step_record.step for step_record in recorder.step_records] == ["First", "Second"]


def test_what_is_written_beside_is_what_is_written_at_once(tmp_path: Path) -> None:
    def step_records(name: str, background: BackgroundWrites | None) -> list[str]:
        store = FolderStore(tmp_path / name)
        recorder = Recorder(store, "two", "r1", None, background=background)
        asyncio.run(running(recorder, lambda *_: None).run())
        steps = read_step_records(store, "two", "r1")
        return [TIME.sub("then", json.dumps(step.as_json())) for step in sorted(steps, key=lambda step: step.step)]

    assert step_records("beside", BackgroundWrites()) == step_records("at once", None)


def test_a_record_that_cannot_be_written_beside_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    recorder = recorder_at(Gone(tmp_path))
    run = running(recorder, lambda step, line: told.append((step.name, line)))
    asyncio.run(run.run())
    assert run.status == "Succeeded"
    for name in ("First", "Second"):
        assert any(step == name and "not recorded after it ran" in line for step, line in told)
    assert [step_record.step for step_record in recorder.step_records] == [
        "First",
        "Second",
    ]  # to be sealed all the same


def test_a_step_that_a_missing_record_fails_waits_for_its_record(tmp_path: Path) -> None:
    run = running(recorder_at(Gone(tmp_path), fail_on_error=True), lambda *_: None)
    asyncio.run(run.run())
    assert run.steps["First"].state == "Failed"
    assert "access denied" in run.steps["First"].error


def test_a_run_that_is_interrupted_still_writes_what_has_ended(held: Held) -> None:
    async def broken_off() -> None:
        begun = asyncio.Event()

        def notify(step: StepProgress, line: str) -> None:
            if step.name == "Second" and line:
                begun.set()

        going = asyncio.create_task(running(recorder_at(held), notify, Second=60).run())
        await asyncio.wait_for(begun.wait(), PATIENCE_S)
        going.cancel()
        await asyncio.sleep(0.05)
        assert not going.done()
        assert not written(held)
        held.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await going

    asyncio.run(broken_off())
    assert written(held) == {"First"}


def test_what_is_begun_while_others_are_waited_for_is_waited_for_too() -> None:
    async def settle() -> list[str]:
        background, done = BackgroundWrites(), []

        async def second() -> None:
            await asyncio.sleep(0.01)
            done.append("second")

        async def first() -> None:
            await asyncio.sleep(0.01)
            background.start(second())
            done.append("first")

        background.start(first())
        await background.settled()
        return done

    assert asyncio.run(settle()) == ["first", "second"]


def test_recorders_of_reused_steps_wait_as_well(held: Held) -> None:
    held.gate.set()
    inner = recorder_at(held)
    reusing = ReusingRecorder(inner, None, None)  # type: ignore[arg-type]  # no step of it is asked for

    async def settle() -> bool:
        done = []

        async def work() -> None:
            await asyncio.sleep(0.01)
            done.append(True)

        assert inner.background is not None
        inner.background.start(work())
        await reusing.settled()
        return bool(done)

    assert asyncio.run(settle())


def test_what_the_sealing_needs_is_found_while_the_last_step_record_is_written(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    prefetch = SealPrefetch(store, "two", {"Version": "2020-12-01", "Steps": []})
    recorder = Recorder(
        store,
        "two",
        "r1",
        None,
        background=BackgroundWrites(),
        prefetch=(prefetch.find_heads, prefetch.copy_definition),
    )
    asyncio.run(running(recorder, lambda _step, _line: None).run())
    assert prefetch.heads is not None
    assert prefetch.definition is not None
    assert store.read(prefetch.definition.uri.removeprefix(f"{store.base}/")) is not None


def test_what_could_not_be_found_ahead_is_left_to_the_sealing(tmp_path: Path) -> None:
    prefetch = SealPrefetch(Gone(tmp_path), "two", {"Version": "2020-12-01", "Steps": []})
    recorder = Recorder(
        FolderStore(tmp_path), "two", "r1", None, background=BackgroundWrites(), prefetch=(prefetch.copy_definition,)
    )
    run = running(recorder, lambda _step, _line: None)
    asyncio.run(run.run())
    assert run.status == "Succeeded"
    assert prefetch.definition is None
