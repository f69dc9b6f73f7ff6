"""``sagemaker-mlops reproduce``, on a pipeline of comparisons, which starts no job."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from test_selective import Desk, mended, runner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.local_aws import LocalAws


@pytest.fixture
def ran(tmp_path: Path, aws: LocalAws) -> Desk:
    """A run with the parameters Score=x and Level=7."""
    desk = Desk(tmp_path, str(aws.state_dir))
    desk.write(mended())
    assert desk.run("-p", "Score=x", "-p", "Level=7")[0] == 0
    return desk


def reproduce(desk: Desk, *words: str) -> tuple[int, str]:
    where = ["--records", str(desk.records), "--state-dir", desk.state_dir, "--name", "p", "--quiet"]
    result = runner.invoke(app, ["reproduce", *words, *where])
    return result.exit_code, result.output


def change(desk: Desk) -> None:
    """Another comparison in the definition: 5 becomes 6."""
    text = desk.file.read_text()
    assert '"LeftValue": 5' in text
    desk.file.write_text(text.replace('"LeftValue": 5', '"LeftValue": 6'))


@pytest.mark.e2e
def test_an_unchanged_run_is_reproduced_with_its_parameters(ran: Desk) -> None:
    code, text = reproduce(ran, "latest", str(ran.file))
    assert (code, "reproduced: run run__" in text) == (0, True), text
    shown = runner.invoke(app, ["records", "show", "p/latest", "--location", str(ran.records), "--format", "json"])
    assert json.loads(shown.output)["externalParameters"]["Level"] == {"value": 7, "source": "source run"}


@pytest.mark.e2e
def test_nothing_is_started_when_the_definition_was_changed(ran: Desk) -> None:
    change(ran)
    code, text = reproduce(ran, "latest", str(ran.file))
    assert code == 1
    assert "the definition was changed\nnothing was started" in text


@pytest.mark.e2e
def test_another_value_of_a_parameter_is_a_change(ran: Desk) -> None:
    code, text = reproduce(ran, "latest", str(ran.file), "-p", "Level=8")
    assert code == 1
    assert "Level 7 -> 8\nnothing was started" in text


@pytest.mark.e2e
def test_with_the_same_parameters_alone_the_verdict_names_what_differs_and_why(ran: Desk) -> None:
    change(ran)
    code, text = reproduce(ran, "latest", str(ran.file), "--level", "parameters")
    assert code == 1
    assert "differs: Train: left side of comparison 1 5 -> 6\nbecause the definition was changed" in text


@pytest.mark.e2e
def test_a_pinned_run_takes_the_stored_definition(ran: Desk) -> None:
    change(ran)
    code, text = reproduce(ran, "latest", "--pin")
    assert (code, "reproduced" in text) == (0, True), text


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda data: data[:200], "is cut off or was altered"),
        (lambda data: data.replace(b'"schema":"2.', b'"schema":"0.'), 'has schema "0.'),
        (lambda data: data.replace(b'"value":7', b'"value":8'), "was altered after it was sealed"),
    ],
)
def test_a_record_that_is_not_whole_is_not_reproduced(ran: Desk, damage: Callable[[bytes], bytes], why: str) -> None:
    (file,) = (ran.records / "p" / "records").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    for words in ((str(ran.file),), ("--pin",)):
        code, text = reproduce(ran, "latest", *words)
        assert (code, why in text, "Succeeded" in text) == (2, True, False), text


def test_words_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    both = runner.invoke(app, ["reproduce", "latest", str(tmp_path / "p.json"), "--pin"])
    assert (both.exit_code, "not both" in both.output) == (2, True)
    level = runner.invoke(app, ["reproduce", "latest", "p.json", "--level", "high"])
    assert (level.exit_code, "use parameters or verified" in level.output) == (2, True)
    nameless = runner.invoke(app, ["reproduce", "latest", "--pin"])
    assert (nameless.exit_code, "add --name" in nameless.output) == (2, True)
